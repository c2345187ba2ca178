#!/usr/bin/env python3
"""Writes what OpenAI's transcribe() says under each decoding option, in fp32 on the CPU.

    dump_options.py --model NAME=DIR ... --out FILE.json [--audio DIR]

The recording is five read sentences of pocketsphinx-testdata with half a second between them, or
`pauses`; for `prefix` it is the first alone, as OpenAI's program would put it before every window.
Names of options are those of the program. Read by tests/real/test_asr_options.c.
"""

import argparse
import sys

import common
from dump_whisper import DEBIAN_DATA, LANGUAGE, build_long, open_models, provenance

torch = common.need("torch")
whisper = common.need("whisper", "openai-whisper")

FILES = [n for n in common.READ_SENTENCES if n.startswith("librivox/")]
PROMPT = "A novel by Miss Austen: Mr. JOHN DASHWOOD, Norland, Sussex."
CASES = [
    {"beam_size": 5},
    {"beam_size": 3, "patience": 2.0, "length_penalty": 0.5},
    {"beam_size": 1, "initial_prompt": PROMPT},
    {"beam_size": 5, "initial_prompt": PROMPT, "carry_initial_prompt": True},
    {"beam_size": 1, "suppress_tokens": ""},
    {"beam_size": 1, "suppress_tokens": "11,13,-1"},
    {"beam_size": 1, "clip_timestamps": "3.5,9.25,14,18,25.5"},
    {"beam_size": 1, "condition_on_previous_text": False, "no_speech_threshold": 0.0,
     "logprob_threshold": None},
    {"beam_size": 1, "word_timestamps": True},
    {"beam_size": 5, "word_timestamps": True, "prepend_punctuations": "",
     "append_punctuations": ",", "clip_timestamps": "2,24"},
    {"beam_size": 1, "word_timestamps": True, "hallucination_silence_threshold": 0.2,
     "pauses": 6.0},
    {"beam_size": 1, "prefix": "And Mr. John Dashwood had then pleasure", "files": 1},
]


def run(model, samples, case):
    """One case with its segments."""
    options = {k: v for k, v in case.items() if k not in ("files", "pauses")}
    if options.get("beam_size") == 1:
        del options["beam_size"]
    with torch.no_grad():
        found = model.transcribe(
            samples, language=LANGUAGE, temperature=0.0, fp16=False, verbose=None, **options)
    keep = ("seek", "start", "end", "text", "tokens")
    segments = [{k: s[k] for k in keep} for s in found["segments"]]
    for segment, full in zip(segments, found["segments"]):
        segment["start"], segment["end"] = round(segment["start"], 2), round(segment["end"], 2)
        segment["avg_logprob"] = round(full["avg_logprob"], 4)
        segment["compression_ratio"] = round(full["compression_ratio"], 6)
        if "words" in full:
            segment["words"] = [
                [w["word"], round(float(w["start"]), 2), round(float(w["end"]), 2),
                 round(float(w["probability"]), 4)] for w in full["words"]]
    return {"options": case, "text": found["text"], "segments": segments}


def main():
    """All cases of all models."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--model", action="append", required=True)
    parser.add_argument("--audio", default=DEBIAN_DATA)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    golden = provenance("")
    golden["made_by"] = "tools/reference/dump_options.py"
    golden["language"] = LANGUAGE
    golden["recipe"] = [{"file": n, "silence_after_s": 0.5} for n in FILES]
    golden["models"] = {}
    for label, model, digest in open_models(args.model):
        runs = []
        for case in CASES:
            print("%s: %s" % (label, case), file=sys.stderr)
            pause = case.get("pauses", 0.5)
            recipe = [(n, pause) for n in FILES[: case.get("files", len(FILES))]]
            runs.append(run(model, build_long(args.audio, recipe), case))
        golden["models"][label] = {"model_sha256": digest, "runs": runs}
    common.write_json(args.out, golden)


if __name__ == "__main__":
    main()
