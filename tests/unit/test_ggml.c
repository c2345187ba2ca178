/* test_ggml.c - lib/weights/ggml.c: what a small file says, that broken ones are rejected at the
 * right byte, and the vocabulary inside (whisper_vocabulary_ggml.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ggmlfile.h"
#include "mem.h"

/* Byte offsets of its parts, by hand:
 *   0 magic   4 numbers   44 ftype   48 filters [1,2]: 56 data
 *  64 tokens  68 "a"      73 ""      77 "bc"
 *  83 "v": rank 83, name 87, type 91, dims 95, name 99, data 100
 * 108 "half": rank, name, type at 116, dims 120 and 124, name 128, data 132
 * 144 "q": rank, name, type at 152, dims 156 and 160, name 164, data 165, end 201 */
enum { TOKENS = 64, V = 83, HALF = 108, Q = 144, END = 201 };

static const int32_t NUMBERS[11] = {3, 1500, 64, 1, 4, 448, 64, 1, 2, 80, 2002};

static ggmlfile small(void)
{
    static const float VALUES[] = {1.5f, -2.0f};
    static const uint16_t HALVES[] = {0x3c00, 0xc000, 0x0000, 0x3800, 0x4000, 0x4200};
    static const int32_t V_DIMS[] = {2}, HALF_DIMS[] = {2, 3}, Q_DIMS[] = {2, 32};
    uint8_t blocks[36] = {0};
    ggmlfile f = {0};
    blocks[1] = 0x3c;  /* d = 1 */
    blocks[2] = 0xa9;  /* elements 0 and 16 */
    blocks[19] = 0x40; /* d = 2 */
    ggmlfile_header(&f, NUMBERS, 1, 2);
    ggmlfile_number(&f, 3);
    ggmlfile_token(&f, "a", 1);
    ggmlfile_token(&f, "", 0);
    ggmlfile_token(&f, "bc", 2);
    assert_int_equal(f.n, V);
    ggmlfile_tensor(&f, "v", V_DIMS, 1, GGML_F32, VALUES, sizeof VALUES);
    assert_int_equal(f.n, HALF);
    ggmlfile_tensor(&f, "half", HALF_DIMS, 2, GGML_F16, HALVES, sizeof HALVES);
    assert_int_equal(f.n, Q);
    ggmlfile_tensor(&f, "q", Q_DIMS, 2, GGML_Q4_0, blocks, sizeof blocks);
    assert_int_equal(f.n, END);
    return f;
}

/* The first n bytes, in a block of just that size. */
static att_status open_part(const ggmlfile *f, size_t n, att_weights **w, uint8_t **block,
                            att_err *err)
{
    *block = malloc(n ? n : 1);
    if (!*block) abort();
    memcpy(*block, f->bytes, n);
    return att_weights_open_memory(w, "small.bin", *block, n, err);
}

static void a_file_says_what_is_in_it(void **state)
{
    (void)state;
    ggmlfile f = small();
    att_weights *w;
    uint8_t *block;
    att_err err;
    if (open_part(&f, f.n, &w, &block, &err)) fail_msg("%s", err.text);
    assert_string_equal(att_weights_format(w), "ggml");
    assert_int_equal(att_weights_count(w), 5);
    assert_string_equal(att_weights_text(w, "n_vocab"), "3");
    assert_string_equal(att_weights_text(w, "n_text_layer"), "2");
    assert_string_equal(att_weights_text(w, "n_mels"), "80");
    assert_string_equal(att_weights_text(w, "ftype"), "2"); /* without the version */
    assert_string_equal(att_weights_text(w, "n_tokens"), "3");

    const att_array *a = att_weights_find(w, "half");
    assert_int_equal(a->dtype, ATT_F16);
    assert_int_equal(a->rank, 2);
    assert_int_equal(a->dims[0], 2); /* the file has the innermost first */
    assert_int_equal(a->dims[1], 3);
    assert_true(att_array_value(a, 3) == 0.5);
    assert_true(att_array_value(att_weights_find(w, "v"), 1) == -2.0);

    a = att_weights_find(w, "q");
    assert_int_equal(a->blocks, ATT_BLOCKS_Q4_0);
    assert_int_equal(a->dtype, ATT_N_DTYPES);
    assert_string_equal(a->stored_as, "q4_0");
    assert_int_equal(a->bytes, 36);
    assert_int_equal(att_array_elements(a), 64);
    assert_true(att_array_value(a, 0) == 1.0 && att_array_value(a, 16) == 2.0);
    assert_true(att_array_value(a, 1) == -8.0 && att_array_value(a, 63) == -16.0);

    a = att_weights_find(w, "vocabulary");
    assert_int_equal(a->dtype, ATT_U8);
    assert_int_equal(a->bytes, V - TOKENS - 4);
    assert_int_equal(a->offset, TOKENS + 4);
    assert_int_equal(att_weights_find(w, "filters")->dims[1], 2);
    att_weights_close(w);
    free(block);
    ggmlfile_free(&f);
}

static void set_number(ggmlfile *f, size_t at, int64_t value)
{
    for (int i = 0; i < 4; i++) f->bytes[at + (size_t)i] = (uint8_t)((uint64_t)value >> 8 * i);
}

static void reject(const ggmlfile *f, size_t at, const char *says)
{
    att_weights *w;
    uint8_t *block;
    char wanted[48];
    att_err err = {ATT_OK, ""};
    assert_int_equal(open_part(f, f->n, &w, &block, &err), ATT_E_MODEL);
    assert_null(w);
    snprintf(wanted, sizeof wanted, "byte %zu: ", at);
    if (!strstr(err.text, wanted) || !strstr(err.text, says))
        fail_msg("said '%s', expected '%s%s'", err.text, wanted, says);
    free(block);
}

static void broken_files_are_rejected_at_the_byte(void **state)
{
    (void)state;
    static const struct {
        size_t at, told;
        int64_t value;
        const char *says;
    } CASES[] = {
        {4, 4, -1, "n_vocab is -1"},
        {44, 44, -1, "ftype is -1"},
        {44, Q + 8, 2, "version 0 of the blocks, expected 2"}, /* an old quantised file */
        {48, 48, -1, "the number of filters is -1"},
        {48, 56, 1 << 20, "the filters takes 8388608 bytes, the file ends after"},
        {TOKENS, TOKENS, 1 << 24, "the number of tokens is 16777216"},
        {TOKENS + 4, TOKENS + 4, 4097, "the length of a token is 4097"},
        {TOKENS + 4, TOKENS + 8, 1000, "a token takes 1000 bytes"},
        {V, V, 9, "a tensor's rank is 9"},
        {V + 4, V + 4, 1025, "the length of a tensor's name is 1025"},
        {V + 4, V + 16, 0, "a tensor's name is none"},
        {V + 8, V + 8, 4, "'v' has ggml's type 4, expected f32"},
        {V + 8, V + 8, 8, "'v' is q8_0 with rows of 2 elements"},
        {V + 12, V + 12, -2, "a tensor's dimension is -2"},
        {V + 12, V + 17, 1 << 20, "'v' takes 4194304 bytes"},
        {Q + 12, Q + 8, 33, "'q' is q4_0 with rows of 33 elements"},
        {Q + 16, Q + 21, 3, "'q' takes 54 bytes, the file ends after 36"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        ggmlfile f = small();
        set_number(&f, CASES[i].at, CASES[i].value);
        reject(&f, CASES[i].told, CASES[i].says);
        ggmlfile_free(&f);
    }
    ggmlfile f = small();
    f.n = V;
    reject(&f, V, "there are no weights in it");
    ggmlfile_free(&f);
    f = small();
    ggmlfile_bytes(&f, f.bytes + V, HALF - V);
    reject(&f, END, "'v' is there a second time (first at byte 83)");
    ggmlfile_free(&f);
}

static int survives(const ggmlfile *f, size_t n)
{
    att_weights *w;
    uint8_t *block;
    att_err err;
    volatile unsigned sum = 0;
    const att_status status = open_part(f, n, &w, &block, &err);
    if (status) {
        assert_int_equal(status, ATT_E_MODEL);
        assert_non_null(strstr(err.text, ": byte "));
    }
    for (size_t i = 0; !status && i < att_weights_count(w); i++) {
        const att_array *a = att_weights_at(w, i);
        for (size_t k = 0; k < a->bytes; k++) sum += ((const uint8_t *)a->data)[k];
    }
    (void)sum;
    att_weights_close(status ? NULL : w);
    free(block);
    return !status;
}

/* A file may end behind any tensor; at each other length it is cut. */
static void cuts_and_flips_are_survived(void **state)
{
    (void)state;
    ggmlfile f = small();
    for (size_t n = 0; n <= f.n; n++)
        assert_int_equal(survives(&f, n), n == HALF || n == Q || n == END);
    for (size_t i = 0; i < 8 * f.n; i++) {
        f.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        (void)survives(&f, f.n);
        f.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    ggmlfile_free(&f);
}

/* A file of one number and a vocabulary of n texts, of which the first 256 are bytes. */
static ggmlfile with_vocabulary(int32_t n_vocab, int32_t n, int lost)
{
    static const int32_t DIMS[] = {1};
    static const float ONE = 1.0f;
    int32_t numbers[11];
    ggmlfile f = {0};
    memcpy(numbers, NUMBERS, sizeof numbers);
    numbers[0] = n_vocab;
    ggmlfile_header(&f, numbers, 1, 2);
    ggmlfile_number(&f, n);
    for (int32_t i = 0; i < n; i++) {
        const int kept = i < 94    ? i + 33
                         : i < 188 ? i + 67 + (i > 105)
                         : i < 221 ? i - 188
                         : i < 255 ? i - 221 + 127
                                   : 173; /* GPT-2's order */
        char text[16];
        const int bytes = i < 256 ? 1 : snprintf(text, sizeof text, "t%d", i);
        if (i < 256) text[0] = (char)kept;
        if (i == 94 && lost)
            ggmlfile_token(&f, "\xef\xbf\xbd", 3);
        else
            ggmlfile_token(&f, text, (size_t)bytes);
    }
    ggmlfile_tensor(&f, "v", DIMS, 1, GGML_F32, &ONE, sizeof ONE);
    return f;
}

static att_status tokens_of(const ggmlfile *f, att_whisper_tokens **tokens, att_err *err)
{
    att_weights *w;
    if (att_weights_open_memory(&w, "small.bin", f->bytes, f->n, err)) fail_msg("%s", err->text);
    const att_status status = att_whisper_tokens_from_weights(tokens, w, err);
    att_weights_close(w);
    return status;
}

/* Sizes and ids of the three vocabularies (docs/models/whisper.md). */
static void specials_are_added(void **state)
{
    (void)state;
    static const int32_t WANTED[][9] = {
        /* n_vocab, stored, eot, languages, translate, startofprev, nospeech, notimestamps, 0.00 */
        {51864, 50257, 50256, 99, 50357, 50360, 50361, 50362, 50363},
        {51865, 50257, 50257, 99, 50358, 50361, 50362, 50363, 50364},
        {51865, 50258, 50257, 99, 50358, 50361, 50362, 50363, 50364},
        {51866, 50257, 50257, 100, 50359, 50362, 50363, 50364, 50365},
    };
    for (size_t i = 0; i < sizeof WANTED / sizeof *WANTED; i++) {
        const int32_t *want = WANTED[i];
        ggmlfile f = with_vocabulary(want[0], want[1], 0);
        att_whisper_tokens *t;
        att_err err;
        if (tokens_of(&f, &t, &err)) fail_msg("%s", err.text);
        const int32_t ids[] = {1000, 94, 0};
        char *text = att_whisper_tokens_text(t, ids, 3, NULL);
        assert_string_equal(text, "t1000\xef\xbf\xbd!"); /* 0xa1 alone is no UTF-8 */
        assert_int_equal(t->n_vocab, want[0]);
        assert_int_equal(t->eot, want[2]);
        assert_int_equal(t->sot, want[2] + 1);
        assert_int_equal(t->n_languages, want[3]);
        assert_int_equal(t->translate, want[4]);
        assert_int_equal(t->startofprev, want[5]);
        assert_int_equal(t->nospeech, want[6]);
        assert_int_equal(t->notimestamps, want[7]);
        assert_int_equal(t->timestamp_begin, want[8]);
        assert_int_equal(t->multilingual, want[0] > 51864);
        assert_string_equal(att_whisper_tokens_language_code(t, t->language_begin + 2), "de");
        assert_int_equal(att_whisper_tokens_language_id(t, "yue") >= 0, want[0] == 51866);
        assert_true(t->n_suppress > 0 && t->n_suppress_first == 2);
        att_free(text);
        att_whisper_tokens_close(t);
        ggmlfile_free(&f);
    }
}

static void unusable_vocabularies_are_refused(void **state)
{
    (void)state;
    static const struct {
        int32_t n_vocab, n, lost;
        const char *says;
    } CASES[] = {
        {3, 3, 0, "n_vocab is 3"},
        {51867, 50257, 0, "n_vocab is 51867"},
        {51865, 50256, 0, "it has 50256 tokens, expected at least 50257"},
        {51865, 50257, 1, "token 94 is not one byte"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        ggmlfile f = with_vocabulary(CASES[i].n_vocab, CASES[i].n, CASES[i].lost);
        att_whisper_tokens *t;
        att_err err;
        assert_int_equal(tokens_of(&f, &t, &err), ATT_E_MODEL);
        assert_null(t);
        if (!strstr(err.text, CASES[i].says)) fail_msg("said '%s'", err.text);
        ggmlfile_free(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_says_what_is_in_it),
        cmocka_unit_test(broken_files_are_rejected_at_the_byte),
        cmocka_unit_test(cuts_and_flips_are_survived),
        cmocka_unit_test(specials_are_added),
        cmocka_unit_test(unusable_vocabularies_are_refused),
    };
    return cmocka_run_group_tests_name("ggml", tests, NULL, NULL);
}
