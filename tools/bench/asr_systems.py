"""The systems that tools/bench/asr compares: how each is run, and how its numbers are read.

A system is a function (options, files) -> Result. Seconds of a Result:
    load_s    model file to ready, apart from everything else
    total_s   audio files on disk to text, process start and load outside
    parts     mel, encoder and decoder seconds, where the system reports them
    tokens    that were decoded one by one, likewise
"""

import json
import re
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import measure


@dataclass
class Result:
    """One run over all files."""

    version: str
    load_s: float
    total_s: float
    rss_mb: float
    texts: list
    parts: dict = field(default_factory=dict)
    tokens: int = 0


def attend(options, files, precision):
    """This project's program; one JSON object a file on stdout. What its process took beyond the
    files' own totals is its load time: start, device, kernels, weights. Files that were decoded
    together share their time, so that totals add up."""
    program = measure.program(options.attend)
    command = [program, "transcribe", "-q", "--json", "--model", options.model,
               "--threads", str(options.threads), "--precision", precision]
    command += ["--batch", str(options.batch or 1)]
    if options.language:
        command += ["--language", options.language]
    if options.chunks:  # as faster-whisper's pipeline ends speech
        command += ["--vad_filter", "True", "--vad_chunks", "True",
                    "--vad_min_silence_duration_ms", "160"]
    if options.decoding != "default":
        command += ["--condition_on_previous_text", "False", "--beam_size",
                    "5" if options.decoding == "beam" else "1",
                    "--temperature_increment_on_fallback", "None"]
        if not options.timestamps:
            command.append("--without_timestamps")
    done = measure.run(command + files)
    objects = json_objects(done.stdout)
    if len(objects) != len(files):
        measure.fail("%s: %d results for %d files" % (program, len(objects), len(files)))
    times = [o["timings"] for o in objects]
    parts = {p: sum(t[p + "_s"] for t in times) for p in ("mel", "encoder", "decoder")}
    total = sum(t["total_s"] for t in times)
    return Result("attend", done.wall_s - total, total, done.rss_mb, [o["text"] for o in objects],
                  parts, sum(t["tokens"] for t in times))


def attend_at(precision):
    """The system at a precision."""
    return lambda options, files: attend(options, files, precision)


def json_objects(text):
    """The JSON objects that stand one after the other in a text."""
    decoder, objects, at = json.JSONDecoder(), [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        value, at = decoder.raw_decode(text, at)
        objects.append(value)
    return objects


def python_system(system, model, compute=""):
    """A system of asr_worker.py; `model` names the option that holds its model."""
    def run(options, files):
        job = {"system": system, "model": getattr(options, model), "compute": compute,
               "threads": options.threads, "language": options.language,
               "timestamps": options.timestamps, "decoding": options.decoding,
               "batch": options.batch, "chunks": options.chunks, "files": files}
        worker = str(Path(__file__).resolve().parent / "asr_worker.py")
        done = measure.run([sys.executable, worker], json.dumps(job))
        found = json.loads(done.stdout)
        return Result(found["version"], found["load_s"], found["total_s"], done.rss_mb,
                      found["texts"])

    return run


def whisper_cli(options, files):
    """whisper.cpp's own program; its times stand on stderr, its text in one JSON file an input."""
    program = measure.program(options.whisper_cli)
    command = [program, "-m", options.ggml, "-t", str(options.threads), "-ng", "-oj", "-l",
               options.language or "auto"]
    if options.decoding != "default":
        width = "5" if options.decoding == "beam" else "1"
        command += ["-bs", width, "-bo", width, "-nf", "-mc", "0"]
        if not options.timestamps:
            command.append("-nt")
    with tempfile.TemporaryDirectory() as scratch:
        for i, path in enumerate(files):
            command += ["-of", "%s/%d" % (scratch, i), "-f", path]
        done = measure.run(command)
        texts = []
        for i in range(len(files)):
            data = json.loads(Path(scratch, "%d.json" % i).read_bytes().decode("utf-8", "replace"))
            texts.append("".join(s["text"] for s in data["transcription"]))
    said = measure.run([program, "--version"])
    version = re.search(r"version: (\S+)", said.stdout + said.stderr)
    return read_whisper_cli(done, "whisper.cpp " + (version.group(1) if version else ""), texts)


def read_whisper_cli(done, version, texts):
    """Result from the times that whisper.cpp prints at its end, which are milliseconds."""
    seconds = {name: float(ms) / 1000 for name, ms in
               re.findall(r"whisper_print_timings:\s+(\w+) time =\s+([0-9.]+) ms", done.stderr)}
    if "total" not in seconds:
        measure.fail("whisper-cli printed no times; expected whisper_print_timings lines on stderr")
    decoder = sum(seconds.get(k, 0.0) for k in ("sample", "decode", "batchd", "prompt"))
    parts = {"mel": seconds["mel"], "encoder": seconds["encode"], "decoder": decoder}
    runs = re.search(r"decode time =\s+[0-9.]+ ms /\s+(\d+) runs", done.stderr)
    return Result(version, seconds["load"], seconds["total"] - seconds["load"], done.rss_mb, texts,
                  parts, int(runs.group(1)) if runs else 0)


SYSTEMS = {
    "attend": attend_at("exact"),
    "attend-fast": attend_at("fast"),
    "attend-int8": attend_at("int8"),
    "faster-whisper": python_system("faster-whisper", "model", "float32"),
    "faster-whisper-int8": python_system("faster-whisper", "model", "int8"),
    "whisper.cpp": whisper_cli,
    "pywhispercpp": python_system("whisper.cpp", "ggml"),
    "openai": python_system("openai", "model"),
}
# Those that know --batch.
BATCHED = ("attend", "attend-fast", "attend-int8", "faster-whisper", "faster-whisper-int8")
NEEDS = {  # options that a system cannot run without
    "attend": ("attend", "model"),
    "attend-fast": ("attend", "model"),
    "attend-int8": ("attend", "model"),
    "faster-whisper": ("model",),
    "faster-whisper-int8": ("model",),
    "whisper.cpp": ("whisper_cli", "ggml"),
    "pywhispercpp": ("ggml",),
    "openai": ("model",),
}
