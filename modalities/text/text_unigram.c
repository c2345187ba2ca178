/* text_unigram.c - the pieces of a word whose scores have the greatest sum: Viterbi over the places
 * between characters, as in SentencePiece. Of equals the one that was found first.
 * Tests: tests/unit/test_text_tokenizer.c */
#include "text_tokenizer_internal.h"

static void reach(atti_text_best *to, double score, int32_t id, size_t from)
{
    if (to->from != UINT32_MAX && !(score > to->score)) return;
    *to = (atti_text_best){score, id, (uint32_t)from};
}

/* All pieces that begin at `at`. */
static void extend(const att_text_tokenizer *t, atti_text_best *best, const char *text, size_t n,
                   size_t at)
{
    const size_t width = atti_text_width(text + at);
    int is_piece = 0; /* the character alone */
    uint32_t node = 0;
    for (size_t i = at; i < n; i++) {
        node = atti_text_trie_next(&t->prefixes, node, text[i]);
        if (!node) break;
        const int32_t id = t->prefixes.ids[node];
        if (id < 0) continue;
        if (i + 1 - at == width) is_piece = 1;
        reach(&best[i + 1], best[at].score + t->scores[id], id, at);
    }
    if (!is_piece) reach(&best[at + width], best[at].score + t->unk_score, -1, at);
}

att_status atti_text_unigram(atti_text_run *r, const char *text, size_t n)
{
    att_status status =
        atti_text_reserve(r, (void **)&r->best, &r->best_room, n + 1, sizeof *r->best);
    if (status) return status;
    atti_text_best *best = r->best;
    for (size_t i = 0; i <= n; i++) best[i] = (atti_text_best){0.0, -1, UINT32_MAX};
    best[0].from = 0;
    for (size_t at = 0; at < n; at += atti_text_width(text + at)) extend(r->t, best, text, n, at);
    /* turn the way around: from[i] becomes where the piece that begins at i ends */
    size_t end = n;
    uint32_t next = (uint32_t)n;
    int32_t id = -1;
    while (end > 0) {
        const uint32_t from = best[end].from;
        const int32_t here = best[end].id;
        best[end].from = next;
        best[end].id = id;
        next = (uint32_t)end;
        id = here;
        end = from;
    }
    best[0].from = next;
    best[0].id = id;
    int in_unk = 0;
    for (size_t at = 0; !status && at < n; at = best[at].from) {
        if (best[at].id >= 0) {
            status = atti_text_push(r, best[at].id);
            in_unk = 0;
        } else {
            status = atti_text_push_unknown(r, text + at, best[at].from - at, &in_unk);
        }
    }
    return status;
}
