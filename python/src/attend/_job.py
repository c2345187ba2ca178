"""One transcription: a thread that runs it, and an iterator over what it has found."""
import queue
import threading
import weakref
from dataclasses import dataclass
from typing import Any, Callable, Iterator, List, Optional

from ._binding import ffi
from ._library import check, lib, text_of


@dataclass
class Word:
    start: float
    end: float
    word: str
    probability: float


@dataclass
class Segment:
    """Times are seconds; `seek` is the window's first frame of 10 ms."""

    id: int
    seek: int
    start: float
    end: float
    text: str
    tokens: List[int]
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    words: Optional[List[Word]]
    temperature: float


def _word(w: Any) -> Word:
    return Word(w.start, w.end, text_of(w.text), w.probability)


def _segment(s: Any) -> Segment:
    words = None if s.words == ffi.NULL else [_word(s.words[i]) for i in range(s.n_words)]
    return Segment(s.id, s.seek, s.start, s.end, text_of(s.text), list(s.tokens[0:s.n_tokens]),
                   s.avg_logprob, s.compression_ratio, s.no_speech_prob, words, s.temperature)


class Job:
    """What the thread writes and the iterator reads. The thread holds no reference to the iterator:
    when that is dropped, the transcription is cancelled."""

    def __init__(self) -> None:
        self.flag = ffi.new("int32_t *")
        self.found: "queue.SimpleQueue[Optional[Segment]]" = queue.SimpleQueue()
        self.begun = threading.Event()  # language and length are known, or it has ended
        self.error: Optional[BaseException] = None
        self.failed_at_start = False
        self.language = ""
        self.language_probability = 1.0
        self.duration = 0.0
        self._hears_language = False
        self.thread: Optional[threading.Thread] = None

    def _on_language(self, _user: Any, code: Any, probability: float) -> None:
        self.language = text_of(code)
        self.language_probability = probability
        self.begun.set()

    def _on_progress(self, _user: Any, _done_s: float, total_s: float) -> None:
        self.duration = total_s
        if not self._hears_language or total_s == 0.0:
            self.begun.set()

    def _on_segment(self, _user: Any, segment: Any) -> None:
        self.found.put(_segment(segment))

    def _run(self, call: Callable[[Any, Any, Any], int], options: Any) -> None:
        # The callbacks live as long as this call does.
        callbacks = {
            "on_language": ffi.callback("void(void *, const char *, double)", self._on_language),
            "on_progress": ffi.callback("void(void *, double, double)", self._on_progress),
            "on_segment": ffi.callback("void(void *, const att_asr_segment *)", self._on_segment),
        }
        options.user = self.flag
        options.cancelled = lib.att_asr_cancelled_by
        for name, callback in callbacks.items():
            setattr(options, name, callback)
        result, err = ffi.new("att_asr_result *"), ffi.new("att_err *")
        try:
            status = call(options, result, err)
            if status != lib.ATT_E_CANCELLED:
                check(status, err)
        finally:
            lib.att_asr_result_free(result)

    def start(self, call: Callable[[Any, Any, Any], int], options: Any, done: Callable[[], None],
              language: str) -> None:
        """call(options, result, err) in a thread, then done(). language: "" to hear it."""
        self.language = language
        self._hears_language = not language

        def run() -> None:
            try:
                self._run(call, options)
            except BaseException as error:  # raised again where the segments are read
                self.error = error
                self.failed_at_start = not self.begun.is_set()
            finally:
                done()
                self.begun.set()
                self.found.put(None)

        self.thread = threading.Thread(target=run, name="attend", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.flag[0] = 1
        if self.thread and self.thread is not threading.current_thread():
            self.thread.join()


class Segments(Iterator[Segment]):
    """Segments as they are found. Dropping or closing it ends the transcription."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._ended = False
        self._finalizer = weakref.finalize(self, job.stop)  # at the latest when Python ends

    def __next__(self) -> Segment:
        segment = None if self._ended else self._job.found.get()
        if segment is not None:
            return segment
        self._ended = True
        error, self._job.error = self._job.error, None
        if error:
            raise error
        raise StopIteration

    def close(self) -> None:
        self._ended = True
        self._finalizer()
