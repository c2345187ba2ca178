/* whisper_suppress_regex.c - tokens by what their text looks like (whisper_suppress.h).
 * Tests: tests/unit/test_tokens.c */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "whisper_suppress.h"

att_status att_whisper_suppress_matching(const att_whisper_tokens *t, const char *pattern,
                                         int32_t *list, int32_t *n, att_err *err)
{
    int failed;
    size_t at;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)pattern, strlen(pattern),
                      PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED,
                      &failed, &at, NULL);
    if (!code) {
        char text[256] = "";
        pcre2_get_error_message(failed, (PCRE2_UCHAR *)text, sizeof text);
        return att_fail(err, ATT_E_ARG, "transcribe: the pattern '%s' is wrong at %zu: %s", pattern,
                        at, text);
    }
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(code, NULL);
    att_status status = ATT_OK;
    if (!match) status = att_fail(err, ATT_E_MEMORY, "transcribe: out of memory for a pattern");
    for (int32_t id = 0; !status && id < t->eot; id++) {
        const char *text = t->bytes + t->starts[id];
        const size_t bytes = t->starts[id + 1] - t->starts[id];
        if (pcre2_match(code, (PCRE2_SPTR)text, bytes, 0, 0, match, NULL) >= 0) list[(*n)++] = id;
    }
    pcre2_match_data_free(match);
    pcre2_code_free(code);
    return status;
}
