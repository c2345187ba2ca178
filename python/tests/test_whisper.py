"""test_whisper.py - the installed package on recorded sentences.

Needs Whisper tiny.en (`attend models get tiny.en`) and Debian's pocketsphinx-testdata; skips
without them.
"""
import gc
import os
import subprocess
import sys
import threading
import time
import unittest
import wave

import attend
import numpy as np

FOLDER = "/usr/share/pocketsphinx/test/data/librivox"
NAMES = ("0870", "0880", "0890", "0920", "0930")


def path(name):
    return os.path.join(FOLDER, f"sense_and_sensibility_01_austen_64kb-{name}.wav")


def samples(name):
    with wave.open(path(name)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16) / np.float32(32768)


def text(found):
    return "".join(segment.text for segment in found[0])


class Whisper(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.path.exists(path("0870")):
            raise unittest.SkipTest("no pocketsphinx-testdata")
        try:
            cls.model = attend.WhisperModel("tiny.en", device="cpu", compute_type="exact",
                                            local_files_only=True)
        except attend.AttendError as error:
            raise unittest.SkipTest(str(error))

    @classmethod
    def tearDownClass(cls):
        del cls.model

    def test_a_file(self):
        segments, info = self.model.transcribe(path("0870"))
        self.assertEqual((info.language, info.language_probability), ("en", 1.0))
        self.assertAlmostEqual(info.duration, 7.1, delta=0.05)
        first = next(segments)
        self.assertIn("leisure to consider", first.text)
        self.assertEqual((first.id, first.seek, first.start, first.words), (0, 0, 0.0, None))
        self.assertTrue(5.0 < first.end < 7.2)
        self.assertTrue(all(isinstance(token, int) for token in first.tokens))
        self.assertTrue(first.avg_logprob < 0 < first.compression_ratio)
        self.assertEqual(list(segments), [])

    def test_the_default_hears_the_same(self):
        model = attend.WhisperModel("tiny.en", device="cpu", local_files_only=True)
        self.assertIn("leisure to consider", text(model.transcribe(path("0870"))))

    def test_samples_are_the_file(self):
        want = text(self.model.transcribe(path("0880"), beam_size=2))
        audio = samples("0880")
        self.assertEqual(text(self.model.transcribe(audio, beam_size=2)), want)
        strided = np.repeat(audio, 2)[::2].astype(np.float64)
        self.assertEqual(text(self.model.transcribe(strided, beam_size=2)), want)
        slow = self.model.transcribe(np.repeat(audio, 2), sampling_rate=32000)
        self.assertAlmostEqual(slow[1].duration, len(audio) / 16000, delta=0.02)

    def test_words(self):
        segment = next(self.model.transcribe(path("0890"), word_timestamps=True)[0])
        self.assertEqual("".join(word.word for word in segment.words), segment.text)
        self.assertTrue(all(0 < word.probability <= 1 for word in segment.words))
        starts = [word.start for word in segment.words]
        self.assertEqual(starts, sorted(starts))

    def test_speech_alone_is_heard(self):
        silence = np.zeros(16000 * 40, np.float32)
        audio = np.concatenate([silence, samples("0870"), silence])
        try:
            segments, info = self.model.transcribe(audio, vad_filter=True,
                                                   vad_parameters={"speech_pad_ms": 100})
        except attend.AttendError as error:
            self.skipTest(str(error))
        self.assertAlmostEqual(info.duration, 87.1, delta=0.05)
        found = list(segments)
        self.assertIn("leisure to consider", found[0].text)
        self.assertTrue(39.5 < found[0].start < 41 and found[-1].end < 48)
        plain = self.model.transcribe(path("0870"))  # the session forgets the detector
        self.assertIn("leisure to consider", text(plain))

    def test_options_reach_the_library(self):
        with self.assertRaisesRegex(attend.AttendError, "beam_size 65"):
            self.model.transcribe(path("0870"), beam_size=65)
        clipped = text(self.model.transcribe(path("0870"), clip_timestamps=[3.0, 7.0]))
        self.assertNotIn("Dashwood", clipped)

    def test_faults_are_told(self):
        with self.assertRaises(attend.AttendError) as caught:
            self.model.transcribe("absent.wav")
        self.assertIn("absent.wav", str(caught.exception))
        self.assertEqual(caught.exception.status, "bad input")
        with self.assertRaisesRegex(attend.AttendError, "sample 3 is nan"):
            self.model.transcribe(np.array([0, 0, 0, np.nan], np.float32))
        with self.assertRaisesRegex(ValueError, "one channel"):
            self.model.transcribe(np.zeros((2, 16), np.float32))
        with self.assertRaisesRegex(TypeError, "int16"):
            self.model.transcribe(np.zeros(16, np.int16))
        with self.assertRaises(attend.AttendError):
            attend.WhisperModel("no-such-model", local_files_only=True)
        with self.assertRaisesRegex(ValueError, "compute_type is 'int4'"):
            attend.WhisperModel("tiny.en", compute_type="int4", local_files_only=True)
        with self.assertRaisesRegex(attend.AttendError, "no such device"):
            attend.WhisperModel("tiny.en", device="no such device", local_files_only=True)

    def test_nothing_is_no_error(self):
        segments, info = self.model.transcribe(np.zeros(0, np.float32))
        self.assertEqual((list(segments), info.duration), ([], 0.0))

    def test_two_threads_run_at_once(self):
        want = {name: text(self.model.transcribe(path(name))) for name in NAMES}
        got = [{}, {}]
        inside, most = [0], [0]
        lock = threading.Lock()

        def work(turn):
            for name in NAMES[turn:] + NAMES[:turn]:
                segments, _ = self.model.transcribe(samples(name))
                with lock:  # begun and not yet read
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                got[turn][name] = "".join(segment.text for segment in segments)
                with lock:
                    inside[0] -= 1

        threads = [threading.Thread(target=work, args=(turn,)) for turn in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(got, [want, want])
        self.assertEqual(most[0], 2)

    def test_python_runs_meanwhile(self):
        """The library runs without the lock: this thread counts on while it decodes."""
        segments, _ = self.model.transcribe(np.tile(samples("0870"), 4))
        turns, end = 0, time.monotonic() + 0.3
        while time.monotonic() < end:
            turns += 1
        self.assertGreater(turns, 10000)
        self.assertTrue(list(segments))

    def test_dropping_the_iterator_cancels(self):
        long = np.tile(samples("0870"), 40)  # minutes
        for drop in (False, True):
            began = time.monotonic()
            segments, info = self.model.transcribe(long)
            self.assertGreater(info.duration, 250)
            if not drop:
                segments.close()
                self.assertEqual(list(segments), [])
            del segments
            gc.collect()
            self.assertLess(time.monotonic() - began, 20)
        names = [thread.name for thread in threading.enumerate()]
        self.assertNotIn("attend", names)


class Program(unittest.TestCase):
    def test_the_command(self):
        command = os.path.join(os.path.dirname(sys.executable), "attend")
        said = subprocess.run([command, "--version"], stdout=subprocess.PIPE, text=True, check=True)
        self.assertRegex(said.stdout, r"^attend \d+\.\d+\.\d+$")

    def test_the_end_of_python_waits_for_nobody(self):
        """A transcription that nobody reads any more neither hangs the end nor crashes it."""
        if not os.path.exists(path("0870")):
            self.skipTest("no pocketsphinx-testdata")
        code = ("import attend, numpy as np\n"
                "try: model = attend.WhisperModel('tiny.en', local_files_only=True)\n"
                "except attend.AttendError: raise SystemExit(5)\n"
                "noise = np.random.default_rng(1).normal(0, 0.1, 16000 * 300)\n"
                "segments, info = model.transcribe(noise)\nprint(info.duration)\n")
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60)
        if done.returncode == 5:
            self.skipTest("no model tiny.en")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "300.0\n", ""))


if __name__ == "__main__":
    unittest.main()
