"""What the reference scripts share: packages asked for by name, audio, checksums, compact JSON."""

import hashlib
import importlib
import importlib.metadata
import json
import struct
import sys
from pathlib import Path

SAMPLE_RATE = 16000
LIBRIVOX = "librivox/sense_and_sensibility_01_austen_64kb-%s.wav"
READ_SENTENCES = [LIBRIVOX % n for n in ("0870", "0880", "0890", "0920", "0930")] + [
    "cards/%03d.wav" % n for n in range(1, 6)
]


def fail(message):
    """Prints one line and exits with 1."""
    sys.exit("%s: %s" % (Path(sys.argv[0]).name, message))


def need(module, package=None):
    """Imports a module, or says which package to install."""
    try:
        return importlib.import_module(module)
    except ImportError as e:
        name = package or module
        fail("cannot import %s (%s): install %s, see tools/reference/README.md" % (module, e, name))


def versions(*packages):
    """Package name -> installed version, for the provenance of a golden file."""
    return {p: importlib.metadata.version(p) for p in packages}


def sha256(path):
    """Hexadecimal SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def read_audio(path):
    """Mono float32 at 16 kHz, int16 / 32768; anything else is refused rather than resampled, since
    resamplers differ and a golden must not depend on one."""
    np, soundfile = need("numpy"), need("soundfile")
    try:
        samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    except (OSError, RuntimeError) as e:
        fail("reading audio: %s" % e)
    if rate != SAMPLE_RATE or samples.shape[1] != 1:
        fail("%s: %d Hz, %d channels; expected 16000 Hz mono" % (path, rate, samples.shape[1]))
    return samples[:, 0].astype(np.float32) / 32768.0


def audio_files(root, names):
    """Paths of names under root; fails with what to install when one is missing."""
    paths = [Path(root) / n for n in names]
    missing = [str(p) for p in paths if not p.is_file()]
    if missing:
        fail("no audio at %s: install the Debian package pocketsphinx-testdata, or give --audio"
             % missing[0])
    return paths


def write_safetensors(path, arrays, metadata):
    """name -> numpy array as a safetensors file. The same input gives the same bytes, which the
    package's own writer does not promise: it stores metadata in random order."""
    kinds = {"float32": "F32", "float16": "F16", "int32": "I32", "uint8": "U8"}
    header, data = {"__metadata__": metadata}, []
    at = 0
    for name in sorted(arrays):
        array = arrays[name]
        data.append(array.tobytes())
        header[name] = {"dtype": kinds[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        f.writelines(data)
    print("%s: %d bytes" % (path, Path(path).stat().st_size), file=sys.stderr)


def write_json(path, value):
    """Compact and still readable: lists of numbers stay on one line, all else is indented."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(_layout(value, 0) + "\n", encoding="utf-8")
    print("%s: %d bytes" % (path, Path(path).stat().st_size), file=sys.stderr)


def _layout(value, depth):
    flat = json.dumps(value, ensure_ascii=False)
    scalars = isinstance(value, list) and not any(isinstance(v, (list, dict)) for v in value)
    if not isinstance(value, (dict, list)) or scalars or len(flat) < 90 - 2 * depth:
        return flat
    pad = "  " * (depth + 1)
    if isinstance(value, dict):
        rows = ["%s: %s" % (json.dumps(k), _layout(v, depth + 1)) for k, v in value.items()]
        opening, closing = "{}"
    else:
        rows = [_layout(v, depth + 1) for v in value]
        opening, closing = "[]"
    body = (",\n" + pad).join(rows)
    return "%s\n%s%s\n%s%s" % (opening, pad, body, "  " * depth, closing)


def keep_sound_as_f16(model):
    """Makes Hugging Face's Whisper round the keys and values of the sound to f16, which is how
    attend keeps them at every precision; all else stays f32."""
    for layer in model.model.decoder.layers:
        for linear in (layer.encoder_attn.k_proj, layer.encoder_attn.v_proj):
            linear.register_forward_hook(lambda module, args, out: out.half().float())
