#!/usr/bin/env python3
"""Reads a Whisper folder of CTranslate2 (model.bin, config.json) with a reader of its own.

As a module: `state_dict()` gives arrays under the names of OpenAI's checkpoints, `load_openai()` an
openai-whisper model in fp32. As a program:

    ct2_whisper.py MODEL --hf OUT              writes a Hugging Face folder (safetensors)
    ct2_whisper.py MODEL --check CLIP.wav      OpenAI's and Hugging Face's logits from it must agree

The k part of a stacked attention bias is zero, since Whisper has no k bias; it is dropped.
"""

import argparse
import json
import shutil
import struct
import tempfile
from pathlib import Path

import common

np = common.need("numpy")

DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def read_model_bin(path):
    """Name -> array of a CTranslate2 model.bin (version 6, little-endian), aliases resolved."""
    data = memoryview(Path(path).read_bytes())
    at = 0

    def take(fmt):
        nonlocal at
        values = struct.unpack_from("<" + fmt, data, at)
        at += struct.calcsize("<" + fmt)
        return values

    def string():
        nonlocal at
        (n,) = take("H")
        text = bytes(data[at : at + n - 1]).decode()  # the final NUL is counted
        at += n
        return text

    version, spec, (revision, count) = take("I")[0], string(), take("II")
    if (version, spec, revision) != (6, "WhisperSpec", 3):
        common.fail("%s: found %s revision %d in binary version %d; expected WhisperSpec revision 3"
                    " in binary version 6" % (path, spec, revision, version))
    arrays = {}
    for _ in range(count):
        name, (rank,) = string(), take("B")
        dims, (dtype, size) = take("%dI" % rank), take("BI")
        if dtype not in DTYPES:
            common.fail("%s: %s: dtype %d is not known" % (path, name, dtype))
        arrays[name] = np.frombuffer(data[at : at + size], DTYPES[dtype]).reshape(dims)
        at += size
    for _ in range(take("I")[0]):
        alias, name = string(), string()
        arrays[alias] = arrays[name]
    return arrays


def dimensions(arrays):
    """The fields of OpenAI's ModelDimensions."""
    def layers(side):
        names = {n.split("/")[1] for n in arrays if n.startswith(side + "/layer_")}
        return len(names - {"layer_norm"})

    width, n_mels, _ = arrays["encoder/conv1/weight"].shape
    vocab, text_width = arrays["decoder/embeddings/weight"].shape
    return {
        "n_mels": n_mels,
        "n_audio_ctx": arrays["encoder/position_encodings/encodings"].shape[0],
        "n_audio_state": width,
        "n_audio_head": int(arrays["encoder/num_heads"]),
        "n_audio_layer": layers("encoder"),
        "n_vocab": vocab,
        "n_text_ctx": arrays["decoder/position_encodings/encodings"].shape[0],
        "n_text_state": text_width,
        "n_text_head": int(arrays["decoder/num_heads"]),
        "n_text_layer": layers("decoder"),
    }


def state_dict(arrays):
    """Name -> array under the names of OpenAI's checkpoints, dtypes as stored."""
    out = {}

    def weight(name):
        array = arrays[name + "/weight"]
        scale = arrays.get(name + "/weight_scale")
        if scale is None:
            return array
        return array.astype(np.float32) / scale.reshape(-1, 1)  # int8 files: one scale a row

    def linear(dst, src):
        out[dst + ".weight"], out[dst + ".bias"] = weight(src), arrays[src + "/bias"]

    def norm(dst, src):
        out[dst + ".weight"], out[dst + ".bias"] = arrays[src + "/gamma"], arrays[src + "/beta"]

    def attention(dst, src, cross):
        if cross:  # q alone, then k and v stacked, then the output
            linear(dst + ".query", src + "/linear_0")
            parts, last = ("key", "value"), src + "/linear_2"
            stacked = src + "/linear_1"
        else:
            parts, last = ("query", "key", "value"), src + "/linear_1"
            stacked = src + "/linear_0"
        weights = np.split(weight(stacked), len(parts))
        biases = np.split(arrays[stacked + "/bias"], len(parts))
        for part, w, b in zip(parts, weights, biases):
            out["%s.%s.weight" % (dst, part)] = w
            if part != "key":
                out["%s.%s.bias" % (dst, part)] = b
            elif np.any(b):
                common.fail("%s: the k part of the bias is not zero" % stacked)
        linear(dst + ".out", last)

    def block(dst, src, cross):
        norm(dst + ".attn_ln", src + "/self_attention/layer_norm")
        attention(dst + ".attn", src + "/self_attention", False)
        if cross:
            norm(dst + ".cross_attn_ln", src + "/attention/layer_norm")
            attention(dst + ".cross_attn", src + "/attention", True)
        norm(dst + ".mlp_ln", src + "/ffn/layer_norm")
        linear(dst + ".mlp.0", src + "/ffn/linear_0")
        linear(dst + ".mlp.2", src + "/ffn/linear_1")

    dims = dimensions(arrays)
    for conv in ("conv1", "conv2"):
        linear("encoder." + conv, "encoder/" + conv)
    out["encoder.positional_embedding"] = arrays["encoder/position_encodings/encodings"]
    for i in range(dims["n_audio_layer"]):
        block("encoder.blocks.%d" % i, "encoder/layer_%d" % i, False)
    norm("encoder.ln_post", "encoder/layer_norm")
    out["decoder.token_embedding.weight"] = weight("decoder/embeddings")
    out["decoder.positional_embedding"] = arrays["decoder/position_encodings/encodings"]
    for i in range(dims["n_text_layer"]):
        block("decoder.blocks.%d" % i, "decoder/layer_%d" % i, True)
    norm("decoder.ln", "decoder/layer_norm")
    return out


def open_folder(folder):
    """(dimensions, state dict, config.json) of a CTranslate2 Whisper folder."""
    folder = Path(folder)
    for name in ("model.bin", "config.json"):
        if not (folder / name).is_file():
            common.fail("%s: no %s; expected a CTranslate2 Whisper folder" % (folder, name))
    arrays = read_model_bin(folder / "model.bin")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return dimensions(arrays), state_dict(arrays), config


def load_openai(folder):
    """An openai-whisper model on the CPU in fp32, ready to decode."""
    torch, whisper = common.need("torch"), common.need("whisper", "openai-whisper")
    dims, state, config = open_folder(folder)
    model = whisper.model.Whisper(whisper.model.ModelDimensions(**dims))
    tensors = {n: torch.from_numpy(a.astype(np.float32)) for n, a in state.items()}
    model.load_state_dict(tensors, strict=True)
    heads = torch.zeros(dims["n_text_layer"], dims["n_text_head"], dtype=torch.bool)
    for layer, head in config.get("alignment_heads", []):
        heads[layer, head] = True
    model.register_buffer("alignment_heads", heads.to_sparse(), persistent=False)
    return model.eval()


HF_NAMES = [  # in this order, first match wins at each place
    (".blocks.", ".layers."),
    (".cross_attn_ln.", ".encoder_attn_layer_norm."),
    (".cross_attn.", ".encoder_attn."),
    (".attn_ln.", ".self_attn_layer_norm."),
    (".attn.", ".self_attn."),
    (".mlp_ln.", ".final_layer_norm."),
    (".mlp.0.", ".fc1."),
    (".mlp.2.", ".fc2."),
    (".query.", ".q_proj."),
    (".key.", ".k_proj."),
    (".value.", ".v_proj."),
    (".out.", ".out_proj."),
    ("encoder.ln_post.", "encoder.layer_norm."),
    ("decoder.ln.", "decoder.layer_norm."),
    (".positional_embedding", ".embed_positions.weight"),
    (".token_embedding.", ".embed_tokens."),
]


def hf_name(name):
    """OpenAI's tensor name -> Hugging Face's."""
    for old, new in HF_NAMES:
        name = name.replace(old, new)
    return "model." + name


def hf_config(dims, config):
    """config.json of a Hugging Face Whisper folder. Special ids follow from the vocabulary size."""
    eot = 50257 if dims["n_vocab"] >= 51865 else 50256
    return {
        "architectures": ["WhisperForConditionalGeneration"],
        "model_type": "whisper",
        "is_encoder_decoder": True,
        "vocab_size": dims["n_vocab"],
        "num_mel_bins": dims["n_mels"],
        "d_model": dims["n_audio_state"],
        "encoder_layers": dims["n_audio_layer"],
        "encoder_attention_heads": dims["n_audio_head"],
        "encoder_ffn_dim": 4 * dims["n_audio_state"],
        "decoder_layers": dims["n_text_layer"],
        "decoder_attention_heads": dims["n_text_head"],
        "decoder_ffn_dim": 4 * dims["n_text_state"],
        "max_source_positions": dims["n_audio_ctx"],
        "max_target_positions": dims["n_text_ctx"],
        "activation_function": "gelu",
        "scale_embedding": False,
        "tie_word_embeddings": True,
        "bos_token_id": eot,
        "eos_token_id": eot,
        "pad_token_id": eot,
        "decoder_start_token_id": eot + 1,
        "suppress_tokens": config.get("suppress_ids"),
        "begin_suppress_tokens": config.get("suppress_ids_begin"),
        "alignment_heads": config.get("alignment_heads"),
    }


def write_hf(folder, out):
    """Writes a Hugging Face folder: model.safetensors (dtypes as stored) and config.json, with the
    tokenizer beside them when the source has one."""
    dims, state, config = open_folder(folder)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    tensors = {hf_name(n): a for n, a in state.items()}
    common.write_safetensors(out / "model.safetensors", tensors, {"format": "pt"})
    text = json.dumps(hf_config(dims, config), indent=2)
    (out / "config.json").write_text(text + "\n", encoding="utf-8")
    for name in ("tokenizer.json", "vocabulary.json", "vocabulary.txt"):
        if (Path(folder) / name).is_file():
            shutil.copy(Path(folder) / name, out / name)


def check(folder, clip):
    """Largest difference of the first-step logits between OpenAI's and Hugging Face's models."""
    torch, whisper = common.need("torch"), common.need("whisper", "openai-whisper")
    transformers = common.need("transformers")
    model = load_openai(folder)
    samples = whisper.pad_or_trim(common.read_audio(clip))
    mel = whisper.log_mel_spectrogram(samples, model.dims.n_mels)
    tokenizer = whisper.tokenizer.get_tokenizer(model.is_multilingual, language="en")
    ids = torch.tensor([list(tokenizer.sot_sequence_including_notimestamps)])
    with tempfile.TemporaryDirectory() as scratch, torch.no_grad():
        write_hf(folder, scratch)
        hf = transformers.WhisperForConditionalGeneration.from_pretrained(
            scratch, dtype=torch.float32).eval()
        theirs = hf(input_features=mel[None], decoder_input_ids=ids).logits
        ours = model(mel[None], ids)
    gap = (ours - theirs).abs().max().item()
    same = torch.equal(ours.argmax(-1), theirs.argmax(-1))
    print("logits: largest difference %.2e, largest value %.2f, arg-max %s"
          % (gap, ours.abs().max().item(), "equal" if same else "DIFFERS"))
    if gap > 1e-3 or not same:  # two fp32 implementations differ by summation order only
        common.fail("the two implementations disagree")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="folder with model.bin and config.json")
    parser.add_argument("--hf", metavar="OUT", help="write a Hugging Face folder")
    parser.add_argument("--check", metavar="CLIP",
                        help="compare OpenAI's and Hugging Face's logits")
    args = parser.parse_args()
    if args.hf:
        write_hf(args.model, args.hf)
    if args.check:
        check(args.model, args.check)
    if not args.hf and not args.check:
        for name, value in open_folder(args.model)[0].items():
            print("%-14s %d" % (name, value))


if __name__ == "__main__":
    main()
