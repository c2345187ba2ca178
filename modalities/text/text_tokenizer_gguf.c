/* text_tokenizer_gguf.c - the tokenizer of a GGUF file (text_tokenizer.h).
 * Tests: tests/unit/test_text_tokenizer.c, tests/real/test_text_tokenizer_real.c */
#include <string.h>

#include "mem.h"
#include "text_split.h"
#include "text_table.h"
#include "text_tokenizer.h"

/* What is read, in arrays of our own. */
typedef struct gguf_vocabulary {
    const att_weights *weights;
    att_text_vocabulary v;
    const char **pieces;
    uint32_t *piece_bytes;
    double *scores;
    int32_t *types;
    int32_t (*merges)[2];
    att_err *err;
} gguf_vocabulary;

static att_status refuse(const gguf_vocabulary *g, const char *what)
{
    return att_fail(g->err, ATT_E_MODEL, "tokenizer of %s: %s", att_weights_path(g->weights), what);
}

static att_status no_memory(const gguf_vocabulary *g)
{
    return att_fail(g->err, ATT_E_MEMORY, "tokenizer of %s: out of memory",
                    att_weights_path(g->weights));
}

static att_status read_pieces(gguf_vocabulary *g)
{
    att_weights_list_view list;
    const size_t n = att_weights_list(g->weights, "tokenizer.ggml.tokens", &list);
    if (list.type != ATT_VALUE_TEXT || n == 0 || n > ATT_TEXT_MAX_TOKENS)
        return refuse(g, "'tokenizer.ggml.tokens' is no list of at most 2097152 texts");
    g->pieces = att_calloc(n, sizeof *g->pieces);
    g->piece_bytes = att_calloc(n, sizeof *g->piece_bytes);
    if (!g->pieces || !g->piece_bytes) return no_memory(g);
    for (size_t i = 0; i < n; i++) {
        size_t n_bytes = 0;
        g->pieces[i] = att_weights_list_text(&list, &n_bytes);
        if (!g->pieces[i] || n_bytes > UINT32_MAX / 4) return refuse(g, "a token is too long");
        g->piece_bytes[i] = (uint32_t)n_bytes;
    }
    g->v.n = (int32_t)n;
    g->v.pieces = g->pieces;
    g->v.piece_bytes = g->piece_bytes;
    return ATT_OK;
}

/* The numbers beside the tokens. */
static att_status read_numbers(gguf_vocabulary *g)
{
    att_weights_list_view scores, types;
    const size_t n = (size_t)g->v.n;
    const size_t n_scores = att_weights_list(g->weights, "tokenizer.ggml.scores", &scores);
    const size_t n_types = att_weights_list(g->weights, "tokenizer.ggml.token_type", &types);
    if (scores.type != ATT_VALUE_NONE && n_scores != n)
        return refuse(g, "there are not as many 'tokenizer.ggml.scores' as tokens");
    if (types.type != ATT_VALUE_NONE && n_types != n)
        return refuse(g, "there are not as many 'tokenizer.ggml.token_type' as tokens");
    g->scores = n_scores ? att_calloc(n, sizeof *g->scores) : NULL;
    g->types = n_types ? att_calloc(n, sizeof *g->types) : NULL;
    if ((n_scores && !g->scores) || (n_types && !g->types)) return no_memory(g);
    for (size_t i = 0; i < n; i++) {
        const double type = n_types ? att_weights_list_number(&types, i) : 0.0;
        if (n_scores) g->scores[i] = att_weights_list_number(&scores, i);
        if (n_types) g->types[i] = type >= 0.0 && type <= 255.0 ? (int32_t)type : 0;
    }
    g->v.scores = g->scores;
    g->v.types = g->types;
    return ATT_OK;
}

/* "Ġ t": two pieces with a blank between them, the first of which may begin with one. */
static att_status read_merge(gguf_vocabulary *g, const atti_text_table *table, const char *text,
                             size_t n, int32_t merge[2])
{
    const char *blank = n > 1 ? memchr(text + 1, ' ', n - 1) : NULL;
    if (blank) {
        merge[0] = atti_text_table_find(table, text, (size_t)(blank - text));
        merge[1] = atti_text_table_find(table, blank + 1, (size_t)(text + n - blank - 1));
    }
    if (blank && merge[0] >= 0 && merge[1] >= 0) return ATT_OK;
    return att_fail(g->err, ATT_E_MODEL,
                    "tokenizer of %s: the merge '%.*s' is not of two tokens with a blank between",
                    att_weights_path(g->weights), (int)(n < 64 ? n : 64), text);
}

static att_status read_merges(gguf_vocabulary *g)
{
    att_weights_list_view list;
    atti_text_table table = {0};
    const size_t n = att_weights_list(g->weights, "tokenizer.ggml.merges", &list);
    if (list.type != ATT_VALUE_TEXT)
        return refuse(g, "'tokenizer.ggml.merges', which gpt2's tokens need, is no list of texts");
    g->merges = att_calloc(n, sizeof *g->merges);
    if (!g->merges || !atti_text_table_init(&table, g->pieces, g->piece_bytes, g->v.n))
        return no_memory(g);
    for (int32_t i = 0; i < g->v.n; i++) atti_text_table_add(&table, i);
    att_status status = ATT_OK;
    for (size_t i = 0; !status && i < n; i++) {
        size_t n_bytes = 0;
        const char *text = att_weights_list_text(&list, &n_bytes);
        status = text ? read_merge(g, &table, text, n_bytes, g->merges[i])
                      : refuse(g, "'tokenizer.ggml.merges' ends too early");
    }
    atti_text_table_finish(&table);
    g->v.merges = (const int32_t(*)[2])g->merges;
    g->v.n_merges = n;
    return status;
}

static int read_bool(const gguf_vocabulary *g, const char *key, int otherwise)
{
    double x = otherwise;
    att_weights_number(g->weights, key, &x);
    return x != 0.0;
}

static int32_t read_id(const gguf_vocabulary *g, const char *key)
{
    double x;
    if (!att_weights_number(g->weights, key, &x)) return -1;
    return x >= 0.0 && x < (double)g->v.n ? (int32_t)x : -1; /* some files have 2^32 - 1 for none */
}

/* Which model it is, and what that means where the file does not say. */
static att_status read_model(gguf_vocabulary *g)
{
    const char *model = att_weights_text(g->weights, "tokenizer.ggml.model");
    att_weights_list_view map;
    int bos = 0, prefix = 0;
    if (model && strcmp(model, "gpt2") == 0) {
        const char *pre = att_weights_text(g->weights, "tokenizer.ggml.pre");
        g->v.model = ATT_TEXT_BPE;
        g->v.pre = pre ? pre : "default";
        const atti_text_pre *known = atti_text_pre_find(g->v.pre);
        bos = known && known->add_bos;
    } else if (model && strcmp(model, "llama") == 0) {
        g->v.model = ATT_TEXT_SENTENCEPIECE;
        bos = prefix = 1;
    } else if (model && strcmp(model, "t5") == 0) {
        g->v.model = ATT_TEXT_UNIGRAM;
        if (att_weights_list(g->weights, "tokenizer.ggml.precompiled_charsmap", &map))
            return refuse(g, "it has a map of characters, which is not known");
        if (read_bool(g, "tokenizer.ggml.remove_extra_whitespaces", 0))
            return refuse(g, "it removes blanks, which is not known");
    } else {
        return att_fail(g->err, ATT_E_MODEL,
                        "tokenizer of %s: its model is '%.64s', known are gpt2, llama and t5",
                        att_weights_path(g->weights), model ? model : "");
    }
    g->v.add_bos = read_bool(g, "tokenizer.ggml.add_bos_token", bos);
    g->v.add_eos = read_bool(g, "tokenizer.ggml.add_eos_token", 0);
    if (read_bool(g, "tokenizer.ggml.add_space_prefix", prefix))
        g->v.add_space_prefix =
            g->v.model == ATT_TEXT_BPE ? ATT_TEXT_PREFIX_LACKED : ATT_TEXT_PREFIX_EACH;
    return ATT_OK;
}

att_status att_text_tokenizer_open_gguf(att_text_tokenizer **t, const att_weights *weights,
                                        att_err *err)
{
    gguf_vocabulary g = {.weights = weights, .err = err};
    *t = NULL;
    att_text_vocabulary_init(&g.v);
    att_status status = read_model(&g);
    if (!status) status = read_pieces(&g);
    if (!status) status = read_numbers(&g);
    if (!status && g.v.model == ATT_TEXT_BPE) status = read_merges(&g);
    g.v.bos = read_id(&g, "tokenizer.ggml.bos_token_id");
    g.v.eos = read_id(&g, "tokenizer.ggml.eos_token_id");
    g.v.eot = read_id(&g, "tokenizer.ggml.eot_token_id");
    /* byte-level has a token for each byte; what files call unknown there is padding */
    if (g.v.model != ATT_TEXT_BPE) g.v.unk = read_id(&g, "tokenizer.ggml.unknown_token_id");
    if (!status) {
        status = att_text_tokenizer_create(t, &g.v, err);
        if (status) att_fail_in(err, status, "%s", att_weights_path(weights));
    }
    att_free(g.pieces);
    att_free(g.piece_bytes);
    att_free(g.scores);
    att_free(g.types);
    att_free(g.merges);
    return status;
}
