"""test_binding.py - the binding against what a C compiler says of the headers."""
import os
import subprocess
import tempfile
import typing
import unittest

from attend import _options
from attend._binding import ffi
from attend._fields import Fields
from attend._library import lib

STRUCTS = ("att_asr_options", "att_asr_segment", "att_asr_word", "att_asr_result",
           "att_asr_timings", "att_vad_options", "att_device_options", "att_log", "att_err")


def asked(names):
    """sizeof and offsetof of every struct and field, by a C program."""
    lines = []
    for struct in names:
        lines.append(f'printf("{struct} %zu\\n", sizeof({struct}));')
        for field, _ in ffi.typeof(struct).fields:
            lines.append(f'printf("{struct}.{field} %zu\\n", offsetof({struct}, {field}));')
    source = ("#include <attend/asr.h>\n#include <stddef.h>\n#include <stdio.h>\n"
              "int main(void) {" + "\n".join(lines) + "return 0; }\n")
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "sizes")
        subprocess.run(["cc", "-I", os.environ["ATTEND_INCLUDE"], "-x", "c", "-", "-o", program],
                       input=source, text=True, check=True)
        said = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout
    return {name: int(number) for name, number in (line.split() for line in said.splitlines())}


class Binding(unittest.TestCase):
    @unittest.skipUnless("ATTEND_INCLUDE" in os.environ, "ATTEND_INCLUDE names no headers")
    def test_sizes_and_offsets(self):
        said = asked(STRUCTS)
        self.assertGreater(len(said), 60)
        for struct in STRUCTS:
            kind = ffi.typeof(struct)
            self.assertEqual(ffi.sizeof(kind), said[struct], struct)
            for name, field in kind.fields:
                self.assertEqual(field.offset, said[f"{struct}.{name}"], f"{struct}.{name}")

    def test_the_library_knows_this_size(self):
        room = ffi.new("att_asr_options *")
        lib.att_asr_options_init(room, ffi.sizeof(room[0]))
        self.assertEqual(room.size, ffi.sizeof(room[0]))
        self.assertEqual((room.beam_size, room.best_of), (5, 5))

    def test_every_field_is_an_option(self):
        """A pointer, number or text of the struct can be said in Python, or is named here."""
        fields = {name for name, _ in ffi.typeof("att_asr_options").fields}
        left = fields - set(Fields.__annotations__) - {"size", "user", "language", "cancelled"}
        self.assertEqual({n for n in left if not n.startswith(("n_", "on_"))}, set())


def filled(**given):
    struct = ffi.new("att_asr_options *")
    lib.att_asr_options_init(struct, ffi.sizeof(struct[0]))
    return struct, _options.fill(struct, given)


class Options(unittest.TestCase):
    def test_each_kind(self):
        o, keep = filled(beam_size=3, patience=2, initial_prompt="für", suppress_tokens=[1, 2],
                         no_speech_threshold=None, condition_on_previous_text=False)
        self.assertEqual((o.beam_size, o.patience, o.condition_on_previous_text), (3, 2.0, 0))
        self.assertEqual(ffi.string(o.initial_prompt).decode(), "für")
        self.assertEqual([o.suppress_tokens[i] for i in range(o.n_suppress_tokens)], [1, 2])
        self.assertNotEqual(o.no_speech_threshold, o.no_speech_threshold)
        del keep

    def test_names_of_faster_whisper(self):
        o, _ = filled(task="translate", log_prob_threshold=-2)
        self.assertEqual((o.translate, o.logprob_threshold), (1, -2.0))
        o, _ = filled(temperature=[0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
        self.assertAlmostEqual(o.temperature_increment_on_fallback, 0.2)
        o, _ = filled(temperature=(0.5,))
        self.assertEqual(o.temperature, 0.5)
        self.assertNotEqual(o.temperature_increment_on_fallback,
                            o.temperature_increment_on_fallback)
        o, _ = filled(vad_parameters={"threshold": 0.25, "speech_pad_ms": 30})
        self.assertEqual((o.vad.threshold, o.vad.speech_pad_ms), (0.25, 30))
        o, _keep = filled(clip_timestamps="1.5,3")
        self.assertEqual([o.clip_timestamps[i] for i in range(o.n_clip_timestamps)], [1.5, 3.0])

    def test_what_is_refused(self):
        for given in ({"temperature": [0.0, 0.1, 0.5]}, {"temperature": [0.0, 0.2]},
                      {"task": "sing"}):
            with self.subTest(given), self.assertRaises(ValueError):
                filled(**given)
        for given in ({"chunk_length": 30}, {"beam_size": "many"}, {"initial_prompt": [1, 2]},
                      {"vad": {"loudness": 1}}, {"n_suppress_tokens": 1}, {"size": 4},
                      {"beam_size": 2**40}):
            with self.subTest(given), self.assertRaises(TypeError):
                filled(**given)

    def test_types_are_told(self):
        hints = typing.get_type_hints(_options.Options)
        self.assertIn("beam_size", hints)
        self.assertIn("threshold", typing.get_type_hints(hints["vad_parameters"]))


if __name__ == "__main__":
    unittest.main()
