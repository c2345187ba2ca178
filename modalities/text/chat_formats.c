/* chat_formats.c - chat_formats.h: one row a family. Marks are canonical Jinja (chat_jinja.h), long
 * enough that each says what is printed to the blank. Rows of one name are spellings of a family.
 * Tests: tests/unit/test_chat_template.c, against the templates' own output. */
#include "chat_formats.h"

#define CHATML_MESSAGE "{{'<|im_start|>'+message['role']+'\n'+message['content']+'<|im_end|>\n'}}"
#define CHATML_PROMPT  "{%if add_generation_prompt%}{{'<|im_start|>assistant\n'}}{%endif%}"
#define CHATML_SYSTEM                                                                              \
    "{%if messages[0]['role']=='system'%}"                                                         \
    "{{'<|im_start|>system\n'+messages[0]['content']+'<|im_end|>\n'}}{%else%}"
#define HEADER_MESSAGE                                                                             \
    "'<|start_header_id|>'+message['role']+'<|end_header_id|>\n\n'"                                \
    "+message['content']|trim+'<|eot_id|>'"
#define HEADER_PROMPT "{{'<|start_header_id|>assistant<|end_header_id|>\n\n'}}"
#define IF_PROMPT     "{%if add_generation_prompt%}"
#define CAPITAL_LINES                                                                              \
    "{{'<|im_start|>'}}{%for message in messages%}{{message['role']|capitalize}}"                  \
    "{%if message['content'][0]['type']=='image'%}{{':'}}{%else%}{{': '}}{%endif%}"                \
    "{%for line in message['content']%}{%if line['type']=='text'%}{{line['text']}}"                \
    "{%elif line['type']=='image'%}{{'<image>'}}"
#define CAPITAL_END                                                                                \
    "{%endif%}{%endfor%}{{'<end_of_utterance>\n'}}{%endfor%}" IF_PROMPT "{{'Assistant:'}}{%endif%" \
    "}"
#define ALTERNATES "{%if(message['role']=='user')!=(loop.index0%2==0)%}"
#define SYS_FOLDED                                                                                 \
    "{%if loop.index0==0 and system_message!=false%}{%set content="                                \
    "'<<SYS>>\n'+system_message+'\n<</SYS>>\n\n'+message['content']%}"                             \
    "{%else%}{%set content=message['content']%}{%endif%}"

/* What they print. */
static const atti_chat_print CHATML = {.system = {"<|im_start|>system\n", "<|im_end|>\n", 0},
                                       .user = {"<|im_start|>user\n", "<|im_end|>\n", 0},
                                       .assistant = {"<|im_start|>assistant\n", "<|im_end|>\n", 0},
                                       .prompt = "<|im_start|>assistant\n",
                                       .bos = "<|im_start|>",
                                       .eos = "<|im_end|>",
                                       .stops = {"<|im_end|>", "<|endoftext|>"}};

static const atti_chat_print SMOLVLM = {.start = "<|im_start|>",
                                        .system = {"System: ", "<end_of_utterance>\n", 0},
                                        .user = {"User: ", "<end_of_utterance>\n", 0},
                                        .assistant = {"Assistant: ", "<end_of_utterance>\n", 0},
                                        .image = ATTI_CHAT_IMAGE_CLOSE,
                                        .prompt = "Assistant:",
                                        .bos = "<|im_start|>",
                                        .eos = "<end_of_utterance>"};

static const atti_chat_print LLAVA = {.system = {"", " ", 0},
                                      .user = {"USER: ", " ", 0},
                                      .assistant = {"ASSISTANT: ", " ", 0},
                                      .image = ATTI_CHAT_IMAGE_LINE,
                                      .prompt = "ASSISTANT:",
                                      .bos = "<s>",
                                      .eos = "</s>",
                                      .stops = {"USER:"}};

static const atti_chat_print LLAMA3 = {
    .start = "{bos}",
    .system = {"<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>", 1},
    .user = {"<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>", 1},
    .assistant = {"<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>", 1},
    .prompt = "<|start_header_id|>assistant<|end_header_id|>\n\n",
    .bos = "<|begin_of_text|>",
    .eos = "<|eot_id|>",
    .stops = {"<|eot_id|>", "<|end_of_text|>", "<|eom_id|>"}};

static const atti_chat_print LLAMA3_1 = {
    .start = "{bos}",
    .first_system = {"<|start_header_id|>system<|end_header_id|>\n\n"
                     "Cutting Knowledge Date: December 2023\nToday Date: {date}\n\n",
                     "<|eot_id|>", 1},
    .system = {"<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>", 1},
    .user = {"<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>", 1},
    .assistant = {"<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>", 1},
    .prompt = "<|start_header_id|>assistant<|end_header_id|>\n\n",
    .bos = "<|begin_of_text|>",
    .eos = "<|eot_id|>",
    .stops = {"<|eot_id|>", "<|end_of_text|>", "<|eom_id|>"}};

static const atti_chat_print LLAMA2 = {.system = {"<<SYS>>\n", "\n<</SYS>>\n\n", 0},
                                       .user = {"{bos}[INST] ", " [/INST]", 1},
                                       .assistant = {" ", " {eos}", 1},
                                       .fold = ATTI_CHAT_FIRST,
                                       .folded_strip = 1,
                                       .alternates = 1,
                                       .bos = "<s>",
                                       .eos = "</s>"};

static const atti_chat_print LLAMA2_SYS_STRIP = {.start = "{bos}",
                                                 .system = {"<<SYS>>\n", "\n<</SYS>>\n\n", 0},
                                                 .user = {"[INST] ", " [/INST]", 1},
                                                 .assistant = {" ", " {eos}", 1},
                                                 .fold = ATTI_CHAT_FIRST,
                                                 .folded_strip = 1,
                                                 .alternates = 1,
                                                 .bos = "<s>",
                                                 .eos = "</s>"};

static const atti_chat_print MISTRAL_V0 = {.start = "{bos}",
                                           .user = {"[INST] ", " [/INST]", 0},
                                           .assistant = {"", "{eos}", 0},
                                           .alternates = 1,
                                           .bos = "<s>",
                                           .eos = "</s>"};

static const atti_chat_print MISTRAL_V1 = {.start = "{bos}",
                                           .system = {"", "\n\n", 0},
                                           .user = {" [INST] ", " [/INST]", 0},
                                           .assistant = {" ", "{eos}", 0},
                                           .fold = ATTI_CHAT_FIRST,
                                           .alternates = 1,
                                           .bos = "<s>",
                                           .eos = "</s>"};

static const atti_chat_print MISTRAL_V3 = {.start = "{bos}",
                                           .system = {"", "\n\n", 0},
                                           .user = {"[INST] ", "[/INST]", 0},
                                           .assistant = {" ", "{eos}", 1},
                                           .fold = ATTI_CHAT_LAST,
                                           .alternates = 1,
                                           .bos = "<s>",
                                           .eos = "</s>"};

static const atti_chat_print MISTRAL_V3_TEKKEN = {.start = "{bos}",
                                                  .system = {"", "\n\n", 0},
                                                  .user = {"[INST]", "[/INST]", 0},
                                                  .assistant = {"", "{eos}", 0},
                                                  .fold = ATTI_CHAT_LAST,
                                                  .alternates = 1,
                                                  .bos = "<s>",
                                                  .eos = "</s>"};

static const atti_chat_print MISTRAL_V7 = {.start = "{bos}",
                                           .system = {"[SYSTEM_PROMPT] ", "[/SYSTEM_PROMPT]", 0},
                                           .user = {"[INST] ", "[/INST]", 0},
                                           .assistant = {" ", "{eos}", 0},
                                           .bos = "<s>",
                                           .eos = "</s>"};

static const atti_chat_print MISTRAL_V7_TEKKEN = {
    .start = "{bos}",
    .system = {"[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", 0},
    .user = {"[INST]", "[/INST]", 0},
    .assistant = {"", "{eos}", 0},
    .bos = "<s>",
    .eos = "</s>"};

static const atti_chat_print ZEPHYR = {.system = {"<|system|>\n", "{eos}\n", 0},
                                       .user = {"<|user|>\n", "{eos}\n", 0},
                                       .assistant = {"<|assistant|>\n", "{eos}\n", 0},
                                       .prompt = "<|assistant|>\n",
                                       .bos = "<s>",
                                       .eos = "</s>"};

static const atti_chat_print VICUNA_V1_1 = {.system = {"", " ", 0},
                                            .user = {"USER: ", " ", 0},
                                            .assistant = {"ASSISTANT: ", "{eos}", 0},
                                            .prompt = "ASSISTANT:",
                                            .bos = "<s>",
                                            .eos = "</s>",
                                            .stops = {"USER:"}};

static const atti_chat_print VICUNA = {.system = {"", "\n\n", 0},
                                       .user = {"USER: ", "\n", 0},
                                       .assistant = {"ASSISTANT: ", "</s>\n", 0},
                                       .prompt = "ASSISTANT:",
                                       .bos = "<s>",
                                       .eos = "</s>",
                                       .stops = {"USER:"}};

static const atti_chat_print VICUNA_ORCA = {.system = {"SYSTEM: ", "\n", 0},
                                            .user = {"USER: ", "\n", 0},
                                            .assistant = {"ASSISTANT: ", "</s>\n", 0},
                                            .prompt = "ASSISTANT:",
                                            .bos = "<s>",
                                            .eos = "</s>",
                                            .stops = {"USER:"}};

const atti_chat_format atti_chat_formats[] = {
    /* HuggingFaceTB/SmolLM2-*-Instruct, Qwen/Qwen1.5-* to Qwen2.5-*, teknium/OpenHermes-2.5 */
    {.name = "chatml",
     .prints = &CHATML,
     .sign = "<|im_start|>",
     .marks = {CHATML_MESSAGE, CHATML_PROMPT},
     .defaults = {{"{%if loop.first and messages[0]['role']!='system'%}{{'<|im_start|>system\n",
                   "<|im_end|>\n'}}{%endif%}" CHATML_MESSAGE, NULL},
                  {CHATML_SYSTEM "{{'<|im_start|>system\n", "<|im_end|>\n'}}{%endif%}",
                   "message['role']=='system'and not loop.first"}},
     .default_hint = "'<|im_start|>system\n"},
    {.name = "smollm2",
     .prints = &CHATML,
     .default_system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"},
    {.name = "qwen2", .prints = &CHATML, .default_system = "You are a helpful assistant."},
    {.name = "qwen2.5",
     .prints = &CHATML,
     .default_system = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."},

    /* HuggingFaceTB/SmolVLM*; a message is its text, "<image>" included */
    {.name = "smolvlm",
     .prints = &SMOLVLM,
     .sign = "<end_of_utterance>",
     .marks = {CAPITAL_LINES CAPITAL_END}},
    {.name = "smolvlm",
     .prints = &SMOLVLM,
     .sign = "<end_of_utterance>",
     .marks = {CAPITAL_LINES "{%elif line['type']=='video'%}{{'<video>'}}" CAPITAL_END}},

    /* llava-hf/llava-1.5-*-hf */
    {.name = "llava",
     .prints = &LLAVA,
     .sign = "'<image>",
     .marks = {"{%for message in messages%}{%if message['role']!='system'%}"
               "{{message['role'].upper()+': '}}{%endif%}{%for content in message['content']"
               "|selectattr('type','equalto','image')%}{{'<image>\n'}}{%endfor%}"
               "{%if message['role']!='assistant'%}{%for content in message['content']"
               "|selectattr('type','equalto','text')%}{{content['text']+' '}}{%endfor%}{%else%}"
               "{%for content in message['content']|selectattr('type','equalto','text')%}"
               "{{content['text']+' '}}{%endfor%}{%endif%}{%endfor%}" IF_PROMPT
               "{{'ASSISTANT:'}}{%endif%}"}},

    /* meta-llama/Meta-Llama-3-*-Instruct; first as it was published, then with a condition */
    {.name = "llama3",
     .prints = &LLAMA3,
     .sign = "<|start_header_id|>",
     .marks = {"{%set content=" HEADER_MESSAGE "%}{%if loop.index0==0%}"
               "{%set content=bos_token+content%}{%endif%}{{content}}{%endfor%}" IF_PROMPT
                   HEADER_PROMPT "{%endif%}"}},
    {.name = "llama3",
     .prints = &LLAMA3,
     .sign = "<|start_header_id|>",
     /* the last output has become one with that of the loop's end */
     .marks = {"{%set content=" HEADER_MESSAGE "%}{%if loop.index0==0%}"
               "{%set content=bos_token+content%}{%endif%}{{content}}{%endfor%}" HEADER_PROMPT},
     .prompt_always = 1},
    /* meta-llama/Llama-3.1-*, 3.2-*, 3.3-*-Instruct without tools */
    {.name = "llama3.1",
     .prints = &LLAMA3_1,
     .sign = "<|start_header_id|>",
     .marks = {"{{bos_token}}",
               "{%set system_message=messages[0]['content']|trim%}{%set messages=messages[1:]%}"
               "{%else%}{%set system_message=''%}{%endif%}"
               "{{'<|start_header_id|>system<|end_header_id|>\n\n'}}",
               "{{'Cutting Knowledge Date: December 2023\nToday Date: '+date_string+'\n\n'}}",
               "{%set date_string='26 Jul 2024'%}", "{{system_message+'<|eot_id|>'}}",
               "{{" HEADER_MESSAGE "}}"},
     .default_system = ""},

    /* meta-llama/Llama-2-*-chat-hf */
    {.name = "llama2",
     .prints = &LLAMA2,
     .sign = "<<SYS>>",
     .marks = {ALTERNATES, SYS_FOLDED,
               "{%if message['role']=='user'%}{{bos_token+'[INST] '+content.strip()+' [/INST]'}}",
               "{%elif message['role']=='assistant'%}{{' '+content.strip()+' '+eos_token}}"
               "{%endif%}{%endfor%}"},
     .default_hint = "{%set system_message='"},
    /* bofenghuang/vigogne-2-70b-chat: the same with one token for the beginning */
    {.name = "llama2-sys-strip",
     .prints = &LLAMA2_SYS_STRIP,
     .sign = "<<SYS>>",
     .marks = {"{{bos_token}}", ALTERNATES, SYS_FOLDED,
               "{%if message['role']=='user'%}{{'[INST] '+content.strip()+' [/INST]'}}",
               "{%elif message['role']=='system'%}{{'<<SYS>>\n'+content.strip()+'\n<</SYS>>\n\n'}}"
               "{%elif message['role']=='assistant'%}{{' '+content.strip()+' '+eos_token}}"
               "{%endif%}{%endfor%}"},
     .defaults = {{"{%elif true==true and not'<<SYS>>'in messages[0]['content']%}"
                   "{%set loop_messages=messages%}{%set system_message='",
                   "'%}", NULL}},
     .default_hint = "{%set system_message='"},

    /* mistralai/Mistral-7B-Instruct-v0.1 and -v0.2 as first published: no system message */
    {.name = "mistral-v0",
     .prints = &MISTRAL_V0,
     .sign = "[INST]",
     .marks = {"{{bos_token}}{%for message in messages%}" ALTERNATES,
               "{%if message['role']=='user'%}{{'[INST] '+message['content']+' [/INST]'}}"
               "{%elif message['role']=='assistant'%}{{message['content']+eos_token}}{%else%}"}},
    /* mistralai/Mistral-7B-Instruct-v0.2, Mixtral-8x7B-Instruct-v0.1 */
    {.name = "mistral-v1",
     .prints = &MISTRAL_V1,
     .sign = "[INST]",
     .marks = {"{{bos_token}}", ALTERNATES,
               "{%if loop.first and system_message is defined%}"
               "{{' [INST] '+system_message+'\n\n'+message['content']+' [/INST]'}}"
               "{%else%}{{' [INST] '+message['content']+' [/INST]'}}{%endif%}",
               "{%elif message['role']=='assistant'%}{{' '+message['content']+eos_token}}"}},
    /* mistralai/Mistral-7B-Instruct-v0.3, Mistral-Large-Instruct-2407 without tools */
    {.name = "mistral-v3",
     .prints = &MISTRAL_V3,
     .sign = "[INST]",
     .marks = {"{{bos_token}}", "(message['role']=='user')!=(ns.index%2==0)",
               "{%if loop.last and system_message is defined%}"
               "{{'[INST] '+system_message+'\n\n'+message['content']+'[/INST]'}}"
               "{%else%}{{'[INST] '+message['content']+'[/INST]'}}{%endif%}",
               "{%elif message['role']=='assistant'%}{{' '+message['content']|trim+eos_token}}"}},
    /* mistralai/Mistral-Nemo-Instruct-2407 without tools */
    {.name = "mistral-v3-tekken",
     .prints = &MISTRAL_V3_TEKKEN,
     .sign = "[INST]",
     .marks = {"{{bos_token}}", "(message['role']=='user')!=(ns.index%2==0)",
               "{%if loop.last and system_message is defined%}"
               "{{'[INST]'+system_message+'\n\n'+message['content']+'[/INST]'}}"
               "{%else%}{{'[INST]'+message['content']+'[/INST]'}}{%endif%}",
               "{%elif message['role']=='assistant'%}{{message['content']+eos_token}}"}},
    /* mistralai/Mistral-Large-Instruct-2411 */
    {.name = "mistral-v7",
     .prints = &MISTRAL_V7,
     .sign = "[INST]",
     .marks = {"{{bos_token}}{%for message in messages%}"
               "{%if message['role']=='user'%}{{'[INST] '+message['content']+'[/INST]'}}"
               "{%elif message['role']=='system'%}"
               "{{'[SYSTEM_PROMPT] '+message['content']+'[/SYSTEM_PROMPT]'}}"
               "{%elif message['role']=='assistant'%}{{' '+message['content']+eos_token}}"
               "{%else%}"}},
    /* mistralai/Mistral-Small-24B-Instruct-2501 and later, whose default prompts tell the date: by
     * name alone, without it */
    {.name = "mistral-v7-tekken", .prints = &MISTRAL_V7_TEKKEN},

    /* HuggingFaceH4/zephyr-7b-beta, TinyLlama/TinyLlama-1.1B-Chat-v1.0 */
    {.name = "zephyr",
     .prints = &ZEPHYR,
     .sign = "<|user|>",
     .marks = {"{%for message in messages%}"
               "{%if message['role']=='user'%}{{'<|user|>\n'+message['content']+eos_token+'\n'}}"
               "{%elif message['role']=='system'%}"
               "{{'<|system|>\n'+message['content']+eos_token+'\n'}}"
               "{%elif message['role']=='assistant'%}"
               "{{'<|assistant|>\n'+message['content']+eos_token+'\n'}}{%endif%}"
               "{%if loop.last and add_generation_prompt%}{{'<|assistant|>\n'}}{%endif%}"
               "{%endfor%}"}},

    /* lm-sys/vicuna-*-v1.5 as FastChat has it ("vicuna_v1.1"): the models bring no template */
    {.name = "vicuna-v1.1",
     .prints = &VICUNA_V1_1,
     .default_system = "A chat between a curious user and an artificial intelligence assistant. "
                       "The assistant gives helpful, detailed, and polite answers to the user's "
                       "questions."},
    /* eachadea/vicuna-13b-1.1 as llama.cpp has it, and its variant for Orca */
    {.name = "vicuna",
     .prints = &VICUNA,
     .sign = "USER: ",
     .marks = {"{%if message['role']=='system'%}{{''+message['content']+'\n\n'}}{%else%}"
               "{%if message['role']=='user'%}{{'USER: '+message['content']+'\n'}}{%else%}"
               "{{'ASSISTANT: '+message['content']+'</s>\n'}}{%endif%}{%endif%}{%endfor%}" IF_PROMPT
               "{{'ASSISTANT:'}}{%endif%}"}},
    {.name = "vicuna-orca",
     .prints = &VICUNA_ORCA,
     .sign = "USER: ",
     .marks = {"{%if message['role']=='system'%}{{'SYSTEM: '+message['content']+'\n'}}{%else%}"
               "{%if message['role']=='user'%}{{'USER: '+message['content']+'\n'}}{%else%}"
               "{{'ASSISTANT: '+message['content']+'</s>\n'}}{%endif%}{%endif%}{%endfor%}" IF_PROMPT
               "{{'ASSISTANT:'}}{%endif%}"}},
};
const size_t atti_chat_n_formats = sizeof atti_chat_formats / sizeof *atti_chat_formats;

/* Thinking that is cut out of history, raw blocks, separators of other families. */
const char *const atti_chat_strangers[] = {"<think>", "reasoning_content", "enable_thinking",
                                           "{%raw%}", "<|im_sep|>",        "{%macro "};
const size_t atti_chat_n_strangers = sizeof atti_chat_strangers / sizeof *atti_chat_strangers;

#undef CHATML_MESSAGE
#undef CHATML_PROMPT
#undef CHATML_SYSTEM
#undef HEADER_MESSAGE
#undef HEADER_PROMPT
#undef IF_PROMPT
#undef CAPITAL_LINES
#undef CAPITAL_END
#undef ALTERNATES
#undef SYS_FOLDED
