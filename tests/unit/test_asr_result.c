/* test_asr_result.c - modalities/speech/asr_result.c: segments are copies, all the way down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "asr_result.h"

static void segments_are_deep_copies(void **state)
{
    (void)state;
    char text[] = " so it is", first[] = " so";
    int32_t tokens[] = {370, 309, 307};
    float probs[] = {0.5f, 0.25f, 1.0f};
    att_asr_word words[] = {{first, 0.5, 1.0, 0.5}, {" it", 1.0, 1.5, 0.25}, {" is", 1.5, 2.0, 1}};
    const att_asr_segment said = {.id = 77,
                                  .text = text,
                                  .tokens = tokens,
                                  .token_probs = probs,
                                  .n_tokens = 3,
                                  .words = words,
                                  .n_words = 3,
                                  .end = 2.0};
    const att_asr_segment blank = {.text = "", .tokens = tokens, .token_probs = probs};
    att_asr_result result = {0};
    assert_int_equal(att_asr_result_add(&result, &said, NULL), ATT_OK);
    assert_int_equal(att_asr_result_add(&result, &blank, NULL), ATT_OK);
    memset(text, 'x', strlen(text));
    memset(first, 'x', strlen(first));
    memset(tokens, 0, sizeof tokens);
    memset(probs, 0, sizeof probs);
    memset(words, 0, sizeof words);

    assert_int_equal(result.n_segments, 2);
    const att_asr_segment *s = result.segments;
    assert_int_equal(s[0].id, 0);
    assert_int_equal(s[1].id, 1);
    assert_string_equal(s[0].text, " so it is");
    assert_int_equal(s[0].tokens[2], 307);
    assert_true(s[0].token_probs[1] == 0.25f);
    assert_string_equal(s[0].words[0].text, " so");
    assert_string_equal(s[0].words[2].text, " is");
    assert_true(s[0].words[1].start == 1.0 && s[0].words[1].probability == 0.25);
    assert_null(s[1].tokens);
    assert_null(s[1].words);
    att_asr_result_free(&result);
    assert_int_equal(result.n_segments, 0);
    assert_null(result.segments);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_deep_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
