/* test_text_tokenizer_real.c - the vocabulary of a released model's GGUF file, against Hugging
 * Face's tokenizer of the same tokens and merges (tests/golden/text_tokens.json). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cjson/cJSON.h>
#include <cmocka.h>

#include "filemap.h"
#include "mem.h"
#include "realdata.h"
#include "text_tokenizer.h"
#include "textgolden.h"

static att_text_tokenizer *open_smollm2(void)
{
    att_weights *w;
    att_text_tokenizer *t;
    att_err err;
    if (att_weights_open(&w, realdata_model("smollm2"), &err)) fail_msg("%s", err.text);
    if (att_text_tokenizer_open_gguf(&t, w, &err)) fail_msg("%s", err.text);
    att_weights_close(w);
    return t;
}

static void ids_are_the_references(void **state)
{
    att_text_tokenizer *t = open_smollm2();
    const int plain = textgolden_check(*state, "smollm2", "plain", t, 0);
    assert_int_equal(textgolden_check(*state, "smollm2", "parsed", t, ATT_TEXT_PARSE_SPECIAL),
                     plain);
    assert_int_equal(plain, cJSON_GetArraySize(cJSON_GetObjectItem(*state, "texts")));
    assert_int_equal(att_text_tokenizer_count(t), 49152);
    assert_int_equal(att_text_tokenizer_bos(t), 1);
    assert_int_equal(att_text_tokenizer_eos(t), 2);
    assert_int_equal(att_text_tokenizer_adds_bos(t), 0);
    assert_int_equal(att_text_tokenizer_id(t, "<|im_end|>"), 2);
    assert_int_equal(att_text_tokenizer_is_end(t, 0), 1); /* <|endoftext|> */
    assert_int_equal(att_text_tokenizer_is_end(t, 1), 0);
    assert_int_equal(att_text_tokenizer_is_end(t, 2), 1);
    att_text_tokenizer_destroy(t);
}

/* Prints the speed on prose and asserts nothing of it: machines differ. */
static void prose_is_quick(void **state)
{
    (void)state;
    att_text_tokenizer *t = open_smollm2();
    att_filemap map;
    att_err err;
    int32_t *ids, n = 0;
    struct timespec begin, end;
    size_t n_bytes = 0;
    assert_int_equal(att_filemap_open(&map, ATT_SOURCE_DIR "/docs/architecture.md", &err), ATT_OK);
    timespec_get(&begin, TIME_UTC);
    for (int i = 0; i < 50; i++) {
        if (att_text_tokenizer_encode(t, (const char *)map.bytes, map.n_bytes, 0, &ids, &n, &err))
            fail_msg("%s", err.text);
        att_free(ids);
        n_bytes += map.n_bytes;
    }
    timespec_get(&end, TIME_UTC);
    const double seconds =
        (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
    print_message("%.1f MB/s, %.2f bytes a token\n", 1e-6 * (double)n_bytes / seconds,
                  (double)map.n_bytes / n);
    assert_true(n > 0 && (size_t)n < map.n_bytes / 2);
    att_filemap_close(&map);
    att_text_tokenizer_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_the_references),
        cmocka_unit_test(prose_is_quick),
    };
    return cmocka_run_group_tests_name("text_tokenizer_real", tests, textgolden_open,
                                       textgolden_close);
}
