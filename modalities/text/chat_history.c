/* chat_history.c - chat_history.h. Tests: tests/unit/test_chat_history.c */
#include "chat_history.h"

#include <string.h>

#include "mem.h"

struct att_chat_history {
    att_chat_message *messages;
    size_t n, room;
    att_chat_message *dropped; /* of the last fit */
    size_t n_dropped;
};

att_status att_chat_history_create(att_chat_history **history, att_err *err)
{
    *history = att_calloc(1, sizeof **history);
    return *history ? ATT_OK : att_fail(err, ATT_E_MEMORY, "chat: no memory for a history");
}

static void free_message(const att_chat_message *m)
{
    att_free((char *)(uintptr_t)m->role);
    att_free((char *)(uintptr_t)m->content);
}

static void forget_dropped(att_chat_history *h)
{
    for (size_t i = 0; i < h->n_dropped; i++) free_message(&h->dropped[i]);
    att_free(h->dropped);
    h->dropped = NULL;
    h->n_dropped = 0;
}

void att_chat_history_destroy(att_chat_history *h)
{
    if (!h) return;
    forget_dropped(h);
    for (size_t i = 0; i < h->n; i++) free_message(&h->messages[i]);
    att_free(h->messages);
    att_free(h);
}

att_status att_chat_history_add(att_chat_history *h, const char *role, const char *content,
                                att_err *err)
{
    forget_dropped(h);
    if (h->n == h->room) {
        const size_t room = 2 * h->room + 8;
        att_chat_message *grown = att_realloc(h->messages, room, sizeof *grown);
        if (!grown) return att_fail(err, ATT_E_MEMORY, "chat: no memory for %zu messages", room);
        h->messages = grown;
        h->room = room;
    }
    const att_chat_message m = {att_strdup(role), att_strdup(content)};
    if (!m.role || !m.content) {
        free_message(&m);
        return att_fail(err, ATT_E_MEMORY, "chat: no memory for message %zu", h->n + 1);
    }
    h->messages[h->n++] = m;
    return ATT_OK;
}

void att_chat_history_remove_last(att_chat_history *h)
{
    forget_dropped(h);
    if (h->n) free_message(&h->messages[--h->n]);
}

static int is_of(const att_chat_message *m, const char *role)
{
    return strcmp(m->role, role) == 0;
}

/* Messages at the beginning that never go. */
static size_t kept_first(const att_chat_history *h)
{
    return h->n && is_of(&h->messages[0], "system");
}

void att_chat_history_clear(att_chat_history *h)
{
    const size_t keep = kept_first(h);
    while (h->n > keep) att_chat_history_remove_last(h);
    forget_dropped(h);
}

const att_chat_message *att_chat_history_messages(const att_chat_history *h, size_t *n)
{
    *n = h->n;
    return h->messages;
}

/* Where the turn behind the one at `from` begins; h->n: that is the last one. */
static size_t next_turn(const att_chat_history *h, size_t from)
{
    size_t i = from + 1;
    while (i < h->n && !is_of(&h->messages[i], "user")) i++;
    return i < h->n ? i : h->n;
}

/* The chat without messages [first, end), and its tokens. */
static att_status format_without(const att_chat_history *h, size_t first, size_t end,
                                 att_chat_message *view, const att_chat_template *chat,
                                 const att_chat_counter *counter, char **text, int32_t *n_tokens,
                                 att_err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++)
        if (i < first || i >= end) view[n++] = h->messages[i];
    att_status status = att_chat_template_apply(chat, view, n, 1, text, err);
    if (status) return status;
    status = counter->count(counter->user, *text, n_tokens, err);
    if (status) {
        att_free(*text);
        *text = NULL;
    }
    return status;
}

/* Messages [first, end) leave the history; `room` is theirs. */
static void drop(att_chat_history *h, size_t first, size_t end, att_chat_message *room)
{
    const size_t n = end - first;
    memcpy(room, h->messages + first, n * sizeof *room);
    memmove(h->messages + first, h->messages + end, (h->n - end) * sizeof *room);
    h->n -= n;
    h->dropped = room;
    h->n_dropped = n;
}

static att_status too_long(att_err *err, int32_t before, int32_t least, int32_t max_tokens,
                           att_chat_overflow overflow)
{
    if (overflow == ATT_CHAT_STOP)
        return att_fail(err, ATT_E_ARG,
                        "chat: its %d tokens do not fit, there is room for %d; begin a new chat, "
                        "let old turns be dropped, or give a larger context",
                        before, max_tokens);
    return att_fail(err, ATT_E_ARG,
                    "chat: without all earlier turns it has %d tokens, there is room for %d; ask "
                    "less at once, or give a larger context",
                    least, max_tokens);
}

att_status att_chat_history_fit(att_chat_history *h, const att_chat_template *chat,
                                int32_t max_tokens, att_chat_overflow overflow,
                                const att_chat_counter *counter, att_chat_fitted *fitted,
                                att_err *err)
{
    const size_t first = kept_first(h);
    size_t end = first;
    char *text = NULL;
    int32_t n_tokens = 0;
    forget_dropped(h);
    memset(fitted, 0, sizeof *fitted);
    att_chat_message *view = att_calloc(h->n, sizeof *view);
    if (!view) return att_fail(err, ATT_E_MEMORY, "chat: no memory for %zu messages", h->n);
    att_status status = format_without(h, first, end, view, chat, counter, &text, &n_tokens, err);
    fitted->n_tokens_before = n_tokens;
    while (!status && n_tokens > max_tokens) {
        att_free(text);
        text = NULL;
        const size_t next = next_turn(h, end);
        if (overflow == ATT_CHAT_STOP || next >= h->n) {
            status = too_long(err, fitted->n_tokens_before, n_tokens, max_tokens, overflow);
            break;
        }
        end = next;
        status = format_without(h, first, end, view, chat, counter, &text, &n_tokens, err);
    }
    if (status || end == first) {
        att_free(view);
    } else {
        drop(h, first, end, view);
        fitted->dropped = h->dropped;
        fitted->n_dropped = h->n_dropped;
    }
    fitted->text = text;
    fitted->n_tokens = status ? 0 : n_tokens;
    return status;
}
