/* chat_template.h - messages of a chat as the text that a model was trained on: families of
 * templates, chosen by the model file's own template text or by name.
 *
 * A template text (Jinja, tokenizer.chat_template of a GGUF file, chat_template of a
 * tokenizer_config.json) is recognised, not run: it has to print each message exactly as a known
 * family does, blanks included (chat_jinja.h), and a default system prompt is taken out of it. What
 * is not known for sure is refused; a user who knows better names a family. Families and where they
 * are from: chat_formats.c.
 *
 * Special tokens stand in the text as text, the one for the beginning too where the template prints
 * it; encode it with special tokens parsed, and see att_chat_template_has_bos(). What a user writes
 * is not escaped: "<|im_end|>" in a message ends it, as in the reference.
 * Roles are system, user and assistant. Tools are not told. Pictures are "<image>" at the beginning
 * of a content, which the families of models that see print as they do.
 *
 * Reference: Hugging Face's apply_chat_template(). Tests: tests/unit/test_chat_template.c,
 * tests/fuzz/fuzz_chat_template.c */
#ifndef ATT_CHAT_TEMPLATE_H
#define ATT_CHAT_TEMPLATE_H

#include <stddef.h>

#include "attend/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_chat_message {
    const char *role;    /* "system", "user", "assistant" */
    const char *content; /* UTF-8, as it is */
} att_chat_message;

/* What the model's tokenizer calls them; NULL: what the family usually has. Copied. */
typedef struct att_chat_tokens {
    const char *bos, *eos;
    const char *date; /* "26 Jul 2024", for templates that tell it; NULL: the template's own */
} att_chat_tokens;

/* Read only; shared by threads. */
typedef struct att_chat_template att_chat_template;

/* tokens may be NULL. ATT_E_MODEL when the text is no template (with the byte), or none that is
 * known: what was looked for and what to try. */
att_status att_chat_template_recognise(att_chat_template **chat, const char *jinja, size_t n_bytes,
                                       const att_chat_tokens *tokens, att_err *err);
/* name: one of att_chat_template_names(), else ATT_E_ARG. */
att_status att_chat_template_named(att_chat_template **chat, const char *name,
                                   const att_chat_tokens *tokens, att_err *err);
void att_chat_template_destroy(att_chat_template *chat); /* NULL is fine */

/* Each name of a family once; NULL from i = their number on. */
const char *att_chat_template_names(size_t i);

const char *att_chat_template_name(const att_chat_template *chat);
/* What stands for a missing system message; NULL: nothing. */
const char *att_chat_template_default_system(const att_chat_template *chat);
/* 1: a formatted text begins with the token for the beginning; its encoder must not add another. */
int att_chat_template_has_bos(const att_chat_template *chat);

/* Texts that end an answer, *n of them: tokens where the vocabulary has them, else stop strings. */
const char *const *att_chat_template_stops(const att_chat_template *chat, size_t *n);

/* *text: the n messages, and behind them what makes the model answer when add_generation_prompt is
 * not 0. The caller's, att_free(). ATT_E_ARG where the family has no way to say it (another role,
 * no message, a system message that is not the first, roles that do not alternate): the message's
 * number and why. */
att_status att_chat_template_apply(const att_chat_template *chat, const att_chat_message *messages,
                                   size_t n, int add_generation_prompt, char **text, att_err *err);

/* The same for a running chat, of which `before` stands in the model's memory already (what was
 * formatted or generated, with special tokens as text): *keep bytes of it stay, whole characters,
 * and *text goes behind them. keep + text is what apply() gives. Where *keep is less than `before`,
 * the memory behind it has to go: a model that began its answer with a blank, or a family that
 * tells its system message with the last question. Whoever keeps tokens compares those instead. */
att_status att_chat_template_continue(const att_chat_template *chat,
                                      const att_chat_message *messages, size_t n,
                                      int add_generation_prompt, const char *before, size_t *keep,
                                      char **text, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_CHAT_TEMPLATE_H */
