"""WhisperModel: weights on a device, for any number of threads."""
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional, Tuple, Union

import numpy as np
import numpy.typing as npt

from ._binding import ffi
from ._job import Job, Segment, Segments, Word
from ._library import PROGRAM, check, lib, owned, text_of
from ._options import fill
from ._program import cache_folder, find_model

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._options import Options

__all__ = ["Segment", "TranscriptionInfo", "WhisperModel", "Word"]

Audio = Union[str, "os.PathLike[str]", "npt.NDArray[Any]"]


_PRECISIONS: Dict[str, int] = {
    "exact": lib.ATT_PRECISION_EXACT, "float32": lib.ATT_PRECISION_EXACT,
    "fast": lib.ATT_PRECISION_FAST, "float16": lib.ATT_PRECISION_FAST,
    "bfloat16": lib.ATT_PRECISION_FAST, "int8": lib.ATT_PRECISION_INT8,
    "default": lib.ATT_PRECISION_INT8,
}


def _precision_of(compute_type: str) -> int:
    if compute_type not in _PRECISIONS:
        raise ValueError(f"compute_type is {compute_type!r}, expected one of "
                         + ", ".join(_PRECISIONS))
    return _PRECISIONS[compute_type]


@dataclass
class TranscriptionInfo:
    """The probability is 1 for a language that was given; `duration` is in seconds."""

    language: str
    language_probability: float
    duration: float


def _samples(audio: "npt.NDArray[Any]") -> "npt.NDArray[np.float32]":
    if audio.ndim != 1:
        raise ValueError(f"audio has shape {audio.shape}, expected one channel: (samples,)")
    if not np.issubdtype(audio.dtype, np.floating):
        raise TypeError(f"audio is of {audio.dtype}, expected floats between -1 and 1")
    return np.ascontiguousarray(audio, dtype=np.float32)


class WhisperModel:
    """A Whisper model: the name of one that `attend models` lists (fetched when it is missing), a
    folder (CTranslate2, or safetensors of Hugging Face), or a ggml .bin file.

    device: "auto", "cpu", "gpu" (or "cuda"), an index, or a part of a device's name.
    compute_type: "exact", "fast" or "int8", as the program's --precision; of other libraries' names
        "float32" is exact, "float16" and "bfloat16" fast; "default" the fastest there is.
    cpu_threads: 0 means all. Several threads may transcribe at once, each in its own session.
    """

    def __init__(self, model_size_or_path: "Union[str, os.PathLike[str]]" = "base",
                 device: str = "auto", *, compute_type: str = "default", cpu_threads: int = 0,
                 local_files_only: bool = False) -> None:
        path = find_model(os.fspath(model_size_or_path), local_files_only)
        self._device = self._open_device(device, cpu_threads)
        handle, err = ffi.new("att_asr_model **"), ffi.new("att_err *")
        check(lib.att_asr_model_open(handle, self._device, os.fsencode(path),
                                     _precision_of(compute_type), err), err)
        self._model = owned(handle[0], lib.att_asr_model_close, self._device)
        self._local_files_only = local_files_only
        self._vad: Any = None  # opened when it is first asked for
        self._keeps = [self._model]  # what outlives every session
        self._idle: List[Any] = []  # sessions that no thread uses
        self._lock = threading.Lock()

    @staticmethod
    def _open_device(name: str, threads: int) -> Any:
        select = {"auto": None, "cuda": "gpu"}.get(name, name)
        texts = [ffi.new("char[]", os.fsencode(text))
                 for text in (os.path.join(cache_folder(), "kernels"), PROGRAM, select or "")]
        options = ffi.new("att_device_options *")
        lib.att_device_options_init(options, ffi.sizeof(options[0]))
        options.cache_dir, options.compiler = texts[:2]
        options.select = texts[2] if select else ffi.NULL
        options.threads = threads
        handle, err = ffi.new("att_device **"), ffi.new("att_err *")
        check(lib.att_device_open(handle, options, err), err)
        return owned(handle[0], lib.att_device_close)

    @property
    def is_multilingual(self) -> bool:
        return bool(lib.att_asr_model_multilingual(self._model))

    def _take_session(self, vad: Any) -> Any:
        err = ffi.new("att_err *")
        with self._lock:
            session = self._idle.pop() if self._idle else None
        if session is None:
            handle = ffi.new("att_asr_session **")
            check(lib.att_asr_session_create(handle, self._model, err), err)
            session = owned(handle[0], lib.att_asr_session_destroy, self._keeps)
        check(lib.att_asr_session_use_vad(session, vad, err), err)
        return session

    def _voice_detector(self) -> Any:
        with self._lock:
            if self._vad is None:
                path = find_model("silero-vad", self._local_files_only)
                handle, err = ffi.new("att_vad **"), ffi.new("att_err *")
                check(lib.att_vad_open(handle, self._device, os.fsencode(path), err), err)
                self._vad = owned(handle[0], lib.att_vad_close, self._device)
                self._keeps.append(self._vad)
            return self._vad

    def _given_language(self, language: Optional[str]) -> str:
        """Its code; "" when it is to be heard."""
        if not self.is_multilingual:
            return "en"
        if language is None:
            return ""
        code = lib.att_asr_model_language(self._model, language.encode("utf-8"))
        if code == ffi.NULL:
            raise ValueError(f"the model does not know the language '{language}'")
        return text_of(code)

    def transcribe(self, audio: Audio, language: Optional[str] = None, *,
                   sampling_rate: int = 16000,
                   **options: "Unpack[Options]") -> Tuple[Iterator[Segment], TranscriptionInfo]:
        """Transcribes a file, or a float array of one channel at `sampling_rate`.

        Returns the segments, which come as they are found, and what is known of the whole. Options
        are those of attend/asr.h, with the values of OpenAI's whisper as defaults.
        """
        code = self._given_language(language)
        struct = ffi.new("att_asr_options *")
        lib.att_asr_options_init(struct, ffi.sizeof(struct[0]))
        keep: List[Any] = [fill(struct, options), ffi.new("char[]", code.encode("utf-8"))]
        if code:
            struct.language = keep[1]
        run = self._run_samples(audio, sampling_rate, keep) if isinstance(audio, np.ndarray) \
            else self._run_file(audio)
        session = self._take_session(self._voice_detector() if struct.vad_filter else ffi.NULL)

        def done() -> None:
            keep.clear()
            with self._lock:
                self._idle.append(session)

        job = Job()
        segments = Segments(job)
        job.start(lambda *rest: run(session, *rest), struct, done, code)
        job.begun.wait()
        if job.failed_at_start and job.error:
            raise job.error
        return segments, TranscriptionInfo(job.language, job.language_probability, job.duration)

    @staticmethod
    def _run_file(audio: "Union[str, os.PathLike[str]]") -> Callable[..., int]:
        path = os.fsencode(audio)
        return lambda session, *rest: int(lib.att_asr_run(session, path, *rest))

    @staticmethod
    def _run_samples(audio: "npt.NDArray[Any]", rate_hz: int,
                     keep: List[Any]) -> Callable[..., int]:
        samples = ffi.from_buffer("float[]", _samples(audio))
        keep.append(samples)
        return lambda session, *rest: int(
            lib.att_asr_run_samples(session, samples, len(samples), rate_hz, *rest))
