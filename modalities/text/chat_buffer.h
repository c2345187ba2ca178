/* chat_buffer.h - a text that grows; running out of memory is remembered, and asked for once at the
 * end. */
#ifndef ATTI_CHAT_BUFFER_H
#define ATTI_CHAT_BUFFER_H

#include <stddef.h>

typedef struct atti_chat_buffer {
    char *bytes; /* terminated when there is one */
    size_t n, room;
    int failed;
} atti_chat_buffer;

void atti_chat_put(atti_chat_buffer *b, const char *bytes, size_t n);
void atti_chat_puts(atti_chat_buffer *b, const char *text);
void atti_chat_putc(atti_chat_buffer *b, char c);

/* Whether the text ends with this one. */
int atti_chat_ends(const atti_chat_buffer *b, const char *text);

/* The text, the caller's: att_free(); NULL when memory ran out. The buffer is empty then. */
char *atti_chat_take(atti_chat_buffer *b);

#endif /* ATTI_CHAT_BUFFER_H */
