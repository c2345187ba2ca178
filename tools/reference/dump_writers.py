#!/usr/bin/env python3
"""Writes what OpenAI's writers make of a made-up result.

    dump_writers.py OUT.json

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


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    args = parser.parse_args()
    golden = {"result": made_up(), "numbers": " ".join(numbers())}
    with tempfile.TemporaryDirectory() as folder:
        utils.get_writer("all", folder)(made_up(), "result.wav", {})
        for name in ["txt", "vtt", "srt", "tsv", "json"]:
            golden[name] = (Path(folder) / ("result." + name)).read_bytes().decode()
    Path(args.out).write_text(json.dumps(golden, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
