/* asr_result.c - the segments of a result (asr_result.h). Tests: tests/unit/test_asr_result.c */
#include "asr_result.h"

#include <string.h>

#include "mem.h"

static void free_segment(att_asr_segment *s)
{
    for (int32_t i = 0; s->words && i < s->n_words; i++) att_free((void *)s->words[i].text);
    att_free((void *)s->words);
    att_free((void *)s->token_probs);
    att_free((void *)s->tokens);
    att_free((void *)s->text);
}

/* A copy of n elements; *failed is set when memory is out. NULL stays NULL. */
static void *copy(const void *from, int32_t n, size_t size, int *failed)
{
    if (!from || n <= 0) return NULL;
    void *to = att_calloc((size_t)n, size);
    if (to) memcpy(to, from, (size_t)n * size);
    *failed |= !to;
    return to;
}

static const att_asr_word *copy_words(const att_asr_word *from, int32_t n, int *failed)
{
    att_asr_word *to = copy(from, n, sizeof *to, failed);
    for (int32_t i = 0; to && i < n; i++) {
        to[i].text = att_strdup(from[i].text);
        *failed |= !to[i].text;
    }
    return to;
}

att_status att_asr_result_add(att_asr_result *result, const att_asr_segment *segment, att_err *err)
{
    const size_t n = (size_t)result->n_segments;
    att_asr_segment *grown = att_realloc(result->segments, n + 1, sizeof *grown);
    if (!grown) return att_fail(err, ATT_E_MEMORY, "transcribe: out of memory for segments");
    result->segments = grown;
    att_asr_segment *s = &grown[n];
    int failed = 0;
    *s = *segment;
    s->id = result->n_segments;
    s->text = att_strdup(segment->text);
    failed |= !s->text;
    s->tokens = copy(segment->tokens, s->n_tokens, sizeof *s->tokens, &failed);
    s->token_probs = copy(segment->token_probs, s->n_tokens, sizeof *s->token_probs, &failed);
    s->words = copy_words(segment->words, s->n_words, &failed);
    if (failed) {
        free_segment(s);
        return att_fail(err, ATT_E_MEMORY, "transcribe: out of memory for segments");
    }
    result->n_segments++;
    return ATT_OK;
}

att_status att_asr_result_move(att_asr_result *result, att_asr_result *from, att_err *err)
{
    const size_t n = (size_t)result->n_segments, more = (size_t)from->n_segments;
    if (more == 0) return ATT_OK;
    att_asr_segment *grown = att_realloc(result->segments, n + more, sizeof *grown);
    if (!grown) return att_fail(err, ATT_E_MEMORY, "transcribe: out of memory for segments");
    result->segments = grown;
    for (size_t i = 0; i < more; i++) {
        grown[n + i] = from->segments[i];
        grown[n + i].id = result->n_segments++;
    }
    att_free(from->segments);
    from->segments = NULL;
    from->n_segments = 0;
    return ATT_OK;
}

void att_asr_result_free(att_asr_result *result)
{
    for (int32_t i = 0; i < result->n_segments; i++) free_segment(&result->segments[i]);
    att_free(result->segments);
    att_free(result->speech);
    att_free(result->text);
    memset(result, 0, sizeof *result);
}
