/* test_asr_prompt.c - modalities/speech/asr_prompt.c: what stands before a window's text, and how
 * it is cut to the context. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "asr_prompt.h"

enum { CTX = 20, SOT = 100, PREVIOUS = 101, NO_TIMES = 102, EN = 103, TASK = 104 };

static const att_whisper_tokens TOKENS = {
    .sot = SOT, .startofprev = PREVIOUS, .notimestamps = NO_TIMES};
static const int32_t NUMBERS[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};

static void check(const att_asr_prompt_parts *parts, const int32_t *want, int32_t n_want,
                  int32_t want_sot)
{
    int32_t ids[CTX], sot;
    const int32_t n = att_asr_prompt_make(&TOKENS, parts, CTX, ids, &sot);
    assert_int_equal(n, n_want);
    assert_int_equal(sot, want_sot);
    for (int32_t i = 0; i < n; i++) assert_int_equal(ids[i], want[i]);
}

static void nothing_before_is_no_previous(void **state)
{
    (void)state;
    const att_asr_prompt_parts english = {.language = -1, .task = -1};
    const att_asr_prompt_parts both = {.language = EN, .task = TASK, .without_timestamps = 1};
    check(&english, (const int32_t[]){SOT}, 1, 0);
    check(&both, (const int32_t[]){SOT, EN, TASK, NO_TIMES}, 4, 0);
}

static void previous_text_is_cut_to_its_newest(void **state)
{
    (void)state;
    const att_asr_prompt_parts parts = {
        .previous = NUMBERS, .n_previous = 15, .language = EN, .task = TASK};
    check(&parts, (const int32_t[]){PREVIOUS, 6, 7, 8, 9, 10, 11, 12, 13, 14, SOT, EN, TASK}, 13,
          10);
}

static void carried_text_stays_in_front(void **state)
{
    (void)state;
    const int32_t carried[] = {77, 78};
    att_asr_prompt_parts parts = {.carried = carried,
                                  .n_carried = 2,
                                  .previous = NUMBERS,
                                  .n_previous = 15,
                                  .language = -1,
                                  .task = -1};
    check(&parts, (const int32_t[]){PREVIOUS, 77, 78, 8, 9, 10, 11, 12, 13, 14, SOT}, 11, 10);
    parts.n_previous = 0;
    check(&parts, (const int32_t[]){PREVIOUS, 77, 78, SOT}, 4, 3);
}

static void prefix_leaves_room_to_sample(void **state)
{
    (void)state;
    att_asr_prompt_parts parts = {.prefix = NUMBERS, .n_prefix = 3, .language = EN, .task = TASK};
    check(&parts, (const int32_t[]){SOT, EN, TASK, 0, 1, 2}, 6, 0);
    parts.n_prefix = 15;
    check(&parts, (const int32_t[]){SOT, EN, TASK, 8, 9, 10, 11, 12, 13, 14}, 10, 0);
    parts.previous = NUMBERS;
    parts.n_previous = 15; /* fills the half of the context that is not sampled */
    check(&parts, (const int32_t[]){PREVIOUS, 6, 7, 8, 9, 10, 11, 12, 13, 14, SOT, EN, TASK}, 13,
          10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_before_is_no_previous),
        cmocka_unit_test(previous_text_is_cut_to_its_newest),
        cmocka_unit_test(carried_text_stays_in_front),
        cmocka_unit_test(prefix_leaves_room_to_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
