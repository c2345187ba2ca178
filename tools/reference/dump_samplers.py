#!/usr/bin/env python3
"""Writes what each stage of llama.cpp's default chain of samplers leaves of a row of logits.

    dump_samplers.py tests/golden/samplers.json

The functions below follow src/llama-sampler.cpp (release of llama-cpp-python 0.3.36) line by line,
in numpy, with sums in double where it has float; they are first held to the values that its own
tests/test-sampling.cpp expects. No draw is made: its generator is not attend's.
"""

import argparse

import common

np = common.need("numpy")

OFF = {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "temperature": 1.0, "repeat_last_n": 0,
       "repeat_penalty": 1.0, "frequency_penalty": 0.0, "presence_penalty": 0.0}


def softmax(logits):
    p = np.exp(logits.astype(np.float64) - np.float64(logits[0]))
    return p / p.sum()


def penalties(ids, logits, o, history):
    last = history[-o["repeat_last_n"]:] if o["repeat_last_n"] else []
    logits = logits.copy()
    for i, token in enumerate(ids):
        count = last.count(int(token))
        if count:
            repeat = np.float32(o["repeat_penalty"])
            logits[i] = logits[i] * repeat if logits[i] <= 0 else logits[i] / repeat
            logits[i] -= np.float32(count) * np.float32(o["frequency_penalty"]) + np.float32(
                o["presence_penalty"])
    return logits


def chain(logits, o, history):
    """Tokens and probabilities that are left: the largest logit, then the lowest token, first."""
    ids = np.arange(len(logits))
    logits = penalties(ids, logits, o, history)
    order = np.lexsort((ids, -logits))
    order = order[np.isfinite(logits[order])]
    ids, logits = ids[order], logits[order]
    if o["top_k"] > 0:
        ids, logits = ids[:o["top_k"]], logits[:o["top_k"]]
    if o["top_p"] < 1.0:
        reached = np.cumsum(softmax(logits)) >= np.float32(o["top_p"])
        n = int(np.argmax(reached)) + 1 if reached.any() else len(ids)
        ids, logits = ids[:n], logits[:n]
    if o["min_p"] > 0.0:
        keep = logits >= logits[0] + np.log(np.float32(o["min_p"]))
        keep[0] = True
        ids, logits = ids[keep], logits[keep]
    if o["temperature"] <= 0.0:
        return ids[:1], np.ones(1)
    scaled = logits.astype(np.float64) / np.float32(o["temperature"])
    return ids, softmax(scaled)


def check_against_published():
    """The expectations of tests/test-sampling.cpp."""
    four = np.log(np.array([0.1, 0.2, 0.3, 0.4], np.float32))
    five = np.log(np.full(5, 0.2, np.float32))
    known = [
        (four, {"temperature": 0.0}, [], [1.0]),
        (four, {"top_k": 1}, [], [1.0]),
        (four, {"top_k": 3}, [], [0.44444, 0.33333, 0.22222]),
        (four, {"top_k": 0}, [], [0.4, 0.3, 0.2, 0.1]),
        (four, {"top_p": 0.0}, [], [1.0]),
        (four, {"top_p": 0.7}, [], [0.571429, 0.428571]),
        (four, {"top_p": 0.8}, [], [0.44444, 0.33333, 0.22222]),
        (four, {"min_p": 0.24}, [], [0.4, 0.3, 0.2, 0.1]),
        (four, {"min_p": 0.26}, [], [0.4 / 0.9, 0.3 / 0.9, 0.2 / 0.9]),
        (four, {"min_p": 0.51}, [], [0.4 / 0.7, 0.3 / 0.7]),
        (four, {"min_p": 1.0}, [], [1.0]),
        (five, {"repeat_penalty": 50.0}, [0], [0.25] * 4 + [0]),
        (five, {"repeat_penalty": 50.0}, [0, 1, 2, 0, 0], [0.5, 0.5, 0, 0, 0]),
        (five, {"frequency_penalty": 5.0, "presence_penalty": 5.0}, [0],
         [0.249997] * 4 + [0.000011]),
        (five, {"frequency_penalty": 5.0, "presence_penalty": 5.0}, [0, 1, 2, 0, 0],
         [0.499977] * 2 + [0.000023] * 2 + [0.0]),
    ]
    for logits, options, history, want in known:
        o = dict(OFF, repeat_last_n=len(history), **options)
        got = chain(logits, o, history)[1]
        if len(got) != len(want) or np.abs(got - want).max() > 1e-5:
            common.fail("%s: %s, llama.cpp's test expects %s" % (options, got, want))


def cases():
    """Each stage alone, in pairs, all together, and the edges of each."""
    stages = [{}, {"top_k": 1}, {"top_k": 5}, {"top_k": 1000}, {"top_p": 0.0}, {"top_p": 0.35},
              {"top_p": 0.9}, {"top_p": 0.99999}, {"min_p": 0.001}, {"min_p": 0.12}, {"min_p": 1.0},
              {"temperature": 0.0}, {"temperature": -1.0}, {"temperature": 0.3},
              {"temperature": 3.0}, {"temperature": 1e-3},
              {"repeat_last_n": 8, "repeat_penalty": 1.3},
              {"repeat_last_n": 3, "repeat_penalty": 0.7},
              {"repeat_last_n": 8, "frequency_penalty": 0.4},
              {"repeat_last_n": 8, "presence_penalty": -0.6},
              {"repeat_last_n": 6, "repeat_penalty": 1.1, "frequency_penalty": 0.2,
               "presence_penalty": 0.5}]
    together = [{"top_k": 12, "top_p": 0.8}, {"top_k": 12, "min_p": 0.2},
                {"top_p": 0.8, "min_p": 0.2}, {"top_p": 0.6, "temperature": 2.0},
                {"min_p": 0.1, "temperature": 2.0}, {"top_k": 7, "temperature": 0.0},
                {"top_k": 40, "top_p": 0.95, "min_p": 0.05, "temperature": 0.8,
                 "repeat_last_n": 64},
                {"top_k": 9, "top_p": 0.9, "min_p": 0.05, "temperature": 1.5, "repeat_last_n": 5,
                 "repeat_penalty": 1.4, "frequency_penalty": 0.3, "presence_penalty": 0.1},
                {"temperature": 0.0, "repeat_last_n": 64, "repeat_penalty": 5.0}]
    return stages + together


def rows(rng):
    plain = (rng.standard_normal(24) * 2).round(3)
    far = (rng.standard_normal(24) * 2 + 5000).round(1)  # exp() of these overflows
    ties = np.repeat([1.5, -0.5, 0.0], 8)
    some = plain.copy()
    some[[2, 7, 11]] = -np.inf
    return {"plain": plain, "far": far, "ties": ties, "some": some}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    args = parser.parse_args()
    check_against_published()
    rng = np.random.default_rng(7)
    history = [3, 1, 3, 20, 9, 3, 1, 23]
    out = {"versions": common.versions("numpy"), "history": history, "rows": {}, "cases": []}
    for name, row in rows(rng).items():
        row = row.astype(np.float32)
        out["rows"][name] = [None if not np.isfinite(x) else float(str(x)) for x in row]
        for options in cases():
            ids, p = chain(row, dict(OFF, **options), history)
            out["cases"].append({"row": name, "options": options, "tokens": [int(i) for i in ids],
                                 "probabilities": [float("%.9g" % x) for x in p]})
    common.write_json(args.out, out)


if __name__ == "__main__":
    main()
