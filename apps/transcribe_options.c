/* transcribe_options.c - the options of `attend transcribe` (transcribe.h). */
#include <string.h>

#include "transcribe.h"

#define AT(member) offsetof(att_transcribe_options, member)

static const att_opt TABLE[] = {
    {"model", 'm', ATT_OPT_TEXT, AT(model), NULL, "NAME",
     "a name (attend models list) or a folder [base]"},
    {"model_dir", 0, ATT_OPT_TEXT, AT(model_dir), NULL, "DIR", "where model names are looked for"},
    {"device", 0, ATT_OPT_TEXT, AT(device), NULL, "D",
     "cpu, gpu, an index or a part of the name [the fastest]"},
    {"threads", 0, ATT_OPT_INT, AT(threads), NULL, "N", "compute units to use [all]"},
    {"precision", 0, ATT_OPT_TEXT, AT(precision), "exact", "P",
     "exact: weights as stored, f32 sums [exact]"},
    {"language", 0, ATT_OPT_TEXT, AT(language), NULL, "LANG",
     "code or name of the language spoken [detected]"},
    {"task", 0, ATT_OPT_TEXT, AT(task), "transcribe|translate", "TASK",
     "transcribe, or translate into English [transcribe]"},
    {"output_format", 'f', ATT_OPT_TEXT, AT(output_format), "txt|vtt|srt|tsv|json|all", "F",
     "write files: txt, vtt, srt, tsv, json or all"},
    {"output_dir", 'o', ATT_OPT_TEXT, AT(output_dir), NULL, "DIR",
     "write files there, in all formats unless -f says which"},
    {"verbose", 0, ATT_OPT_BOOL, AT(verbose), NULL, "BOOL", "print times with the text [True]"},
    {"without_timestamps", 0, ATT_OPT_FLAG, AT(without_timestamps), NULL, NULL,
     "let the model write text only"},
    {"condition_on_previous_text", 0, ATT_OPT_BOOL, AT(condition_on_previous_text), NULL, "BOOL",
     "prompt each window with the text before it [True]"},
    {"no_speech_threshold", 0, ATT_OPT_NUMBER, AT(no_speech_threshold), NULL, "P",
     "silence above this probability of no speech, if ... [0.6]"},
    {"logprob_threshold", 0, ATT_OPT_NUMBER, AT(logprob_threshold), NULL, "L",
     "... the mean log-probability is below this [-1]"},
    {"compression_ratio_threshold", 0, ATT_OPT_NUMBER, AT(compression_ratio_threshold), NULL, "R",
     "text that compresses better is not used as prompt [2.4]"},
    {"single_window", 0, ATT_OPT_FLAG, AT(single_window), NULL, NULL,
     "only the first 30 s, in one decode"},
    {"json", 0, ATT_OPT_FLAG, AT(json), NULL, NULL, "print one JSON object a file instead of text"},
    {"quiet", 'q', ATT_OPT_FLAG, AT(quiet), NULL, NULL,
     "no progress on stderr, only words and errors"},
    {"info", 'v', ATT_OPT_FLAG, AT(info), NULL, NULL,
     "say which device, model and kernels are used"},
    {"offline", 0, ATT_OPT_FLAG, AT(offline), NULL, NULL, "download nothing"},
    {"profile", 0, ATT_OPT_FLAG, AT(profile), NULL, NULL, "print time by kernel on stderr"},
    {"portable", 0, ATT_OPT_FLAG, AT(portable), NULL, NULL, "use only the portable kernels"},
    {"help", 'h', ATT_OPT_FLAG, AT(help), NULL, NULL, "this text"},
    {"temperature", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
    {"temperature_increment_on_fallback", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
    {"best_of", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
    {"beam_size", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
    {"patience", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
    {"length_penalty", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
    {"suppress_tokens", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
    {"initial_prompt", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
    {"carry_initial_prompt", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
    {"fp16", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
    {"word_timestamps", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
    {"prepend_punctuations", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
    {"append_punctuations", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
    {"highlight_words", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
    {"max_line_width", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
    {"max_line_count", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
    {"max_words_per_line", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
    {"clip_timestamps", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
    {"hallucination_silence_threshold", 0, ATT_OPT_LATER, 0, NULL, NULL, NULL},
};

#undef AT

const att_opt *att_transcribe_table(size_t *n)
{
    *n = sizeof TABLE / sizeof *TABLE;
    return TABLE;
}

att_transcribe_options att_transcribe_defaults(void)
{
    const att_asr_options asr = att_asr_defaults();
    att_transcribe_options o;
    memset(&o, 0, sizeof o);
    o.model = "base";
    o.task = "transcribe";
    o.precision = "exact";
    o.verbose = 1;
    o.condition_on_previous_text = asr.condition_on_previous_text;
    o.no_speech_threshold = asr.no_speech_threshold;
    o.logprob_threshold = asr.logprob_threshold;
    o.compression_ratio_threshold = asr.compression_ratio_threshold;
    return o;
}
