/* fuzz_chat_template.c - any bytes as a model's chat template: refused with a reason, or a family
 * whose text grows at its end; and any bytes as messages of each family. Seeds: templates of
 * released models. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "chat_template.h"
#include "fuzz.h"
#include "mem.h"

/* content: a terminated copy of the fuzzer's bytes. */
static void check_apply(const att_chat_template *t, const char *content)
{
    const att_chat_message m[] = {{"user", content}, {"assistant", "told"}, {"user", content}};
    char *whole, *before, *part;
    size_t keep, n_stops;
    att_err err;
    if (att_chat_template_apply(t, m, 3, 1, &whole, &err)) abort();
    if (!strstr(whole, "told")) abort();
    if (att_chat_template_apply(t, m, 1, 1, &before, &err)) abort();
    if (att_chat_template_continue(t, m, 3, 1, before, &keep, &part, &err)) abort();
    if (keep > strlen(before) || memcmp(before, whole, keep) || strcmp(part, whole + keep)) abort();
    if (!att_chat_template_stops(t, &n_stops) || n_stops == 0) abort();
    att_free(part);
    att_free(before);
    att_free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    att_chat_template *t;
    att_err err = {0};
    char *copy = att_calloc(n + 1, 1);
    if (!copy) abort();
    if (n) memcpy(copy, data, n);
    const att_status status = att_chat_template_recognise(&t, (const char *)data, n, NULL, &err);
    if ((status != ATT_OK) != (t == NULL)) abort();
    if (status && (status != ATT_E_MODEL || !strstr(err.text, "chat template"))) abort();
    if (t) check_apply(t, copy);
    att_chat_template_destroy(t);
    if (att_chat_template_named(&t, att_chat_template_names(n % 20), NULL, &err)) abort();
    check_apply(t, copy);
    att_chat_template_destroy(t);
    att_free(copy);
    return 0;
}
