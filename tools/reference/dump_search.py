#!/usr/bin/env python3
"""Writes what OpenAI's BeamSearchDecoder and MaximumLikelihoodRanker choose on made-up logits.

    dump_search.py --out FILE.json

The logits are a hash of the tokens so far, the same in tests/unit/test_asr_search.c: exact in f32.
"""

import argparse

import common

np = common.need("numpy")
torch = common.need("torch")
whisper = common.need("whisper", "openai-whisper")

MASK = (1 << 64) - 1
EOT = 3
CASES = 54


def mix(x):
    """splitmix64's finaliser."""
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & MASK
    return x ^ x >> 31


def logits_of(seed, tokens, n_vocab, end_bias):
    """f32[n_vocab]: in [-4, 4), the end of text raised by end_bias a token."""
    h = seed
    for token in tokens:
        h = mix(h ^ token)
    row = [((mix(h ^ (v + 1) << 32) >> 44) - (1 << 19)) / (1 << 17) for v in range(n_vocab)]
    row[EOT] += end_bias * len(tokens)
    return row


class NoCache:
    """The decoder asks its model to follow the beams; there is none."""

    def rearrange_kv_cache(self, source_indices):
        """Nothing is cached."""


def search(case):
    """The reference's main loop over one audio without a prompt."""
    width, length_penalty = case["width"], case["length_penalty"]
    decoder = whisper.decoding.BeamSearchDecoder(width, EOT, NoCache(), case["patience"])
    ranker = whisper.decoding.MaximumLikelihoodRanker(length_penalty)
    prompt = 1  # the decoder wants a token to stand before the text
    tokens = torch.full((width, 1), prompt)
    sums = torch.zeros(width)
    for _ in range(case["max_tokens"]):
        rows = [
            logits_of(case["seed"], t[1:].tolist(), case["n_vocab"], case["end_bias"])
            for t in tokens
        ]
        tokens, completed = decoder.update(tokens, torch.tensor(rows), sums)
        if completed:
            break
    texts, scores = decoder.finalize(tokens[None], sums[None])
    texts = [[t[1 : (t == EOT).nonzero()[0, 0]].tolist() for t in group] for group in texts]
    best = ranker.rank(texts, scores)[0]
    return {"tokens": texts[0][best], "sum": round(float(scores[0][best]), 5)}


def main():
    """Writes the cases."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    cases = []
    for i in range(CASES):
        case = {
            "seed": i,
            "width": (1, 2, 5)[i % 3],
            "patience": (1.0, 2.0, 0.6, 1.5)[i % 4],
            "length_penalty": (None, 1.0, 0.3)[i // 3 % 3],
            "n_vocab": 12 + 5 * (i % 7),
            "max_tokens": 4 + i % 11,
            "end_bias": (0.25, 0.0, 0.75)[i // 9 % 3],
        }
        case.update(search(case))
        cases.append(case)
    common.write_json(
        args.out,
        {
            "made_by": "tools/reference/dump_search.py",
            "versions": common.versions("openai-whisper", "torch"),
            "cases": cases,
        },
    )


if __name__ == "__main__":
    main()
