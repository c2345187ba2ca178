#!/usr/bin/env python3
"""Writes what Pillow, torchvision and transformers' image processors make of made-up pictures.

    dump_images.py tests/golden

The pictures are integers of a formula, the same in tests/support/pictures.c. Made are, next to
files in pictures/ (read back, upright and in RGB, as "file.NAME"), images.safetensors:

    RULE.FILTER.WxH-WxH      u8[H][W][3]: one picture resized
    sums.RULE                i32[FILTERS][4]: FNV-1a of the bytes of LARGE resized
    PROCESSOR.RULE.WxH       u8[tiles][H][W][3]: before rescaling and normalising
    values.NORM              f32[3][H][W]: one of them after it
    table.grid               i32[n][10]: width, height, longest edge, tile, first size, second size,
                             rows, columns
    table.anyres             i32[n][12]: width, height, side, canvas size, content size, features
                             kept: first row, rows, first column, columns, tokens

RULE is pillow13, which does columns first in some shapes; pillow, rows always first, as Pillow did
up to 12 (made by two calls of one direction each, which is the same); torch.
"""

import argparse
import struct
import unittest.mock
import zlib
from pathlib import Path

import common

np, torch = common.need("numpy"), common.need("torch")
Image = common.need("PIL.Image", "pillow")
ImageOps = common.need("PIL.ImageOps", "pillow")
transforms = common.need("torchvision.transforms", "torchvision")
transformers = common.need("transformers")
tools = common.need("transformers.image_transforms", "transformers")
utils = common.need("transformers.image_processing_utils", "transformers")
idefics3 = common.need("transformers.models.idefics3.image_processing_pil_idefics3", "transformers")
llava_next = common.need("transformers.models.llava_next.modeling_llava_next", "transformers")

FILTERS = {"nearest": Image.NEAREST, "box": Image.BOX, "bilinear": Image.BILINEAR,
           "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
TORCH_FILTERS = ["bilinear", "bicubic", "lanczos"]
SMALL = [((37, 29), (16, 12)), ((19, 13), (26, 21)), ((19, 13), (7, 30)), ((19, 13), (19, 5)),
         ((11, 17), (18, 17)), ((200, 3), (7, 5)), ((11, 40), (16, 16))]
LARGE = [((1001, 667), (336, 224)), ((640, 480), (512, 384)), ((300, 500), (777, 901)),
         ((480, 640), (384, 384))]
PLAIN = {"do_rescale": False, "do_normalize": False}
PINPOINTS = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]  # height, width


def picture(width, height):
    state, pixels = 1, np.zeros((height, width, 3), np.uint8)
    for y in range(height):
        for x in range(width):
            block = (x // 5 + y // 7) % 3
            for c in range(3):
                state = (state * 1103515245 + 12345) & 0xFFFFFFFF
                ramp = (x * (5 + 2 * c) + y * (6 + 2 * c) + 40 * c) & 255
                hard = 0 if c == 1 else 255
                pixels[y, x, c] = (hard, ramp, ramp // 2 + (state >> 16 & 63))[block]
    return pixels


def smooth(width, height):
    """A picture that JPEG hardly changes."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([20 + 8 * x, 20 + 12 * y, 220 - 4 * x - 4 * y], -1).astype(np.uint8)


def name_of(size):
    return "%dx%d" % size


resize_by_shape = Image.Image.resize


def resize_rows_first(image, size, resample=None, **kwargs):
    if resample != Image.NEAREST:
        image = resize_by_shape(image, (size[0], image.height), resample, **kwargs)
    return resize_by_shape(image, size, resample, **kwargs)


def rows_first():
    return unittest.mock.patch.object(Image.Image, "resize", resize_rows_first)


def pillow13_resize(pixels, size, name):
    return np.asarray(Image.fromarray(pixels).resize(size, FILTERS[name]))


def pillow_resize(pixels, size, name):
    with rows_first():
        return pillow13_resize(pixels, size, name)


def torch_resize(pixels, size, name):
    mode = transforms.InterpolationMode(name)
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)
    resized = transforms.v2.functional.resize(tensor, [size[1], size[0]], mode, antialias=True)
    return np.ascontiguousarray(resized.permute(1, 2, 0).numpy())


def fnv1a(pixels):
    total = 0x811C9DC5
    for byte in pixels.tobytes():
        total = (total ^ byte) * 0x01000193 & 0xFFFFFFFF
    return total - (1 << 32) if total >> 31 else total


def dump_resizes(out):
    for rule, resize, names, small in (("pillow", pillow_resize, list(FILTERS), SMALL),
                                       ("pillow13", pillow13_resize, list(FILTERS), SMALL[-1:]),
                                       ("torch", torch_resize, TORCH_FILTERS, SMALL)):
        for name in names:
            for size, to in small:
                key = "%s.%s.%s-%s" % (rule, name, name_of(size), name_of(to))
                out[key] = resize(picture(*size), to, name)
        out["sums." + rule] = np.array(
            [[fnv1a(resize(picture(*size), to, name)) for size, to in LARGE] for name in names],
            np.int32)


def tiles_of(pixel_values):
    """[...][3][H][W] of one picture as [tiles][H][W][3]."""
    values = np.asarray(pixel_values)
    tiles = values.reshape((-1,) + values.shape[-3:]).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(tiles).astype(np.uint8)


def processed(name, options, size):
    """(rule, output) of a processor's Pillow class, in both orders, and its torchvision class."""
    image = Image.fromarray(picture(*size))
    old = getattr(transformers, name + "ImageProcessorPil")(**options)
    new = getattr(transformers, name + "ImageProcessor")(**options)
    with rows_first():
        yield "pillow", old(image, return_tensors="np")["pixel_values"]
    yield "pillow13", old(image, return_tensors="np")["pixel_values"]
    yield "torch", new(image, return_tensors="np")["pixel_values"]


def dump_processors(out):
    edge = {"size": {"shortest_edge": 16}, "crop_size": {"height": 16, "width": 16}}
    grid = {"size": {"longest_edge": 48}, "max_image_size": {"longest_edge": 16}}
    anyres = dict(edge, image_grid_pinpoints=[[16, 32], [32, 16], [32, 32], [48, 16], [16, 48]])
    square = {"size": {"height": 16, "width": 16}}
    for key, name, options, sizes in (
            ("clip", "CLIP", edge, [(37, 29), (29, 38), (16, 51)]),
            ("llava", "Llava", dict(edge, do_pad=True), [(37, 29), (12, 31)]),
            ("siglip", "Siglip", square, [(37, 29), (29, 38)]),
            ("grid", "Idefics3", grid, [(60, 20), (13, 20)]),
            ("whole", "SmolVLM", dict(grid, do_image_splitting=False), [(37, 29)]),
            ("anyres", "LlavaNext", anyres, [(37, 29), (11, 40)])):
        for size in sizes:
            for rule, values in processed(name, dict(options, **PLAIN), size):
                out["%s.%s.%s" % (key, rule, name_of(size))] = tiles_of(values)
    for key, name in (("clip", "CLIP"), ("half", "Siglip")):
        rules = dict(processed(name, dict(square, do_center_crop=False), (37, 29)))
        out["values." + key] = rules["pillow"][0].astype(np.float32)
    crop = dict(processed("CLIP", dict(edge, do_resize=False, **PLAIN), (13, 21)))
    out["centre.torch.13x21"] = tiles_of(crop["torch"])
    square = transforms.Resize((16, 16))(Image.fromarray(picture(37, 29)))
    out["nanovlm.pillow.37x29"] = np.asarray(square)[None]
    out["values.none"] = transforms.ToTensor()(square).numpy()


class Sizes(transformers.Idefics3ImageProcessorPil):
    """Idefics3's processor, which only notes the sizes."""

    def resize(self, image, size, resample=None, **kwargs):
        to = (size.height, size.width)
        if size.longest_edge:
            to = idefics3.get_resize_output_image_size(image, size.longest_edge)
        return np.broadcast_to(np.zeros((3, 1, 1), np.uint8), (3,) + tuple(to))


def dump_grid_table(out):
    rows = []
    for longest, tile in ((2048, 512), (1456, 364), (512, 512), (6000, 512)):
        sizes = Sizes()
        for width, height in ((640, 480), (386, 386), (1, 1), (3000, 2000), (100, 1999), (2, 1001),
                              (1920, 1080), (513, 512), (4096, 4095), (33, 4000)):
            image = np.broadcast_to(np.zeros((3, 1, 1), np.uint8), (3, height, width))
            first = sizes.resize(image, utils.SizeDict(longest_edge=longest))
            second = sizes.resize_for_vision_encoder(first, tile)
            count = sizes.split_images(second, {"longest_edge": tile})
            rows.append([width, height, longest, tile, first.shape[2], first.shape[1],
                         second.shape[2], second.shape[1], count[1], count[2]])
    out["table.grid"] = np.array(rows, np.int32)


def dump_anyres_table(out):
    rows, side = [], 24
    count = transformers.LlavaNextProcessor._get_unpadded_features
    first = tools.ChannelDimension.FIRST
    for width, height in ((640, 480), (336, 336), (672, 672), (1, 1), (3000, 2000), (100, 1999),
                          (337, 335), (1000, 333), (333, 1000), (5000, 40), (1001, 667), (671, 673),
                          (1008, 336), (1007, 337), (500, 501), (2016, 671),
                          (427, 640), (205, 328), (656, 205), (198, 176)):
        best = utils.select_best_resolution((height, width), PINPOINTS)
        image = np.broadcast_to(np.zeros((3, 1, 1), np.uint8), (3, height, width))
        content = utils.get_patch_output_size(image, best, first)
        grid = (best[0] // 336 * side, best[1] // 336 * side)
        index = torch.arange(grid[0] * grid[1]).reshape(1, *grid)
        kept = llava_next.unpad_image(index, (height, width))[0]
        row, col = (grid[0] - kept.shape[0]) // 2, (grid[1] - kept.shape[1]) // 2
        assert not kept.numel() or int(kept[0, 0]) == row * grid[1] + col
        tokens = side * side + sum(
            count(None, height, width, side, side, best[0] // 336, best[1] // 336))
        rows.append([width, height, side, best[1], best[0], content[1], content[0], row,
                     kept.shape[0], col, kept.shape[1], tokens])
    out["table.anyres"] = np.array(rows, np.int32)


def write_png(path, kind, bits, rows, *chunks):
    """A PNG of raw rows, which Pillow cannot write in all kinds. kind: the header's colour type."""
    def chunk(name, data):
        return (struct.pack(">I", len(data)) + name + data +
                struct.pack(">I", zlib.crc32(name + data)))

    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    width = len(rows[0].tobytes()) * 8 // (bits * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind])
    header = struct.pack(">IIBBBBB", width, len(rows), bits, kind, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) +
                     b"".join(chunk(*c) for c in chunks) + chunk(b"IDAT", zlib.compress(raw, 9)) +
                     chunk(b"IEND", b""))


def write_pngs(folder):
    pixels = picture(9, 7).astype(np.int64)
    deep = (pixels * 251 + np.arange(3)).astype(">u2")
    alpha = (np.arange(63).reshape(7, 9) * 4 & 255).astype(np.int64)
    alpha[0, :4] = 0, 255, 1, 254
    write_png(folder / "rgb16.png", 2, 16, deep)
    write_png(folder / "grey16.png", 0, 16, np.ascontiguousarray(deep[..., 0]))
    write_png(folder / "rgba16.png", 6, 16, np.concatenate(
        [deep, (alpha[..., None] * 257).astype(">u2")], -1))
    write_png(folder / "rgba8.png", 6, 8,
              np.concatenate([pixels, alpha[..., None]], -1).astype(np.uint8))
    write_png(folder / "grey_alpha8.png", 4, 8,
              np.stack([pixels[..., 0], alpha], -1).astype(np.uint8))
    palette = bytes(range(0, 240, 5))[:48]
    indices = (np.arange(56).reshape(7, 8) % 16).astype(np.uint8)
    packed = indices[:, 0::2] << 4 | indices[:, 1::2]
    write_png(folder / "palette4.png", 3, 4, packed, (b"PLTE", palette))
    write_png(folder / "palette4_clear.png", 3, 4, packed, (b"PLTE", palette),
              (b"tRNS", bytes([0, 128, 255, 17])))
    write_png(folder / "grey1.png", 0, 1, np.array([[0xA5], [0x3C], [0xFF]], np.uint8))


def write_files(folder):
    folder.mkdir(parents=True, exist_ok=True)
    upright = Image.fromarray(smooth(24, 16))
    back = {2: Image.FLIP_LEFT_RIGHT, 3: Image.ROTATE_180, 4: Image.FLIP_TOP_BOTTOM,
            5: Image.TRANSPOSE, 6: Image.ROTATE_90, 7: Image.TRANSVERSE, 8: Image.ROTATE_270}
    for turn in range(1, 9):
        exif = Image.Exif()
        exif[274] = turn
        stored = upright.transpose(back[turn]) if turn in back else upright
        stored.save(folder / ("exif_%d.jpg" % turn), quality=95, exif=exif)
        if turn == 6:
            stored.save(folder / "exif_6.webp", quality=95, exif=exif)
            stored.save(folder / "exif_6.png", exif=exif)
    upright.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    upright.save(folder / "progressive.jpg", quality=90, progressive=True)
    upright.convert("L").save(folder / "grey.jpg", quality=90)
    clear = upright.copy()
    clear.putalpha(Image.fromarray((np.arange(384).reshape(16, 24) % 256).astype(np.uint8)))
    clear.save(folder / "alpha.webp", lossless=True, exact=True)
    write_pngs(folder)


def dump_files(folder, out):
    for path in sorted(folder.iterdir()):
        if path.name == "grey16.png":
            continue  # Pillow makes all of it white: convert("RGB") clips what is above 255
        image = ImageOps.exif_transpose(Image.open(path))
        out["file." + path.name] = tools.convert_to_rgb(image, return_numpy=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    folder, out = parser.parse_args().folder, {}
    dump_resizes(out)
    dump_processors(out)
    dump_grid_table(out)
    dump_anyres_table(out)
    write_files(folder / "pictures")
    dump_files(folder / "pictures", out)
    common.write_safetensors(folder / "images.safetensors", out,
                             common.versions("pillow", "torchvision", "transformers", "torch"))


if __name__ == "__main__":
    main()
