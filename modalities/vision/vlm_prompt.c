/* vlm_prompt.c - vlm_prompt.h. Sources: processing_idefics3.py and processing_llava.py of Hugging
 * Face's transformers, mm_utils.py of LLaVA, generate.py of nanoVLM. */
#include "vlm_prompt.h"

#include <stdio.h>
#include <string.h>

#include "mem.h"

static const char IMAGE[] = "<image>";

/* A list of tokens that grows. */
typedef struct tokens {
    const att_vlm *vlm;
    int32_t *ids, n, room;
} tokens;

static att_status out_of_memory(att_err *err)
{
    return att_fail(err, ATT_E_MEMORY, "make prompt: out of memory");
}

static att_status reserve(tokens *t, int32_t more, att_err *err)
{
    if (t->n + more <= t->room) return ATT_OK;
    const int32_t room = 2 * (t->n + more);
    int32_t *ids = att_realloc(t->ids, (size_t)room, sizeof *ids);
    if (!ids) return out_of_memory(err);
    t->ids = ids;
    t->room = room;
    return ATT_OK;
}

static att_status add_visual(tokens *t, int32_t n, att_err *err)
{
    const att_status status = reserve(t, n, err);
    for (int32_t i = 0; !status && i < n; i++) t->ids[t->n++] = ATTI_VLM_VISUAL;
    return status;
}

static att_status add_text(tokens *t, const char *text, size_t n_bytes, int add_bos, att_err *err)
{
    const int flags = ATT_TEXT_PARSE_SPECIAL | (add_bos ? ATT_TEXT_ADD_BOS : 0);
    int32_t *ids = NULL, n = 0;
    att_status status =
        att_text_tokenizer_encode(t->vlm->language->tokenizer, text, n_bytes, flags, &ids, &n, err);
    if (!status) status = reserve(t, n, err);
    if (!status && n) memcpy(t->ids + t->n, ids, (size_t)n * sizeof *ids);
    if (!status) t->n += n;
    att_free(ids);
    return status;
}

/* ---- Idefics3: tiles are told by name ---- */

/* What stands before the visual tokens of the whole picture, and of tile i of rows x cols. */
static att_status add_tile(tokens *t, const att_vlm_layout *l, int32_t i, const char *before,
                           att_err *err)
{
    const int is_whole = i == l->whole;
    char text[160];
    if (is_whole)
        snprintf(text, sizeof text, "%s<fake_token_around_image><global-img>", before);
    else
        snprintf(text, sizeof text, "%s<fake_token_around_image><row_%d_col_%d>", before,
                 i / l->cols + 1, i % l->cols + 1);
    const att_status status = add_text(t, text, strlen(text), 0, err);
    return status ? status : add_visual(t, l->tokens_a_tile, err);
}

static att_status check_names(const att_vlm *vlm, att_err *err)
{
    static const char *const NEEDED[] = {"<fake_token_around_image>", "<global-img>"};
    for (size_t i = 0; i < sizeof NEEDED / sizeof *NEEDED; i++) {
        const int32_t id = att_text_tokenizer_id(vlm->language->tokenizer, NEEDED[i]);
        if (id < 0 || att_text_tokenizer_type(vlm->language->tokenizer, id) == ATT_TEXT_NORMAL)
            return att_fail(err, ATT_E_MODEL,
                            "make prompt: the vocabulary has no special token '%s', which pictures "
                            "need",
                            NEEDED[i]);
    }
    return ATT_OK;
}

/* before: text that ends where the picture begins; it is one with the first tile's name. */
static att_status add_idefics3(tokens *t, const att_vlm_layout *l, const char *before, int add_bos,
                               att_err *err)
{
    static const char END[] = "<fake_token_around_image>";
    att_status status = check_names(t->vlm, err);
    if (!status) status = add_text(t, before, strlen(before), add_bos, err);
    for (int32_t i = 0; !status && i < l->n_tiles; i++) {
        const int is_line = i > 0 && i != l->whole && i % l->cols == 0;
        const char *gap = l->n_tiles > 1 && i == l->whole ? "\n\n" : is_line ? "\n" : "";
        status = add_tile(t, l, i, gap, err);
    }
    return status ? status : add_text(t, END, strlen(END), 0, err);
}

/* ---- all ---- */

/* The chat that a question is, up to the answer; or the model's own way to put it. */
static att_status write_chat(const att_vlm *vlm, const char *question, char **text, int *add_bos,
                             att_err *err)
{
    const att_chat_template *chat = vlm->language->chat;
    const att_text_tokenizer *tokenizer = vlm->language->tokenizer;
    char *content = att_sprintf(
        "%s%s%s", IMAGE, att_vlm_vision_config(vlm->vision)->family == ATT_VLM_IDEFICS3 ? "" : "\n",
        question);
    const att_chat_message message = {"user", content};
    *add_bos = !att_chat_template_has_bos(chat) && att_text_tokenizer_adds_bos(tokenizer);
    const att_status status =
        content ? att_chat_template_apply(chat, &message, 1, 1, text, err) : out_of_memory(err);
    att_free(content);
    return status;
}

/* The first of a chat: the picture is where "<image>" stands. */
static att_status add_chat(tokens *t, const char *question, const att_vlm_layout *layout,
                           att_err *err)
{
    char *text = NULL;
    int add_bos = 0;
    att_status status = write_chat(t->vlm, question, &text, &add_bos, err);
    char *image = status ? NULL : strstr(text, IMAGE);
    if (!status && !image)
        status = att_fail(err, ATT_E_MODEL,
                          "make prompt: the chat template %s tells no picture; name another",
                          att_chat_template_name(t->vlm->language->chat));
    if (!status) {
        const char *after = image + strlen(IMAGE);
        *image = 0;
        if (att_vlm_vision_config(t->vlm->vision)->family == ATT_VLM_IDEFICS3) {
            status = add_idefics3(t, layout, text, add_bos, err);
        } else {
            status = add_text(t, text, strlen(text), add_bos, err);
            if (!status) status = add_visual(t, layout->n_tokens, err);
        }
        if (!status) status = add_text(t, after, strlen(after), 0, err);
    }
    att_free(text);
    return status;
}

/* nanoVLM: the picture comes first, then the question. */
static att_status add_plain(tokens *t, const char *question, const att_vlm_layout *layout,
                            att_err *err)
{
    const char *form = t->vlm->prompt, *at = strstr(form, "%s");
    char *text = att_sprintf("%.*s%s%s", (int)(at - form), form, question, at + 2);
    att_status status = text ? add_visual(t, layout->n_tokens, err) : out_of_memory(err);
    if (!status) status = add_text(t, text, strlen(text), 0, err);
    att_free(text);
    return status;
}

att_status atti_vlm_prompt(const att_vlm *vlm, const char *question, const att_vlm_layout *layout,
                           int32_t **ids, int32_t *n, att_err *err)
{
    tokens t = {.vlm = vlm};
    att_status status;
    *ids = NULL;
    *n = 0;
    if (att_vlm_vision_config(vlm->vision)->family == ATT_VLM_NANOVLM)
        status = add_plain(&t, question, layout, err);
    else
        status = add_chat(&t, question, layout, err);
    if (status) {
        att_free(t.ids);
        return status;
    }
    *ids = t.ids;
    *n = t.n;
    return ATT_OK;
}
