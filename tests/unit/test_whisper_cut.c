/* test_whisper_cut.c - modalities/speech/whisper_cut.c against hand-worked windows. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "whisper_cut.h"

enum { BEGIN = 1000, T0 = BEGIN, T1 = BEGIN + 50, T2 = BEGIN + 100, T29 = BEGIN + 1450 };

static void assert_piece(const att_whisper_piece *p, int32_t first, int32_t end, double start_s,
                         double end_s)
{
    assert_int_equal(p->first, first);
    assert_int_equal(p->end, end);
    assert_true(fabs(p->start_s - start_s) < 1e-12);
    assert_true(fabs(p->end_s - end_s) < 1e-12);
}

static void pairs_cut_and_the_rest_is_heard_again(void **state)
{
    (void)state;
    const int32_t tokens[] = {T0, 7, 8, T1, T1, 9, T2, T2, 10};
    att_whisper_piece p[10];
    int32_t advance;
    assert_int_equal(att_whisper_cut(tokens, 9, BEGIN, 3000, p, &advance), 2);
    assert_piece(&p[0], 0, 4, 0.0, 1.0);
    assert_piece(&p[1], 4, 7, 1.0, 2.0);
    assert_int_equal(advance, 200);
}

static void lone_timestamp_at_the_end_closes_the_window(void **state)
{
    (void)state;
    const int32_t tokens[] = {T0, 7, T1, T1, 9, T29};
    att_whisper_piece p[7];
    int32_t advance;
    assert_int_equal(att_whisper_cut(tokens, 6, BEGIN, 3000, p, &advance), 2);
    assert_piece(&p[1], 3, 6, 1.0, 29.0);
    assert_int_equal(advance, 3000);
}

static void without_pairs_it_is_one_segment(void **state)
{
    (void)state;
    const int32_t with_end[] = {T0, 7, T1}, without[] = {7, 8}, zero_end[] = {7, T0};
    att_whisper_piece p[4];
    int32_t advance;
    assert_int_equal(att_whisper_cut(with_end, 3, BEGIN, 1234, p, &advance), 1);
    assert_piece(&p[0], 0, 3, 0.0, 1.0);
    assert_int_equal(advance, 1234);
    assert_int_equal(att_whisper_cut(without, 2, BEGIN, 1234, p, &advance), 1);
    assert_piece(&p[0], 0, 2, 0.0, 12.34);
    assert_int_equal(att_whisper_cut(zero_end, 2, BEGIN, 1234, p, &advance), 1);
    assert_piece(&p[0], 0, 2, 0.0, 12.34);
    assert_int_equal(att_whisper_cut(NULL, 0, BEGIN, 1234, p, &advance), 1);
    assert_piece(&p[0], 0, 0, 0.0, 12.34);
}

static void a_pair_at_the_end_moves_to_it(void **state)
{
    (void)state;
    const int32_t tokens[] = {T0, 7, T1, T1};
    att_whisper_piece p[5];
    int32_t advance;
    assert_int_equal(att_whisper_cut(tokens, 4, BEGIN, 3000, p, &advance), 1);
    assert_piece(&p[0], 0, 3, 0.0, 1.0);
    assert_int_equal(advance, 100);
}

static void it_always_moves_on(void **state)
{
    (void)state;
    const int32_t tokens[] = {T0, T0, 7};
    att_whisper_piece p[4];
    int32_t advance;
    assert_int_equal(att_whisper_cut(tokens, 3, BEGIN, 3000, p, &advance), 1);
    assert_int_equal(advance, 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_cut_and_the_rest_is_heard_again),
        cmocka_unit_test(lone_timestamp_at_the_end_closes_the_window),
        cmocka_unit_test(without_pairs_it_is_one_segment),
        cmocka_unit_test(a_pair_at_the_end_moves_to_it),
        cmocka_unit_test(it_always_moves_on),
    };
    return cmocka_run_group_tests_name("whisper_cut", tests, NULL, NULL);
}
