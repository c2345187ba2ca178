#!/usr/bin/env python3
"""Writes what the package gguf (ggml's own) reads in a GGUF file.

    dump_gguf.py MODEL.gguf OUT.json

    values    key -> text, number or bool
    lists     key -> [type, count, first three, last three]
    tensors   [name, type, dims outermost first, byte of its data, four values], in order of name

The four values are elements 0, 1, n // 2 and n - 1 of the n of a tensor.
"""

import argparse
from pathlib import Path

import common

np = common.need("numpy")
gguf = common.need("gguf")


def read_fields(reader):
    """Key/values: those of one value, and lists."""
    values, lists = {}, {}
    for key, field in reader.fields.items():
        if key.startswith("GGUF."):  # numbers of the header, which the package puts among them
            continue
        if field.types[0] == gguf.GGUFValueType.ARRAY:
            n = len(field.data)
            ends = [field.contents(i) for i in (*range(min(3, n)), *range(max(0, n - 3), n))]
            lists[key] = [field.types[1].name.lower(), n, *ends]
        else:
            values[key] = field.contents()
    return values, lists


def read_tensor(tensor):
    """A row of `tensors`."""
    flat = gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(-1)
    n = flat.size
    return [tensor.name, tensor.tensor_type.name.lower(), [int(d) for d in tensor.shape[::-1]],
            int(tensor.data_offset), [float(flat[i]) for i in (0, 1, n // 2, n - 1)]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="file to read")
    parser.add_argument("out", help="file to write")
    args = parser.parse_args()
    reader = gguf.GGUFReader(args.model)
    values, lists = read_fields(reader)
    common.write_json(args.out, {
        "made_by": "tools/reference/dump_gguf.py", "versions": common.versions("gguf", "numpy"),
        "file": Path(args.model).name, "sha256": common.sha256(args.model), "values": values,
        "lists": lists, "tensors": sorted(read_tensor(t) for t in reader.tensors)})


if __name__ == "__main__":
    main()
