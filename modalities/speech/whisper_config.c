/* whisper_config.c - whisper_config.h. Source: transformers' WhisperConfig.
 * Tests: tests/unit/test_whisper_config.c, tests/fuzz/fuzz_heads.c */
#define _DEFAULT_SOURCE
#include "whisper_config.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "filemap.h"
#include "mem.h"

enum { MAX_FILE_BYTES = 4 << 20, COMPLAINT_BYTES = 1024 };

/* Appends a complaint as long as there is room. */
static void complain(char *text, const cJSON *root, const char *key, const char *expected)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, key);
    char *found = cJSON_PrintUnformatted(item);
    const size_t used = strlen(text);
    snprintf(text + used, COMPLAINT_BYTES - used, "%s%s is %.40s, expected %s", used ? "; " : "",
             key, found ? found : "too long", expected);
    cJSON_free(found);
}

static void check_numbers(const att_whisper_config *c, const cJSON *root, char *text)
{
    const struct {
        const char *key;
        int32_t value;
    } rows[] = {
        {"d_model", c->audio_width},
        {"encoder_layers", c->audio_layers},
        {"encoder_attention_heads", c->audio_heads},
        {"encoder_ffn_dim", 4 * c->audio_width},
        {"decoder_layers", c->text_layers},
        {"decoder_attention_heads", c->text_heads},
        {"decoder_ffn_dim", 4 * c->text_width},
        {"num_mel_bins", c->n_mels},
        {"vocab_size", c->vocab},
        {"max_source_positions", c->audio_ctx},
        {"max_target_positions", c->text_ctx},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, rows[i].key);
        char expected[48];
        if (!item || (cJSON_IsNumber(item) && item->valuedouble == (double)rows[i].value)) continue;
        snprintf(expected, sizeof expected, "%d as in the weights", rows[i].value);
        complain(text, root, rows[i].key, expected);
    }
}

static void check_kinds(const cJSON *root, char *text)
{
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(root, "model_type");
    const cJSON *act = cJSON_GetObjectItemCaseSensitive(root, "activation_function");
    if (type && (!cJSON_IsString(type) || strcmp(type->valuestring, "whisper") != 0))
        complain(text, root, "model_type", "\"whisper\"");
    if (act && (!cJSON_IsString(act) || strcmp(act->valuestring, "gelu") != 0))
        complain(text, root, "activation_function", "\"gelu\"");
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "scale_embedding")))
        complain(text, root, "scale_embedding", "false");
}

att_status att_whisper_config_check(const att_whisper_config *config, const char *name,
                                    const void *bytes, size_t n, att_err *err)
{
    const char *end = NULL;
    char text[COMPLAINT_BYTES] = "";
    if (n > MAX_FILE_BYTES)
        return att_fail(err, ATT_E_MODEL, "read %s: %zu bytes, at most %d are expected", name, n,
                        MAX_FILE_BYTES);
    cJSON *root = cJSON_ParseWithLengthOpts(bytes ? bytes : "", n, &end, 0);
    if (!cJSON_IsObject(root)) {
        cJSON_Delete(root);
        return att_fail(err, ATT_E_MODEL, "read %s: it is no JSON object at byte %zu", name,
                        end && bytes ? (size_t)(end - (const char *)bytes) : (size_t)0);
    }
    check_numbers(config, root, text);
    check_kinds(root, text);
    cJSON_Delete(root);
    return *text ? att_fail(err, ATT_E_MODEL, "read %s: %s", name, text) : ATT_OK;
}

att_status att_whisper_config_check_folder(const att_whisper_config *config, const char *folder,
                                           att_err *err)
{
    att_filemap map;
    att_status status = ATT_OK;
    char *path = att_sprintf("%s/config.json", folder);
    if (!path) return att_fail(err, ATT_E_MEMORY, "read %s: out of memory", folder);
    if (access(path, F_OK) == 0) {
        status = att_filemap_open(&map, path, err);
        if (!status) {
            status = att_whisper_config_check(config, path, map.bytes, map.n_bytes, err);
            att_filemap_close(&map);
        } else {
            status = att_fail_in(err, ATT_E_MODEL, "read the configuration");
        }
    }
    att_free(path);
    return status;
}
