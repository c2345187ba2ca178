/* text_tokenizer_json.c - the tokenizer of Hugging Face's tokenizer.json (text_tokenizer.h): its
 * files, its vocabulary and added tokens. Tests: tests/unit/test_text_tokenizer.c,
 * tests/fuzz/fuzz_text_tokenizer_json.c */
#define _DEFAULT_SOURCE
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filemap.h"
#include "mem.h"
#include "text_json.h"
#include "text_table.h"

static att_status no_memory(const atti_text_json *j)
{
    return att_fail(j->err, ATT_E_MEMORY, "tokenizer of %s: out of memory", j->name);
}

/* --- tokens --- */

static att_status grow(atti_text_json *j, int32_t n)
{
    if (n <= j->room) return ATT_OK;
    const size_t room = (size_t)n + (size_t)n / 2 + 1024;
    const char **pieces = att_realloc(j->pieces, room, sizeof *pieces);
    if (pieces) j->pieces = pieces;
    uint32_t *piece_bytes = att_realloc(j->piece_bytes, room, sizeof *piece_bytes);
    if (piece_bytes) j->piece_bytes = piece_bytes;
    double *scores = att_realloc(j->scores, room, sizeof *scores);
    if (scores) j->scores = scores;
    int32_t *types = att_realloc(j->types, room, sizeof *types);
    if (types) j->types = types;
    if (!pieces || !piece_bytes || !scores || !types) return no_memory(j);
    for (size_t i = (size_t)j->room; i < room; i++) {
        pieces[i] = NULL;
        piece_bytes[i] = 0;
        scores[i] = 0.0;
        types[i] = ATT_TEXT_UNUSED;
    }
    j->room = (int32_t)room;
    return ATT_OK;
}

static att_status set_piece(atti_text_json *j, double id, const char *piece, double score,
                            int32_t type)
{
    if (!(id >= 0.0 && id < ATT_TEXT_MAX_TOKENS) || id != floor(id))
        return atti_text_json_refuse(j, "the token '%.64s' has the id %g, at most %d is taken",
                                     piece, id, ATT_TEXT_MAX_TOKENS - 1);
    const int32_t i = (int32_t)id;
    const att_status status = grow(j, i + 1);
    if (status) return status;
    if (j->pieces[i] && strcmp(j->pieces[i], piece) != 0)
        return atti_text_json_refuse(j, "the tokens '%.64s' and '%.64s' have the same id %d",
                                     j->pieces[i], piece, i);
    j->pieces[i] = piece;
    j->piece_bytes[i] = (uint32_t)strlen(piece);
    j->scores[i] = score;
    j->types[i] = type;
    if (i >= j->v.n) j->v.n = i + 1;
    return ATT_OK;
}

/* Whether the piece spells a byte, <0x0A>. */
static int is_byte(const char *piece)
{
    static const char HEX[] = "0123456789ABCDEFabcdef";
    return strlen(piece) == 6 && memcmp(piece, "<0x", 3) == 0 && strchr(HEX, piece[3]) &&
           strchr(HEX, piece[4]) && piece[5] == '>';
}

/* BPE's vocab: text to id. */
static att_status read_map(atti_text_json *j, const cJSON *vocab)
{
    const cJSON *entry;
    att_status status = ATT_OK;
    if (!cJSON_IsObject(vocab)) return atti_text_json_refuse(j, "its model has no vocab");
    cJSON_ArrayForEach(entry, vocab)
    {
        if (!cJSON_IsNumber(entry))
            return atti_text_json_refuse(j, "the token '%.64s' has no id", entry->string);
        const int byte = j->byte_fallback && is_byte(entry->string);
        status = set_piece(j, entry->valuedouble, entry->string, 0.0,
                           byte ? ATT_TEXT_BYTE : ATT_TEXT_NORMAL);
        if (status) break;
    }
    return status;
}

/* Unigram's vocab: a list of [text, score]. */
static att_status read_scored(atti_text_json *j, const cJSON *vocab)
{
    const cJSON *entry;
    att_status status = ATT_OK;
    int32_t id = 0;
    if (!cJSON_IsArray(vocab)) return atti_text_json_refuse(j, "its model has no list of a vocab");
    cJSON_ArrayForEach(entry, vocab)
    {
        const char *piece = cJSON_GetStringValue(cJSON_GetArrayItem(entry, 0));
        const cJSON *score = cJSON_GetArrayItem(entry, 1);
        if (!piece || !cJSON_IsNumber(score))
            return atti_text_json_refuse(j, "token %d is no text with a score", id);
        const int byte = j->byte_fallback && is_byte(piece);
        status =
            set_piece(j, id, piece, score->valuedouble, byte ? ATT_TEXT_BYTE : ATT_TEXT_NORMAL);
        if (status) break;
        id++;
    }
    return status;
}

static att_status read_added(atti_text_json *j, const cJSON *added)
{
    static const char *const STRIPS[] = {"lstrip", "rstrip", "single_word"};
    const cJSON *entry;
    cJSON_ArrayForEach(entry, added)
    {
        const cJSON *id = atti_text_json_get(entry, "id");
        const char *content = atti_text_json_text(entry, "content");
        if (!cJSON_IsNumber(id) || !content || !*content)
            return atti_text_json_refuse(j, "an added token has no id or no content");
        for (int i = 0; i < 3; i++)
            if (atti_text_json_flag(entry, STRIPS[i], 0))
                return atti_text_json_refuse(
                    j, "the added token '%.64s' has %s, which is not known", content, STRIPS[i]);
        const int special = atti_text_json_flag(entry, "special", 0);
        const att_status status =
            set_piece(j, id->valuedouble, content, 0.0, special ? ATT_TEXT_CONTROL : ATT_TEXT_USER);
        if (status) return status;
    }
    return ATT_OK;
}

/* --- merges: "a b" or ["a", "b"] --- */

static att_status read_merge(const atti_text_json *j, const atti_text_table *table,
                             const cJSON *entry, int32_t merge[2])
{
    const char *a = cJSON_GetStringValue(entry), *b = NULL;
    size_t n_a = 0;
    merge[0] = merge[1] = -1;
    if (a) {
        const char *blank = *a ? strchr(a + 1, ' ') : NULL;
        b = blank ? blank + 1 : NULL;
        n_a = blank ? (size_t)(blank - a) : 0;
    } else {
        a = cJSON_GetStringValue(cJSON_GetArrayItem(entry, 0));
        b = cJSON_GetStringValue(cJSON_GetArrayItem(entry, 1));
        n_a = a ? strlen(a) : 0;
    }
    if (a && b) {
        merge[0] = atti_text_table_find(table, a, n_a);
        merge[1] = atti_text_table_find(table, b, strlen(b));
    }
    if (merge[0] >= 0 && merge[1] >= 0) return ATT_OK;
    return atti_text_json_refuse(j, "the merge '%.64s' is not of two tokens", a ? a : "");
}

static att_status read_merges(atti_text_json *j, const cJSON *merges)
{
    atti_text_table table = {0};
    const cJSON *entry;
    size_t n = 0;
    if (!cJSON_IsArray(merges)) return atti_text_json_refuse(j, "its model has no merges");
    j->merges = att_calloc((size_t)cJSON_GetArraySize(merges), sizeof *j->merges);
    if (!j->merges || !atti_text_table_init(&table, j->pieces, j->piece_bytes, j->v.n))
        return no_memory(j);
    for (int32_t i = 0; i < j->v.n; i++)
        if (j->piece_bytes[i]) atti_text_table_add(&table, i);
    att_status status = ATT_OK;
    cJSON_ArrayForEach(entry, merges)
    {
        status = read_merge(j, &table, entry, j->merges[n]);
        if (status) break;
        n++;
    }
    atti_text_table_finish(&table);
    j->v.merges = (const int32_t(*)[2])j->merges;
    j->v.n_merges = n;
    return status;
}

/* --- the model --- */

static att_status read_unk(atti_text_json *j, const cJSON *model)
{
    const char *unk = atti_text_json_text(model, "unk_token");
    if (!unk) return ATT_OK;
    j->v.unk = atti_text_json_piece(j, unk);
    return j->v.unk < 0 ? atti_text_json_refuse(j, "its unk_token '%.64s' is no token", unk)
                        : ATT_OK;
}

static att_status read_bpe(atti_text_json *j, const cJSON *model)
{
    static const char *const AFFIXES[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    for (int i = 0; i < 2; i++) {
        const char *affix = atti_text_json_text(model, AFFIXES[i]);
        if (affix && *affix)
            return atti_text_json_refuse(j, "its model has a %s, which is not known", AFFIXES[i]);
    }
    const cJSON *dropout = atti_text_json_get(model, "dropout");
    if (dropout && !(cJSON_IsNumber(dropout) && dropout->valuedouble == 0.0))
        return atti_text_json_refuse(j, "its model drops merges by chance");
    j->v.model = j->byte_level ? ATT_TEXT_BPE : ATT_TEXT_SENTENCEPIECE;
    j->v.ignore_merges = atti_text_json_flag(model, "ignore_merges", 0);
    j->v.separate_unk = !atti_text_json_flag(model, "fuse_unk", 0);
    att_status status = read_map(j, atti_text_json_get(model, "vocab"));
    if (!status) status = read_merges(j, atti_text_json_get(model, "merges"));
    return status ? status : read_unk(j, model);
}

static att_status read_unigram(atti_text_json *j, const cJSON *model)
{
    const cJSON *unk = atti_text_json_get(model, "unk_id");
    if (j->byte_level) return atti_text_json_refuse(j, "it is a Unigram over bytes");
    j->v.model = ATT_TEXT_UNIGRAM;
    const att_status status = read_scored(j, atti_text_json_get(model, "vocab"));
    if (status || !unk) return status;
    if (!cJSON_IsNumber(unk) || !(unk->valuedouble >= 0.0 && unk->valuedouble < j->v.n))
        return atti_text_json_refuse(j, "its unk_id is no token");
    j->v.unk = unk->valueint;
    j->types[j->v.unk] = ATT_TEXT_UNKNOWN;
    return ATT_OK;
}

static att_status read_model(atti_text_json *j, const cJSON *root)
{
    const cJSON *model = atti_text_json_get(root, "model");
    const char *type = atti_text_json_text(model, "type");
    j->byte_fallback = atti_text_json_flag(model, "byte_fallback", 0);
    /* older files name no type: theirs has merges */
    const int bpe = type ? strcmp(type, "BPE") == 0 : atti_text_json_get(model, "merges") != NULL;
    att_status status;
    if (bpe)
        status = read_bpe(j, model);
    else if (type && strcmp(type, "Unigram") == 0)
        status = read_unigram(j, model);
    else
        status = atti_text_json_refuse(j, "its model is '%.64s', known are BPE and Unigram",
                                       type ? type : "");
    if (!status && !j->byte_level && !j->blanks_replaced)
        status = atti_text_json_refuse(j, "neither ByteLevel nor U+2581 for blanks is in it");
    return status ? status : read_added(j, atti_text_json_get(root, "added_tokens"));
}

static att_status build(att_text_tokenizer **t, atti_text_json *j, const cJSON *root,
                        const cJSON *config)
{
    att_status status = atti_text_json_normalizer(j, atti_text_json_get(root, "normalizer"));
    if (!status)
        status = atti_text_json_pre_tokenizer(j, atti_text_json_get(root, "pre_tokenizer"));
    if (!status) status = read_model(j, root);
    if (!status)
        status = atti_text_json_post_processor(j, atti_text_json_get(root, "post_processor"));
    if (!status) status = atti_text_json_config(j, config);
    if (status) return status;
    for (int32_t i = 0; i < j->v.n; i++)
        if (!j->pieces[i]) j->pieces[i] = ""; /* ids may have gaps */
    j->v.pieces = j->pieces;
    j->v.piece_bytes = j->piece_bytes;
    j->v.scores = j->v.model == ATT_TEXT_UNIGRAM ? j->scores : NULL;
    j->v.types = j->types;
    status = att_text_tokenizer_create(t, &j->v, j->err);
    return status ? att_fail_in(j->err, status, "%s", j->name) : ATT_OK;
}

att_status att_text_tokenizer_parse_json(att_text_tokenizer **t, const char *name,
                                         const char *bytes, size_t n_bytes, const char *config,
                                         size_t n_config, att_err *err)
{
    atti_text_json j = {.name = name, .err = err};
    cJSON *root = NULL, *second = NULL;
    *t = NULL;
    att_text_vocabulary_init(&j.v);
    att_status status = atti_text_json_parse(name, bytes, n_bytes, &root, err);
    if (!status && config)
        status = atti_text_json_parse("tokenizer_config.json", config, n_config, &second, err);
    if (!status) status = build(t, &j, root, second);
    att_free(j.pieces);
    att_free(j.piece_bytes);
    att_free(j.scores);
    att_free(j.types);
    att_free(j.merges);
    cJSON_Delete(root);
    cJSON_Delete(second);
    return status;
}

/* --- files --- */

/* folder/name of the file at path, or of the folder that path is. */
static char *beside(const char *path, int is_folder, const char *name)
{
    const char *slash = strrchr(path, '/');
    if (is_folder) return att_sprintf("%s/%s", path, name);
    return att_sprintf("%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, name);
}

att_status att_text_tokenizer_open_json(att_text_tokenizer **t, const char *path, att_err *err)
{
    struct stat info;
    att_filemap map = {0}, config = {0};
    *t = NULL;
    const int is_folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    char *file = is_folder ? beside(path, 1, "tokenizer.json") : att_strdup(path);
    char *other = beside(path, is_folder, "tokenizer_config.json");
    att_status status = ATT_OK;
    if (!file || !other)
        status = att_fail(err, ATT_E_MEMORY, "tokenizer of %s: out of memory", path);
    if (!status) status = att_filemap_open(&map, file, err);
    if (!status && access(other, F_OK) == 0) status = att_filemap_open(&config, other, err);
    if (!status)
        status = att_text_tokenizer_parse_json(t, file, (const char *)map.bytes, map.n_bytes,
                                               (const char *)config.bytes, config.n_bytes, err);
    att_filemap_close(&map);
    att_filemap_close(&config);
    att_free(file);
    att_free(other);
    return status;
}
