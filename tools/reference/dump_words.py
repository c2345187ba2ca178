#!/usr/bin/env python3
"""Writes what the functions of OpenAI's timing.py and tokenizer.py make of made-up inputs.

    dump_words.py --out FILE.json

Alignment: scores of three heads that are a hash of their place (the same in
tests/unit/test_alignment.c), their smoothed mean, the way through it. Words: token ids of sentences
in several languages, split. Times: aligned words at random, put into segments.
"""

import argparse
import random
import types

import common

np = common.need("numpy")
torch = common.need("torch")
whisper = common.need("whisper", "openai-whisper")
timing = whisper.timing

MASK = (1 << 64) - 1
HEADS, ROWS, STRIDE, COLS = 3, 12, 60, 50
SENTENCES = [
    ("en", ' "Well," he said (not loudly), "it\'s $3.50 - isn\'t it?" The U.S. won\'t...'),
    ("de", " Größe zählt; die „Straße“ ist größer als 10 m²!"),
    ("ja", "今日は、いい天気ですね。東京タワーへ行きましょう！"),
    ("zh", "你好，世界！我们今天学习𠮷字。"),
    ("ru", " Привет, мир! Что—то новое…"),
    ("th", "สวัสดีครับ วันนี้"),
    ("en", " ¿Qué? ♪ la la ♪ 🙂🙃 [noise] naïve café"),
    ("en", " a  b\t c\n d"),
]
WORDS = [" so", " the", "re", " house", ".", " \"", ",", " (", ")", "?", " -", " went", " I", "'m",
         "！", " long", " ago", "。", " what", "!"]


def mix(x):
    """splitmix64's finaliser."""
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & MASK
    return x ^ x >> 31


def score(head, row, col):
    """In [-4, 4), with a ridge along which a text runs."""
    noise = ((mix(head << 40 | row << 20 | col) >> 44) - (1 << 19)) / (1 << 17)
    return noise + (6.0 if abs(col - 4 * row - head) < 3 else 0.0)


def align():
    """find_alignment()'s arithmetic between the scores and the jumps."""
    scores = [[[score(h, r, c) for c in range(STRIDE)] for r in range(ROWS)] for h in range(HEADS)]
    weights = torch.tensor(scores, dtype=torch.float32)[:, :, :COLS].softmax(dim=-1)
    std, mean = torch.std_mean(weights, dim=-2, keepdim=True, unbiased=False)
    matrix = timing.median_filter((weights - mean) / std, 7).mean(axis=0)
    text, time = timing.dtw(-matrix)
    jumps = np.pad(np.diff(text), (1, 0), constant_values=1).astype(bool)
    return {"matrix": [[round(float(x), 5) for x in row[::7]] for row in matrix],
            "first": [int(t) for t in time[jumps]]}


def split():
    """Words of each sentence, by the multilingual vocabulary."""
    out = []
    for language, text in SENTENCES:
        tokenizer = whisper.tokenizer.get_tokenizer(True, language=language, task="transcribe")
        ids = tokenizer.encode(text)
        words, tokens = tokenizer.split_to_word_tokens(ids + [tokenizer.eot])
        out.append({"language": language, "ids": ids, "words": words[:-1],
                    "n_tokens": [len(t) for t in tokens[:-1]]})
    return out


def made_up_words(rng, n):
    """Words with tokens, times that go forward, sometimes far, and probabilities."""
    out, at = [], 0.0
    for _ in range(n):
        start = at + rng.choice([0.0, 0.0, 0.0, 0.0, 0.5, 2.0])
        at = start + rng.choice([0.0, 0.06, 0.2, 0.3, 0.4, 0.7, 1.6, 3.0])
        tokens = [7] * rng.choice([1, 1, 1, 2, 3])
        out.append(timing.WordTiming(rng.choice(WORDS), tokens, round(start, 2), round(at, 2),
                                     round(rng.random(), 3)))
    return out


def time_case(seed):
    """add_word_timestamps() over words that somebody else has aligned."""
    rng = random.Random(seed)
    words = made_up_words(rng, rng.randint(0, 14))
    total = sum(len(w.tokens) for w in words)
    cuts = sorted(rng.sample(range(total + 1), min(2, total))) if total else []
    bounds = [0] + cuts + [total]
    given = [[w.word, len(w.tokens), w.start, w.end, w.probability] for w in words]
    seek = rng.choice([0, 1234])
    last = rng.choice([0.0, seek / 100])
    end = words[-1].end if words else 1.0
    segments = []
    for a, b in zip(bounds, bounds[1:]):
        start = seek / 100 + end * a / max(total, 1) + rng.choice([0.0, 0.7, -0.3])
        stop = seek / 100 + end * b / max(total, 1) + rng.choice([0.0, -0.8, 0.4])
        segments.append({"seek": seek, "start": start, "end": stop, "tokens": [7] * (b - a)})
    case = {"words": given, "offset": seek / 100, "last_speech": last,
            "segments": [[s["start"], s["end"], len(s["tokens"])] for s in segments]}
    original = timing.find_alignment
    timing.find_alignment = lambda *_, **__: words
    try:
        timing.add_word_timestamps(segments=segments, model=None,
                                   tokenizer=types.SimpleNamespace(eot=100), mel=None,
                                   num_frames=3000, last_speech_timestamp=last)
    finally:
        timing.find_alignment = original
    case["want"] = [
        [float(s["start"]), float(s["end"]),
         [[w["word"], float(w["start"]), float(w["end"]), float(w["probability"])]
          for w in s["words"]]] for s in segments]
    return case


def main():
    """Writes all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    common.write_json(args.out, {
        "made_by": "tools/reference/dump_words.py",
        "versions": common.versions("openai-whisper", "torch", "numpy"),
        "alignment": align(),
        "split": split(),
        "times": [time_case(seed) for seed in range(48)],
    })


if __name__ == "__main__":
    main()
