/* text_merge.c - BPE in one word: of all neighbours that can be joined, the most important pair
 * first, the leftmost of equals; a heap over a linked list, as in SentencePiece.
 * Tests: tests/unit/test_text_tokenizer.c */
#include "mem.h"
#include "text_tokenizer_internal.h"

static int before(const atti_text_join *a, const atti_text_join *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->left < b->left;
}

static att_status push_join(atti_text_run *r, const atti_text_join *join)
{
    const att_status status =
        atti_text_reserve(r, (void **)&r->heap, &r->heap_room, r->n_heap + 1, sizeof *r->heap);
    if (status) return status;
    size_t i = r->n_heap++;
    for (; i > 0 && before(join, &r->heap[(i - 1) / 2]); i = (i - 1) / 2)
        r->heap[i] = r->heap[(i - 1) / 2];
    r->heap[i] = *join;
    return ATT_OK;
}

static atti_text_join pop_join(atti_text_run *r)
{
    const atti_text_join top = r->heap[0], last = r->heap[--r->n_heap];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < r->n_heap; i = child) {
        if (child + 1 < r->n_heap && before(&r->heap[child + 1], &r->heap[child])) child++;
        if (!before(&r->heap[child], &last)) break;
        r->heap[i] = r->heap[child];
    }
    if (r->n_heap) r->heap[i] = last;
    return top;
}

/* Puts the pair on the heap if it makes a token. */
static att_status consider(atti_text_run *r, const char *text, int32_t left, int32_t right)
{
    const att_text_tokenizer *t = r->t;
    if (left < 0 || right < 0) return ATT_OK;
    const atti_text_symbol *a = &r->symbols[left], *b = &r->symbols[right];
    atti_text_join join = {.left = left, .right = right, .n = a->n + b->n};
    if (t->pairs.slots) {
        const atti_text_product *p = atti_text_pairs_find(&t->pairs, a->id, b->id);
        if (!p) return ATT_OK;
        join.rank = p->rank;
        join.id = p->id;
    } else {
        if (join.n > t->longest) return ATT_OK;
        join.id = atti_text_table_find(&t->words, text + a->at, join.n);
        if (join.id < 0) return ATT_OK;
        join.rank = t->ranks[join.id];
    }
    return push_join(r, &join);
}

/* One more symbol behind the last. */
static void append(atti_text_run *r, int32_t *n, size_t at, size_t n_bytes, int32_t id)
{
    r->symbols[*n] = (atti_text_symbol){(uint32_t)at, (uint32_t)n_bytes, id, *n - 1, *n + 1};
    ++*n;
}

/* Each byte, or each character, of the word; what has no token is given up here when merges go by
 * token, as the reference does. */
static int32_t begin_symbols(atti_text_run *r, const char *text, size_t n_bytes)
{
    const att_text_tokenizer *t = r->t;
    int32_t n = 0;
    int in_unk = 0;
    for (size_t at = 0, width; at < n_bytes; at += width) {
        width = t->model == ATT_TEXT_BPE ? 1 : atti_text_width(text + at);
        const int32_t id = t->model == ATT_TEXT_BPE
                               ? t->byte_ids[(unsigned char)text[at]]
                               : atti_text_table_find(&t->words, text + at, width);
        const int is_unk = id < 0 && !t->has_bytes && t->unk >= 0;
        if (id >= 0 || !t->pairs.slots) {
            append(r, &n, at, width, id);
        } else if (t->has_bytes) {
            const char *spelled = text[at] == ' ' ? "\xe2\x96\x81" : text + at;
            const size_t n_spelled = text[at] == ' ' ? 3 : width;
            for (size_t i = 0; i < n_spelled; i++)
                append(r, &n, at + (i < width ? i : width - 1), 1,
                       t->byte_ids[(unsigned char)spelled[i]]);
        } else if (is_unk && (!in_unk || t->separate_unk)) {
            append(r, &n, at, width, t->unk);
        }
        in_unk = is_unk;
    }
    if (n) r->symbols[n - 1].next = -1;
    return n;
}

static att_status join_all(atti_text_run *r, const char *text)
{
    att_status status = ATT_OK;
    while (!status && r->n_heap) {
        const atti_text_join join = pop_join(r);
        atti_text_symbol *a = &r->symbols[join.left], *b = &r->symbols[join.right];
        if (a->n == 0 || b->n == 0 || a->n + b->n != join.n) continue;
        a->n = join.n;
        a->id = join.id;
        a->next = b->next;
        b->n = 0;
        if (b->next >= 0) r->symbols[b->next].previous = join.left;
        status = consider(r, text, a->previous, join.left);
        if (!status) status = consider(r, text, join.left, a->next);
    }
    return status;
}

att_status atti_text_merge(atti_text_run *r, const char *text, size_t n_bytes)
{
    const att_text_tokenizer *t = r->t;
    if (t->ignore_merges) {
        const int32_t whole = atti_text_table_find(&t->words, text, n_bytes);
        if (whole >= 0) return atti_text_push(r, whole);
    }
    /* a blank can become three bytes */
    att_status status =
        atti_text_reserve(r, (void **)&r->symbols, &r->symbol_room,
                          t->model == ATT_TEXT_BPE ? n_bytes : 3 * n_bytes, sizeof *r->symbols);
    if (status) return status;
    const int32_t n = begin_symbols(r, text, n_bytes);
    r->n_heap = 0;
    for (int32_t i = 0; !status && i + 1 < n; i++) status = consider(r, text, i, i + 1);
    if (!status) status = join_all(r, text);
    int in_unk = 0;
    for (int32_t i = n ? 0 : -1; !status && i >= 0; i = r->symbols[i].next) {
        const atti_text_symbol *s = &r->symbols[i];
        if (s->id >= 0) {
            status = atti_text_push(r, s->id);
            in_unk = 0;
        } else {
            status = atti_text_push_unknown(r, text + s->at, s->n, &in_unk);
        }
    }
    return status;
}
