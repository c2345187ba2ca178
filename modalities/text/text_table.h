/* text_table.h - the look-ups of a tokenizer: bytes to a number, pairs of numbers to their product,
 * and a tree of prefixes. Open addressing, at most half full. Tests: test_text_tokenizer.c */
#ifndef ATTI_TEXT_TABLE_H
#define ATTI_TEXT_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* Numbers by their pieces, which are borrowed. */
typedef struct atti_text_table {
    int32_t *slots; /* -1: free */
    uint32_t mask;
    const char *const *pieces;
    const uint32_t *piece_bytes;
} atti_text_table;

/* For numbers below n. 0: memory is out. */
int atti_text_table_init(atti_text_table *table, const char *const *pieces,
                         const uint32_t *piece_bytes, int32_t n);
void atti_text_table_finish(atti_text_table *table);
/* Of equal pieces the first one added stays. */
void atti_text_table_add(atti_text_table *table, int32_t number);
int32_t atti_text_table_find(const atti_text_table *table, const char *bytes, size_t n); /* or -1 */

typedef struct atti_text_product {
    int32_t left, right; /* left -1: free */
    uint32_t rank;
    int32_t id;
} atti_text_product;

typedef struct atti_text_pairs {
    atti_text_product *slots;
    uint32_t mask;
} atti_text_pairs;

int atti_text_pairs_init(atti_text_pairs *pairs, size_t n); /* 0: memory is out */
void atti_text_pairs_finish(atti_text_pairs *pairs);
/* Of equal pairs the first one added stays. */
void atti_text_pairs_add(atti_text_pairs *pairs, const atti_text_product *product);
const atti_text_product *atti_text_pairs_find(const atti_text_pairs *pairs, int32_t left,
                                              int32_t right); /* or NULL */

/* Texts by their bytes, one after the other; node 0 is the root. */
typedef struct atti_text_trie {
    uint64_t *slots; /* node and byte << 32 | child; 0: free */
    uint32_t mask;
    int32_t *ids; /* by node: of the text that ends there, -1 for none */
    uint32_t n, room;
} atti_text_trie;

enum { ATTI_TRIE_MAX_NODES = 1 << 24 };

int atti_text_trie_init(atti_text_trie *trie); /* 0: memory is out */
void atti_text_trie_finish(atti_text_trie *trie);
/* Of equal texts the first one added stays. 0: memory is out, or there are too many nodes. */
int atti_text_trie_add(atti_text_trie *trie, const char *bytes, size_t n, int32_t id);
uint32_t atti_text_trie_next(const atti_text_trie *trie, uint32_t node, char byte); /* 0: none */

#endif /* ATTI_TEXT_TABLE_H */
