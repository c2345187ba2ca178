"""The shared library in this package, and its errors."""
import functools
import os
from typing import Any, Callable

from ._binding import ffi

FOLDER = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(FOLDER, "program", "attend")
lib = ffi.dlopen(os.path.join(FOLDER, "libattend.so.0"))


class AttendError(RuntimeError):
    """A call that failed; `status` is its kind, such as "bad input" or "device failed"."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.status = status


def text_of(pointer: Any) -> str:
    return "" if pointer == ffi.NULL else ffi.string(pointer).decode("utf-8", "replace")


def check(status: int, err: Any) -> None:
    """Raises what the library said. err: an att_err."""
    if status != lib.ATT_OK:
        raise AttendError(text_of(lib.att_status_text(status)), text_of(err.text))


def _close(close: Callable[[Any], None], _keeps: Any, handle: Any) -> None:
    close(handle)


def owned(handle: Any, close: Callable[[Any], None], keeps: Any = None) -> Any:
    """The handle, closed when nobody holds it any more, and before `keeps` is."""
    return ffi.gc(handle, functools.partial(_close, close, keeps))
