#!/usr/bin/env python3
"""Writes blocks of ggml's quantised types, and what the package gguf (ggml's own) unpacks them to.

    dump_blocks.py OUT.safetensors

For each of q4_0, q4_1, q5_0, q5_1, q8_0:

    KIND.blocks u8[n][bytes of a block]   quantised normal noise, then random bytes
    KIND.values f32[n][32]

The random bytes have scales and minima that are finite, of any size.
"""

import argparse

import common

np = common.need("numpy")
gguf = common.need("gguf")

SEED = 20250102
N_NOISE, N_RANDOM = 16, 24
HALVES = {"Q4_0": 1, "Q4_1": 2, "Q5_0": 1, "Q5_1": 2, "Q8_0": 1}  # scale, minimum


def random_blocks(rng, n_bytes, n_halves):
    """Blocks of any bytes, except that scale and minimum are finite."""
    blocks = rng.integers(0, 256, (N_RANDOM, n_bytes), dtype=np.uint8)
    halves = blocks[:, :2 * n_halves].copy().view(np.uint16)
    halves[(halves & 0x7C00) == 0x7C00] &= 0xBFFF
    blocks[:, :2 * n_halves] = halves.view(np.uint8)
    return blocks


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", help="file to write")
    args = parser.parse_args()
    rng = np.random.default_rng(SEED)
    arrays = {}
    for kind, n_halves in HALVES.items():
        which = gguf.GGMLQuantizationType[kind]
        noise = (0.05 * rng.standard_normal((N_NOISE, 32))).astype(np.float32)
        blocks = gguf.quants.quantize(noise, which)
        blocks = np.concatenate([blocks, random_blocks(rng, blocks.shape[1], n_halves)])
        values = gguf.quants.dequantize(blocks, which)
        assert values.dtype == np.float32 and np.isfinite(values).all()
        arrays[kind.lower() + ".blocks"] = blocks
        arrays[kind.lower() + ".values"] = values
    made = {"made_by": "tools/reference/dump_blocks.py", "seed": str(SEED),
            "versions": " ".join("%s=%s" % v for v in common.versions("gguf", "numpy").items())}
    common.write_safetensors(args.out, arrays, made)


if __name__ == "__main__":
    main()
