/* transcribe_options.c - the options of `attend transcribe` (transcribe.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transcribe.h"

#define AT(member) offsetof(att_transcribe_options, member)

static const att_opt TABLE[] = {
    {"model", 'm', ATT_OPT_TEXT, AT(model), NULL, "NAME",
     "a name (attend models list), a folder or a .bin file [base]"},
    {"model_dir", 0, ATT_OPT_TEXT, AT(model_dir), NULL, "DIR", "where model names are looked for"},
    {"device", 0, ATT_OPT_TEXT, AT(device), NULL, "D",
     "cpu, gpu, an index or a part of the name [the fastest]"},
    {"threads", 0, ATT_OPT_INT, AT(threads), NULL, "N", "compute units to use [all]"},
    {"batch", 0, ATT_OPT_INT, AT(batch), NULL, "N",
     "windows decoded together, of many files or of independent parts of one [4]"},
    {"precision", 0, ATT_OPT_TEXT, AT(precision), "exact|fast|int8", "P",
     "exact: weights as stored, f32; fast: bf16 or f16; int8 [the fastest there is]"},
    {"language", 0, ATT_OPT_TEXT, AT(language), NULL, "LANG",
     "code or name of the language spoken [detected]"},
    {"task", 0, ATT_OPT_TEXT, AT(task), "transcribe|translate", "TASK",
     "transcribe, or translate into English [transcribe]"},
    {"output_format", 'f', ATT_OPT_TEXT, AT(output_format),
     "txt|vtt|srt|tsv|json|karaoke|ass|lrc|all", "F",
     "write files: txt, vtt, srt, tsv, json, all of these; karaoke, ass or lrc"},
    {"output_dir", 'o', ATT_OPT_TEXT, AT(output_dir), NULL, "DIR",
     "write files there, in all formats unless -f says which"},
    {"files_from", 0, ATT_OPT_TEXT, AT(files_from), NULL, "LIST",
     "also the files and folders named in a file, one a line; - is standard input"},
    {"null", '0', ATT_OPT_FLAG, AT(null), NULL, NULL,
     "names in LIST end in a zero byte, as find -print0 writes them"},
    {"skip_existing", 0, ATT_OPT_FLAG, AT(skip_existing), NULL, NULL,
     "leave out what is done: its files are written, and not older than it"},
    {"plot", 0, ATT_OPT_FLAG, AT(plot), NULL, NULL,
     "draw NAME.png: spectrogram, speech and words with their confidence"},
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
     "text that compresses better is decoded again [2.4]"},
    {"temperature", 0, ATT_OPT_NUMBER, AT(temperature), NULL, "T",
     "0: the likeliest words; above: words drawn at random [0]"},
    {"temperature_increment_on_fallback", 0, ATT_OPT_NUMBER, AT(temperature_increment_on_fallback),
     NULL, "T", "added to decode again what failed a threshold [0.2]"},
    {"best_of", 0, ATT_OPT_INT, AT(best_of), NULL, "N", "samples at temperatures above 0 [5]"},
    {"beam_size", 0, ATT_OPT_INT, AT(beam_size), NULL, "N",
     "texts followed beside each other at temperature 0; 1: greedy [5]"},
    {"patience", 0, ATT_OPT_NUMBER, AT(patience), NULL, "P",
     "a beam ends with beam_size times this many texts [1]"},
    {"length_penalty", 0, ATT_OPT_NUMBER, AT(length_penalty), NULL, "A",
     "weighs long texts, 0 to 1 [the mean log-probability]"},
    {"seed", 0, ATT_OPT_INT, AT(seed), NULL, "N", "of random words [0]"},
    {"suppress_blank", 0, ATT_OPT_BOOL, AT(suppress_blank), NULL, "BOOL",
     "let no text begin with a blank or be empty [True]"},
    {"suppress_regex", 0, ATT_OPT_TEXT, AT(suppress_regex), NULL, "RE",
     "never use tokens that this matches as a whole"},
    {"repetition_penalty", 0, ATT_OPT_NUMBER, AT(repetition_penalty), NULL, "P",
     "above 1: what was said in a window is less likely again [1]"},
    {"no_repeat_ngram_size", 0, ATT_OPT_INT, AT(no_repeat_ngram_size), NULL, "N",
     "so many tokens in a row come once a window [any number]"},
    {"max_new_tokens", 0, ATT_OPT_INT, AT(max_new_tokens), NULL, "N", "of a window [224]"},
    {"hotwords", 0, ATT_OPT_TEXT, AT(hotwords), NULL, "TEXT",
     "hints in front of every window: names, spelling"},
    {"multilingual", 0, ATT_OPT_BOOL, AT(multilingual), NULL, "BOOL",
     "hear the language anew in every window [False]"},
    {"language_detection_segments", 0, ATT_OPT_INT, AT(language_detection_segments), NULL, "N",
     "windows that are asked for the language, until ... [1]"},
    {"language_detection_threshold", 0, ATT_OPT_NUMBER, AT(language_detection_threshold), NULL, "P",
     "... one is surer of it than this [0.5]"},
    {"prompt_reset_on_temperature", 0, ATT_OPT_NUMBER, AT(prompt_reset_on_temperature), NULL, "T",
     "text found above this is no prompt [0.5]"},
    {"suppress_tokens", 0, ATT_OPT_TEXT, AT(suppress_tokens), NULL, "IDS",
     "never used, with commas; -1: marks that are not spoken [-1]"},
    {"initial_prompt", 0, ATT_OPT_TEXT, AT(initial_prompt), NULL, "TEXT",
     "what was said before: names, spelling, style"},
    {"carry_initial_prompt", 0, ATT_OPT_BOOL, AT(carry_initial_prompt), NULL, "BOOL",
     "prompt every window with it, not the first alone [False]"},
    {"prefix", 0, ATT_OPT_TEXT, AT(prefix), NULL, "TEXT", "what the first window begins with"},
    {"clip_timestamps", 0, ATT_OPT_TEXT, AT(clip_timestamps), NULL, "S,S,...",
     "seconds: start,end,start,... of what is transcribed [all]"},
    {"word_timestamps", 0, ATT_OPT_BOOL, AT(word_timestamps), NULL, "BOOL",
     "find the time of each word [False]"},
    {"prepend_punctuations", 0, ATT_OPT_TEXT, AT(prepend_punctuations), NULL, "MARKS",
     "belong to the word behind them"},
    {"append_punctuations", 0, ATT_OPT_TEXT, AT(append_punctuations), NULL, "MARKS",
     "belong to the word before them"},
    {"highlight_words", 0, ATT_OPT_BOOL, AT(highlight_words), NULL, "BOOL",
     "underline each word in turn in srt and vtt [False]"},
    {"max_line_width", 0, ATT_OPT_INT, AT(max_line_width), NULL, "N",
     "characters in a line of subtitles with words [no limit]"},
    {"max_line_count", 0, ATT_OPT_INT, AT(max_line_count), NULL, "N",
     "lines in a subtitle with words, with --max_line_width [no limit]"},
    {"max_words_per_line", 0, ATT_OPT_INT, AT(max_words_per_line), NULL, "N",
     "words in a subtitle, without --max_line_width [no limit]"},
    {"hallucination_silence_threshold", 0, ATT_OPT_NUMBER, AT(hallucination_silence_threshold),
     NULL, "S", "seconds of silence beside which words that look made up are skipped"},
    {"fp16", 0, ATT_OPT_BOOL, AT(fp16), NULL, "BOOL", "not used: sums are f32 [False]"},
    {"single_window", 0, ATT_OPT_FLAG, AT(single_window), NULL, NULL,
     "only the first 30 s, in one decode"},
    {"vad_filter", 0, ATT_OPT_BOOL, AT(vad_filter), NULL, "BOOL",
     "find speech first and hear nothing else [False]"},
    {"vad_chunks", 0, ATT_OPT_BOOL, AT(vad_chunks), NULL, "BOOL",
     "hear speech of up to 30 s at a time by itself, --batch of them together [False]"},
    {"vad_model", 0, ATT_OPT_TEXT, AT(vad_model), NULL, "NAME",
     "a name, a folder or a safetensors file [silero-vad]"},
    {"vad_threshold", 0, ATT_OPT_NUMBER, AT(vad_threshold), NULL, "P",
     "speech begins at this probability [0.5]"},
    {"vad_neg_threshold", 0, ATT_OPT_NUMBER, AT(vad_neg_threshold), NULL, "P",
     "and ends below this [0.15 less]"},
    {"vad_min_speech_duration_ms", 0, ATT_OPT_INT, AT(vad_min_speech_duration_ms), NULL, "MS",
     "shorter speech does not count [0]"},
    {"vad_max_speech_duration_s", 0, ATT_OPT_NUMBER, AT(vad_max_speech_duration_s), NULL, "S",
     "longer speech is split, in a silence if there is one [None]"},
    {"vad_min_silence_duration_ms", 0, ATT_OPT_INT, AT(vad_min_silence_duration_ms), NULL, "MS",
     "shorter silence does not end speech [2000]"},
    {"vad_speech_pad_ms", 0, ATT_OPT_INT, AT(vad_speech_pad_ms), NULL, "MS",
     "added to speech at either end [400]"},
    {"live", 0, ATT_OPT_FLAG, AT(live), NULL, NULL,
     "words as they are spoken: FILE -, or no FILE for the microphone"},
    {"live_step", 0, ATT_OPT_NUMBER, AT(live_step), NULL, "S",
     "seconds of new audio between two looks [1]"},
    {"json", 0, ATT_OPT_FLAG, AT(json), NULL, NULL, "print one JSON object a file instead of text"},
    {"quiet", 'q', ATT_OPT_FLAG, AT(quiet), NULL, NULL,
     "no progress on stderr, only words and errors"},
    {"info", 'v', ATT_OPT_FLAG, AT(info), NULL, NULL,
     "say which device, model and kernels are used"},
    {"offline", 0, ATT_OPT_FLAG, AT(offline), NULL, NULL, "download nothing"},
    {"profile", 0, ATT_OPT_FLAG, AT(profile), NULL, NULL, "print time by kernel on stderr"},
    {"portable", 0, ATT_OPT_FLAG, AT(portable), NULL, NULL, "use only the portable kernels"},
    {"help", 'h', ATT_OPT_FLAG, AT(help), NULL, NULL, "this text"},
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
    o.verbose = 1;
    o.condition_on_previous_text = asr.condition_on_previous_text;
    o.no_speech_threshold = asr.no_speech_threshold;
    o.logprob_threshold = asr.logprob_threshold;
    o.compression_ratio_threshold = asr.compression_ratio_threshold;
    o.temperature = asr.temperature;
    o.temperature_increment_on_fallback = asr.temperature_increment_on_fallback;
    o.best_of = asr.best_of;
    o.beam_size = asr.beam_size;
    o.patience = asr.patience;
    o.length_penalty = asr.length_penalty;
    o.suppress_tokens = "-1";
    o.suppress_blank = asr.suppress_blank;
    o.repetition_penalty = asr.repetition_penalty;
    o.language_detection_segments = asr.language_detection_segments;
    o.language_detection_threshold = asr.language_detection_threshold;
    o.prompt_reset_on_temperature = asr.prompt_reset_on_temperature;
    o.prepend_punctuations = asr.prepend_punctuations;
    o.append_punctuations = asr.append_punctuations;
    o.hallucination_silence_threshold = asr.hallucination_silence_threshold;
    o.clip_timestamps = "";
    o.batch = asr.batch;
    o.vad_model = "silero-vad";
    o.vad_threshold = asr.vad.threshold;
    o.vad_neg_threshold = asr.vad.neg_threshold;
    o.vad_min_speech_duration_ms = asr.vad.min_speech_duration_ms;
    o.vad_max_speech_duration_s = asr.vad.max_speech_duration_s;
    o.vad_min_silence_duration_ms = asr.vad.min_silence_duration_ms;
    o.vad_speech_pad_ms = asr.vad.speech_pad_ms;
    o.live_step = att_asr_live_defaults().step_s;
    return o;
}

int att_transcribe_list(const char *option, const char *text, double *numbers, int room)
{
    int n = 0;
    for (const char *c = text; *c;) {
        char *end;
        const double x = strtod(c, &end);
        if (end == c || (*end && *end != ',') || (*end == ',' && !end[1]) || !isfinite(x)) {
            fprintf(stderr, "attend transcribe: --%s is '%s', expected numbers with commas\n",
                    option, text);
            return -1;
        }
        if (n == room) {
            fprintf(stderr, "attend transcribe: --%s has more than %d numbers\n", option, room);
            return -1;
        }
        numbers[n++] = x;
        c = *end ? end + 1 : end;
    }
    return n;
}
