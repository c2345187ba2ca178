#!/usr/bin/env python3
"""Writes tiny Llama, Qwen2 and Mistral models with seeded random weights, and what Hugging Face's
code makes of them.

    dump_llama_random.py OUT_DIR

OUT_DIR/NAME/model.safetensors and config.json are a Hugging Face checkpoint of 2 layers and 300
tokens: `llama` with the scaled positions of Llama 3 and a head of its own, `qwen2` with biases of
q, k and v and a tied head, `mistral` with a window of 8 tokens and heads that are wider than
width / heads. OUT_DIR/NAME/golden.safetensors, batch dropped:

    ids i32[24]
    logits f32[24][300]          of the prompt at once
    step_logits f32[8][300]      of the last 8 tokens, all tokens one by one over a cache
    gap_positions i32[24]        positions of tokens that were kept of a longer text ...
    gap_logits f32[8][300]       ... and what the last 8 say then (not mistral: its window goes by
                                 index here)

Weights are f16, computed with in fp32. Their scales are larger than a fresh model's, so that
attention is far from uniform and a wrong mask, position or bias shows in the logits. Read by
tests/models/.
"""

import argparse
import json
from pathlib import Path

import common

np = common.need("numpy")
torch = common.need("torch")
transformers = common.need("transformers")

N_IDS, N_STEPS = 24, 8
BASE = {"vocab_size": 300, "num_hidden_layers": 2, "hidden_act": "silu",
        "max_position_embeddings": 1024, "bos_token_id": 0, "eos_token_id": 0, "dtype": "float16"}
# As the released config.json files write them: rope_theta and rope_scaling.
MODELS = {
    "llama": (11, {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", **BASE,
        "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2,
        "intermediate_size": 112, "rms_norm_eps": 1e-5, "tie_word_embeddings": False,
        "attention_bias": False, "mlp_bias": False, "rope_theta": 10000.0,
        "rope_scaling": {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0,
                         "high_freq_factor": 4.0, "original_max_position_embeddings": 64}}),
    "qwen2": (12, {
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", **BASE,
        "hidden_size": 72, "num_attention_heads": 6, "num_key_value_heads": 2,
        "intermediate_size": 100, "rms_norm_eps": 1e-6, "tie_word_embeddings": True,
        "use_sliding_window": False, "rope_theta": 1000000.0}),
    "mistral": (13, {
        "architectures": ["MistralForCausalLM"], "model_type": "mistral", **BASE,
        "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 32,
        "intermediate_size": 96, "rms_norm_eps": 1e-5, "tie_word_embeddings": False,
        "sliding_window": 8, "rope_theta": 10000.0}),
}


def random_weight(name, shape, generator):
    """Values of one tensor: normal, on a coarse grid of a power of two, exact in f16. The grid
    keeps the file small where it is stored compressed."""
    noise = torch.randn(shape, generator=generator)
    mean = 0.0
    if name.endswith("norm.weight"):
        mean, scale = 1.0, 0.2
    elif name.endswith("bias"):
        scale = 0.5
    elif "embed" in name:
        scale = 0.3
    else:
        gain = 2.0 if "q_proj" in name or "k_proj" in name else 1.0
        scale = gain / float(shape[1]) ** 0.5
    step = 2.0 ** round(np.log2(scale / 2))
    return mean + step * (noise * scale / step).round()


def build(seed, config):
    """The model and its seeded generator, which goes on to make the inputs."""
    generator = torch.Generator().manual_seed(seed)
    made = transformers.AutoConfig.for_model(**config)
    model = transformers.AutoModelForCausalLM.from_config(
        made, attn_implementation="eager", dtype=torch.float32).eval()
    scaling = config.get("rope_scaling", {"rope_type": "default"})
    expected = {"rope_theta": config["rope_theta"], **scaling}
    found = model.config.rope_parameters
    assert all(found[k] == v for k, v in expected.items()), found
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            parameter.copy_(random_weight(name, parameter.shape, generator))
            assert torch.equal(parameter, parameter.half().float()), name
    return model, generator


def steps(model, ids):
    """Logits of every token, given one by one over a cache."""
    cache, rows = None, []
    for i in range(ids.shape[1]):
        out = model(ids[:, i:i + 1], past_key_values=cache, use_cache=True)
        cache = out.past_key_values
        rows.append(out.logits[0, 0])
    return torch.stack(rows)


def run(model, generator, gaps):
    """Inputs and outputs; see the top of the file."""
    ids = torch.randint(BASE["vocab_size"], (1, N_IDS), generator=generator)
    with torch.no_grad():
        whole = model(ids, use_cache=False).logits[0]
        stepped = steps(model, ids)
        golden = {"ids": ids[0].int(), "logits": whole, "step_logits": stepped[-N_STEPS:]}
        assert torch.allclose(whole, stepped, atol=2e-5), (whole - stepped).abs().max()
        if gaps:
            leaps = torch.randint(1, 9, (N_IDS,), generator=generator)
            positions = leaps.cumsum(0) + 5
            # A mask of ones: without one, gaps are taken for the ends of packed texts.
            out = model(ids, position_ids=positions[None], attention_mask=torch.ones_like(ids),
                        use_cache=False).logits[0]
            assert (out - whole).abs().max() > 0.1
            golden.update(gap_positions=positions.int(), gap_logits=out[-N_STEPS:])
    return {n: t.contiguous().numpy() for n, t in golden.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", help="folder to write")
    args = parser.parse_args()

    for name, (seed, config) in MODELS.items():
        out = Path(args.out) / name
        out.mkdir(parents=True, exist_ok=True)
        model, generator = build(seed, config)
        golden = run(model, generator, gaps=name != "mistral")
        weights = {n: p.detach().half().numpy() for n, p in model.named_parameters()}
        made = {"made_by": "tools/reference/dump_llama_random.py", "seed": str(seed),
                "versions": " ".join("%s=%s" % v for v in
                                     common.versions("transformers", "torch", "numpy").items())}
        common.write_safetensors(out / "model.safetensors", weights, {"format": "pt", **made})
        common.write_safetensors(out / "golden.safetensors", golden, made)
        (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
