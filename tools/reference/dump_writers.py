#!/usr/bin/env python3
"""Writes what OpenAI's writers make of a made-up result.

    dump_writers.py OUT.json
    dump_writers.py --words OUT.json

With --words: results whose segments have words, and what vtt, srt and json become of them under
each of LAYOUTS; read by tests/unit/test_transcript_words.c. Without:

One object: "result", which tests/unit/test_transcript.c reads and writes anew, for each format
("txt", "vtt", "srt", "tsv", "json") the whole file as a string, and "numbers": what Python writes
for many doubles. Times around carries and beyond an
hour, texts with everything that a format could stumble over, numbers in each of the forms that
Python writes.
"""

import argparse
import json
import math
import random
import struct
import tempfile
from pathlib import Path

import common

utils = common.need("whisper.utils", "openai-whisper")

TEXTS = [
    " Plain words, and more.",
    "",
    "   ",
    " An arrow --> here, ---> and -->--> there.",
    "\tTabs\tinside\tand\nline\r\nends \n",
    ' "Quotes" \\ back\\slash / <i>tags</i> & more; $HOME `x` %s %d',
    " Ünïcödé, 日本語、ไทย, עברית, emoji 👩‍🚀🎉 and \ufffd.",
    "\u00a0\u2003\u3000\u0085\u2028between blanks of all kinds\u2029\u205f\u1680\u001c\u001f\v\f",
    " zero\u200bwidth, \u007f, \b bell \u0007, \u001b[31m red, \ufeff mark\ufeff",
    " 1\n\n2\n00:00:01,000 --> 00:00:02,000\n",
]
TIMES = [
    (0.0, 4.0), (4.0, 4.0), (4.0, 59.9994), (59.9995, 59.99951), (59.9996, 3599.9995),
    (3599.9996, 3600.0), (3600.5, 7261.0015), (7261.0025, 7261.0035), (35999.9994, 359999.9999),
    (360000.0, 1000000.25),
]
NUMBERS = [
    0.0, -0.0, 1.0, 0.1, 1 / 3, -0.2863450050354004, 1e-05, 0.0001, 1.2345678901234567e-07,
    1e16, 123456789012345680.0, 9999999999999998.0, 5e-324, 1.7976931348623157e308, 1e22, 2.5,
    100.0,
]


def made_up():
    segments = []
    for i, (text, (start, end)) in enumerate(zip(TEXTS, TIMES)):
        pick = [NUMBERS[(4 * i + k) % len(NUMBERS)] for k in range(4)]
        segments.append({
            "id": i, "seek": 3000 * i, "start": start, "end": end, "text": text,
            "tokens": [50364 + 7 * k for k in range(i % 4)], "temperature": pick[0],
            "avg_logprob": pick[1], "compression_ratio": pick[2], "no_speech_prob": pick[3],
        })
    return {"text": "".join(TEXTS), "segments": segments, "language": "en"}


def numbers():
    """Powers of two, whose neighbours lie unevenly; neighbours of powers of ten; any others."""
    random.seed(1)
    values = [2.0 ** k for k in list(range(-160, 161)) + list(range(-1074, 1024, 37))]
    values += [2.0 ** k for k in (-1017, -1007, -957, 275, 305, 976)]
    for k in range(-8, 24):
        values += [10.0 ** k, math.nextafter(10.0 ** k, 0.0), -math.nextafter(10.0 ** k, math.inf)]
    values += [random.uniform(-2.0, 2.0) * 10.0 ** random.randint(-7, 20) for _ in range(200)]
    values += [round(random.uniform(0.0, 20000.0), 2) for _ in range(100)]
    values += [struct.unpack("f", struct.pack("f", random.gauss(0.0, 1.0)))[0] for _ in range(100)]
    return [repr(x) for x in values]


LAYOUTS = [
    {},
    {"highlight_words": True},
    {"max_line_width": 24},
    {"max_line_width": 18, "max_line_count": 2},
    {"max_line_width": 30, "max_line_count": 1, "highlight_words": True},
    {"max_line_count": 2},
    {"max_words_per_line": 3},
    {"max_words_per_line": 2, "max_line_width": 12},
    {"max_words_per_line": 4, "max_line_width": 16, "max_line_count": 3},
]
PARTS = [" so", " went", " the", " extraordinarily", " Größe", " 東京", " I'm", " --> x", " a", "-b",
         ", yes.", " (no)", "日", "本"]


def worded(seed):
    """Segments with words: pauses, a segment without any, words longer than a line."""
    rng = random.Random(seed)
    segments, at = [], rng.choice([0.0, 3598.0])
    for i in range(6):
        words = []
        for _ in range(0 if i == 2 else rng.randint(1, 9)):
            start = at + rng.choice([0.0, 0.0, 0.0, 0.3, 4.5])
            at = start + rng.choice([0.0, 0.12, 0.4, 0.9])
            words.append({"word": rng.choice(PARTS), "start": round(start, 2),
                          "end": round(at, 2), "probability": round(rng.random(), 6)})
        start = words[0]["start"] if words else round(at, 2)
        segments.append({
            "id": i, "seek": 0, "start": start, "end": round(at, 2),
            "text": "".join(w["word"] for w in words), "tokens": [], "temperature": 0.0,
            "avg_logprob": -0.25, "compression_ratio": 1.5, "no_speech_prob": 0.125,
            "words": words})
    return {"text": "".join(s["text"] for s in segments), "segments": segments, "language": "en"}


def written(result, layout):
    """Format -> file of a result with words."""
    with tempfile.TemporaryDirectory() as folder:
        utils.get_writer("all", folder)(result, "result.wav", layout)
        return {name: (Path(folder) / ("result." + name)).read_bytes().decode()
                for name in ["vtt", "srt", "json"]}


def dump_words(path):
    """Two results under each layout; JSON once, which no layout changes."""
    results = []
    for seed in range(2):
        result = worded(seed)
        cases = [{"layout": layout, **written(result, layout)} for layout in LAYOUTS]
        entry = {"result": result, "json": cases[0]["json"], "cases": cases}
        for case in cases:
            del case["json"]
        results.append(entry)
    common.write_json(path, {"made_by": "tools/reference/dump_writers.py --words",
                             "versions": common.versions("openai-whisper"), "results": results})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--words", action="store_true", help="results with words")
    args = parser.parse_args()
    if args.words:
        dump_words(args.out)
        return
    golden = {"result": made_up(), "numbers": " ".join(numbers())}
    with tempfile.TemporaryDirectory() as folder:
        utils.get_writer("all", folder)(made_up(), "result.wav", {})
        for name in ["txt", "vtt", "srt", "tsv", "json"]:
            golden[name] = (Path(folder) / ("result." + name)).read_bytes().decode()
    Path(args.out).write_text(json.dumps(golden, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
