/* chat_buffer.c - chat_buffer.h. Tests: tests/unit/test_chat_template.c */
#include "chat_buffer.h"

#include <stdint.h>
#include <string.h>

#include "mem.h"

void atti_chat_put(atti_chat_buffer *b, const char *bytes, size_t n)
{
    if (b->failed) return;
    if (n >= SIZE_MAX / 4 - b->n) {
        b->failed = 1;
        return;
    }
    if (b->n + n + 1 > b->room) {
        const size_t room = 2 * (b->n + n) + 64;
        char *grown = att_realloc(b->bytes, room, 1);
        if (!grown) {
            b->failed = 1;
            return;
        }
        b->bytes = grown;
        b->room = room;
    }
    if (n) memcpy(b->bytes + b->n, bytes, n);
    b->n += n;
    b->bytes[b->n] = 0;
}

void atti_chat_puts(atti_chat_buffer *b, const char *text)
{
    atti_chat_put(b, text, strlen(text));
}

void atti_chat_putc(atti_chat_buffer *b, char c)
{
    atti_chat_put(b, &c, 1);
}

int atti_chat_ends(const atti_chat_buffer *b, const char *text)
{
    const size_t n = strlen(text);
    return b->n >= n && memcmp(b->bytes + b->n - n, text, n) == 0;
}

char *atti_chat_take(atti_chat_buffer *b)
{
    atti_chat_put(b, "", 0); /* an empty text is a text */
    char *text = b->bytes;
    if (b->failed) {
        att_free(text);
        text = NULL;
    }
    memset(b, 0, sizeof *b);
    return text;
}
