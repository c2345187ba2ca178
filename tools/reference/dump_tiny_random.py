#!/usr/bin/env python3
"""Writes a tiny Whisper with seeded random weights, and what Hugging Face's code makes of it.

    dump_tiny_random.py OUT_DIR

OUT_DIR/model.safetensors and config.json are a Hugging Face checkpoint (2 + 2 layers, width 128,
two heads of 64, 80 mels, 50 audio positions, 300 tokens: too few for the special ones, so this
tests the network and not the token rules). OUT_DIR/golden.safetensors, batch dropped:

    mel f32[100][80]           input, frames first
    ids i32[12]                decoder input
    conv f32[50][128]          after both convolutions and the positions
    encoder f32[50][128]       after the encoder's last norm
    logits f32[12][300]        at every position
    cross_scores f32[2][2][12][50]   cross-attention after softmax: layer, head, row, key

Weights are f16, computed with in fp32, and so are keys and values of the sound. The weights' scales
are larger than a fresh model's, so that attention is far from uniform and a wrong mask, bias or
scale shows in the logits. Read by tests/models/.
"""

import argparse
import json
from pathlib import Path

import common

np = common.need("numpy")
torch = common.need("torch")
transformers = common.need("transformers")

SEED = 20250101
CONFIG = {
    "vocab_size": 300, "num_mel_bins": 80, "d_model": 128,
    "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 512,
    "decoder_layers": 2, "decoder_attention_heads": 2, "decoder_ffn_dim": 512,
    "max_source_positions": 50, "max_target_positions": 32, "activation_function": "gelu",
    "scale_embedding": False, "tie_word_embeddings": True, "bos_token_id": 0, "eos_token_id": 0,
    "pad_token_id": 0, "decoder_start_token_id": 1,
}
N_IDS = 12


def random_weight(name, shape, generator):
    """Values of one tensor: normal, on a coarse grid of a power of two, exact in f16. The grid
    keeps the file small where it is stored compressed."""
    noise = torch.randn(shape, generator=generator)
    mean = 0.0
    if "layer_norm" in name:
        mean, scale = float(name.endswith("weight")), 0.2
    elif name.endswith("bias"):
        scale = 0.1
    elif "embed" in name:
        scale = 0.3
    else:
        gain = 2.0 if "q_proj" in name or "k_proj" in name else 1.0
        scale = gain / float(np.prod(shape[1:])) ** 0.5
    step = 2.0 ** round(np.log2(scale / 2))
    return mean + step * (noise * scale / step).round()


def build():
    """The model and its seeded generator, which goes on to make the inputs."""
    generator = torch.Generator().manual_seed(SEED)
    config = transformers.WhisperConfig(**CONFIG, attn_implementation="eager")
    model = transformers.WhisperForConditionalGeneration(config).float().eval()
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            if name != "model.encoder.embed_positions.weight":
                parameter.copy_(random_weight(name, parameter.shape, generator))
            else:  # the fixed sinusoid
                parameter.copy_(parameter.half())
            assert torch.equal(parameter, parameter.half().float()), name
    common.keep_sound_as_f16(model)
    return model, generator


def run(model, generator):
    """Inputs and outputs; see the top of the file."""
    mel = 0.5 * torch.randn(1, CONFIG["num_mel_bins"], 2 * CONFIG["max_source_positions"],
                            generator=generator)
    ids = torch.randint(CONFIG["vocab_size"], (1, N_IDS), generator=generator)
    with torch.no_grad():
        out = model(input_features=mel, decoder_input_ids=ids, output_attentions=True,
                    output_hidden_states=True, use_cache=False)
    return {
        "mel": mel[0].T, "ids": ids[0], "conv": out.encoder_hidden_states[0][0],
        "encoder": out.encoder_last_hidden_state[0], "logits": out.logits[0],
        "cross_scores": torch.stack([a[0] for a in out.cross_attentions]),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", help="folder to write")
    args = parser.parse_args()
    out = Path(args.out)

    model, generator = build()
    golden = {n: t.numpy() for n, t in run(model, generator).items()}
    golden["ids"] = golden["ids"].astype(np.int32)
    weights = {n: p.detach().half().numpy() for n, p in model.named_parameters()}
    made = {"made_by": "tools/reference/dump_tiny_random.py", "seed": str(SEED),
            "versions": " ".join("%s=%s" % v for v in
                                 common.versions("transformers", "torch", "numpy").items())}
    common.write_safetensors(out / "model.safetensors", weights, {"format": "pt", **made})
    common.write_safetensors(out / "golden.safetensors", golden, made)
    config = {"architectures": ["WhisperForConditionalGeneration"], "model_type": "whisper",
              "is_encoder_decoder": True, **CONFIG}
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
