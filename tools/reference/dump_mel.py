#!/usr/bin/env python3
"""Writes what OpenAI's log_mel_spectrogram makes of a made-up signal.

    dump_mel.py OUT.safetensors

The signal (integers, the same in tests/unit/test_mel.c) is a rising triangle wave in a little noise
with 0.1 s of nothing in it; 30 s of zeros are appended, as transcribe() does. Arrays, frames first:

    mels80 f32[104][80], mels128 f32[104][128]   of 16150 samples: 100 whole hops, 3 frames that
                                                 touch the rest, 1 of silence
    short80 f32[4][80]                           of 100 samples, less than the reflected start
"""

import argparse

import common

np = common.need("numpy")
audio = common.need("whisper.audio", "openai-whisper")


def signal(n):
    phase, state, samples = 0, 1, []
    for i in range(n):
        phase = (phase + 100 + i) & 0xFFFF
        state = (state * 1103515245 + 12345) & 0xFFFFFFFF
        triangle = (phase if phase < 32768 else 65535 - phase) // 2 - 8192
        noise = ((state >> 16) & 63) - 32
        samples.append(0 if 8000 <= i < 9600 else triangle + noise)
    return np.array(samples, np.float32) / 32768.0


def mel(n, n_mels, frames):
    spectrogram = audio.log_mel_spectrogram(signal(n), n_mels, padding=audio.N_SAMPLES)
    return np.ascontiguousarray(spectrogram.numpy().T[:frames], dtype=np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    args = parser.parse_args()
    arrays = {"mels80": mel(16150, 80, 104), "mels128": mel(16150, 128, 104),
              "short80": mel(100, 80, 4)}
    common.write_safetensors(args.out, arrays, common.versions("openai-whisper", "torch", "numpy"))


if __name__ == "__main__":
    main()
