/* transcribe.h - the verb transcribe: options, their table, what is printed and written.
 *
 * Flags, meanings and defaults are those of OpenAI's `whisper` program; differences are listed in
 * docs/models/whisper.md. Tests: tests/unit/test_args.c, tests/real/test_transcribe.c */
#ifndef ATT_TRANSCRIBE_H
#define ATT_TRANSCRIBE_H

#include "args.h"
#include "attend/asr.h"
#include "progress.h"

typedef struct att_transcribe_options {
    const char *model, *model_dir, *device, *language, *task, *output_format, *output_dir,
        *precision, *suppress_tokens, *initial_prompt, *prefix, *clip_timestamps,
        *prepend_punctuations, *append_punctuations, *vad_model, *files_from;
    int threads, batch, vad_chunks, verbose, without_timestamps, condition_on_previous_text,
        single_window;
    int null, skip_existing, plot;
    int json, live, quiet, info, offline, profile, portable, help;
    double no_speech_threshold, logprob_threshold, compression_ratio_threshold;
    int best_of, beam_size, seed, carry_initial_prompt, fp16, word_timestamps;
    const char *suppress_regex, *hotwords;
    int suppress_blank, no_repeat_ngram_size, max_new_tokens, multilingual,
        language_detection_segments;
    double repetition_penalty, language_detection_threshold, prompt_reset_on_temperature;
    int max_line_width, max_line_count, max_words_per_line, highlight_words;
    double live_step, hallucination_silence_threshold;
    int vad_filter, vad_min_speech_duration_ms, vad_min_silence_duration_ms, vad_speech_pad_ms;
    double vad_threshold, vad_neg_threshold, vad_max_speech_duration_s;
    double temperature, temperature_increment_on_fallback, patience, length_penalty;
} att_transcribe_options;

att_transcribe_options att_transcribe_defaults(void);
const att_opt *att_transcribe_table(size_t *n);

/* Numbers between commas into numbers[0..room). Returns how many, or -1 after saying on stderr
 * which option is wrong. "" is none. */
int att_transcribe_list(const char *option, const char *text, double *numbers, int room);

/* Writes the result in the formats wanted ("all" or one), whole files only; part: under NAME.part.
 * name: of the outputs, below the output folder and without an extension; folders are made.
 * Returns an exit code after saying on stderr what failed. */
int att_transcribe_write(const att_transcribe_options *options, const char *name,
                         const att_asr_result *result, int part);

/* Draws the result's NAME.png beside them, from a file that is read again. Returns an exit code
 * after saying on stderr what failed. */
int att_transcribe_plot(const att_transcribe_options *options, const char *file, const char *name,
                        const att_asr_result *result, const att_log *log);

/* Whether each output wanted of that file is there and not older than the file. */
int att_transcribe_is_done(const att_transcribe_options *options, const char *file,
                           const char *name);

/* One line of JSON on stdout. */
int att_transcribe_print_json(const att_transcribe_options *options, att_device *device,
                              att_precision precision, const char *file,
                              const att_asr_result *result);

/* Adds a segment's members to a JSON object. */
struct cJSON;
void att_transcribe_json_segment(struct cJSON *object, const att_asr_segment *segment);

/* --live: hears standard input ("-") or the microphone (NULL) until it ends or `stopped` says so.
 * Returns an exit code after saying on stderr what failed. */
int att_transcribe_live(const att_transcribe_options *options, att_asr_session *session,
                        const att_asr_options *asr_options, att_progress *progress,
                        int (*stopped)(void *user), const char *file);

#endif /* ATT_TRANSCRIBE_H */
