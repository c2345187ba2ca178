/* asr.h - speech to text: open a model, make a session, run it over a file.
 *
 * A segment is told when it is final, in order. Strings that a callback gets live until it returns;
 * a result's live until att_asr_result_free(). Times are seconds from the start of the file.
 *
 * Threads: a device and a model are shared by any number of them; each is opened and closed while
 * no other call uses it. A session is one thread's at a time, and different sessions of one model
 * run at once. Callbacks come on the thread that called. There is no global state.
 *
 * Versions: option structs begin with their size, so that a program which was compiled against an
 * older header gets the defaults of fields that it does not know; a field is added at the end only.
 * All other structs change with the library's soversion. */
#ifndef ATT_ASR_H
#define ATT_ASR_H

#include <stddef.h>
#include <stdint.h>

#include "attend/device.h"
#include "attend/error.h"
#include "attend/precision.h"
#include "attend/vad.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/* Weights, vocabulary and compiled programs; read only, shared by sessions and threads. */
typedef struct att_asr_model att_asr_model;

/* path: a folder (CTranslate2, or Hugging Face's safetensors), its file of weights, or a ggml .bin.
 * The device must outlive the model. */
att_status att_asr_model_open(att_asr_model **model, att_device *device, const char *path,
                              att_precision precision, att_err *err);
void att_asr_model_close(att_asr_model *model);
/* What its products really have on its device. */
att_precision att_asr_model_precision(const att_asr_model *model);
int att_asr_model_multilingual(const att_asr_model *model);

/* "en" for "en" or "English" in any case; NULL when the model does not know the language. */
const char *att_asr_model_language(const att_asr_model *model, const char *code_or_name);

/* One word with the space before it and the punctuation at it, as OpenAI's timing.py makes them. */
typedef struct att_asr_word {
    const char *text;   /* UTF-8 */
    double start, end;  /* seconds */
    double probability; /* the mean of its tokens' */
} att_asr_word;

typedef struct att_asr_segment {
    int32_t id;
    int64_t seek;      /* the window's first frame, 10 ms each */
    double start, end; /* seconds */
    const char *text;  /* UTF-8 */
    const int32_t *tokens;
    const float *token_probs; /* one a token */
    int32_t n_tokens;
    const att_asr_word *words; /* with options.word_timestamps */
    int32_t n_words;
    double temperature, avg_logprob, compression_ratio, no_speech_prob;
} att_asr_segment;

/* Start from att_asr_defaults(): OpenAI's values. */
typedef struct att_asr_options {
    size_t size;          /* of this struct, as the caller knows it */
    const char *language; /* code or name; NULL: detected from the first 30 s */
    int32_t translate;    /* 1: into English */
    int32_t without_timestamps;
    int32_t condition_on_previous_text;
    double no_speech_threshold, logprob_threshold, compression_ratio_threshold; /* NaN: not used */
    double max_initial_timestamp; /* seconds; negative: no limit */
    /* Decoding. At temperature 0 a beam of beam_size, or greedily when that is 0 or 1; above, the
     * best of best_of samples. A window whose text repeats itself or is unlikely (the thresholds
     * above) is decoded again at a temperature higher by the increment, up to 1; NaN or 0: never.
     */
    double temperature, temperature_increment_on_fallback;
    int32_t best_of, beam_size; /* each at most 64 */
    double patience;            /* a beam ends with round(beam_size * patience) texts */
    double length_penalty;      /* 0 to 1: alpha of the GNMT paper; NaN: the mean log-probability */
    uint64_t seed;              /* of the samples */
    const int32_t *suppress_tokens; /* never sampled; -1 stands for marks that are not spoken */
    int32_t n_suppress_tokens;
    int32_t suppress_blank;        /* 1: no text begins with a blank or is empty */
    const char *initial_prompt;    /* what was said before the first window; or NULL */
    int32_t carry_initial_prompt;  /* 1: every window is prompted with it */
    const char *prefix;            /* what the first window's text begins with; or NULL */
    const double *clip_timestamps; /* seconds: starts and ends in turn of what is transcribed */
    int32_t n_clip_timestamps;     /* 0: all */
    int32_t single_window;         /* 1: the first 30 s in one decode, no seeking */
    int32_t word_timestamps;       /* 1: segments have words, and windows end where words do */
    /* Marks that belong to the word behind them, and to the one before. */
    const char *prepend_punctuations, *append_punctuations;
    /* Seconds of silence beside which words that look made up are skipped; needs word_timestamps;
     * NaN: none are. */
    double hallucination_silence_threshold;
    /* As other programs have them (docs/flags.md). */
    const char *hotwords;      /* hints in front of every window's text, without prefix; or NULL */
    int32_t multilingual;      /* 1: the language is heard anew in every window */
    double repetition_penalty; /* above 1: a window's tokens are less likely again; 1: not used */
    int32_t no_repeat_ngram_size; /* so many tokens in a row come once a window; 0: not used */
    int32_t max_new_tokens;       /* of a window; 0: half of the text context */
    double prompt_reset_on_temperature;  /* text found above it is no prompt */
    int32_t language_detection_segments; /* windows that are asked for the language, at most 64,
                                            until one is surer of it than the threshold */
    double language_detection_threshold;
    const char *suppress_regex; /* text tokens that match are never sampled (PCRE2); or NULL */
    void *user;                 /* given to the callbacks, each of which may be NULL */
    void (*on_language)(void *user, const char *code, double probability);
    void (*on_segment)(void *user, const att_asr_segment *segment);
    void (*on_scan)(void *user,
                    double read_s); /* the first pass over the audio, once a minute of it */
    /* First with 0 done, once the length is known. */
    void (*on_progress)(void *user, double done_s, double total_s);
    int (*cancelled)(void *user); /* asked once a token and a minute of the first pass; non-zero:
                                     ATT_E_CANCELLED */
    int32_t vad_filter;  /* 1: only speech is heard, packed; not with clips. The session needs a
                            voice detector: att_asr_session_use_vad() */
    att_vad_options vad; /* what is speech */
    int32_t batch;       /* windows that are decoded together, 1 to 64: of the recordings of
                            att_asr_run_many(), and of one recording where they do not depend on
                            each other (docs/flags.md). What is heard does not depend on it. */
    int32_t vad_chunks;  /* 1, with vad_filter: speech of up to 30 s at a time is heard by itself */
} att_asr_options;

/* For languages without inline functions: the defaults, and bytes as their size. */
void att_asr_options_init(att_asr_options *options, size_t bytes);

static inline att_asr_options att_asr_defaults(void)
{
    att_asr_options o;
    att_asr_options_init(&o, sizeof o);
    return o;
}

/* Seconds spent, by part. */
typedef struct att_asr_timings {
    double vad_s, mel_s, encoder_s, decoder_s, total_s;
    int64_t windows, tokens;
} att_asr_timings;

/* A stretch of speech, seconds from the start of the file. */
typedef struct att_asr_span {
    double start, end;
} att_asr_span;

typedef struct att_asr_result {
    char language[8];
    double duration_s;
    char *text; /* all segments */
    att_asr_segment *segments;
    int32_t n_segments;
    int32_t has_words; /* word_timestamps was on: segments without words have none */
    att_asr_timings timings;
    att_asr_span *speech; /* with options.vad_filter: what was heard, in order */
    int32_t n_speech;
} att_asr_result;

/* One timeline: caches, scratch, mel ring. One thread at a time; its model outlives it. */
typedef struct att_asr_session att_asr_session;

att_status att_asr_session_create(att_asr_session **session, const att_asr_model *model,
                                  att_err *err);
void att_asr_session_destroy(att_asr_session *session);

/* Gives the session a voice detector for options.vad_filter; the model outlives the session. NULL
 * takes it away. */
att_status att_asr_session_use_vad(att_asr_session *session, const att_vad *vad, att_err *err);

/* Transcribes a file, or standard input for "-"; options NULL: the defaults. On failure or
 * cancellation the segments that were finished stay in *result, which is to be freed in any case.
 */
att_status att_asr_run(att_asr_session *session, const char *path, const att_asr_options *options,
                       att_asr_result *result, att_err *err);
/* The same for n mono samples in memory, -1 to 1, borrowed during the call. */
att_status att_asr_run_samples(att_asr_session *session, const float *samples, size_t n,
                               int32_t rate_hz, const att_asr_options *options,
                               att_asr_result *result, att_err *err);
void att_asr_result_free(att_asr_result *result); /* a zeroed result is fine */

/* Recording i of many begins: what the options' callbacks tell now is of it. */
typedef void (*att_asr_begin_callback)(void *user, size_t i);
/* It has ended, with failure->status as att_asr_run()'s. A result that is copied and zeroed is the
 * caller's; otherwise it is freed. */
typedef void (*att_asr_end_callback)(void *user, size_t i, const att_err *failure,
                                     att_asr_result *result);

/* Transcribes n recordings, windows of which are decoded together (options.batch). All callbacks
 * come recording by recording, in the given order, as if one were run after the other; what is
 * found ahead waits. on_begin may be NULL. One recording's failure is its own; what is returned is
 * why not all were tried, above all ATT_E_CANCELLED, with which those that had begun end as well.
 */
att_status att_asr_run_many(att_asr_session *session, const char *const *paths, size_t n,
                            const att_asr_options *options, void *user,
                            att_asr_begin_callback on_begin, att_asr_end_callback on_end,
                            att_err *err);

/* For options.cancelled where options.user is an int32_t that another thread makes non-zero. */
int att_asr_cancelled_by(void *flag);

/* --- live: samples as they come --- */

/* Start from att_asr_live_defaults(): 1 s, 20 s, 0.8 s. */
typedef struct att_asr_live_options {
    size_t size;          /* of this struct, as the caller knows it */
    double step_s;        /* new audio after which all that is not final is heard again; >= 0.1 */
    double max_pending_s; /* at most so much is not final; up to 30 */
    double silence_s;     /* so much silence ends a segment */
    void *user;           /* given to on_partial */
    /* What was heard after the last final segment, each time that it changes; "" for nothing. */
    void (*on_partial)(void *user, const char *text, double start, double end);
} att_asr_live_options;

void att_asr_live_options_init(att_asr_live_options *options, size_t bytes);

static inline att_asr_live_options att_asr_live_defaults(void)
{
    att_asr_live_options o;
    att_asr_live_options_init(&o, sizeof o);
    return o;
}

/* One timeline that never has to end; it uses the session, which runs nothing else meanwhile, and
 * takes the same memory however long it is. Of the options, fallback, clips, single_window,
 * without_timestamps and vad_filter are not used; on_segment is told what is final. */
typedef struct att_asr_live att_asr_live;

att_status att_asr_live_create(att_asr_live **live, att_asr_session *session,
                               const att_asr_options *options,
                               const att_asr_live_options *live_options, att_err *err);
void att_asr_live_destroy(att_asr_live *live); /* NULL is fine */

/* The next n samples, 16 kHz mono. Returns when they are heard: at once, or after one encoding and
 * decoding a step. A caller that is late pushes more at a time, and is not heard more often. */
att_status att_asr_push(att_asr_live *live, const float *samples, size_t n, att_err *err);

/* All that is pending becomes final; the timeline may go on. */
att_status att_asr_finish(att_asr_live *live, att_err *err);

const att_asr_timings *att_asr_live_timings(const att_asr_live *live);

/* One row per kernel that ran in the session, for --profile; see att_queue_profile(). */
struct att_profile_row;
size_t att_asr_session_profile(const att_asr_session *session, struct att_profile_row *rows,
                               size_t room);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif /* ATT_ASR_H */
