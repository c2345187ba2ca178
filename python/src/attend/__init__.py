"""Speech to text on any OpenCL device; classes and options are named as faster-whisper's."""
from ._library import AttendError
from .whisper import Segment, TranscriptionInfo, WhisperModel, Word

__all__ = ["AttendError", "Segment", "TranscriptionInfo", "WhisperModel", "Word"]
