#!/usr/bin/env python3
"""Writes what Silero's voice detector and faster-whisper's search for speech say.

    dump_vad.py spans OUT.json      made-up probabilities -> spans and times, by faster-whisper
    dump_vad.py speech OUT.json     recordings -> probabilities, by silero-vad; and their spans
    dump_vad.py export OUT.safetensors    the weights of silero_vad.jit under the names that the
                                          package's safetensors file has

The package holds two sets of weights: those of silero_vad_16k.safetensors, which its
tinygrad_model.py runs (`probabilities`), and those of silero_vad.jit and .onnx
(`jit_probabilities`). They differ, in every
version that has both (6.2.1 to 6.2.3); the network is the same.
faster-whisper carries a third set; its search is run here over the first.
"""

import argparse
from pathlib import Path

import common

np = common.need("numpy")
vad = common.need("faster_whisper.vad", "faster-whisper")

SPEECH = "/usr/share/pocketsphinx/test/data"
WINDOW, CONTEXT, RATE = 512, 64, 16000
RECIPE = [("librivox/sense_and_sensibility_01_austen_64kb-0870.wav", 3.1),
          ("cards/001.wav", 0.9), ("cards/002.wav", 2.5),
          ("librivox/sense_and_sensibility_01_austen_64kb-0890.wav", 5.0),
          ("librivox/sense_and_sensibility_01_austen_64kb-0930.wav", 1.0)]


class Dice:
    """The same numbers in tests/unit/test_speech_spans.c."""

    def __init__(self, seed):
        self.state = seed * 2654435761 & 0x7FFFFFFF
        self.below(1)

    def below(self, n):
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.state >> 12) % n


def made_up(seed, n):
    """n probabilities in steps of 1/1024: stretches of one level each, in some jitter."""
    dice, out = Dice(seed), []
    while len(out) < n:
        level, length = (30, 350, 430, 520, 990)[dice.below(5)], 1 + dice.below(40)
        for _ in range(min(length, n - len(out))):
            out.append(max(0, min(1024, level + dice.below(120) - 60)))
    return np.array(out, np.float32) / np.float32(1024)


def find_spans(probs, n_samples, options):
    vad.get_vad_model = lambda: lambda padded: probs[:len(padded) // WINDOW]
    return vad.get_speech_timestamps(np.zeros(n_samples, np.float32), vad.VadOptions(**options))


def flat(spans):
    return [x for s in spans for x in (s["start"], s["end"])]


def times_of(spans, dice):
    """Packed time, original, original as an end, at random places and at the ends of spans."""
    timeline = vad.SpeechTimestampsMap(spans, RATE)
    total = timeline.chunk_end_sample[-1]
    packed = [dice.below(total // 160 + 100) / 100 for _ in range(4)]
    packed += [end / RATE for end in timeline.chunk_end_sample[:3]]
    return [x for t in packed for x in
            (t, timeline.get_original_time(t), timeline.get_original_time(t, is_end=True))]


def options_of(dice):
    options = {"threshold": (0.5, 0.5, 0.35, 0.8)[dice.below(4)],
               "min_speech_duration_ms": (0, 250, 320, 1600)[dice.below(4)],
               "min_silence_duration_ms": (2000, 2000, 500, 100, 0)[dice.below(5)],
               "speech_pad_ms": (400, 400, 30, 0, 1001)[dice.below(5)]}
    if dice.below(2):
        options["max_speech_duration_s"] = (3.0, 7.5, 30.0)[dice.below(3)]
    if dice.below(4) == 0:
        options["neg_threshold"] = (0.1, 0.4)[dice.below(2)]
    return options


def row(options):
    """The options as numbers, in the order of att_vad_options; null is the default."""
    names = ("threshold", "neg_threshold", "min_speech_duration_ms", "max_speech_duration_s",
             "min_silence_duration_ms", "speech_pad_ms")
    return [options.get(name) for name in names]


def dump_spans():
    cases = []
    for seed in range(1, 321):
        dice = Dice(1000 + seed)
        n_windows = 1 + dice.below(600 if seed % 4 else 40)
        n_samples = WINDOW * n_windows - 1 - dice.below(WINDOW)
        options = options_of(dice)
        spans = find_spans(made_up(seed, n_windows), n_samples, options)
        case = {"of": [seed, n_windows, n_samples], "options": row(options),
                "spans": flat(spans)}
        if spans and seed % 3 == 0:
            case["times"] = times_of(spans, dice)
        cases.append(case)
    return {"made_with": common.versions("faster-whisper", "numpy"), "cases": cases}


def recording():
    parts = []
    for name, silence_s in RECIPE:
        parts.append(common.read_audio(common.audio_files(SPEECH, [name])[0]))
        parts.append(np.zeros(round(silence_s * RATE), np.float32))
    return np.concatenate(parts)


def safetensors_path():
    silero = common.need("silero_vad", "silero-vad")
    return str(Path(silero.__file__).parent / "data" / "silero_vad_16k.safetensors")


def run_tinygrad(padded):
    """The loop of tinygrad_model.py's own example."""
    model_of = common.need("silero_vad.tinygrad_model", "silero-vad").TinySileroVAD
    tensor, state_of = common.need("tinygrad").Tensor, common.need("tinygrad.nn.state")
    model, state, out = model_of(), None, []
    state_of.load_state_dict(model, state_of.safe_load(safetensors_path()), verbose=False)
    samples = np.pad(padded, (CONTEXT, 0))
    for i in range(CONTEXT, len(samples), WINDOW):
        prob, state = model(tensor(samples[None, i - CONTEXT:i + WINDOW]), state)
        state = state.realize()
        out.append(prob.numpy()[0, 0])
    return np.array(out, np.float32)


def run_jit(padded):
    torch, silero = common.need("torch"), common.need("silero_vad", "silero-vad")
    return silero.load_silero_vad().audio_forward(torch.from_numpy(padded), RATE).numpy()[0]


def dump_speech():
    samples = recording()
    padded = np.pad(samples, (0, WINDOW - len(samples) % WINDOW))
    probs = run_tinygrad(padded)
    runs = []
    for options in ({}, {"min_silence_duration_ms": 500, "speech_pad_ms": 30},
                    {"max_speech_duration_s": 5.0, "min_silence_duration_ms": 100}):
        runs.append({"options": row(options),
                     "spans": flat(find_spans(probs, len(samples), options))})
    return {"made_with": common.versions("silero-vad", "faster-whisper", "tinygrad", "torch",
                                         "numpy"),
            "recipe": [{"file": f, "silence_after_s": s} for f, s in RECIPE],
            "samples": len(samples), "runs": runs,
            "probabilities": [round(float(p), 6) for p in probs],
            "jit_probabilities": [round(float(p), 6) for p in run_jit(padded)]}


def export(out):
    """The jit's arrays of 16 kHz as f32."""
    arrays = common.need("silero_vad", "silero-vad").load_silero_vad().state_dict()
    names = {"stft_conv.weight": "stft.forward_basis_buffer",
             "final_conv.weight": "decoder.decoder.2.weight",
             "final_conv.bias": "decoder.decoder.2.bias"}
    for part in ("weight", "bias"):
        for i in range(4):
            names["conv%d.%s" % (i + 1, part)] = "encoder.%d.reparam_conv.%s" % (i, part)
        for which in ("ih", "hh"):
            names["lstm_cell.%s_%s" % (part, which)] = "decoder.rnn.%s_%s" % (part, which)
    common.write_safetensors(out, {to: arrays["_model." + name].numpy().astype(np.float32)
                                   for to, name in names.items()},
                             common.versions("silero-vad", "torch"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("spans", "speech", "export"))
    parser.add_argument("out")
    args = parser.parse_args()
    if args.what == "export":
        export(args.out)
    else:
        common.write_json(args.out, dump_spans() if args.what == "spans" else dump_speech())


if __name__ == "__main__":
    main()
