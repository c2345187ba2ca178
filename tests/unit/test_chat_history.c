/* test_chat_history.c - modalities/text/chat_history.c: what stays of a chat that grows too long,
 * with a counter that takes each byte for a token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "chat_history.h"
#include "mem.h"

typedef struct rig {
    att_chat_history *history;
    att_chat_template *chat;
    int counted, fail_at; /* the counter's calls; the one that fails */
} rig;

static att_status count_bytes(void *user, const char *text, int32_t *n_tokens, att_err *err)
{
    rig *r = user;
    *n_tokens = (int32_t)strlen(text);
    return ++r->counted == r->fail_at ? att_fail(err, ATT_E_MEMORY, "counter failed") : ATT_OK;
}

/* Messages as "suauau": the first letter of the role is the role, the place is the content. */
static rig rig_open(const char *name, const char *roles)
{
    rig r = {0};
    att_err err;
    assert_int_equal(att_chat_history_create(&r.history, &err), ATT_OK);
    assert_int_equal(att_chat_template_named(&r.chat, name, NULL, &err), ATT_OK);
    for (char place[2] = "0"; *roles; roles++, place[0]++) {
        const char *role = *roles == 's' ? "system" : *roles == 'u' ? "user" : "assistant";
        assert_int_equal(att_chat_history_add(r.history, role, place, &err), ATT_OK);
    }
    return r;
}

static void rig_close(rig *r)
{
    att_chat_history_destroy(r->history);
    att_chat_template_destroy(r->chat);
}

static att_status fit(rig *r, int32_t max_tokens, att_chat_overflow overflow, att_chat_fitted *f,
                      att_err *err)
{
    const att_chat_counter counter = {count_bytes, r};
    return att_chat_history_fit(r->history, r->chat, max_tokens, overflow, &counter, f, err);
}

/* The contents of messages, in order. */
static void assert_places(const att_chat_message *m, size_t n, const char *want)
{
    assert_int_equal(n, strlen(want));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(m[i].content[0], want[i]);
        assert_int_equal(m[i].content[1], 0);
    }
}

static void assert_left(const rig *r, const char *want)
{
    size_t n;
    const att_chat_message *m = att_chat_history_messages(r->history, &n);
    assert_places(m, n, want);
}

/* mistral-v1 has "<s>", 17 bytes a question, 6 an answer and 3 more with a system message. */
static void the_oldest_turns_go_and_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *roles;
        int32_t max_tokens, n_tokens;
        const char *dropped, *left;
    } KNOWN[] = {{"uauau", 1000, 66, "", "01234"}, {"uauau", 66, 66, "", "01234"},
                 {"uauau", 65, 43, "01", "234"},   {"uauau", 42, 20, "0123", "4"},
                 {"uauau", 20, 20, "0123", "4"},   {"suauau", 69, 69, "", "012345"},
                 {"suauau", 68, 46, "12", "0345"}, {"suauau", 23, 23, "1234", "05"}};
    for (size_t k = 0; k < sizeof KNOWN / sizeof *KNOWN; k++) {
        rig r = rig_open("mistral-v1", KNOWN[k].roles);
        att_chat_fitted f;
        att_err err;
        size_t n;
        if (fit(&r, KNOWN[k].max_tokens, ATT_CHAT_DROP_OLDEST, &f, &err)) fail_msg("%s", err.text);
        assert_int_equal(f.n_tokens, KNOWN[k].n_tokens);
        assert_int_equal(f.n_tokens_before, KNOWN[k].roles[0] == 's' ? 69 : 66);
        assert_places(f.dropped, f.n_dropped, KNOWN[k].dropped);
        assert_left(&r, KNOWN[k].left);
        char *whole;
        const att_chat_message *m = att_chat_history_messages(r.history, &n);
        assert_int_equal(att_chat_template_apply(r.chat, m, n, 1, &whole, &err), ATT_OK);
        assert_string_equal(f.text, whole);
        att_free(whole);
        att_free(f.text);
        assert_int_equal(fit(&r, KNOWN[k].max_tokens, ATT_CHAT_DROP_OLDEST, &f, &err), ATT_OK);
        assert_int_equal(f.n_dropped, 0); /* each is told once */
        att_free(f.text);
        rig_close(&r);
    }
}

static void what_cannot_fit_is_an_error(void **state)
{
    (void)state;
    rig r = rig_open("mistral-v1", "suauau");
    att_chat_fitted f;
    att_err err;
    assert_int_equal(fit(&r, 68, ATT_CHAT_STOP, &f, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "its 69 tokens do not fit, there is room for 68"));
    assert_null(f.text);
    assert_left(&r, "012345");
    assert_int_equal(fit(&r, 22, ATT_CHAT_DROP_OLDEST, &f, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "it has 23 tokens, there is room for 22"));
    assert_null(f.text);
    assert_int_equal(f.n_dropped, 0);
    assert_left(&r, "012345");
    assert_int_equal(fit(&r, 69, ATT_CHAT_STOP, &f, &err), ATT_OK);
    att_free(f.text);
    rig_close(&r);
}

/* A failure on the way leaves the history whole. */
static void failures_drop_nothing(void **state)
{
    (void)state;
    for (int at = 1; at <= 3; at++) {
        rig r = rig_open("mistral-v1", "uauau");
        att_chat_fitted f;
        att_err err;
        r.fail_at = at;
        assert_int_equal(fit(&r, 20, ATT_CHAT_DROP_OLDEST, &f, &err), ATT_E_MEMORY);
        assert_null(f.text);
        assert_left(&r, "01234");
        rig_close(&r);
    }
    rig r = rig_open("llama2", "uu");
    att_chat_fitted f;
    att_err err;
    assert_int_equal(fit(&r, 1000, ATT_CHAT_DROP_OLDEST, &f, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "alternate"));
    att_chat_history_remove_last(r.history);
    assert_int_equal(fit(&r, 1000, ATT_CHAT_DROP_OLDEST, &f, &err), ATT_OK);
    att_free(f.text);
    rig_close(&r);
}

/* Questions without answers and answers in pieces: a turn is all up to the next question. */
static void turns_go_as_a_whole(void **state)
{
    (void)state;
    rig r = rig_open("zephyr", "auaauu");
    att_chat_fitted f;
    att_err err;
    assert_int_equal(fit(&r, 0, ATT_CHAT_STOP, &f, &err), ATT_E_ARG);
    const int32_t all = f.n_tokens_before;
    const char *const DROPPED[] = {"0", "123", "4"}, *const LEFT[] = {"12345", "45", "5"};
    int32_t room = all;
    for (int k = 0; k < 3; k++) {
        assert_int_equal(fit(&r, room - 1, ATT_CHAT_DROP_OLDEST, &f, &err), ATT_OK);
        assert_places(f.dropped, f.n_dropped, DROPPED[k]);
        assert_left(&r, LEFT[k]);
        room = f.n_tokens;
        att_free(f.text);
    }
    rig_close(&r);
}

static void a_history_can_be_cleared(void **state)
{
    (void)state;
    rig r = rig_open("chatml", "suau"), bare = rig_open("chatml", "ua");
    att_err err;
    att_chat_history_clear(r.history);
    assert_left(&r, "0");
    att_chat_history_clear(bare.history);
    assert_left(&bare, "");
    att_chat_history_remove_last(bare.history);
    for (int i = 0; i < 20; i++)
        assert_int_equal(att_chat_history_add(bare.history, "user", "x", &err), ATT_OK);
    assert_left(&bare, "xxxxxxxxxxxxxxxxxxxx");
    rig_close(&r);
    rig_close(&bare);
    att_chat_history_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_turns_go_and_are_told),
        cmocka_unit_test(what_cannot_fit_is_an_error),
        cmocka_unit_test(failures_drop_nothing),
        cmocka_unit_test(turns_go_as_a_whole),
        cmocka_unit_test(a_history_can_be_cleared),
    };
    return cmocka_run_group_tests_name("chat_history", tests, NULL, NULL);
}
