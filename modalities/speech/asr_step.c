/* asr_step.c - several windows' decodings in one call of the network (asr_step.h).
 * Tests: tests/models/test_asr_step.c */
#include "asr_step.h"

#include <math.h>
#include <string.h>

#include "logits.h"
#include "mem.h"

att_status att_asr_stepper_init(att_asr_stepper *s, const att_whisper *whisper,
                                const att_asr_options *options, int32_t n_lanes, att_err *err)
{
    const int32_t lines = att_asr_lines(options), rows = n_lanes * (lines > 2 ? lines : 2);
    const int32_t max_rows = rows < ATT_WHISPER_MAX_LOGITS ? rows : ATT_WHISPER_MAX_LOGITS;
    const int32_t n_vocab = att_whisper_get_config(whisper)->vocab;
    memset(s, 0, sizeof *s);
    s->row = att_calloc((size_t)n_vocab, sizeof *s->row);
    s->wanted = att_calloc((size_t)n_lanes, sizeof *s->wanted);
    s->turns = att_calloc((size_t)n_lanes, sizeof *s->turns);
    s->tokens = att_calloc((size_t)max_rows, sizeof *s->tokens);
    if (!s->row || !s->wanted || !s->turns || !s->tokens)
        return att_fail(err, ATT_E_MEMORY, "make session: out of memory");
    att_status status = att_whisper_session_create(&s->session, whisper, lines, n_lanes, err);
    if (status) return status;
    att_device *device = att_queue_device(att_whisper_session_queue(s->session));
    status = att_arena_create(&s->arena, device, "search", err);
    if (!status) status = att_logits_top_init(&s->top, s->arena, max_rows, n_vocab, lines + 1, err);
    if (!status) att_arena_seal(s->arena);
    return status;
}

void att_asr_stepper_finish(att_asr_stepper *s)
{
    if (s->session) /* what was sent may still be read */
        att_queue_settle(att_whisper_session_queue(s->session), NULL);
    att_logits_top_finish(&s->top);
    att_arena_destroy(s->arena);
    att_whisper_session_destroy(s->session);
    att_free(s->row);
    att_free(s->wanted);
    att_free(s->turns);
    att_free(s->tokens);
    memset(s, 0, sizeof *s);
}

/* The rows of the turn whose first is row `first`. */
static att_asr_rows rows_of(const att_asr_stepper *s, att_mat logits, int32_t first, int32_t n)
{
    const att_asr_rows rows = {
        .queue = att_whisper_session_queue(s->session),
        .logits = att_mat_rows(logits, first, n),
        .forbidden = att_logits_top_forbidden(&s->top, first),
        .parts = &s->top.parts[2 * first],
        .row = s->row,
    };
    return rows;
}

/* Finds the best tokens for turns first .. end - 1, n rows in all, and has their decodings step. */
static att_status step_turns(att_asr_stepper *s, att_asr_decoding *const *decodings, int32_t first,
                             int32_t end, int32_t n, att_err *failures, att_err *err)
{
    const att_asr_decoder *decoder = decodings[first]->decoder; /* the same of all */
    att_mat logits;
    att_status status = att_whisper_logits(s->session, s->tokens, n, &logits, err);
    int32_t at = 0;
    for (int32_t i = first; !status && i < end; at += s->wanted[i++].n_tokens) {
        const att_asr_rows rows = rows_of(s, logits, at, s->wanted[i].n_tokens);
        status = att_asr_decoding_rule(decodings[i], &rows, err);
    }
    if (!status)
        status = att_logits_top_apply(att_whisper_session_queue(s->session), &s->top, logits,
                                      att_whisper_rules_split(decoder->rules),
                                      att_asr_best(decoder->options), err);
    at = 0;
    for (int32_t i = first; !status && i < end; at += s->wanted[i++].n_tokens) {
        const att_asr_rows rows = rows_of(s, logits, at, s->wanted[i].n_tokens);
        failures[i].status = att_asr_decoding_step(decodings[i], &rows, &failures[i]);
    }
    return status;
}

/* Gives turns first .. their rows, as many as there is room for; returns the turn after the last.
 * *at: the tokens of the call that were before them. */
static int32_t give_rows(att_asr_stepper *s, att_asr_decoding *const *decodings, int32_t first,
                         int32_t n_turns, int32_t *at, att_err *failures, att_status *status,
                         att_err *err)
{
    int32_t end = first, n = 0;
    for (; end < n_turns && n + s->wanted[end].n_tokens <= s->top.max_rows; end++) {
        for (int32_t k = 0; k < s->wanted[end].n_tokens; k++)
            s->tokens[n++] = *at + s->wanted[end].tokens[k];
        *at += s->wanted[end].turn.n;
    }
    *status = step_turns(s, decodings, first, end, n, failures, err);
    return end;
}

att_status att_asr_step(att_asr_stepper *s, att_asr_decoding *const *decodings, int32_t n,
                        att_err *failures, att_err *err)
{
    int32_t room = att_whisper_room(s->session), n_turns = 0, at = 0;
    for (; n_turns < n; n_turns++) {
        att_asr_decoding_wants(decodings[n_turns], &s->wanted[n_turns]);
        s->turns[n_turns] = s->wanted[n_turns].turn;
        room -= s->turns[n_turns].n;
        if (room < 0) break;
    }
    att_status status = att_whisper_decode(s->session, s->turns, n_turns, err);
    for (int32_t i = 0; !status && i < n_turns;)
        i = give_rows(s, decodings, i, n_turns, &at, failures, &status, err);
    return status;
}

att_status att_asr_decode(att_asr_stepper *s, att_asr_decoding *decoding, att_err *err)
{
    att_err failure = {0};
    att_status status = ATT_OK;
    while (!status && !failure.status && !decoding->done)
        status = att_asr_step(s, &decoding, 1, &failure, err);
    if (status || !failure.status) return status;
    if (err) *err = failure;
    return failure.status;
}

att_status att_asr_detect_language(att_asr_stepper *s, att_whisper_lane *lane,
                                   const att_whisper_tokens *tokens, int32_t *language,
                                   double *probability, att_err *err)
{
    static const int32_t only = 0;
    const att_whisper_turn turn = {.lane = lane, .ids = &tokens->sot, .n = 1};
    att_mat logits;
    att_whisper_truncate(lane, 0);
    att_status status = att_whisper_decode(s->session, &turn, 1, err);
    if (!status) status = att_whisper_logits(s->session, &only, 1, &logits, err);
    if (!status)
        status = att_queue_read(att_whisper_session_queue(s->session), s->row, logits.view,
                                logits.cols, err);
    if (status) return status;
    const int32_t first = tokens->language_begin, n = tokens->n_languages;
    const int32_t best = att_logits_argmax(s->row + first, n);
    if (best < 0)
        return att_fail(err, ATT_E_DEVICE,
                        "detect language: the logits hold NaN; try "
                        "`attend devices --check`");
    *language = first + best;
    *probability =
        exp((double)s->row[first + best] - att_logits_log_sum_exp(s->row, first, first + n));
    return ATT_OK;
}
