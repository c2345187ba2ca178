#!/usr/bin/env python3
"""Turns a CTranslate2 Whisper folder into whisper.cpp's ggml file, to measure it on these weights.

    ct2_to_ggml.py MODEL OUT.bin

Matrices stay f16; vectors, convolution biases and position tables are f32, as whisper.cpp expects.
"""

import argparse
import json
import math
import os
import struct
from pathlib import Path

import common
import ct2_whisper

np = common.need("numpy")

MAGIC = 0x67676D6C
N_FFT_BINS = 201


def mel_filters(n_mels):
    """Whisper's filterbank [n_mels, 201]: Slaney scale and area norm, 0-8000 Hz, n_fft 400."""
    def to_hz(mel):
        return 200 * mel / 3 if mel < 15 else 1000 * math.exp((mel - 15) * math.log(6.4) / 27)

    top = 15 + 27 * math.log(8.0) / math.log(6.4)
    edges = np.array([to_hz(top * i / (n_mels + 1)) for i in range(n_mels + 2)])
    bins = np.arange(N_FFT_BINS) * 40.0
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    area = 2.0 / (edges[2:] - edges[:-2])
    return (np.maximum(0, np.minimum(rise, fall)) * area[:, None]).astype(np.float32)


def byte_decoder():
    """GPT-2's printable stand-ins -> bytes."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {chr(b): b for b in kept}
    moved = [b for b in range(256) if b not in kept]
    table.update({chr(256 + i): b for i, b in enumerate(moved)})
    return table


def vocabulary(folder, n_vocab):
    """The bytes of the text tokens in order, without the special ones."""
    folder = Path(folder)
    if (folder / "vocabulary.json").is_file():
        tokens = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
    elif (folder / "vocabulary.txt").is_file():
        tokens = (folder / "vocabulary.txt").read_text(encoding="utf-8").split("\n")
    else:
        common.fail("%s: no vocabulary.json and no vocabulary.txt" % folder)
    n_text = 50257 if n_vocab >= 51865 else 50256
    table = byte_decoder()
    return [bytes(table[c] for c in token) for token in tokens[:n_text]]


def write_tensor(f, name, array):
    """One tensor record: rank, name length, type, reversed dims, name, data."""
    half = array.ndim > 1 and "positional_embedding" not in name
    if name.startswith("encoder.conv") and name.endswith(".bias"):
        array = array.reshape(-1, 1)
    data = np.ascontiguousarray(array, np.float16 if half else np.float32)
    f.write(struct.pack("<3i", data.ndim, len(name), int(half)))
    f.write(struct.pack("<%di" % data.ndim, *data.shape[::-1]))
    f.write(name.encode())
    f.write(data.tobytes())


def convert(folder, out):
    """Writes the ggml file under a temporary name and renames it."""
    dims, state, _ = ct2_whisper.open_folder(folder)
    order = ("n_vocab", "n_audio_ctx", "n_audio_state", "n_audio_head", "n_audio_layer",
             "n_text_ctx", "n_text_state", "n_text_head", "n_text_layer", "n_mels")
    filters = mel_filters(dims["n_mels"])
    tokens = vocabulary(folder, dims["n_vocab"])
    part = str(out) + ".part"
    with open(part, "wb") as f:
        f.write(struct.pack("<12i", MAGIC, *(dims[k] for k in order), 1))
        f.write(struct.pack("<2i", *filters.shape) + filters.tobytes())
        f.write(struct.pack("<i", len(tokens)))
        for token in tokens:
            f.write(struct.pack("<i", len(token)) + token)
        for name, array in state.items():
            write_tensor(f, name, array)
    os.replace(part, out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="folder with model.bin, config.json and the vocabulary")
    parser.add_argument("out", help="ggml file to write")
    args = parser.parse_args()
    convert(args.model, args.out)


if __name__ == "__main__":
    main()
