/* test_asr_model.c - modalities/speech/asr_model.c: which sizes of a network can be given windows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "asr_model.h"

static att_status check(int32_t audio_ctx, int32_t text_ctx, att_err *err)
{
    const att_whisper_config c = {.audio_ctx = audio_ctx, .text_ctx = text_ctx};
    return atti_asr_check_config(&c, "some.bin", err);
}

static void other_windows_and_contexts_are_refused(void **state)
{
    (void)state;
    att_err err;
    assert_int_equal(check(1500, 448, &err), ATT_OK);
    assert_int_equal(check(1500, 16, &err), ATT_OK);
    assert_int_equal(check(1501, 448, &err), ATT_E_MODEL); /* reads behind the spectrogram */
    assert_int_equal(check(750, 448, &err), ATT_E_MODEL);
    assert_int_equal(check(1500, 449, &err), ATT_E_MODEL); /* writes behind a window's tokens */
    assert_int_equal(check(1500, 3, &err), ATT_E_MODEL);   /* no room for a prompt */
    assert_non_null(strstr(err.text, "some.bin"));
    assert_non_null(strstr(err.text, "3 tokens"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(other_windows_and_contexts_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
