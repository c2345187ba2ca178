#!/usr/bin/env python3
"""Writes what the public code of pruning and redistribution methods makes of made-up numbers.

    dump_prune.py FLOWCUT VISIONZIP VISATTNSINK PAINT tests/golden/prune.safetensors

The first four are git directories (work trees or bare) of github.com/TungChintao/FlowCut,
dvlab-research/VisionZip, seilk/VisAttnSink and hasanar1f/PAINT, all Apache-2.0; of each the newest
commit is read, and named in the metadata. Their functions are run as they stand, taken out of their
files, since the packages around them need models and old versions of transformers:

    flow.row.L, flow.dots.L, flow.norms.L, flow.kept.L   FlowCut's CLIPEncoderLayer_forward over a
                      small encoder: head-mean class row [n], value products [H][1 + n], value norms
                      [n] going into layer L's choice, and the patches there after it
    zip.row, zip.keys, zip.hidden, zip.out   VisionZip's tower: [n], [n][D], [n][C], tokens made
    var.*             VisAttnSink: hidden states, attention before and after VARProcessor
    paint.*           PAINT's update_modpai_alpha: rows, and the sets as numbers of patches
"""

import argparse
import ast
import contextlib
import copy
import io
import subprocess
import types
from collections import defaultdict

import common

np, torch = common.need("numpy"), common.need("torch")
save_file = common.need("safetensors.torch", "safetensors").save_file

LAYERS, HEADS, WIDTH, PATCHES, TARGET = 8, 2, 12, 24, 6


def source(repository, path):
    return subprocess.run(["git", "-C", repository, "show", "HEAD:" + path], check=True,
                          capture_output=True, text=True).stdout


def commit(repository):
    return subprocess.run(["git", "-C", repository, "rev-parse", "HEAD"], check=True,
                          capture_output=True, text=True).stdout.strip()


def take(repository, path, names, space):
    """Runs the named functions and classes of a file in a namespace of their own."""
    tree = ast.parse(source(repository, path))
    body = [n for n in tree.body if getattr(n, "name", None) in names]
    if len(body) != len(names):
        common.fail("%s of %s: not all of %s found" % (path, repository, ", ".join(names)))
    exec(compile(ast.Module(body, []), path, "exec"), space)
    return types.SimpleNamespace(**{n: space[n] for n in names})


def torch_space(**more):
    return {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "np": np, "copy": copy,
            "Optional": __import__("typing").Optional, "Tuple": __import__("typing").Tuple, **more}


def flowcut(repository, out):
    space = torch_space()
    take(repository, "flowcut/utils_flowcut.py", ["compute_score", "adaptive_prune_ratio"], space)
    code = take(repository, "flowcut/modeling_clip_flowcut.py",
                ["CLIPAttention_forward", "CLIPEncoderLayer_forward"], space)
    seen = {}

    def layer():
        linear = lambda gain: torch.nn.Linear(WIDTH, WIDTH).requires_grad_(False)
        attention = types.SimpleNamespace(
            q_proj=linear(1), k_proj=linear(1), v_proj=linear(1), out_proj=linear(1),
            scale=(WIDTH // HEADS) ** -0.5, num_heads=HEADS, head_dim=WIDTH // HEADS, dropout=0.0,
            training=False)
        for p in (attention.q_proj, attention.k_proj, attention.v_proj):
            p.weight.mul_(3.0)
        attention._shape = lambda x, n, b: x.view(b, -1, HEADS, WIDTH // HEADS).transpose(1, 2)

        def attend(hidden_states, **rest):
            values = attention._shape(attention.v_proj(hidden_states), -1, 1)[0]  # [H][1 + n][D]
            got = code.CLIPAttention_forward(attention, hidden_states, **rest)
            seen["row"] = got[1][0, :, 0, 1:].mean(0)
            seen["dots"] = torch.einsum("hd,hnd->hn", values[:, 0], values)
            seen["norms"] = got[3][0, 1:].abs().sum(-1)
            return got

        norm = lambda x: torch.nn.functional.layer_norm(x, (WIDTH,))
        mlp = linear(1)
        return types.SimpleNamespace(layer_norm1=norm, layer_norm2=norm, self_attn=attend, mlp=mlp)

    states = torch.randn(1, 1 + PATCHES, WIDTH)
    kept, carried = torch.arange(PATCHES).unsqueeze(0), None
    for index in range(LAYERS - 1):  # the last one is not needed
        (states, _), carried, kept = code.CLIPEncoderLayer_forward(
            layer(), states, None, None, output_attentions=True, target=TARGET + 1,
            rpl=LAYERS - 2 - index - 1, cumulative_scores=carried, all_keep_indices=kept)
        for name, value in seen.items():
            out["flow.%s.%d" % (name, index)] = value.clone()
        out["flow.kept.%d" % index] = kept[0].to(torch.int32).clone()


def visionzip(repository, out):
    code = take(repository, "visionzip/clip_encoder.py", ["CLIPVisionTower_VisionZip"],
                torch_space())
    n, dominant, contextual = 40, 11, 4
    attention = torch.softmax(torch.randn(1, HEADS, 1 + n, 1 + n) * 2, -1)
    hidden, keys = torch.randn(1, 1 + n, WIDTH), torch.randn(1, 1 + n, 6)

    class Tower:
        vision_model = types.SimpleNamespace(encoder=types.SimpleNamespace(
            layers=[types.SimpleNamespace(metric=keys), None]))
        _info = {"dominant": dominant, "contextual": contextual}

        def __call__(self, images, **rest):
            return types.SimpleNamespace(attentions=[attention, None], hidden_states=[hidden, None])

    tower = types.SimpleNamespace(vision_tower=Tower(), device="cpu", dtype=torch.float32)
    made, _ = code.CLIPVisionTower_VisionZip.forward(tower, torch.zeros(1))
    out["zip.row"] = attention[0, :, 0, 1:].mean(0)
    out["zip.keys"], out["zip.hidden"] = keys[0, 1:].clone(), hidden[0, 1:].clone()
    out["zip.out"] = made[0, 1:].clone()  # without the class token
    out["zip.counts"] = torch.tensor([dominant, contextual], dtype=torch.int32)


def visattnsink(repository, out):
    text = source(repository, "src/logic/logic.py")
    kept = [n for n in ast.parse(text).body if not isinstance(n, (ast.Import, ast.ImportFrom))]
    dims, heads, n, image, width = torch.tensor([3, 9]), 4, 20, (3, 12), 64
    station = types.SimpleNamespace(segments={"begin_pos": {"image": image[0]}},
                                    metadata={"vis_len": image[1]},
                                    model_config={"num_attention_heads": heads,
                                                  "num_hidden_layers": 8})
    space = torch_space(defaultdict=defaultdict, DIM_SINK={"llama-v2-7b": dims}, MODEL_LLM={},
                        MetadataStation=station,
                        ValueMonitor=types.SimpleNamespace(get_output_token_count=lambda: -1))
    exec(compile(ast.Module(kept, []), "logic.py", "exec"), space)
    space["LogicEngine"].activate(tau=4, rho=0.5, summ=0.2, p=0.6)
    hidden = torch.randn(1, n, width)
    hidden[0, 0, 3], hidden[0, 6, 9], hidden[0, 10, 3], hidden[0, 17, 9] = 20, -25, 18, 16
    logits = torch.randn(1, heads, n, n) * 1.5
    logits[:, 1, :, 6] += 4  # a head that looks at a sink: its rows stay
    logits = logits.masked_fill(torch.ones(n, n).triu(1).bool(), float("-inf"))
    before = torch.softmax(logits, -1)
    space["DimProspector"].run_logic(hidden, 2)
    space["HeadFork"].run_logic(before, 2)
    after = space["VARProcessor"].attn_redist(before.clone(), 2)
    out["var.hidden"], out["var.before"], out["var.after"] = hidden[0], before[0], after[0]
    out["var.sinks"] = space["LogicEngine"].indices[2].to(torch.int32)


def paint(repository, out):
    code = take(repository, "modPAI/llava/model/multimodal_encoder/clip_encoder.py",
                ["get_top_ratio", "spatial_attention_top_tokens", "update_modpai_alpha"],
                torch_space())
    n, shared = 48, {}
    attention = [torch.softmax(torch.randn(1, HEADS, 1 + n, 1 + n) * 2, -1) for _ in range(3)]
    with contextlib.redirect_stdout(io.StringIO()):
        code.update_modpai_alpha(attention, shared, num_vision_tokens=n)
    out["paint.row0"] = attention[0][0, :, 0, 1:].sum(0)
    out["paint.row2"] = attention[-2][0, :, 0, 1:].sum(0)
    out["paint.local"] = shared["top_tokens"].sort().values.to(torch.int32)
    out["paint.summary"] = shared["bottom_tokens"].sort().values.to(torch.int32)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    methods = {"flowcut": flowcut, "visionzip": visionzip, "visattnsink": visattnsink,
               "paint": paint}
    for name in [*methods, "output"]:
        parser.add_argument(name)
    args, out = parser.parse_args(), {}
    metadata = common.versions("numpy", "torch")
    for seed, (name, method) in enumerate(methods.items()):
        torch.manual_seed(seed)
        with torch.no_grad():
            method(getattr(args, name), out)
        metadata[name] = commit(getattr(args, name))
    save_file({k: v.contiguous() for k, v in out.items()}, args.output, metadata)


if __name__ == "__main__":
    main()
