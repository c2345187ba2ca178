/* language.c - language.h: GGUF files and Hugging Face's folders. */
#include "language.h"

#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "filemap.h"
#include "mem.h"

/* The folder that the weights lie in. */
static char *folder_of(const att_weights *weights)
{
    const char *path = att_weights_path(weights), *slash = strrchr(path, '/');
    return slash ? att_sprintf("%.*s", (int)(slash - path), path) : att_strdup(".");
}

static att_status out_of_memory(att_err *err)
{
    return att_fail(err, ATT_E_MEMORY, "open model: out of memory");
}

/* The bytes of folder/name; ATT_E_IO where there is no such file. */
static att_status map_beside(const char *folder, const char *name, att_filemap *map, char **path,
                             att_err *err)
{
    *path = att_sprintf("%s/%s", folder, name);
    return *path ? att_filemap_open(map, *path, err) : out_of_memory(err);
}

static att_status read_config(att_llama_config *config, const att_weights *weights,
                              const char *folder, att_err *err)
{
    att_filemap map = {0};
    char *path = NULL;
    if (strcmp(att_weights_format(weights), "gguf") == 0)
        return att_llama_config_from_gguf(config, weights, err);
    att_status status = map_beside(folder, "config.json", &map, &path, err);
    if (!status)
        status =
            att_llama_config_from_json(config, path, (const char *)map.bytes, map.n_bytes, err);
    att_filemap_close(&map);
    att_free(path);
    return status;
}

static att_status open_tokenizer(att_language *l, const att_weights *weights, const char *folder,
                                 att_err *err)
{
    if (strcmp(att_weights_format(weights), "gguf") == 0)
        return att_text_tokenizer_open_gguf(&l->tokenizer, weights, err);
    char *path = att_sprintf("%s/tokenizer.json", folder);
    const att_status status =
        path ? att_text_tokenizer_open_json(&l->tokenizer, path, err) : out_of_memory(err);
    att_free(path);
    return status;
}

/* ---- the chat's template ---- */

/* A token's text, or NULL, as a text of its own. */
static char *text_of(const att_text_tokenizer *t, int32_t id)
{
    const char *bytes;
    size_t n = 0;
    if (id < 0) return NULL;
    att_text_tokenizer_decode(t, id, &bytes, &n);
    return att_sprintf("%.*s", (int)n, bytes);
}

/* The template's text: of chat_template.jinja, or of tokenizer_config.json, where it may be one of
 * a list by name. NULL: there is none. The caller's. */
static char *template_beside(const char *folder)
{
    att_filemap map = {0};
    char *path = NULL, *text = NULL;
    att_err ignored;
    if (!map_beside(folder, "chat_template.jinja", &map, &path, &ignored))
        text = att_sprintf("%.*s", (int)map.n_bytes, (const char *)map.bytes);
    att_filemap_close(&map);
    att_free(path);
    if (text) return text;
    cJSON *json = NULL;
    if (!map_beside(folder, "tokenizer_config.json", &map, &path, &ignored))
        json = cJSON_ParseWithLength((const char *)map.bytes, map.n_bytes);
    att_filemap_close(&map);
    att_free(path);
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, "chat_template"), *one;
    if (cJSON_IsArray(item)) {
        const cJSON *list = item;
        item = NULL;
        cJSON_ArrayForEach(one, list)
        {
            const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(one, "name"));
            if (!item || (name && strcmp(name, "default") == 0))
                item = cJSON_GetObjectItemCaseSensitive(one, "template");
        }
    }
    const char *value = cJSON_GetStringValue(item);
    text = value ? att_strdup(value) : NULL;
    cJSON_Delete(json);
    return text;
}

static att_status find_template(att_language *l, const att_weights *weights, const char *folder,
                                const char *name, att_err *err)
{
    char *bos = text_of(l->tokenizer, att_text_tokenizer_bos(l->tokenizer));
    char *eos = text_of(l->tokenizer, att_text_tokenizer_eos(l->tokenizer));
    const char *inside = att_weights_text(weights, "tokenizer.chat_template");
    char *text = inside ? att_strdup(inside) : template_beside(folder);
    const att_chat_tokens tokens = {.bos = bos, .eos = eos};
    att_status status;
    if (name)
        status = att_chat_template_named(&l->chat, name, &tokens, err);
    else if (text)
        status = att_chat_template_recognise(&l->chat, text, strlen(text), &tokens, err);
    else
        status = att_fail(err, ATT_E_MODEL,
                          "open %s: it has no chat template: name a family (--chat-template)",
                          att_weights_path(weights));
    att_free(bos);
    att_free(eos);
    att_free(text);
    return status;
}

/* The tokens must be those that the weights were made for; weights may have rows to spare. */
static att_status check_vocabulary(const att_language *l, const char *path, att_err *err)
{
    const int32_t tokens = att_text_tokenizer_count(l->tokenizer);
    const int32_t rows = att_llama_vocab(l->llama);
    if (tokens <= rows) return ATT_OK;
    return att_fail(err, ATT_E_MODEL,
                    "open %s: the vocabulary has %d tokens, the weights have %d; the files belong "
                    "to different models",
                    path, tokens, rows);
}

static att_status open_all(att_language *l, att_device *device, att_weights *weights,
                           const char *folder, att_precision precision, att_err *err)
{
    att_llama_config config;
    att_status status = read_config(&config, weights, folder, err);
    if (!status) status = open_tokenizer(l, weights, folder, err);
    if (!status) status = att_llama_open(&l->llama, device, weights, &config, precision, err);
    if (!status) status = check_vocabulary(l, att_weights_path(weights), err);
    return status;
}

att_status att_language_open(att_language **out, att_device *device, const char *path,
                             att_precision precision, const char *chat, att_err *why_no_chat,
                             att_err *err)
{
    att_weights *weights = NULL;
    char *folder = NULL;
    att_err why = {0};
    *out = NULL;
    att_language *l = att_calloc(1, sizeof *l);
    if (!l) return out_of_memory(err);
    att_status status = att_weights_open(&weights, path, err);
    if (!status && !(folder = folder_of(weights))) status = out_of_memory(err);
    if (!status) status = open_all(l, device, weights, folder, precision, err);
    if (!status && find_template(l, weights, folder, chat, &why) && chat) {
        if (err) *err = why; /* a name that is none is a mistake */
        status = why.status;
    }
    if (why_no_chat) *why_no_chat = why;
    att_weights_close(weights);
    att_free(folder);
    if (status)
        att_language_close(l);
    else
        *out = l;
    return status;
}

void att_language_close(att_language *l)
{
    if (!l) return;
    att_llama_close(l->llama);
    att_text_tokenizer_destroy(l->tokenizer);
    att_chat_template_destroy(l->chat);
    att_free(l);
}
