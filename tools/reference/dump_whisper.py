#!/usr/bin/env python3
"""Writes what OpenAI's Whisper implementation says, in fp32 on the CPU, as golden files.

    dump_whisper.py ids     --model NAME=DIR ... --out FILE.json    greedy ids of read sentences
    dump_whisper.py long    --model NAME=DIR ... --out FILE.json    transcribe() of a long recording
    dump_whisper.py tensors --model NAME=DIR --out FILE.safetensors mel, encoder output, logits

Models are CTranslate2 folders (ct2_whisper.py). Audio is 16 kHz mono and never resampled. Decoding
is greedy: temperature 0, no beam, no fallback, default suppression. Every file carries the versions
and the SHA-256 of all that went in. Read by tests/real/.
"""

import argparse
import contextlib
import sys
from pathlib import Path

import common
import ct2_whisper

np = common.need("numpy")
torch = common.need("torch")
whisper = common.need("whisper", "openai-whisper")

DEBIAN_DATA = "/usr/share/pocketsphinx/test/data"
LANGUAGE = "en"
FORCED = ("de", "translate")  # any pair but the plain one: its ids are a golden all the same
STEPS = {"mel": 8, "encoder": 25, "logits": 4}  # every n-th frame, row and token id is kept
TOP_FIRST, TOP_STEP = 64, 8


def provenance(command):
    """What made a golden file."""
    return {
        "made_by": "tools/reference/dump_whisper.py " + command,
        "versions": common.versions("openai-whisper", "torch", "numpy"),
        "precision": "fp32, CPU",
    }


def open_models(pairs):
    """[(name, model, SHA-256 of model.bin)] of NAME=DIR arguments."""
    out = []
    for pair in pairs:
        name, _, folder = pair.partition("=")
        if not folder:
            common.fail("--model %s: expected NAME=DIR" % pair)
        model = ct2_whisper.load_openai(folder)
        out.append((name, model, common.sha256(Path(folder) / "model.bin")))
    return out


def first_window(model, samples):
    """Log-mel of the first 30 s, zero-padded: f32[mels][3000]."""
    return whisper.log_mel_spectrogram(whisper.pad_or_trim(samples), model.dims.n_mels)


@contextlib.contextmanager
def logit_gaps(gaps):
    """Appends, for every token chosen, how far its logit was above the second best after all rules.
    A gap near zero explains why an equally right implementation may choose otherwise."""
    decoder = whisper.decoding.GreedyDecoder
    update = decoder.update

    def watched(self, tokens, logits, sum_logprobs):
        best, second = logits[0].topk(2).values.tolist()
        gaps.append(round(min(best - second, 99.0), 3))
        return update(self, tokens, logits, sum_logprobs)

    decoder.update = watched
    try:
        yield
    finally:
        decoder.update = update


def decode(model, features, language=LANGUAGE, task="transcribe", timestamps=False):
    """One greedy window as a dictionary; gaps has one entry a token and one for the end of text."""
    gaps = []
    with logit_gaps(gaps):
        found = whisper.decode(model, features, whisper.DecodingOptions(
            task=task, language=language, temperature=0.0, fp16=False,
            without_timestamps=not timestamps))
    return {
        "tokens": found.tokens,
        "text": found.text,
        "avg_logprob": round(found.avg_logprob, 5),
        "no_speech_prob": float("%.4g" % found.no_speech_prob),
        "gaps": gaps,
    }


def languages(model, features):
    """The five most probable languages."""
    _, probabilities = whisper.decoding.detect_language(model, features)
    best = sorted(probabilities, key=probabilities.get, reverse=True)[:5]
    return {code: float("%.4g" % probabilities[code]) for code in best}


def audio_record(name, path, samples):
    """How a golden names its audio."""
    return {"file": name, "sha256": common.sha256(path), "samples": len(samples)}


def ids_of(model, name, path, plain_only):
    """All that `ids` stores of one recording."""
    samples = common.read_audio(path)
    with torch.no_grad():
        features = model.encoder(first_window(model, samples)[None])
    features = features[0]
    out = audio_record(name, path, samples)
    out["plain"] = decode(model, features)
    if plain_only:
        del out["plain"]["text"]
        return out
    out["timed"] = decode(model, features, timestamps=True)
    if model.is_multilingual:
        out["languages"] = languages(model, features)
    return out


def dump_ids(args):
    """Token ids with and without timestamps, detected languages, one forced language and task."""
    names = args.files or common.READ_SENTENCES
    if args.files == ["all"]:
        found = (p for p in Path(args.audio).rglob("*") if p.suffix in (".wav", ".flac"))
        names = sorted(str(p.relative_to(args.audio)) for p in found)
    paths = common.audio_files(args.audio, names)
    golden = provenance("ids")
    golden["language"] = LANGUAGE
    golden["models"] = {}
    for label, model, digest in open_models(args.model):
        entry = {"model_sha256": digest, "multilingual": model.is_multilingual, "utterances": []}
        for name, path in zip(names, paths):
            print("%s: %s" % (label, name), file=sys.stderr)
            entry["utterances"].append(ids_of(model, name, path, args.plain))
        if model.is_multilingual and not args.plain:
            language, task = FORCED
            features = first_window(model, common.read_audio(paths[0]))
            entry["forced"] = {"file": names[0], "language": language, "task": task,
                               **decode(model, features, language, task)}
        golden["models"][label] = entry
    common.write_json(args.out, golden)


def long_recipe():
    """[(file, seconds of silence after it)]: three rounds of the read sentences, the second
    backwards, short pauses inside, one longer than a window between the second and the third."""
    files = [n for n in common.READ_SENTENCES if n.startswith("librivox/")]
    first = [(n, 0.5) for n in files]
    second = [(n, 1.0) for n in reversed(files)]
    second[-1] = (second[-1][0], 35.0)
    third = [(n, 0.25) for n in files]
    return first + second + third


def build_long(root, recipe):
    """The samples of a recipe."""
    common.audio_files(root, [name for name, _ in recipe])
    parts = []
    for name, silence in recipe:
        parts.append(common.read_audio(Path(root) / name))
        parts.append(np.zeros(round(silence * common.SAMPLE_RATE), np.float32))
    return np.concatenate(parts)


def transcribe_long(model, samples, condition):
    """transcribe() with its windows: segments as the reference gives them, each window's ids."""
    windows, gaps = [], []
    plain_decode = model.decode

    def watched(mel, options):
        gaps.clear()
        found = plain_decode(mel, options)
        windows.append({
            "tokens": found.tokens,
            "avg_logprob": round(found.avg_logprob, 5),
            "no_speech_prob": float("%.4g" % found.no_speech_prob),
            "prompt_tokens": len(options.prompt or []),
            "smallest_gap": min(gaps),
        })
        return found

    model.decode = watched
    with logit_gaps(gaps):
        found = model.transcribe(
            samples, language=LANGUAGE, temperature=0.0, fp16=False,
            condition_on_previous_text=condition, verbose=None)
    del model.decode
    keep = ("id", "seek", "start", "end", "text", "tokens")
    segments = [{k: s[k] for k in keep} for s in found["segments"]]
    for segment in segments:
        segment["start"], segment["end"] = round(segment["start"], 2), round(segment["end"], 2)
    return {"condition_on_previous_text": condition, "text": found["text"], "segments": segments,
            "windows": windows}


def dump_long(args):
    """Long form: seeking, silence, carried text."""
    recipe = long_recipe()
    samples = build_long(args.audio, recipe)
    golden = provenance("long")
    golden["language"] = LANGUAGE
    golden["samples"] = len(samples)
    golden["recipe"] = [{"file": n, "silence_after_s": s} for n, s in recipe]
    golden["models"] = {}
    for label, model, digest in open_models(args.model):
        runs = []
        for condition in (False, True):
            print("%s: carried text %s" % (label, condition), file=sys.stderr)
            runs.append(transcribe_long(model, samples, condition))
        golden["models"][label] = {"model_sha256": digest, "runs": runs}
    common.write_json(args.out, golden)


def collect_tensors(model, samples):
    """Name -> array; see dump_tensors()."""
    tokenizer = whisper.tokenizer.get_tokenizer(
        model.is_multilingual, num_languages=model.num_languages, language=LANGUAGE,
        task="transcribe")
    prompt = list(tokenizer.sot_sequence_including_notimestamps)
    mel = first_window(model, samples)
    with torch.no_grad():
        features = model.encoder(mel[None])
        spoken = decode(model, features[0])["tokens"]
        logits = model.decoder(torch.tensor([prompt + spoken]), features)[0, len(prompt) - 1 :]
    first, steps = logits[0].topk(TOP_FIRST), logits.topk(TOP_STEP, dim=-1)
    tensors = {
        "mel": mel.T[:: STEPS["mel"]],
        "encoder": features[0, :: STEPS["encoder"]],
        "logits": logits[0, :: STEPS["logits"]],
        "top_ids": first.indices, "top_logits": first.values,
        "prompt": torch.tensor(prompt), "tokens": torch.tensor(spoken),
        "step_ids": steps.indices, "step_logits": steps.values,
    }
    out = {}
    for name, tensor in tensors.items():
        out[name] = tensor.numpy().astype(np.float32 if tensor.is_floating_point() else np.int32)
    return out, mel


def dump_tensors(args):
    """One recording's numbers on their way, timestamps off, every n-th row to stay small:

    mel f32[375][mels] frames 0, 8, ...; encoder f32[60][width] rows 0, 25, ...; logits of the first
    step before any rule: f32[] ids 0, 4, ..., and top_ids, top_logits [64]; prompt, tokens i32[];
    step_ids, step_logits [tokens + 1][8]: the best eight before any rule at each step."""
    if len(args.model) != 1:
        common.fail("tensors: expected one --model")
    name = (args.files or common.READ_SENTENCES)[0]
    (path,) = common.audio_files(args.audio, [name])
    samples = common.read_audio(path)
    ((label, model, digest),) = open_models(args.model)
    tensors, mel = collect_tensors(model, samples)
    origin = provenance("tensors")
    metadata = {
        "made_by": origin["made_by"], "precision": origin["precision"],
        "versions": " ".join("%s=%s" % v for v in origin["versions"].items()),
        "model": label, "model_sha256": digest, "language": LANGUAGE,
        **{k: str(v) for k, v in audio_record(name, path, samples).items()},
        **{k + "_step": str(v) for k, v in STEPS.items()},
        "mel_mean": "%.7f" % mel.double().mean().item(),
    }
    common.write_safetensors(args.out, tensors, metadata)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run in (("ids", dump_ids), ("long", dump_long), ("tensors", dump_tensors)):
        sub = commands.add_parser(name, help=run.__doc__.splitlines()[0])
        sub.set_defaults(run=run)
        sub.add_argument("--model", action="append", required=True, metavar="NAME=DIR",
                         help="name in the golden file, and the CTranslate2 folder")
        sub.add_argument("--out", required=True, help="file to write")
        sub.add_argument("--audio", default=DEBIAN_DATA, help="folder of recordings [%(default)s]")
        if name != "long":
            sub.add_argument("files", nargs="*", help="relative to --audio; `all` for every one "
                             "[pocketsphinx's read sentences]")
        if name == "ids":
            sub.add_argument("--plain", action="store_true",
                             help="ids without timestamps and nothing else")
    args = parser.parse_args()
    torch.manual_seed(0)
    args.run(args)


if __name__ == "__main__":
    main()
