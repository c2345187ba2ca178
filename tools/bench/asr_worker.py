"""A Python speech-to-text system in a process of its own, for tools/bench/asr.

Reads a job as JSON on stdin: {system, model, compute, threads, language, timestamps, decoding,
batch, chunks, files}; loads the model, transcribes the files in order, writes {version, load_s,
total_s, texts} as JSON to stdout. total_s runs from the first file on disk to the last word;
imports and load_s are outside.
"""

import bisect
import contextlib
import importlib.metadata
import json
import os
import sys
import time
from pathlib import Path


def faster_whisper_batched(job, model, how):
    """Windows of all files in one call, each a clip of the files behind each other; or with chunks
    one call a file, by the pipeline's own voice detection."""
    from faster_whisper import BatchedInferencePipeline
    from faster_whisper.audio import decode_audio
    import numpy

    pipeline = BatchedInferencePipeline(model)
    how = {**how, "batch_size": job["batch"], "language": job["language"],
           "without_timestamps": not job["timestamps"]}
    how.pop("condition_on_previous_text", None)

    def transcribe_chunks(paths):
        return ["".join(s.text for s in pipeline.transcribe(p, **how)[0]) for p in paths]

    def transcribe_clips(paths):
        rate, clips, at = 16000, [], 0.0
        audio = [decode_audio(p, sampling_rate=rate) for p in paths]
        for samples in audio:
            seconds = len(samples) / rate
            if seconds > 30:
                sys.exit("a file of %.1f s: without --chunks a clip holds 30 s" % seconds)
            clips.append({"start": at, "end": at + seconds})
            at += seconds
        segments, _ = pipeline.transcribe(numpy.concatenate(audio), vad_filter=False,
                                          clip_timestamps=clips, **how)
        texts = [""] * len(paths)
        ends = [clip["end"] for clip in clips]
        for s in segments:  # of the clip that its middle lies in
            texts[bisect.bisect_left(ends, (s.start + s.end) / 2)] += s.text
        return texts

    return transcribe_chunks if job["chunks"] else transcribe_clips


def each(transcribe):
    """A function of one file as one of many."""
    return lambda paths: [transcribe(path) for path in paths]


def faster_whisper(job):
    """Loads; one call a file, without voice detection, unless batched."""
    from faster_whisper import WhisperModel

    start = time.perf_counter()
    model = WhisperModel(job["model"], device="cpu", compute_type=job["compute"],
                         cpu_threads=job["threads"], num_workers=1, local_files_only=True)
    load = time.perf_counter() - start

    how = {} if job["decoding"] == "default" else {
        "beam_size": 5 if job["decoding"] == "beam" else 1, "best_of": 1, "temperature": 0.0,
        "without_timestamps": not job["timestamps"], "condition_on_previous_text": False}

    if job["batch"]:
        return "faster-whisper", load, faster_whisper_batched(job, model, how)

    def transcribe(path):
        segments, _ = model.transcribe(path, language=job["language"], **how)
        return "".join(s.text for s in segments)

    return "faster-whisper", load, each(transcribe)


def whisper_cpp(job):
    """whisper.cpp through pywhispercpp; the ggml file stands in `model`."""
    import soundfile
    from pywhispercpp.model import Model

    if job["decoding"] != "greedy":
        sys.exit("pywhispercpp is measured with --decoding greedy only")
    start = time.perf_counter()
    model = Model(job["model"], n_threads=job["threads"], language=job["language"],
                  no_timestamps=not job["timestamps"], temperature=0.0, temperature_inc=0.0,
                  greedy={"best_of": 1}, print_progress=False, redirect_whispercpp_logs_to=None)
    load = time.perf_counter() - start

    def transcribe(path):
        samples, rate = soundfile.read(path, dtype="float32")
        if rate != 16000 or samples.ndim != 1:
            sys.exit("%s: pywhispercpp takes 16 kHz mono only" % path)
        return " ".join(s.text for s in model.transcribe(samples))

    return "pywhispercpp", load, each(transcribe)


def openai_whisper(job):
    """OpenAI's implementation in fp32 on the same weights."""
    import torch

    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "reference"))
    import common
    import ct2_whisper

    torch.set_num_threads(job["threads"])
    start = time.perf_counter()
    model = ct2_whisper.load_openai(job["model"])
    load = time.perf_counter() - start

    how = {"temperature": (0.0, 0.2, 0.4, 0.6, 0.8, 1.0), "best_of": 5}  # of its program
    if job["decoding"] != "default":
        how = {"temperature": 0.0, "without_timestamps": not job["timestamps"],
               "condition_on_previous_text": False}
    if job["decoding"] != "greedy":
        how["beam_size"] = 5

    def transcribe(path):
        return model.transcribe(
            common.read_audio(path), language=job["language"], fp16=False, **how)["text"]

    return "openai-whisper", load, each(transcribe)


SYSTEMS = {"faster-whisper": faster_whisper, "whisper.cpp": whisper_cpp, "openai": openai_whisper}


def main():
    job = json.load(sys.stdin)
    os.environ["OMP_NUM_THREADS"] = str(job["threads"])
    with contextlib.redirect_stdout(sys.stderr):
        package, load, transcribe = SYSTEMS[job["system"]](job)
        start = time.perf_counter()
        texts = transcribe(job["files"])
        total = time.perf_counter() - start
    version = "%s %s" % (package, importlib.metadata.version(package))
    json.dump({"version": version, "load_s": load, "total_s": total, "texts": texts}, sys.stdout)


if __name__ == "__main__":
    main()
