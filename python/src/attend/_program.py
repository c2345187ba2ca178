"""The program in this package, as the command `attend`; it fetches and finds models too."""
import os
import subprocess
import sys
from typing import List

from ._library import PROGRAM, AttendError


def main() -> None:
    os.execv(PROGRAM, [PROGRAM, *sys.argv[1:]])


def _models(*words: str) -> "subprocess.CompletedProcess[str]":
    command: List[str] = [PROGRAM, "models", *words]
    return subprocess.run(command, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)


def find_model(name_or_path: str, local_files_only: bool) -> str:
    """A path as it is; a name's folder, fetched first if it must and may be."""
    if os.path.exists(name_or_path):
        return name_or_path
    found = _models("path", name_or_path)
    if found.returncode != 0 and not local_files_only:
        got = _models("get", name_or_path)
        if got.returncode != 0:
            raise AttendError("bad model", got.stderr.strip())
        found = _models("path", name_or_path)
    if found.returncode != 0:
        raise AttendError("bad model", found.stderr.strip())
    return found.stdout.rstrip("\n")


def cache_folder() -> str:
    """Where the program keeps models and compiled kernels."""
    xdg = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("ATTEND_CACHE") or os.path.join(xdg, "attend")
