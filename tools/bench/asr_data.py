"""What the benchmarks of speech to text hear, and how words are scored."""

import importlib.util
from pathlib import Path

import measure

DEBIAN_DATA = "/usr/share/pocketsphinx/test/data/librivox"


def utterances(folder):
    """[(file, words)] of a folder with transcripts.tsv (id, words) and ID.flac or ID.wav anywhere
    below it, or with pocketsphinx's `transcription` file."""
    folder = Path(folder)
    lines = []
    if (folder / "transcripts.tsv").is_file():
        text = (folder / "transcripts.tsv").read_text(encoding="utf-8")
        lines = [line.split("\t", 1) for line in text.splitlines() if "\t" in line]
    elif (folder / "transcription").is_file():
        for line in (folder / "transcription").read_text(encoding="utf-8").splitlines():
            words, name = line.rsplit("(", 1)
            lines.append((name.rstrip(") "), words.replace("<s>", "").replace("</s>", "").strip()))
    else:
        measure.fail("%s: no transcripts.tsv and no transcription; give --data, or install "
                     "pocketsphinx-testdata" % folder)
    audio = {p.stem: str(p) for p in sorted(folder.rglob("*")) if p.suffix in (".flac", ".wav")}
    missing = [name for name, _ in lines if name not in audio]
    if missing:
        measure.fail("%s: no audio for %s" % (folder, missing[0]))
    return [(audio[name], words) for name, words in lines]


def joined(pairs, gap_s, folder):
    """One pair of all: a recording of them behind each other with silence between, in folder."""
    import numpy
    import soundfile

    path, rate = str(Path(folder) / "joined.wav"), soundfile.info(pairs[0][0]).samplerate
    with soundfile.SoundFile(path, "w", rate, 1) as out:
        for name, _ in pairs:
            samples, found = soundfile.read(name, dtype="int16")
            if found != rate:
                measure.fail("%s: its rate is %d, that of the file before %d" % (name, found, rate))
            out.write(samples)
            out.write(numpy.zeros(round(gap_s * rate), "int16"))
    return [(path, " ".join(words for _, words in pairs))]


def check_packages():
    """Told before an hour of runs, but imported only after them: see measure.run()."""
    for module in ("jiwer", "soundfile", "whisper_normalizer"):
        if not importlib.util.find_spec(module):
            measure.fail("no Python package %s; see tools/reference/README.md"
                         % module.replace("_", "-"))


def audio_seconds(files):
    """Length of all files together."""
    import soundfile

    return sum(soundfile.info(f).duration for f in files)


def scorer():
    """A function (references, texts) -> word error rate in percent, with Whisper's normaliser."""
    import jiwer
    from whisper_normalizer.english import EnglishTextNormalizer

    normal = EnglishTextNormalizer()
    return lambda references, texts: 100 * jiwer.wer(
        [normal(r) for r in references], [normal(t) for t in texts])
