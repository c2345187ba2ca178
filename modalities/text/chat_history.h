/* chat_history.h - the messages of a running chat, and what happens when they no longer fit into
 * the model's memory: the oldest turns go, and the caller is told which; or nothing goes, and it is
 * an error. Nothing is ever left out silently.
 *
 * A turn is a user's message and all up to the next one. The system message at the beginning stays,
 * and so does the last turn.
 * Tests: tests/unit/test_chat_history.c */
#ifndef ATT_CHAT_HISTORY_H
#define ATT_CHAT_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "attend/error.h"
#include "chat_template.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum att_chat_overflow {
    ATT_CHAT_DROP_OLDEST, /* turns go, from the oldest on, until the rest fits */
    ATT_CHAT_STOP         /* ATT_E_ARG, nothing goes */
} att_chat_overflow;

/* How many tokens a text has for the model; the tokenizer's answer. */
typedef struct att_chat_counter {
    att_status (*count)(void *user, const char *text, int32_t *n_tokens, att_err *err);
    void *user;
} att_chat_counter;

/* Owns copies of the messages; one thread at a time. */
typedef struct att_chat_history att_chat_history;

att_status att_chat_history_create(att_chat_history **history, att_err *err);
void att_chat_history_destroy(att_chat_history *history); /* NULL is fine */

att_status att_chat_history_add(att_chat_history *history, const char *role, const char *content,
                                att_err *err);
/* Takes the last message out again (a question whose answer failed); none: nothing. */
void att_chat_history_remove_last(att_chat_history *history);
/* Forgets all but the system message at the beginning. */
void att_chat_history_clear(att_chat_history *history);

/* All *n of them; they live until the history changes. */
const att_chat_message *att_chat_history_messages(const att_chat_history *history, size_t *n);

typedef struct att_chat_fitted {
    char *text;              /* the chat with the prompt for an answer; the caller's, att_free() */
    int32_t n_tokens;        /* of text */
    int32_t n_tokens_before; /* when nothing had gone */
    const att_chat_message *dropped; /* what went, in order; lives until the history changes */
    size_t n_dropped;
} att_chat_fitted;

/* The history as a text of at most max_tokens tokens: those of the model's context less those that
 * an answer may have. ATT_E_ARG, with what was needed and what there is, when it does not fit and
 * overflow says stop, or when even the last turn alone does not; then the history is as it was. */
att_status att_chat_history_fit(att_chat_history *history, const att_chat_template *chat,
                                int32_t max_tokens, att_chat_overflow overflow,
                                const att_chat_counter *counter, att_chat_fitted *fitted,
                                att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_CHAT_HISTORY_H */
