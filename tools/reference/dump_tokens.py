#!/usr/bin/env python3
"""Writes what OpenAI's tokenizers make of texts and ids.

    dump_tokens.py OUT.json

For "base" (multilingual, 99 languages) and "tiny.en": special ids, language codes in the order of
their ids, suppressed ids, texts with their ids, and random ids with their text, in which what is no
UTF-8 became U+FFFD. "names": each language name and alias with its code. Read by
tests/unit/test_tokens.c.
"""

import argparse
import json
import random
from pathlib import Path

import common

tokenizer = common.need("whisper.tokenizer", "openai-whisper")

TEXTS = [
    "", " ", "a", " Hello, world!", "Hello  world   and\n\nmore \t tabs \r\n ", "   leading",
    "it's we're they've I'm you'll he'd IT'S don''t 's", " 1234567890 12.5% $3,000 x2y ½ ² Ⅷ ٣٤",
    " Ünïcödé naïve Ångström ﬁ ß İı", "日本語のテキスト、漢字とカナ。", " 안녕하세요 세계",
    " Привет, мир! — «да»", " שלום עולם", " مرحبا بالعالم", " ไทยภาษา", " हिन्दी भाषा",
    " 👩‍🚀🎉🏳️‍🌈 ♪ la la ♫ ♬♪♪♪", "\u00a0\u2003\u3000 x\u2028y\u0085z", "<|endoftext|><|0.00|>",
    "(((x))) [[y]] {{z}} --- -- << >> ~`@#^&*_=+|\\/", "a" * 300, " ha" * 100, "\u200b\ufeff\ufffd",
    "supercalifragilisticexpialidocious antidisestablishmentarianism", "e\u0301 ñ n\u0303",
    "a \u00a0b !\u00a0! ?\u3000\u3000? 1\u00852 (\u2003)",
]
NAMES = ["eot", "sot", "translate", "transcribe", "sot_lm", "sot_prev", "no_speech",
         "no_timestamps", "timestamp_begin"]


def dump(multilingual, seed):
    t = tokenizer.get_tokenizer(multilingual, num_languages=99)
    source = random.Random(seed)
    lists = []
    for _ in range(200):
        ids = [source.randrange(t.eot) for _ in range(8)]
        ids += [source.randrange(94, 256) for _ in range(6)]  # lone bytes, most no UTF-8
        source.shuffle(ids)
        lists.append([i for i in ids if b"\0" not in t.encoding.decode_single_token_bytes(i)])
    fixed = [t.transcribe, t.translate, t.sot, t.sot_prev, t.sot_lm, t.no_speech]
    return {
        "specials": {name: getattr(t, name) for name in NAMES},
        "languages": [t.encoding.decode([i]).strip("<|>") for i in sorted(t.all_language_tokens)],
        "suppress": sorted(set(t.non_speech_tokens) | set(fixed)),
        "suppress_first": t.encode(" ") + [t.eot],
        "encode": [{"text": text, "ids": t.encoding.encode(text, disallowed_special=())}
                   for text in TEXTS],
        "decode": [{"ids": ids, "text": t.encoding.decode(ids)} for ids in lists],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    args = parser.parse_args()
    golden = {"versions": common.versions("openai-whisper", "tiktoken"), "base": dump(True, 1),
              "tiny.en": dump(False, 2), "names": tokenizer.TO_LANGUAGE_CODE}
    rows = ["%s: %s" % (json.dumps(k), json.dumps(v)) for k, v in golden.items()]
    Path(args.out).write_text("{%s}\n" % ",\n".join(rows), encoding="ascii")


if __name__ == "__main__":
    main()
