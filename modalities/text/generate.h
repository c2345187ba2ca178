/* generate.h - text that goes on: prompts into a session, tokens out of it, one at a time.
 *
 * Tests: tests/real/test_chat.c */
#ifndef ATT_GENERATE_H
#define ATT_GENERATE_H

#include "language.h"
#include "sampler.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A session, the record of its tokens, and a sampler; one thread at a time. */
typedef struct att_generator att_generator;

att_status att_generator_create(att_generator **generator, const att_language *language,
                                const att_llama_limits *limits, const att_sampler_options *sampling,
                                att_err *err);
void att_generator_destroy(att_generator *generator); /* NULL is fine */
att_llama_session *att_generator_session(att_generator *generator);
/* Tokens of the text in the session, *n of them; borrowed until the next call. */
const int32_t *att_generator_tokens(const att_generator *generator, int32_t *n);

/* Takes the tokens of a saved text (llama.h) for those of the session. */
att_status att_generator_restore(att_generator *generator, const char *path, att_err *err);
att_status att_generator_save(att_generator *generator, const char *path, att_err *err);

typedef struct att_prompted {
    int32_t n_tokens; /* of the prompt */
    int32_t n_reused; /* of those that stood in the session already */
    double seconds;   /* for the rest */
} att_prompted;

/* Makes the session's text these ids, or the tokens of a text in which special tokens are parsed:
 * what is alike from the beginning on stays. ATT_E_ARG when they do not fit. */
att_status att_generator_prompt(att_generator *generator, const int32_t *ids, int32_t n,
                                att_prompted *prompted, att_err *err);
att_status att_generator_prompt_text(att_generator *generator, const char *text, int add_bos,
                                     att_prompted *prompted, att_err *err);

/* The same for segments (llama.h), of which not all are tokens: nothing that stood in the session
 * stays. n_tokens of *prompted counts rows. */
att_status att_generator_prompt_segments(att_generator *generator,
                                         const att_llama_segment *segments, int32_t n_segments,
                                         const att_llama_hooks *hooks, att_prompted *prompted,
                                         att_err *err);

typedef enum att_generated_end {
    ATT_END_STOP,     /* a token that ends, or one of the stop texts */
    ATT_END_LENGTH,   /* max_tokens */
    ATT_END_ROOM,     /* the session is full */
    ATT_END_CANCELLED /* the caller's wish */
} att_generated_end;

typedef struct att_generate_options {
    int32_t max_tokens;       /* 0 or less: until it ends or there is no room */
    int ignore_end;           /* tokens that end do not */
    const char *const *stops; /* texts that end it, not told; n_stops */
    size_t n_stops;
    void *user;
    /* Whole characters as they come; may be NULL. */
    void (*on_text)(void *user, const char *bytes, size_t n);
    int (*cancelled)(void *user); /* asked once a token; may be NULL */
} att_generate_options;

typedef struct att_generated {
    char *text;   /* the caller's, att_free(), as ids are; NULL after an error */
    int32_t *ids; /* n_tokens */
    int32_t n_tokens;
    double seconds;
    att_generated_end end;
} att_generated;

const char *att_generated_end_name(att_generated_end end); /* "stop", "length", ... */

/* Goes on behind the prompt. After ATT_OK the session holds what was told, and may hold the start
 * of what was not. */
att_status att_generate(att_generator *generator, const att_generate_options *options,
                        att_generated *generated, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_GENERATE_H */
