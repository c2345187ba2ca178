/* chat.h - the verb chat: options, their table, and a turn as JSON.
 *
 * Flags, meanings and defaults are those of ggml-org's llama-cli; differences are listed in
 * docs/models/llama.md. Tests: tests/real/test_chat.c */
#ifndef ATT_CHAT_H
#define ATT_CHAT_H

#include "args.h"
#include "generate.h"

typedef struct att_chat_options {
    const char *model, *model_dir, *device, *precision, *prompt, *file, *system_prompt,
        *chat_template, *prompt_cache, *overflow;
    int threads, ctx_size, predict, top_k, repeat_last_n, seed, single_turn, no_conversation,
        ignore_eos, json, quiet, info, offline, profile, portable, help;
    double temp, top_p, min_p, repeat_penalty, presence_penalty, frequency_penalty;
} att_chat_options;

att_chat_options att_chat_defaults(void);
const att_opt *att_chat_table(size_t *n);

/* What a turn was, for --json: one object on one line of stdout. Returns an exit code. */
typedef struct att_chat_turn {
    const char *model, *device, *precision, *prompt;
    const att_prompted *prompted;
    const att_generated *generated;
    size_t n_dropped; /* messages that no longer fitted */
    int64_t seed;
} att_chat_turn;

int att_chat_print_json(const att_chat_turn *turn);

#endif /* ATT_CHAT_H */
