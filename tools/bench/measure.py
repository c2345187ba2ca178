"""What the benchmark programs share: a timed child process, statistics, tables."""

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


def fail(message):
    """Prints one line and exits with 1."""
    sys.exit("%s: %s" % (Path(sys.argv[0]).name, message))


def program(path):
    """The absolute path of a program given as a path or a name, or a clear failure."""
    found = shutil.which(path)
    if not found:
        fail("%s: no such program" % path)
    return os.path.abspath(found)


@dataclass
class Run:
    """One finished child process."""

    wall_s: float
    rss_mb: float
    stdout: str
    stderr: str
    sizes_mb: list  # resident memory, sample by sample


def resident_mb(pid):
    """Of a process that has not been waited for: 0 when it has ended."""
    pages = int(Path("/proc/%d/statm" % pid).read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def run(command, stdin="", env=None, sample_s=0.0):
    """Runs a command to its end; fails with the end of its stderr when it fails. With sample_s its
    resident memory is read as often.

    The peak resident memory is the kernel's figure for that child. It cannot be below this
    program's own size, so a driver imports nothing large before it measures.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, \
            tempfile.TemporaryFile() as err:
        given.write(stdin.encode())
        given.seek(0)
        start = time.perf_counter()
        child = subprocess.Popen(command, stdin=given, stdout=out, stderr=err, env=env)
        ended, sizes = 0, []
        while not ended:
            ended, status, usage = os.wait4(child.pid, os.WNOHANG if sample_s else 0)
            if not ended:
                sizes.append(resident_mb(child.pid))
                time.sleep(sample_s)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for f in (out, err):
            f.seek(0)
            texts.append(f.read().decode("utf-8", "replace"))
    if child.returncode != 0:
        fail("%s: exit status %d: %s" % (command[0], child.returncode, texts[1].strip()[-600:]))
    return Run(wall, usage.ru_maxrss / 1024, *texts, sizes)


def spread(values, form="%.2f"):
    """ "median (lowest-highest)", or only the number when there is one."""
    middle = form % statistics.median(values)
    if len(values) < 2:
        return middle
    return "%s (%s-%s)" % (middle, form % min(values), form % max(values))


def markdown(header, rows):
    """A Markdown table with padded columns."""
    cells = [header, *rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def machine():
    """One line: processor, cores, kernel, load before the run."""
    name = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return "%s, %d cores, load %.1f" % (name, os.cpu_count(), os.getloadavg()[0])
