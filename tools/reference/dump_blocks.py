#!/usr/bin/env python3
"""Writes blocks of ggml's quantised types, and what the package gguf (ggml's own) unpacks them to.

    dump_blocks.py OUT.safetensors

For each of q4_0, q4_1, q5_0, q5_1, q8_0, and q4_k, q5_k, q6_k:

    KIND.blocks u8[n][bytes of a block]   quantised normal noise, then random bytes
    KIND.values f32[n][elements of a block]

The random bytes have scales and minima that are finite, of any size. The package does not quantise
to the last three kinds: theirs are random bytes alone.
"""

import argparse

import common

np = common.need("numpy")
gguf = common.need("gguf")

SEED = 20250102
N_NOISE, N_RANDOM, N_LARGE = 16, 24, 12
# where in a block scale and minimum are, as f16
HALVES = {"Q4_0": (0, 2), "Q4_1": (0, 4), "Q5_0": (0, 2), "Q5_1": (0, 4), "Q8_0": (0, 2)}
LARGE_HALVES = {"Q4_K": (0, 4), "Q5_K": (0, 4), "Q6_K": (208, 210)}


def random_blocks(rng, n_blocks, n_bytes, begin, end):
    """Blocks of any bytes, except that scale and minimum are finite."""
    blocks = rng.integers(0, 256, (n_blocks, n_bytes), dtype=np.uint8)
    halves = blocks[:, begin:end].copy().view(np.uint16)
    halves[(halves & 0x7C00) == 0x7C00] &= 0xBFFF
    blocks[:, begin:end] = halves.view(np.uint8)
    return blocks


def keep(arrays, kind, blocks):
    """Both arrays of a kind."""
    values = gguf.quants.dequantize(blocks, gguf.GGMLQuantizationType[kind])
    assert values.dtype == np.float32 and np.isfinite(values).all()
    arrays[kind.lower() + ".blocks"] = blocks
    arrays[kind.lower() + ".values"] = values


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", help="file to write")
    args = parser.parse_args()
    rng = np.random.default_rng(SEED)
    arrays = {}
    for kind, halves in HALVES.items():
        noise = (0.05 * rng.standard_normal((N_NOISE, 32))).astype(np.float32)
        blocks = gguf.quants.quantize(noise, gguf.GGMLQuantizationType[kind])
        more = random_blocks(rng, N_RANDOM, blocks.shape[1], *halves)
        keep(arrays, kind, np.concatenate([blocks, more]))
    for kind, halves in LARGE_HALVES.items():
        n_bytes = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]][1]
        keep(arrays, kind, random_blocks(rng, N_LARGE, n_bytes, *halves))
    made = {"made_by": "tools/reference/dump_blocks.py", "seed": str(SEED),
            "versions": " ".join("%s=%s" % v for v in common.versions("gguf", "numpy").items())}
    common.write_safetensors(args.out, arrays, made)


if __name__ == "__main__":
    main()
