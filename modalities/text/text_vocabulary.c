/* text_vocabulary.c - a tokenizer from a vocabulary as files spell it (text_tokenizer.h).
 * Tests: tests/unit/test_text_tokenizer.c */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "text_tokenizer.h"
#include "text_tokenizer_internal.h"
#include "utf8.h"

/* Names of tokens that end an answer, in the families that attend knows. */
static const char *const ENDS[] = {
    "<|im_end|>", "</s>",    "<|endoftext|>",      "<|eot_id|>",    "<|end_of_text|>",
    "<|eom_id|>", "<|end|>", "<end_of_utterance>", "<end_of_turn>", "<|endofturn|>",
};
static const double UNK_PENALTY = 10.0; /* below the worst piece, as SentencePiece has it */

void att_text_vocabulary_init(att_text_vocabulary *v)
{
    memset(v, 0, sizeof *v);
    v->bos = v->eos = v->eot = v->unk = -1;
}

void att_text_tokenizer_destroy(att_text_tokenizer *t)
{
    if (!t) return;
    atti_text_splitter_finish(&t->splitter);
    atti_text_table_finish(&t->words);
    atti_text_trie_finish(&t->prefixes);
    atti_text_trie_finish(&t->specials);
    atti_text_pairs_finish(&t->pairs);
    att_free(t->bytes);
    att_free(t->pieces);
    att_free(t->piece_bytes);
    att_free(t->types);
    att_free(t->is_end);
    att_free(t->ranks);
    att_free(t->scores);
    att_free(t);
}

/* --- spelling --- */

/* The byte that a character of GPT-2's alphabet stands for, or -1. Bytes that can be seen are
 * themselves, the others follow from U+0100 on. */
static int byte_of(uint32_t c)
{
    if ((c >= 33 && c <= 126) || (c >= 161 && c <= 172) || (c >= 174 && c <= 255)) return (int)c;
    if (c < 256 || c >= 256 + 68) return -1;
    const int k = (int)c - 256;
    return k <= 32 ? k : k <= 66 ? 127 + k - 33 : 173;
}

/* What a piece of GPT-2's characters stands for; as it is where it has others. */
static uint32_t spell_bytes(const char *piece, uint32_t n, char *out)
{
    uint32_t to = 0;
    for (size_t at = 0, width; at < n; at += width) {
        uint32_t c;
        width = att_utf8_decode(piece + at, n - at, &c);
        const int byte = width ? byte_of(c) : -1;
        if (byte < 0) {
            memcpy(out, piece, n);
            return n;
        }
        out[to++] = (char)byte;
    }
    return to;
}

static uint32_t spell_blanks(const char *piece, uint32_t n, char *out)
{
    uint32_t to = 0;
    for (uint32_t at = 0; at < n; at++) {
        const int is_blank = n - at >= 3 && memcmp(piece + at, "\xe2\x96\x81", 3) == 0;
        out[to++] = is_blank ? ' ' : piece[at];
        if (is_blank) at += 2;
    }
    return to;
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* <0x0A> */
static int spelled_byte(const char *piece, uint32_t n)
{
    if (n != 6 || memcmp(piece, "<0x", 3) != 0 || piece[5] != '>') return -1;
    const int high = hex_of(piece[3]), low = hex_of(piece[4]);
    return high < 0 || low < 0 ? -1 : 16 * high + low;
}

/* --- making one --- */

static att_status no_memory(att_err *err)
{
    return att_fail(err, ATT_E_MEMORY, "tokenizer: out of memory");
}

static att_status copy_piece(att_text_tokenizer *t, const att_text_vocabulary *v, int32_t id,
                             char *out, att_err *err)
{
    const int32_t type = v->types ? v->types[id] : ATT_TEXT_NORMAL;
    const char *piece = v->pieces[id];
    const uint32_t n = v->piece_bytes[id];
    if (type < ATT_TEXT_NORMAL || type > ATT_TEXT_BYTE)
        return att_fail(err, ATT_E_MODEL, "tokenizer: token %d is of type %d, known are 1 to 6", id,
                        type);
    t->pieces[id] = out;
    t->types[id] = (uint8_t)type;
    if (type == ATT_TEXT_BYTE) {
        const int byte = spelled_byte(piece, n);
        if (byte < 0)
            return att_fail(err, ATT_E_MODEL,
                            "tokenizer: token %d is '%.*s', expected a byte <0xXX>", id,
                            (int)(n < 64 ? n : 64), piece);
        *out = (char)byte;
        t->piece_bytes[id] = 1;
        if (t->byte_ids[byte] < 0) t->byte_ids[byte] = id;
    } else if (type != ATT_TEXT_NORMAL && type != ATT_TEXT_UNUSED) {
        memcpy(out, piece, n);
        t->piece_bytes[id] = n;
    } else {
        t->piece_bytes[id] =
            t->model == ATT_TEXT_BPE ? spell_bytes(piece, n, out) : spell_blanks(piece, n, out);
    }
    return ATT_OK;
}

static att_status copy_pieces(att_text_tokenizer *t, const att_text_vocabulary *v, att_err *err)
{
    size_t n_bytes = 0;
    for (int32_t i = 0; i < v->n; i++) n_bytes += v->piece_bytes[i];
    if (n_bytes > ATTI_TRIE_MAX_NODES)
        return att_fail(err, ATT_E_MODEL,
                        "tokenizer: its pieces have %zu bytes, at most %d are taken", n_bytes,
                        ATTI_TRIE_MAX_NODES);
    t->bytes = att_calloc(n_bytes + 1, 1);
    t->pieces = att_calloc((size_t)v->n, sizeof *t->pieces);
    t->piece_bytes = att_calloc((size_t)v->n, sizeof *t->piece_bytes);
    t->types = att_calloc((size_t)v->n, 1);
    t->is_end = att_calloc((size_t)v->n, 1);
    if (!t->bytes || !t->pieces || !t->piece_bytes || !t->types || !t->is_end)
        return no_memory(err);
    memset(t->byte_ids, 0xff, sizeof t->byte_ids);
    size_t at = 0;
    for (int32_t i = 0; i < v->n; i++) {
        const att_status status = copy_piece(t, v, i, t->bytes + at, err);
        if (status) return status;
        at += t->piece_bytes[i];
        if (t->piece_bytes[i] > t->longest) t->longest = t->piece_bytes[i];
    }
    return ATT_OK;
}

static int is_utf8(const char *bytes, size_t n)
{
    for (size_t at = 0, width; at < n; at += width) {
        uint32_t c;
        width = att_utf8_decode(bytes + at, n - at, &c);
        if (!width) return 0;
    }
    return 1;
}

static att_status index_pieces(att_text_tokenizer *t, att_err *err)
{
    if (!atti_text_table_init(&t->words, t->pieces, t->piece_bytes, t->n) ||
        !atti_text_trie_init(&t->specials) || !atti_text_trie_init(&t->prefixes))
        return no_memory(err);
    for (int32_t i = 0; i < t->n; i++) {
        const char *piece = t->pieces[i];
        const uint32_t n = t->piece_bytes[i];
        if (n == 0) continue;
        if (t->types[i] == ATT_TEXT_NORMAL) {
            atti_text_table_add(&t->words, i);
            if (t->model == ATT_TEXT_BPE && n == 1 && t->byte_ids[(unsigned char)*piece] < 0)
                t->byte_ids[(unsigned char)*piece] = i;
            if (t->model == ATT_TEXT_UNIGRAM && is_utf8(piece, n) &&
                !atti_text_trie_add(&t->prefixes, piece, n, i))
                return no_memory(err);
        } else if (t->types[i] < ATT_TEXT_UNUSED && is_utf8(piece, n)) {
            t->special_begins[(unsigned char)*piece] = 1;
            if (!atti_text_trie_add(&t->specials, piece, n, i)) return no_memory(err);
        }
    }
    t->has_bytes = t->model != ATT_TEXT_BPE;
    for (int b = 0; b < 256; b++) t->has_bytes &= t->byte_ids[b] >= 0;
    return ATT_OK;
}

static att_status index_merges(att_text_tokenizer *t, const att_text_vocabulary *v, att_err *err)
{
    char *joined = att_calloc(2 * (size_t)t->longest + 1, 1);
    if (!joined || !atti_text_pairs_init(&t->pairs, v->n_merges)) {
        att_free(joined);
        return no_memory(err);
    }
    att_status status = ATT_OK;
    for (size_t i = 0; !status && i < v->n_merges; i++) {
        const int32_t a = v->merges[i][0], b = v->merges[i][1];
        atti_text_product p = {a, b, (uint32_t)i, -1};
        if (a >= 0 && a < t->n && b >= 0 && b < t->n) {
            memcpy(joined, t->pieces[a], t->piece_bytes[a]);
            memcpy(joined + t->piece_bytes[a], t->pieces[b], t->piece_bytes[b]);
            joined[t->piece_bytes[a] + t->piece_bytes[b]] = 0;
            p.id = atti_text_table_find(&t->words, joined,
                                        (size_t)t->piece_bytes[a] + t->piece_bytes[b]);
            if (p.id < 0) p.id = att_text_tokenizer_id(t, joined); /* a user-defined one */
        }
        if (p.id < 0)
            status =
                att_fail(err, ATT_E_MODEL,
                         "tokenizer: merge %zu joins tokens %d and %d, which make none", i, a, b);
        else
            atti_text_pairs_add(&t->pairs, &p);
    }
    att_free(joined);
    return status;
}

typedef struct ranked {
    double score;
    int32_t id;
} ranked;

static int by_score(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return x->score > y->score ? -1 : x->score < y->score;
}

/* Scores as ranks, so that both kinds of BPE are one. Equal scores are equal ranks. */
static att_status rank_scores(att_text_tokenizer *t, const double *scores, att_err *err)
{
    ranked *order = att_calloc((size_t)t->n, sizeof *order);
    t->ranks = att_calloc((size_t)t->n, sizeof *t->ranks);
    if (!order || !t->ranks) {
        att_free(order);
        return no_memory(err);
    }
    for (int32_t i = 0; i < t->n; i++) order[i] = (ranked){scores[i], i};
    qsort(order, (size_t)t->n, sizeof *order, by_score);
    uint32_t rank = 0;
    for (int32_t i = 0; i < t->n; i++) {
        if (i && order[i].score < order[i - 1].score) rank++;
        t->ranks[order[i].id] = rank;
    }
    att_free(order);
    return ATT_OK;
}

static att_status take_scores(att_text_tokenizer *t, const att_text_vocabulary *v, att_err *err)
{
    if (!v->scores) return att_fail(err, ATT_E_MODEL, "tokenizer: its tokens have no scores");
    for (int32_t i = 0; i < t->n; i++)
        if (!isfinite(v->scores[i]))
            return att_fail(err, ATT_E_MODEL, "tokenizer: the score of token %d is %g", i,
                            v->scores[i]);
    if (t->model != ATT_TEXT_UNIGRAM) return rank_scores(t, v->scores, err);
    double least = INFINITY;
    t->scores = att_calloc((size_t)t->n, sizeof *t->scores);
    if (!t->scores) return no_memory(err);
    for (int32_t i = 0; i < t->n; i++) {
        t->scores[i] = v->scores[i];
        if (t->types[i] == ATT_TEXT_NORMAL && t->scores[i] < least) least = t->scores[i];
    }
    t->unk_score = (isfinite(least) ? least : 0.0) - UNK_PENALTY;
    return ATT_OK;
}

static att_status take_splits(att_text_tokenizer *t, const att_text_vocabulary *v, att_err *err)
{
    att_status status = ATT_OK;
    if (v->pre && !v->splits) {
        const atti_text_pre *pre = atti_text_pre_find(v->pre);
        if (!pre)
            return att_fail(err, ATT_E_MODEL,
                            "tokenizer: its pre-tokenizer is '%.64s'; known are gpt-2, smollm, "
                            "llama-bpe, qwen2, default",
                            v->pre);
        for (int32_t i = 0; !status && i < 4 && pre->splits[i]; i++)
            status = atti_text_splitter_add(&t->splitter, pre->splits[i], err);
        t->ignore_merges |= pre->ignore_merges;
        if (t->normal == ATT_TEXT_AS_IS) t->normal = pre->normal;
    }
    for (int32_t i = 0; !status && v->splits && i < v->n_splits; i++)
        status = atti_text_splitter_add(&t->splitter, v->splits[i], err);
    return status ? att_fail_in(err, status, "tokenizer") : ATT_OK;
}

static void mark_ends(att_text_tokenizer *t, const att_text_vocabulary *v)
{
    if (v->eos >= 0) t->is_end[v->eos] = 1;
    if (v->eot >= 0) t->is_end[v->eot] = 1;
    for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++) {
        const int32_t id = att_text_tokenizer_id(t, ENDS[i]);
        if (id >= 0 && t->types[id] != ATT_TEXT_NORMAL) t->is_end[id] = 1;
    }
}

static att_status check(const att_text_vocabulary *v, att_err *err)
{
    const int32_t ids[] = {v->bos, v->eos, v->eot, v->unk};
    if (v->n <= 0 || v->n > ATT_TEXT_MAX_TOKENS)
        return att_fail(err, ATT_E_MODEL, "tokenizer: it has %d tokens, expected 1 to %d", v->n,
                        ATT_TEXT_MAX_TOKENS);
    for (size_t i = 0; i < 4; i++)
        if (ids[i] < -1 || ids[i] >= v->n)
            return att_fail(err, ATT_E_MODEL, "tokenizer: a special token is %d of %d", ids[i],
                            v->n);
    if (v->n_merges > UINT32_MAX / 4)
        return att_fail(err, ATT_E_MODEL, "tokenizer: it has %zu merges", v->n_merges);
    return ATT_OK;
}

static att_status fill(att_text_tokenizer *t, const att_text_vocabulary *v, att_err *err)
{
    att_status status = copy_pieces(t, v, err);
    if (!status) status = index_pieces(t, err);
    const int by_merges = v->n_merges > 0 || t->model == ATT_TEXT_BPE;
    if (!status && by_merges && t->model != ATT_TEXT_UNIGRAM) status = index_merges(t, v, err);
    if (!status && !t->pairs.slots) status = take_scores(t, v, err);
    if (!status) status = take_splits(t, v, err);
    if (!status) mark_ends(t, v);
    return status;
}

att_status att_text_tokenizer_create(att_text_tokenizer **out, const att_text_vocabulary *v,
                                     att_err *err)
{
    *out = NULL;
    att_status status = check(v, err);
    if (status) return status;
    att_text_tokenizer *t = att_calloc(1, sizeof *t);
    if (!t) return no_memory(err);
    t->model = v->model;
    t->n = v->n;
    t->ignore_merges = v->ignore_merges;
    t->separate_unk = v->separate_unk;
    t->add_bos = v->add_bos;
    t->add_eos = v->add_eos;
    t->normal = v->normal;
    t->prefix = v->add_space_prefix;
    t->bos = v->bos;
    t->eos = v->eos;
    t->unk = v->unk;
    status = fill(t, v, err);
    if (status)
        att_text_tokenizer_destroy(t);
    else
        *out = t;
    return status;
}
