/* asr_run.h - a recording that is transcribed, and the lanes that its windows are heard in; private
 * to asr*.c.
 *
 * A recording is divided into chains of windows (asr_chains.c): a window may depend on those before
 * it in its chain, and on nothing in other chains. A lane takes a chain and hears window after
 * window of it (asr_seek.c); asr_batch.c drives all lanes together. What is found is told in the
 * order of the recording, and recordings in theirs (asr_tell.c). */
#ifndef ATT_ASR_RUN_H
#define ATT_ASR_RUN_H

#include "asr_model.h"
#include "asr_step.h"
#include "asr_words.h"
#include "attend/vad.h"
#include "audio.h"
#include "mel.h"
#include "time_map.h"

enum { ATTI_ASR_MAX_BATCH = ATT_WHISPER_MAX_LANES };

/* What a window was cut into. */
typedef struct atti_asr_found {
    att_whisper_piece pieces[ATT_WHISPER_MAX_TOKENS + 1];
    att_word_segment
        words[ATT_WHISPER_MAX_TOKENS + 1]; /* of each piece: times, and words if asked */
    int32_t n_pieces, n;                   /* the first n become segments */
    int32_t again;                         /* the window is to be read anew from next_seek */
    int64_t next_seek;                     /* frames */
    double last_speech_s;
} atti_asr_found;

/* Frames [begin, end). */
typedef struct atti_asr_range {
    int64_t begin, end;
} atti_asr_range;

typedef struct atti_asr_chain {
    int32_t first, end; /* of the run's ranges */
    int32_t finished;
    att_asr_result found; /* segments that are not in the run's result yet */
} atti_asr_chain;

/* A recording: what is the same for all its windows, and what was found. */
typedef struct atti_asr_run {
    att_asr_session *session;
    const att_asr_options *options;
    att_asr_result *result;
    att_asr_decoder decoder;
    att_whisper_rules rules;
    int32_t language, task; /* token ids; negative for English-only models */
    const char *code;       /* of the language */
    att_audio *audio;
    att_mel_stream *mel;
    att_time_map map; /* of the speech, with vad_filter; empty: the whole recording is heard */
    int64_t n_frames; /* of content, packed */
    int32_t *suppress;
    int32_t *carried, n_carried; /* in front of every window's text */
    int32_t *prefix, n_prefix;   /* what the first window's text begins with */
    int32_t *initial, n_initial; /* the initial prompt */
    atti_asr_range *ranges;
    atti_asr_chain *chains;
    int32_t n_ranges, n_chains;
    int32_t next_chain; /* those before it were taken by lanes */
    int32_t n_active;   /* lanes that hear it */
    att_err failure;    /* its status: why it ended early */
    int32_t ended;

    /* Telling. A recording whose turn has not come tells nothing; its result waits. */
    int32_t may_tell;
    int32_t telling; /* the chain whose segments come next in the result */
    int32_t n_told;  /* segments of the result */
    int32_t length_known, told_start;
    int64_t reached, told_reached; /* frames that are done of the chain that is told */
    double language_probability;   /* of a language that was heard and is not told; NaN: none */
} atti_asr_run;

/* Where windows are heard, one at a time. */
typedef struct atti_asr_lane {
    att_asr_decoding decoding;
    float *mel;        /* [3000][n_mels] */
    atti_asr_run *run; /* NULL: idle */
    int32_t chain, range;
    int64_t seek, end;    /* the window's first frame; where its range ends */
    int32_t frames;       /* of the window */
    int32_t n_windows;    /* heard so far in this chain */
    int32_t ready_frames; /* > 0: the run's window at frame 0 is encoded and holds so many */
    int64_t mel_first;    /* frame of the first row of mel ... */
    int32_t mel_frames;   /* ... and how many rows are frames of the recording */
    int32_t language;     /* of the window: the run's, or heard anew */
    const char *code;     /* of it */
    int32_t *history;     /* the initial prompt's tokens, then those of the chain's segments */
    int32_t n_history, room_history;
    int32_t history_since; /* what came before is not fed as prompt any more */
    int32_t n_prefix;
    double last_speech_s; /* where the last word so far ended */
    att_err failure;      /* of the last step */
} atti_asr_lane;

struct att_asr_session {
    const att_asr_model *model;
    att_asr_stepper stepper;
    atti_asr_lane *lanes[ATTI_ASR_MAX_BATCH]; /* made when they are first needed */
    att_vad_session *vad;                     /* NULL: no voice detector was given */
    int32_t lines, max_finished, n_lanes;     /* what stepper and lanes have room for */
    att_asr_aligner *aligner;                 /* NULL until words are asked for */
    atti_asr_found found;                     /* of the window that is being finished */
    const att_log *log;
};

/* Recordings of one call, each a path or samples, and where their results go. */
typedef struct atti_asr_job {
    const att_asr_options *options; /* checked */
    size_t n;
    const char *const *paths; /* NULL: the samples, which are one recording */
    const float *samples;
    size_t n_samples;
    int32_t rate_hz;
    void *user;
    void (*on_begin)(void *user, size_t i); /* or NULL */
    /* The result may be moved away; what is left of it is freed. */
    void (*on_end)(void *user, size_t i, const att_err *failure, att_asr_result *result);
} atti_asr_job;

/* --- asr.c: sessions --- */

/* Room for what the options follow beside each other, lanes aside. */
att_status atti_asr_make_room(att_asr_session *session, const att_asr_options *options,
                              att_err *err);
/* *lane: the i-th, which is made if there is none. */
att_status atti_asr_get_lane(att_asr_session *session, int32_t i, const att_asr_options *options,
                             atti_asr_lane **lane, att_err *err);

/* --- asr_prepare.c: recordings --- */

/* Rules and prompts of the run's options. Whatever the status, it is to be released. */
att_status atti_asr_prepare(atti_asr_run *run, att_err *err);
/* The audio becomes the run's, and is listened to and measured; then its chains are made. */
att_status atti_asr_open(atti_asr_run *run, att_audio *audio, att_err *err);
/* All but the result. */
void atti_asr_release(atti_asr_run *run);

/* --- asr_batch.c --- */

/* All recordings of the job. Each one's failure goes to on_end; what is returned is why not all
 * were tried: ATT_E_CANCELLED, or no memory to begin with. */
att_status atti_asr_run_job(att_asr_session *session, const atti_asr_job *job, att_err *err);

/* --- asr_options.c --- */

/* The caller's options, or none, over the defaults. ATT_E_ARG for options that make no sense. */
att_status atti_asr_take_options(att_asr_options *options, const att_asr_options *theirs,
                                 att_err *err);
/* Rules, prompts and prefix of the options. */
att_status atti_asr_make_rules(atti_asr_run *run, att_err *err);
att_status atti_asr_read_told(atti_asr_run *run, att_err *err);

/* --- asr_language.c --- */

/* Sets language and task; *given: 0 when the language is to be heard in an encoded window. */
att_status atti_asr_given_language(atti_asr_run *run, int *given, att_err *err);
/* Of the lane's window; *probability: among all languages. Told to nobody. */
att_status atti_asr_hear_language(atti_asr_lane *lane, double *probability, att_err *err);
/* The lane's language is the recording's. */
void atti_asr_settle_language(atti_asr_lane *lane, double probability);
/* The language spoken: given, or heard by the lane in the recording's first 30 s. */
att_status atti_asr_choose_language(atti_asr_lane *lane, att_err *err);

/* --- asr_chains.c --- */

/* Ranges and chains of a run whose length is known. */
att_status atti_asr_divide(atti_asr_run *run, att_err *err);

/* --- asr_seek.c --- */

/* The lane is the run's from now on, at no chain yet. */
void atti_asr_enter(atti_asr_lane *lane, atti_asr_run *run);
/* The lane begins a chain of its run. */
att_status atti_asr_begin_chain(atti_asr_lane *lane, int32_t chain, att_err *err);
/* Encodes the chain's next window and begins its decoding. *has: 0 when there is none. */
att_status atti_asr_begin_window(atti_asr_lane *lane, int *has, att_err *err);
/* What the decoding that is done found; the chain moves on. */
att_status atti_asr_finish_window(atti_asr_lane *lane, att_err *err);

/* Encodes frames [first, first + 3000) of the recording, as far as `end`, into the lane. */
att_status atti_asr_encode(atti_asr_lane *lane, int64_t first, int64_t end, int32_t *frames,
                           att_err *err);
/* What the lane's window is told of the text before it. */
att_asr_prompt_parts atti_asr_prompt_parts(const atti_asr_lane *lane);
/* A piece of the lane's window as a segment, whose text is "" and tokens none when it is blank.
 * Returns the text, which the segment borrows and the caller frees; NULL when memory is out. */
char *atti_asr_describe(const atti_asr_lane *lane, const att_asr_window *window,
                        const att_whisper_piece *piece, att_asr_segment *segment, att_err *err);
/* Grows the history; tokens may be NULL when n is 0. */
att_status atti_asr_remember(atti_asr_lane *lane, const int32_t *tokens, int32_t n, att_err *err);

/* --- asr_tell.c --- */

/* Moves what was found into the result, as far as it is next in the recording, and tells the
 * options' callbacks what they were not told; nothing when the run's turn has not come. */
att_status atti_asr_tell(atti_asr_run *run, att_err *err);
/* The text of all segments. */
att_status atti_asr_join_text(atti_asr_run *run, att_err *err);

/* Seconds of a clock that only goes forward. */
double atti_asr_now_s(void);

#endif /* ATT_ASR_RUN_H */
