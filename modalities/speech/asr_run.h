/* asr_run.h - the run of one recording: what asr.c sets up and asr_seek.c goes through; private to
 * asr*.c. */
#ifndef ATT_ASR_RUN_H
#define ATT_ASR_RUN_H

#include "asr_model.h"
#include "asr_step.h"
#include "asr_words.h"
#include "attend/vad.h"
#include "mel.h"
#include "time_map.h"

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

struct att_asr_session {
    const att_asr_model *model;
    att_asr_stepper stepper;
    att_asr_decoding decoding;   /* of the window that is heard */
    att_vad_session *vad;        /* NULL: no voice detector was given */
    int32_t lines, max_finished; /* what the two have room for */
    att_asr_aligner *aligner;    /* NULL until words are asked for */
    float *mel;                  /* [3000][n_mels] */
    atti_asr_found found;        /* of the window that is being finished */
    const att_log *log;
};

typedef struct atti_asr_run {
    att_asr_session *session;
    const att_asr_options *options;
    att_asr_result *result;
    att_asr_decoder decoder;
    att_whisper_rules rules;
    int32_t language, task; /* token ids; negative for English-only models */
    const char *code;       /* of the language */
    att_mel_stream *mel;
    att_time_map map; /* of the speech, with vad_filter; empty: the whole recording is heard */
    int64_t n_frames; /* of content, packed */
    int64_t seek, clip_end;  /* the window's first frame; where its clip ends */
    int32_t clip, n_windows; /* the clip that is heard; windows heard so far */
    int32_t ready_frames;    /* > 0: the window at frame 0 is encoded and holds so many */
    int32_t *suppress;
    int32_t *carried, n_carried; /* in front of every window's text */
    int32_t *prefix, n_prefix;
    int32_t *history; /* the initial prompt's tokens, then those of all segments */
    int32_t n_history, room_history, n_initial;
    double last_speech_s;  /* where the last word so far ended */
    int32_t history_since; /* what came before is not fed as prompt any more */
} atti_asr_run;

/* Room, rules, prompts: what run needs of its session and options. Whatever the status, it is to be
 * released. */
att_status atti_asr_prepare(atti_asr_run *run, att_err *err);
void atti_asr_release(atti_asr_run *run);

/* The caller's options, or none, over the defaults. ATT_E_ARG for options that make no sense. */
att_status atti_asr_take_options(att_asr_options *options, const att_asr_options *theirs,
                                 att_err *err);

/* Rules, prompts and prefix of the options. */
att_status atti_asr_make_rules(atti_asr_run *run, att_err *err);
att_status atti_asr_read_told(atti_asr_run *run, att_err *err);

/* Sets language and task; *given: 0 when the language is to be heard in an encoded window. */
att_status atti_asr_given_language(atti_asr_run *run, int *given, att_err *err);
/* *probability: of the language, among all; told to nobody. */
att_status atti_asr_hear_language(atti_asr_run *run, double *probability, att_err *err);
void atti_asr_tell_language(const atti_asr_run *run, double probability);

/* What the window is told of the text before it. */
att_asr_prompt_parts atti_asr_prompt_parts(const atti_asr_run *run);

/* A piece of the window at run->seek as a segment, whose text is "" and tokens none when it is
 * blank. Returns the text, which the segment borrows and the caller frees; NULL when memory is out.
 */
char *atti_asr_describe(const atti_asr_run *run, const att_asr_window *window,
                        const att_whisper_piece *piece, att_asr_segment *segment, att_err *err);

/* Grows the history; tokens may be NULL when n is 0. */
att_status atti_asr_remember(atti_asr_run *run, const int32_t *tokens, int32_t n, att_err *err);

/* Window after window, once run->n_frames is known: begin, then hear as long as there is one. All
 * that a recording needs from window to window is in its run, so that runs may take turns. */
att_status atti_asr_begin(atti_asr_run *run, att_err *err);
int atti_asr_has_window(atti_asr_run *run);
att_status atti_asr_hear_window(atti_asr_run *run, att_err *err);

/* Seconds of a clock that only goes forward. */
double atti_asr_now_s(void);

#endif /* ATT_ASR_RUN_H */
