/* text_table.c - text_table.h. Tests: tests/unit/test_text_tokenizer.c */
#include "text_table.h"

#include <string.h>

#include "mem.h"

/* The smallest 2^k - 1 that keeps a table of n at most half full. */
static uint32_t mask_for(size_t n)
{
    uint32_t mask = 1;
    while (mask < 2 * n) mask = 2 * mask + 1;
    return mask;
}

static uint32_t mix(uint64_t key)
{
    return (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static uint32_t slot_of(const atti_text_table *table, const char *bytes, size_t n)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < n; i++) hash = (hash ^ (unsigned char)bytes[i]) * 16777619u;
    uint32_t slot = mix(hash) & table->mask;
    for (int32_t k; (k = table->slots[slot]) >= 0; slot = (slot + 1) & table->mask)
        if (table->piece_bytes[k] == n && memcmp(table->pieces[k], bytes, n) == 0) break;
    return slot;
}

int atti_text_table_init(atti_text_table *table, const char *const *pieces,
                         const uint32_t *piece_bytes, int32_t n)
{
    table->pieces = pieces;
    table->piece_bytes = piece_bytes;
    table->mask = mask_for((size_t)n);
    table->slots = att_calloc((size_t)table->mask + 1, sizeof *table->slots);
    if (!table->slots) return 0;
    memset(table->slots, 0xff, ((size_t)table->mask + 1) * sizeof *table->slots); /* -1 */
    return 1;
}

void atti_text_table_finish(atti_text_table *table)
{
    att_free(table->slots);
    memset(table, 0, sizeof *table);
}

void atti_text_table_add(atti_text_table *table, int32_t number)
{
    const uint32_t slot = slot_of(table, table->pieces[number], table->piece_bytes[number]);
    if (table->slots[slot] < 0) table->slots[slot] = number;
}

int32_t atti_text_table_find(const atti_text_table *table, const char *bytes, size_t n)
{
    return table->slots[slot_of(table, bytes, n)];
}

static atti_text_product *product_of(const atti_text_pairs *pairs, int32_t left, int32_t right)
{
    uint32_t slot = mix((uint64_t)(uint32_t)left << 32 | (uint32_t)right) & pairs->mask;
    for (;; slot = (slot + 1) & pairs->mask) {
        atti_text_product *p = &pairs->slots[slot];
        if (p->left < 0 || (p->left == left && p->right == right)) return p;
    }
}

int atti_text_pairs_init(atti_text_pairs *pairs, size_t n)
{
    pairs->mask = mask_for(n);
    pairs->slots = att_calloc((size_t)pairs->mask + 1, sizeof *pairs->slots);
    for (uint32_t i = 0; pairs->slots && i <= pairs->mask; i++) pairs->slots[i].left = -1;
    return pairs->slots != NULL;
}

void atti_text_pairs_finish(atti_text_pairs *pairs)
{
    att_free(pairs->slots);
    memset(pairs, 0, sizeof *pairs);
}

void atti_text_pairs_add(atti_text_pairs *pairs, const atti_text_product *product)
{
    atti_text_product *p = product_of(pairs, product->left, product->right);
    if (p->left < 0) *p = *product;
}

const atti_text_product *atti_text_pairs_find(const atti_text_pairs *pairs, int32_t left,
                                              int32_t right)
{
    const atti_text_product *p = product_of(pairs, left, right);
    return p->left < 0 ? NULL : p;
}

/* --- the tree: a slot is key << 32 | child with key = node << 8 | byte; a child is never 0 --- */

static uint32_t branch_slot(const uint64_t *slots, uint32_t mask, uint32_t key)
{
    uint32_t slot = mix(key) & mask;
    while (slots[slot] && (uint32_t)(slots[slot] >> 32) != key) slot = (slot + 1) & mask;
    return slot;
}

static uint32_t key_of(uint32_t node, char byte)
{
    return node << 8 | (unsigned char)byte;
}

int atti_text_trie_init(atti_text_trie *trie)
{
    trie->mask = 255;
    trie->n = 1;
    trie->room = 64;
    trie->slots = att_calloc((size_t)trie->mask + 1, sizeof *trie->slots);
    trie->ids = att_calloc(trie->room, sizeof *trie->ids);
    if (trie->ids) trie->ids[0] = -1;
    return trie->slots && trie->ids;
}

void atti_text_trie_finish(atti_text_trie *trie)
{
    att_free(trie->slots);
    att_free(trie->ids);
    memset(trie, 0, sizeof *trie);
}

static int grow(atti_text_trie *trie)
{
    if (trie->n == trie->room) {
        int32_t *ids = att_realloc(trie->ids, 2 * (size_t)trie->room, sizeof *ids);
        if (!ids) return 0;
        trie->ids = ids;
        trie->room *= 2;
    }
    if (trie->n <= trie->mask / 2) return 1;
    const uint32_t mask = 2 * trie->mask + 1;
    uint64_t *slots = att_calloc((size_t)mask + 1, sizeof *slots);
    if (!slots) return 0;
    for (uint32_t i = 0; i <= trie->mask; i++)
        if (trie->slots[i])
            slots[branch_slot(slots, mask, (uint32_t)(trie->slots[i] >> 32))] = trie->slots[i];
    att_free(trie->slots);
    trie->slots = slots;
    trie->mask = mask;
    return 1;
}

int atti_text_trie_add(atti_text_trie *trie, const char *bytes, size_t n, int32_t id)
{
    uint32_t node = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t child = atti_text_trie_next(trie, node, bytes[i]);
        if (!child) {
            if (trie->n == ATTI_TRIE_MAX_NODES || !grow(trie)) return 0;
            const uint32_t key = key_of(node, bytes[i]);
            child = trie->n++;
            trie->ids[child] = -1;
            trie->slots[branch_slot(trie->slots, trie->mask, key)] = (uint64_t)key << 32 | child;
        }
        node = child;
    }
    if (trie->ids[node] < 0) trie->ids[node] = id;
    return 1;
}

uint32_t atti_text_trie_next(const atti_text_trie *trie, uint32_t node, char byte)
{
    return (uint32_t)trie->slots[branch_slot(trie->slots, trie->mask, key_of(node, byte))];
}
