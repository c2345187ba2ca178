#!/usr/bin/env python3
"""Writes what Hugging Face's code makes of narrow Whispers in the layouts of the released ones.

    dump_layouts.py OUT.safetensors

Layers, mels and vocabulary are the real ones; the width is 64, the audio context 20 positions, the
weights a formula of their name and index (`formula()`), which tests/models/test_whisper_layouts.c
repeats. So the file holds results only. Keys and values of the sound are rounded to f16. For each
layout:

    NAME.encoder f32[64]    the last row after the encoder's last norm
    NAME.logits f32[n]      at the last of IDS, of tokens 0, 499, 998, ...
"""

import argparse

import common

np = common.need("numpy")
torch = common.need("torch")
transformers = common.need("transformers")

IDS = [50257, 50259, 11, 1234, 40000]
STEP = 499
WIDTH, AUDIO, TEXT = 64, 20, 32
LAYOUTS = {  # mels, vocabulary, encoder and decoder layers
    "tiny": (80, 51865, 4, 4),
    "small.en": (80, 51864, 12, 12),
    "large-v3": (128, 51866, 32, 32),
    "large-v3-turbo": (128, 51866, 32, 4),
    "distil-small.en": (80, 51864, 12, 4),
    "distil-large-v3": (128, 51866, 32, 2),
}


def formula(name, shape):
    """Whole numbers in [-15, 15] times a power of two, exact in f16 and bf16."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 & 0xFFFFFFFF
    x = np.arange(int(np.prod(shape)), dtype=np.uint32) * np.uint32(2654435761) + np.uint32(seed)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    x = (x ^ (x >> np.uint32(16))) % np.uint32(31)
    mean = 0.0
    if "layer_norm" in name:
        mean, step = float(name.endswith("weight")), 1 / 64
    elif name.endswith("bias"):
        step = 1 / 128
    elif "embed" in name or name == "mel":
        step = 1 / 32
    else:
        step = (1 / 64 if np.prod(shape[1:]) <= 64 else 1 / 128)
        step *= 2 if "q_proj" in name or "k_proj" in name else 1
    return (mean + (x.astype(np.float32) - 15) * np.float32(step)).reshape(shape)


def run(mels, vocab, audio_layers, text_layers):
    """The encoder's last row and the logits at the last id."""
    config = transformers.WhisperConfig(
        vocab_size=vocab, num_mel_bins=mels, d_model=WIDTH, encoder_layers=audio_layers,
        encoder_attention_heads=1, encoder_ffn_dim=4 * WIDTH, decoder_layers=text_layers,
        decoder_attention_heads=1, decoder_ffn_dim=4 * WIDTH, max_source_positions=AUDIO,
        max_target_positions=TEXT, activation_function="gelu", scale_embedding=False,
        tie_word_embeddings=True, attn_implementation="eager")
    model = transformers.WhisperForConditionalGeneration(config).float().eval()
    mel = torch.from_numpy(formula("mel", (1, 2 * AUDIO, mels))).transpose(1, 2)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(formula(name, tuple(parameter.shape))))
            assert torch.equal(parameter, parameter.half().float()), name
            assert torch.equal(parameter, parameter.bfloat16().float()), name
        common.keep_sound_as_f16(model)
        out = model(input_features=mel, decoder_input_ids=torch.tensor([IDS]), use_cache=False)
    return out.encoder_last_hidden_state[0, -1].numpy(), out.logits[0, -1, ::STEP].numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", help="file to write")
    args = parser.parse_args()
    arrays = {"ids": np.array(IDS, np.int32)}
    for name, layout in LAYOUTS.items():
        encoder, logits = run(*layout)
        arrays[name + ".encoder"] = np.ascontiguousarray(encoder)
        arrays[name + ".logits"] = np.ascontiguousarray(logits)
    made = {"made_by": "tools/reference/dump_layouts.py",
            "versions": " ".join("%s=%s" % v for v in
                                 common.versions("transformers", "torch", "numpy").items())}
    common.write_safetensors(args.out, arrays, made)


if __name__ == "__main__":
    main()
