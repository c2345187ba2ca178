/* chat_formats.h - the families of chat templates as data: how each is recognised, and what it
 * prints; and what the files of chat_template.h share. */
#ifndef ATTI_CHAT_FORMATS_H
#define ATTI_CHAT_FORMATS_H

#include <stddef.h>

#include "chat_template.h"

enum { ATTI_CHAT_MAX_MARKS = 6, ATTI_CHAT_MAX_STOPS = 4 };

/* What stands around a message, {bos} {eos} {date} replaced; before NULL: the family has none. */
typedef struct atti_chat_part {
    const char *before, *after;
    int strip; /* the content's blanks at both ends go */
} atti_chat_part;

/* Where a system message goes. */
typedef enum atti_chat_fold {
    ATTI_CHAT_ALONE, /* a message of its own */
    ATTI_CHAT_FIRST, /* into the first user message */
    ATTI_CHAT_LAST   /* into the last message, when that is the user's */
} atti_chat_fold;

/* What a content's "<image>" at its beginning becomes. */
typedef enum atti_chat_image {
    ATTI_CHAT_IMAGE_TEXT,  /* nothing else */
    ATTI_CHAT_IMAGE_CLOSE, /* the blank before it goes */
    ATTI_CHAT_IMAGE_LINE   /* a line of its own, each of several */
} atti_chat_image;

/* A default system prompt in a template: what stands before and behind it there. */
typedef struct atti_chat_default {
    const char *before, *after;
    const char *also; /* must be there too; NULL: nothing */
} atti_chat_default;

/* What a family prints. */
typedef struct atti_chat_print {
    const char *start;
    atti_chat_part first_system; /* of the first message; before NULL: as system */
    atti_chat_part system, user, assistant;
    atti_chat_fold fold;
    int folded_strip; /* system and user message together are stripped */
    int alternates;   /* user and assistant in turn, the user first */
    atti_chat_image image;
    const char *prompt;
    const char *bos, *eos;                  /* where the tokenizer does not say */
    const char *stops[ATTI_CHAT_MAX_STOPS]; /* beside eos */
} atti_chat_print;

typedef struct atti_chat_format {
    const char *name;
    const atti_chat_print *prints;
    const char *sign;                       /* bytes of a template text that may be of this family;
                                               NULL: known by name alone */
    const char *marks[ATTI_CHAT_MAX_MARKS]; /* of its canonical form, all */
    atti_chat_default defaults[2];
    const char *default_hint;   /* of a canonical form with a default that is none of these */
    const char *default_system; /* when it is chosen by name, or always */
    int prompt_always;          /* also unasked */
} atti_chat_format;

extern const atti_chat_format atti_chat_formats[];
extern const size_t atti_chat_n_formats;

/* In the canonical form of no template that is known: they change what is printed. */
extern const char *const atti_chat_strangers[];
extern const size_t atti_chat_n_strangers;

/* default_system: of the heap or NULL; taken over, also on failure. tokens may be NULL. */
att_status atti_chat_make(att_chat_template **chat, const atti_chat_format *format,
                          const att_chat_tokens *tokens, char *default_system, att_err *err);

/* "chatml, smollm2, ...", the caller's; NULL: out of memory. */
char *atti_chat_all_names(void);

#endif /* ATTI_CHAT_FORMATS_H */
