#!/usr/bin/env python3
"""Writes tiny vision-language models with seeded random weights, in the layouts of the released
ones, and what the models' own code makes of a picture.

    dump_vision_random.py NANOVLM_CHECKOUT OUT_DIR

NANOVLM_CHECKOUT is https://github.com/huggingface/nanoVLM at tag v0.1, which is no package. The
others are transformers': SmolVLM (Idefics3), LLaVA-1.5, LLaVA-NeXT. OUT_DIR/NAME/ holds
config.json, preprocessor_config.json (not of nanoVLM), model.safetensors, for two of them
mmproj*.gguf as llama.cpp names things, and golden.safetensors, batch dropped:

    pixels u8[H][W][3]      the picture
    embedded f32[T][C]      of its first tile: what goes into the first block
    hidden.L f32[T][C]      ... and what comes out of block L, of those that are used
    last f32[P][C]          ... and what goes into the projector
    features f32[N][W]      all rows that take the place of image tokens
    features_crop           the same with a crop in place of a border (llava alone)
    ids i32[S]              a prompt; image tokens are config's, nanoVLM's features come before it
    logits f32[8][V]        of the last 8 places
    greedy i32[16]          the ids that follow, each the largest logit's

    order.2 i32[64]         what the pixel shuffle of 2 x 2 makes of 0, 1, 2, ... (nanovlm, smolvlm)
    order.4 i32[64]         ... and that of 4 x 4 (smolvlm)
    partial f32[30][C]      the last norm's rows of a tile of which 6 x 5 patches of 8 x 8 are a
                            picture (smolvlm)

Weights are f16, computed with in fp32. Read by tests/models/ and tests/unit/test_projector.c.
"""

import argparse
import dataclasses
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import common

np = common.need("numpy")
torch = common.need("torch")
transformers = common.need("transformers")
Image = common.need("PIL.Image", "pillow")

VOCAB, IMAGE_ID, N_LOGITS, N_GREEDY = 200, 199, 8, 16
WIDTH, TILE, PATCH, LM_WIDTH = 32, 32, 4, 48
TEXT = {"model_type": "llama", "hidden_size": LM_WIDTH, "intermediate_size": 64,
        "num_hidden_layers": 2, "num_attention_heads": 3, "num_key_value_heads": 1,
        "vocab_size": VOCAB, "max_position_embeddings": 1024, "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0, "head_dim": 16, "tie_word_embeddings": False,
        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
CLIP = {"model_type": "clip_vision_model", "hidden_size": WIDTH, "intermediate_size": 64,
        "num_hidden_layers": 4, "num_attention_heads": 2, "image_size": TILE, "patch_size": PATCH,
        "projection_dim": 16, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}
SIGLIP = {"model_type": "smolvlm_vision", "hidden_size": WIDTH, "intermediate_size": 64,
          "num_hidden_layers": 3, "num_attention_heads": 2, "image_size": TILE,
          "patch_size": PATCH, "hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-6}
# Heights and widths, as transformers has them.
CANVASES = [[TILE, 2 * TILE], [2 * TILE, TILE], [2 * TILE, 2 * TILE], [3 * TILE, TILE],
            [TILE, 3 * TILE]]


def random_weight(name, shape, generator):
    """Values of one tensor: normal, on a coarse grid of a power of two, exact in f16."""
    noise, mean = torch.randn(shape, generator=generator), 0.0
    if re.search(r"(norm\d?|ln\d|layrnorm)\.weight$", name):
        mean, scale = 1.0, 0.2
    elif name.endswith("bias"):
        scale = 0.3
    elif "embed" in name and "conv" not in name and "patch_embedding.weight" not in name:
        scale = 0.5
    elif len(shape) == 1:
        scale = 0.5
    else:
        gain = 2.0 if re.search(r"[qk]_proj", name) else 1.0
        scale = gain / float(np.prod(shape[1:])) ** 0.5
    step = 2.0 ** round(np.log2(scale / 2))
    return mean + step * (noise * scale / step).round()


def fill(model, seed):
    """Seeded weights; the generator goes on to make the inputs."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            parameter.copy_(random_weight(name, parameter.shape, generator))
            assert torch.equal(parameter, parameter.half().float()), name
    return generator


def picture(width, height, seed):
    """Smooth colours with some noise and a bar, u8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    planes = [np.sin(x / (3 + c) + c) * 60 + np.cos(y / (2 + c)) * 50 + 128 for c in range(3)]
    pixels = np.stack(planes, -1) + rng.integers(-20, 21, (height, width, 3))
    pixels[height // 3:height // 2, width // 4:] = (240, 30, 60)
    return np.clip(pixels, 0, 255).astype(np.uint8)


class Watch:
    """What goes into the first of some modules, and what comes out of each."""

    def __init__(self, modules):
        self.first, self.out = None, [None] * len(modules)
        modules[0].register_forward_pre_hook(self.before, with_kwargs=True)
        for i, module in enumerate(modules):
            module.register_forward_hook(lambda m, a, out, i=i: self.after(i, out))

    def before(self, module, args, kwargs):
        if self.first is None:
            self.first = (args[0] if args else kwargs["hidden_states"])[0].clone()

    def after(self, i, out):
        if self.out[i] is None:
            self.out[i] = (out[0] if isinstance(out, tuple) else out)[0].clone()

    def golden(self, used):
        return {"embedded": self.first, **{"hidden.%d" % i: self.out[i] for i in range(used)}}


def prompt(n_features, a_tile, generator):
    """Text around runs of image tokens, a text token before each run."""
    ids = torch.randint(3, 190, (5,), generator=generator).tolist()
    for _ in range(n_features // a_tile):
        ids += torch.randint(3, 190, (1,), generator=generator).tolist() + [IMAGE_ID] * a_tile
    return torch.tensor([ids + torch.randint(3, 190, (9,), generator=generator).tolist()])


def follow(model, ids, inputs):
    """Logits of the last places and the greedy ids of a transformers model."""
    greedy, at, logits = [], ids, None
    for _ in range(N_GREEDY):
        out = model(input_ids=at, use_cache=False, **inputs).logits[0]
        logits = out[-N_LOGITS:] if logits is None else logits
        greedy.append(int(out[-1].argmax()))
        at = torch.cat([at, torch.tensor([[greedy[-1]]])], 1)
    return {"ids": ids[0].int(), "logits": logits, "greedy": torch.tensor(greedy).int()}


def dump_nano(checkout, out):
    sys.path.insert(0, str(checkout))
    from models.config import VLMConfig
    from models.modality_projector import ModalityProjector
    from models.vision_language_model import VisionLanguageModel
    from safetensors.torch import save_model
    transforms = common.need("torchvision.transforms", "torchvision")
    config = VLMConfig(
        vit_hidden_dim=WIDTH, vit_inter_dim=64, vit_patch_size=PATCH, vit_img_size=TILE,
        vit_n_heads=2, vit_n_blocks=3, lm_hidden_dim=LM_WIDTH, lm_inter_dim=64, lm_vocab_size=VOCAB,
        lm_n_heads=3, lm_n_kv_heads=1, lm_n_blocks=2, vlm_load_backbone_weights=False)
    model = VisionLanguageModel(config, load_backbone=False).eval()
    generator = fill(model, 31)
    pixels = picture(45, 37, 1)
    watch = Watch(list(model.vision_encoder.blocks))
    ids = torch.randint(3, VOCAB, (1, 11), generator=generator)
    # data/processors.py of the checkout
    fit = transforms.Compose([transforms.Resize((TILE, TILE)), transforms.ToTensor()])
    with torch.no_grad():
        image = fit(Image.fromarray(pixels))[None]
        last = model.vision_encoder(image)
        features = model.MP(last)
        golden = {"last": last[0], "features": features[0], "ids": ids[0].int(),
                  **watch.golden(3)}
        greedy, at = [], ids
        for _ in range(N_GREEDY):
            logits = model.decoder.head(model(at, image)[0])[0]
            golden.setdefault("logits", logits[-N_LOGITS:])
            greedy.append(int(logits[-1].argmax()))
            at = torch.cat([at, torch.tensor([[greedy[-1]]])], 1)
        golden["greedy"] = torch.tensor(greedy).int()
        ramp = torch.arange(64.0).view(1, 64, 1)
        golden["order.2"] = ModalityProjector(config).pixel_shuffle(ramp).flatten().int()
    with tempfile.TemporaryDirectory() as folder:  # which names are kept of tied weights
        save_model(model, folder + "/m.safetensors")
        safetensors = common.need("safetensors")
        with safetensors.safe_open(folder + "/m.safetensors", "pt") as f:
            names = list(f.keys())
    write(out / "nanovlm", model, names, pixels, golden, dataclasses.asdict(config), None)


def state(model, rename):
    """The parameters under the names of a released file."""
    return {rename(n): p for n, p in model.state_dict().items()}


def write(folder, model, names, pixels, golden, config, preprocessor, rename=lambda n: n):
    arrays = state(model, rename)
    arrays = {n: arrays[n].detach().half().numpy() for n in names or arrays}
    made = {"made_by": "tools/reference/dump_vision_random.py", "versions": " ".join(
        "%s=%s" % v for v in common.versions("transformers", "torch", "numpy", "pillow").items())}
    golden = {n: t.contiguous().numpy() for n, t in golden.items()}
    common.write_safetensors(folder / "model.safetensors", arrays, {"format": "pt", **made})
    common.write_safetensors(folder / "golden.safetensors", {"pixels": pixels, **golden}, made)
    for name, values in (("config", config), ("preprocessor_config", preprocessor)):
        if values:
            text = json.dumps(values, indent=2) + "\n"
            (folder / (name + ".json")).write_text(text, encoding="utf-8")


def dump_smolvlm(out):
    config = {"architectures": ["SmolVLMForConditionalGeneration"], "model_type": "smolvlm",
              "image_token_id": IMAGE_ID, "scale_factor": 4, "text_config": TEXT,
              "vision_config": SIGLIP, "tie_word_embeddings": False}
    model = transformers.SmolVLMForConditionalGeneration._from_config(
        transformers.SmolVLMConfig(**config), attn_implementation="eager").eval()
    generator = fill(model, 32)
    pixels = picture(40, 27, 2)
    options = {"size": {"longest_edge": 2 * TILE}, "max_image_size": {"longest_edge": TILE},
               "do_image_splitting": True, "resample": 1, "image_mean": [0.5] * 3,
               "image_std": [0.5] * 3, "do_convert_rgb": True, "do_pad": True}
    processor = transformers.Idefics3ImageProcessorPil(**options)
    values = torch.tensor(np.asarray(
        processor([[Image.fromarray(pixels)]], return_tensors="np")["pixel_values"]))
    vision = model.model.vision_model
    watch = Watch(list(vision.encoder.layers))
    with torch.no_grad():
        last = vision(pixel_values=values[0]).last_hidden_state
        features = model.model.connector(last).flatten(0, 1)
        n = features.shape[0]
        assert n == 4 * values.shape[1] and n > 16, values.shape
        mask = torch.zeros(1, 8, 8, dtype=torch.bool)
        mask[:, :6, :5] = True
        partial = vision(pixel_values=values[0, :1], patch_attention_mask=mask).last_hidden_state
        golden = {"last": last[0], "features": features, **watch.golden(3),
                  "partial": partial[0][mask.flatten()]}
        golden.update(follow(model, prompt(n, 4, generator), {"pixel_values": values}))
        ramp = torch.arange(64.0).view(1, 64, 1)
        for side in (2, 4):
            shuffled = model.model.connector.pixel_shuffle(ramp, side)
            golden["order.%d" % side] = shuffled.flatten().int()
    write(out / "smolvlm", model, None, pixels, golden, config,
          {"image_processor_type": "SmolVLMImageProcessor", **options})
    write_mmproj(out / "smolvlm/mmproj.gguf", model, "idefics3", swapped=False)


def old_names(name):
    """As llava-hf's files of LLaVA-1.5 have it."""
    name = re.sub(r"^model\.language_model\.", "language_model.model.", name)
    name = re.sub(r"^lm_head\.", "language_model.lm_head.", name)
    name = re.sub(r"^model\.vision_tower\.", "vision_tower.vision_model.", name)
    return re.sub(r"^model\.multi_modal", "multi_modal", name)


def clip_options(**more):
    return {"do_resize": True, "resample": 3, "do_center_crop": True,
            "crop_size": {"height": TILE, "width": TILE}, "do_convert_rgb": True,
            "size": {"shortest_edge": TILE}, "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_std": [0.26862954, 0.26130258, 0.27577711], **more}


def dump_llava(out):
    config = {"architectures": ["LlavaForConditionalGeneration"], "model_type": "llava",
              "image_token_index": IMAGE_ID, "projector_hidden_act": "gelu",
              "vision_feature_layer": -2, "vision_feature_select_strategy": "default",
              "text_config": TEXT, "vision_config": CLIP, "image_seq_length": 64,
              "tie_word_embeddings": False}
    model = transformers.LlavaForConditionalGeneration._from_config(
        transformers.LlavaConfig(**config), attn_implementation="eager").eval()
    generator = fill(model, 33)
    pixels = picture(50, 36, 3)
    watch = Watch(list(model.model.vision_tower.encoder.layers))
    golden = {}
    with torch.no_grad():
        for name, pad in (("features", True), ("features_crop", False)):
            processor = transformers.LlavaImageProcessorPil(**clip_options(), do_pad=pad)
            values = processor(Image.fromarray(pixels), return_tensors="pt")["pixel_values"]
            got = model.model.get_image_features(pixel_values=values)
            golden[name] = torch.cat(list(got.pooler_output))
            if pad:
                golden["last"] = got.hidden_states[-2][0, 1:]
                golden.update(watch.golden(3))
                ids = prompt(64, 64, generator)
                golden.update(follow(model, ids, {"pixel_values": values}))
    assert torch.equal(golden["hidden.2"][1:], golden["last"])
    write(out / "llava", model, None, pixels, golden, config,
          {"image_processor_type": "CLIPImageProcessor", **clip_options()}, old_names)
    write_mmproj(out / "llava/mmproj.gguf", model, "mlp", swapped=True, layers=3)
    write_mmproj(out / "llava/mmproj_all.gguf", model, "mlp", swapped=False, layers=4)


def dump_llava_next(out):
    config = {"architectures": ["LlavaNextForConditionalGeneration"], "model_type": "llava_next",
              "image_token_index": IMAGE_ID, "projector_hidden_act": "gelu",
              "vision_feature_layer": -2, "vision_feature_select_strategy": "default",
              "image_grid_pinpoints": CANVASES, "text_config": TEXT, "vision_config": CLIP,
              "tie_word_embeddings": False}
    model = transformers.LlavaNextForConditionalGeneration._from_config(
        transformers.LlavaNextConfig(**config), attn_implementation="eager").eval()
    generator = fill(model, 34)
    pixels = picture(61, 43, 4)
    options = clip_options(image_grid_pinpoints=CANVASES, do_pad=True)
    processor = transformers.LlavaNextImageProcessorPil(**options)
    made = processor(Image.fromarray(pixels), return_tensors="pt")
    inputs = {"pixel_values": made["pixel_values"], "image_sizes": made["image_sizes"]}
    watch = Watch(list(model.model.vision_tower.encoder.layers))
    with torch.no_grad():
        got = model.model.get_image_features(**inputs)
        features = torch.cat(list(got.pooler_output))
        golden = {"features": features, "last": got.hidden_states[-2][0, 1:], **watch.golden(3)}
        n = features.shape[0]
        golden.update(follow(model, prompt(n, n, generator), inputs))
    write(out / "llava_next", model, None, pixels, golden, config,
          {"image_processor_type": "LlavaNextImageProcessor", **options})


# Names of llama.cpp's convert_hf_to_gguf.py and, of LLaVA, convert_image_encoder_to_gguf.py.
NAMES = [("embeddings.class_embedding", "v.class_embd"),
         ("embeddings.patch_embedding", "v.patch_embd"),
         ("embeddings.position_embedding", "v.position_embd"), ("pre_layrnorm", "v.pre_ln"),
         ("post_layernorm", "v.post_ln"), ("encoder.layers", "v.blk"), ("layer_norm", "ln"),
         ("self_attn.", "attn_"), ("attn_q_proj", "attn_q"), ("attn_k_proj", "attn_k"),
         ("attn_v_proj", "attn_v"), ("attn_out_proj", "attn_out")]


def write_mmproj(path, model, projector, swapped, layers=3):
    """The vision side as llama.cpp keeps it. swapped: fc1 is ffn_down, as in old files of LLaVA,
    which also lack the layer that is not used."""
    gguf = common.need("gguf")
    w = gguf.GGUFWriter(str(path), "clip")
    llava = projector == "mlp"
    w.add_bool("clip.has_vision_encoder", True)
    w.add_string("clip.projector_type", projector)
    w.add_bool("clip.use_gelu", not llava)
    for key, value in (("image_size", TILE), ("patch_size", PATCH), ("embedding_length", WIDTH),
                       ("feed_forward_length", 64), ("block_count", layers),
                       ("attention.head_count", 2), ("projection_dim", LM_WIDTH)):
        w.add_uint32("clip.vision." + key, value)
    w.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5 if llava else 1e-6)
    options = clip_options()
    w.add_array("clip.vision.image_mean", options["image_mean"] if llava else [0.5] * 3)
    w.add_array("clip.vision.image_std", options["image_std"] if llava else [0.5] * 3)
    if not llava:
        w.add_uint32("clip.vision.projector.scale_factor", 4)
        w.add_uint32("clip.vision.preproc_image_size", 2 * TILE)
    elif not swapped:
        w.add_array("clip.vision.feature_layer", [3])
    vision = model.model.vision_tower if llava else model.model.vision_model
    arrays = {}
    for name, p in vision.state_dict().items():
        layer = re.search(r"layers\.(\d+)\.", name)
        if (layer and int(layer.group(1)) >= layers) or (swapped and "post_layernorm" in name):
            continue
        for old, new in NAMES + [("mlp.fc1", "ffn_down" if swapped else "ffn_up"),
                                 ("mlp.fc2", "ffn_up" if swapped else "ffn_down")]:
            name = name.replace(old, new)
        arrays[name] = p
    for name, p in model.model.named_parameters():
        name = name.replace("multi_modal_projector.linear_1", "mm.0")
        name = name.replace("multi_modal_projector.linear_2", "mm.2")
        name = name.replace("connector.modality_projection.proj", "mm.model.fc")
        if name.startswith("mm."):
            arrays[name] = p
    for name, p in sorted(arrays.items()):
        values = p.detach().numpy()
        w.add_tensor(name, values.astype(np.float16 if values.ndim > 1 else np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    print("%s: %d bytes" % (path, path.stat().st_size), file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nanovlm", help="checkout of nanoVLM v0.1")
    parser.add_argument("out", help="folder to write")
    args = parser.parse_args()
    out = Path(args.out)
    version = subprocess.run(["git", "-C", args.nanovlm, "describe", "--tags"], check=True,
                             capture_output=True, text=True).stdout.strip()
    if version != "v0.1":
        common.fail("%s is nanoVLM %s, expected v0.1" % (args.nanovlm, version))

    dump_nano(args.nanovlm, out)
    dump_smolvlm(out)
    dump_llava(out)
    dump_llava_next(out)


if __name__ == "__main__":
    main()
