/* text_json_parts.c - text_json.h: the JSON, and the parts of a tokenizer.json around its model.
 * What a part does is told by its "type"; each option that would change a token is looked at.
 * Tests: tests/unit/test_text_tokenizer.c, tests/fuzz/fuzz_text_tokenizer_json.c */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text_json.h"
#include "text_split.h"

enum { MAX_FILE_BYTES = 64 << 20, MAX_DEPTH = 16, MAX_VALUES = 1 << 23, MAX_PARTS = 16 };

static const char BLANK[] = "\xe2\x96\x81"; /* U+2581 */

att_status atti_text_json_refuse(const atti_text_json *j, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return att_fail(j->err, ATT_E_MODEL, "tokenizer of %s: %s", j->name, text);
}

/* What the parser must not be asked to swallow, or would let pass. */
static const char *strange(const char *text, size_t n, size_t *at)
{
    size_t depth = 0, n_values = 0;
    int in_string = 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)text[i];
        *at = i;
        if (in_string) {
            if (c < 0x20) return "a control character in a string";
            if (c == '\\' && n - i > 5 && memcmp(text + i, "\\u0000", 6) == 0)
                return "a NUL character in a string";
            if (c == '"') in_string = 0;
            if (c == '\\') i++;
        } else if (c == '"') {
            in_string = 1;
        } else if (c == '{' || c == '[') {
            if (++depth > MAX_DEPTH) return "nested deeper than 16";
        } else if (c == '}' || c == ']') {
            if (depth-- == 0) return "a bracket that was not opened";
        } else if (c == ',' && ++n_values > MAX_VALUES) {
            return "more than 8388608 values";
        } else if (c < 0x20 && c != '\n' && c != '\r' && c != '\t') {
            return "a control character";
        }
    }
    return NULL;
}

att_status atti_text_json_parse(const char *name, const char *bytes, size_t n_bytes, cJSON **root,
                                att_err *err)
{
    size_t at = 0;
    const char *end = NULL;
    *root = NULL;
    if (n_bytes > MAX_FILE_BYTES)
        return att_fail(err, ATT_E_MODEL, "tokenizer of %s: %zu bytes, at most %d are taken", name,
                        n_bytes, MAX_FILE_BYTES);
    const char *wrong = strange(bytes, n_bytes, &at);
    if (wrong) return att_fail(err, ATT_E_MODEL, "tokenizer of %s: byte %zu: %s", name, at, wrong);
    *root = cJSON_ParseWithLengthOpts(bytes, n_bytes, &end, 0);
    if (!cJSON_IsObject(*root))
        return att_fail(err, ATT_E_MODEL, "tokenizer of %s: byte %zu: no JSON object from here on",
                        name, end ? (size_t)(end - bytes) : 0);
    return ATT_OK;
}

const cJSON *atti_text_json_get(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return item && !cJSON_IsNull(item) ? item : NULL;
}

int atti_text_json_flag(const cJSON *object, const char *key, int otherwise)
{
    const cJSON *item = atti_text_json_get(object, key);
    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : otherwise;
}

const char *atti_text_json_text(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(atti_text_json_get(object, key));
}

static int is_text(const char *text, const char *expected)
{
    return text && strcmp(text, expected) == 0;
}

int32_t atti_text_json_piece(const atti_text_json *j, const char *text)
{
    for (int32_t i = 0; i < j->v.n; i++)
        if (j->pieces[i] && strcmp(j->pieces[i], text) == 0) return i;
    return -1;
}

/* The parts of a part: itself, or those of a Sequence under `key`. 0: too many, or none. */
static int parts_of(const cJSON *part, const char *key, const cJSON *parts[MAX_PARTS])
{
    int n = 0;
    const cJSON *entry, *list = atti_text_json_get(part, key);
    if (!is_text(atti_text_json_text(part, "type"), "Sequence")) {
        parts[0] = part;
        return 1;
    }
    cJSON_ArrayForEach(entry, list)
    {
        if (n == MAX_PARTS) return 0;
        parts[n++] = entry;
    }
    return n;
}

static att_status unknown(const atti_text_json *j, const char *what, const cJSON *part)
{
    const char *type = atti_text_json_text(part, "type");
    return atti_text_json_refuse(j, "its %s has a '%.64s' that is not known", what,
                                 type ? type : "part without type");
}

/* --- normalizer --- */

static att_status normalise_by(atti_text_json *j, const cJSON *part)
{
    const char *type = atti_text_json_text(part, "type");
    const cJSON *pattern = atti_text_json_get(part, "pattern");
    if (is_text(type, "NFC")) {
        j->v.normal = ATT_TEXT_NFC;
    } else if (is_text(type, "NFKC")) {
        j->v.normal = ATT_TEXT_NFKC;
    } else if (is_text(type, "Prepend") && is_text(atti_text_json_text(part, "prepend"), BLANK)) {
        j->v.add_space_prefix = ATT_TEXT_PREFIX_EACH;
    } else if (is_text(type, "Replace") && is_text(atti_text_json_text(pattern, "String"), " ") &&
               is_text(atti_text_json_text(part, "content"), BLANK)) {
        j->blanks_replaced = 1;
    } else {
        return unknown(j, "normalizer", part);
    }
    return ATT_OK;
}

att_status atti_text_json_normalizer(atti_text_json *j, const cJSON *part)
{
    const cJSON *parts[MAX_PARTS];
    att_status status = ATT_OK;
    const int n = part ? parts_of(part, "normalizers", parts) : 0;
    for (int i = 0; !status && i < n; i++) status = normalise_by(j, parts[i]);
    return status;
}

/* --- pre_tokenizer --- */

static att_status split_by(atti_text_json *j, const char *pattern)
{
    if (j->v.n_splits == ATT_TEXT_MAX_SPLITS)
        return atti_text_json_refuse(j, "its pre_tokenizer has more than %d patterns",
                                     ATT_TEXT_MAX_SPLITS);
    j->splits[j->v.n_splits++] = pattern;
    j->v.splits = j->splits;
    return ATT_OK;
}

static att_status byte_level(atti_text_json *j, const cJSON *part, int is_first)
{
    j->byte_level = 1;
    if (atti_text_json_flag(part, "add_prefix_space", 1)) {
        if (!is_first)
            return atti_text_json_refuse(j, "its ByteLevel puts a blank before each piece, which "
                                            "is not known");
        j->v.add_space_prefix = ATT_TEXT_PREFIX_LACKED;
    }
    return atti_text_json_flag(part, "use_regex", 1) ? split_by(j, atti_text_gpt2_split()) : ATT_OK;
}

static att_status metaspace(atti_text_json *j, const cJSON *part)
{
    const char *scheme = atti_text_json_text(part, "prepend_scheme");
    if (!is_text(atti_text_json_text(part, "replacement"), BLANK))
        return atti_text_json_refuse(j, "its Metaspace has another replacement than U+2581");
    if (!scheme) scheme = atti_text_json_flag(part, "add_prefix_space", 1) ? "always" : "never";
    j->blanks_replaced = 1;
    if (is_text(scheme, "always"))
        j->v.add_space_prefix = ATT_TEXT_PREFIX_LACKED;
    else if (is_text(scheme, "first"))
        j->v.add_space_prefix = ATT_TEXT_PREFIX_FIRST;
    else if (!is_text(scheme, "never"))
        return atti_text_json_refuse(j, "its Metaspace prepends '%.64s', which is not known",
                                     scheme);
    /* a word is a blank and what follows it */
    return atti_text_json_flag(part, "split", 1) ? split_by(j, " [^ ]*|[^ ]+") : ATT_OK;
}

static att_status split_part(atti_text_json *j, const cJSON *part)
{
    const char *regex = atti_text_json_text(atti_text_json_get(part, "pattern"), "Regex");
    const char *behavior = atti_text_json_text(part, "behavior");
    if (!regex || !is_text(behavior, "Isolated") || atti_text_json_flag(part, "invert", 0))
        return atti_text_json_refuse(j, "its pre_tokenizer has a Split that is no Regex with "
                                        "behavior Isolated");
    return split_by(j, regex);
}

static att_status split_as(atti_text_json *j, const cJSON *part, int is_first)
{
    const char *type = atti_text_json_text(part, "type");
    if (j->byte_level)
        return atti_text_json_refuse(j, "its pre_tokenizer goes on behind ByteLevel");
    if (is_text(type, "ByteLevel")) return byte_level(j, part, is_first);
    if (is_text(type, "Metaspace") && is_first) return metaspace(j, part);
    if (is_text(type, "Split")) return split_part(j, part);
    if (is_text(type, "Digits"))
        return split_by(j,
                        atti_text_json_flag(part, "individual_digits", 0) ? "\\p{N}" : "\\p{N}+");
    return unknown(j, "pre_tokenizer", part);
}

att_status atti_text_json_pre_tokenizer(atti_text_json *j, const cJSON *part)
{
    const cJSON *parts[MAX_PARTS];
    att_status status = ATT_OK;
    const int n = part ? parts_of(part, "pretokenizers", parts) : 0;
    for (int i = 0; !status && i < n; i++) status = split_as(j, parts[i], i == 0);
    if (!status && !j->byte_level && j->v.n_splits && !j->blanks_replaced)
        return atti_text_json_refuse(j, "its pre_tokenizer has neither ByteLevel nor Metaspace");
    return status;
}

/* --- post_processor --- */

/* The special token of an entry of a template, or -1. */
static int32_t special_of(const atti_text_json *j, const cJSON *entry)
{
    const char *id = atti_text_json_text(atti_text_json_get(entry, "SpecialToken"), "id");
    return id ? atti_text_json_piece(j, id) : -1;
}

att_status atti_text_json_post_processor(atti_text_json *j, const cJSON *part)
{
    const cJSON *parts[MAX_PARTS];
    const int n = part ? parts_of(part, "processors", parts) : 0;
    for (int i = 0; i < n; i++) {
        const char *type = atti_text_json_text(parts[i], "type");
        if (is_text(type, "ByteLevel")) continue; /* offsets alone */
        if (!is_text(type, "TemplateProcessing")) return unknown(j, "post_processor", parts[i]);
        const cJSON *single = atti_text_json_get(parts[i], "single");
        const int n_single = cJSON_GetArraySize(single);
        if (n_single < 1 || n_single > 3)
            return atti_text_json_refuse(j, "its template adds more than one token at an end");
        const int32_t first = special_of(j, cJSON_GetArrayItem(single, 0));
        const int32_t last = special_of(j, cJSON_GetArrayItem(single, n_single - 1));
        if (first >= 0) j->v.bos = first;
        j->v.add_bos = first >= 0;
        j->v.add_eos = last >= 0;
        if (last >= 0) j->v.eos = last;
    }
    return ATT_OK;
}

/* --- tokenizer_config.json --- */

/* "<s>", or an object with that as its content. */
static att_status config_id(const atti_text_json *j, const cJSON *root, const char *key,
                            int32_t *id)
{
    const cJSON *item = atti_text_json_get(root, key);
    const char *text =
        cJSON_IsObject(item) ? atti_text_json_text(item, "content") : cJSON_GetStringValue(item);
    if (!item) return ATT_OK;
    const int32_t found = text ? atti_text_json_piece(j, text) : -1;
    if (found < 0)
        return atti_text_json_refuse(j, "its %s '%.64s' is no token", key, text ? text : "");
    *id = found;
    return ATT_OK;
}

att_status atti_text_json_config(atti_text_json *j, const cJSON *root)
{
    if (!root) return ATT_OK;
    att_status status = config_id(j, root, "bos_token", &j->v.bos);
    if (!status) status = config_id(j, root, "eos_token", &j->v.eos);
    j->v.add_bos = atti_text_json_flag(root, "add_bos_token", j->v.add_bos);
    j->v.add_eos = atti_text_json_flag(root, "add_eos_token", j->v.add_eos);
    return status;
}
