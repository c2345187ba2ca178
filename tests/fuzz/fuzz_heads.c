/* fuzz_heads.c - configurations of any bytes: refused by name, or alignment heads that the model
 * has, in order; and a config.json that fits the model or is refused by name. Seeds: a
 * generation_config.json, a config.json of CTranslate2, one of Hugging Face. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "mem.h"
#include "whisper_config.h"
#include "whisper_heads.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const att_whisper_config c = {.text_layers = 6, .text_heads = 8};
    att_whisper_heads heads;
    att_err err;
    const att_status status = att_whisper_heads_parse(&heads, "that file", data, n, &c, &err);
    if (status && (status != ATT_E_MODEL || heads.n || !strstr(err.text, "that file"))) abort();
    if ((heads.n == 0) != (heads.list == NULL)) abort();
    for (int32_t i = 0; i < heads.n; i++) {
        const att_whisper_head *h = &heads.list[i];
        if (h->layer < 0 || h->layer >= 6 || h->head < 0 || h->head >= 8) abort();
        if (i && 8 * h[-1].layer + h[-1].head >= 8 * h->layer + h->head) abort();
    }
    att_free(heads.list);
    const att_status fits = att_whisper_config_check(&c, "that file", data, n, &err);
    if (fits && (fits != ATT_E_MODEL || !strstr(err.text, "that file"))) abort();
    return 0;
}
