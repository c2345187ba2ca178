/* asr_model.c - opening a speech-recognition model from a folder or a file (attend/asr.h).
 * Tests: tests/real/test_whisper_real.c */
#include "asr_model.h"

#include <string.h>

#include "mel.h"
#include "mem.h"
#include "whisper_config.h"
#include "whisper_cut.h"

enum { MIN_TEXT_CTX = 16 }; /* a prompt and some text */

/* The vocabulary must be the one that the weights were made for. */
static att_status check_vocabulary(const att_asr_model *model, const char *path, att_err *err)
{
    const int32_t rows = att_whisper_get_config(model->whisper)->vocab;
    if (model->tokens->n_vocab == rows) return ATT_OK;
    return att_fail(
        err, ATT_E_MODEL,
        "open %s: the vocabulary has %d tokens, the weights have %d; the files belong to "
        "different models",
        path, model->tokens->n_vocab, rows);
}

att_status atti_asr_check_config(const att_whisper_config *c, const char *path, att_err *err)
{
    if (c->audio_ctx == ATT_MEL_WINDOW / 2 && c->text_ctx >= MIN_TEXT_CTX &&
        c->text_ctx <= 2 * ATT_WHISPER_MAX_TOKENS)
        return ATT_OK;
    return att_fail(
        err, ATT_E_MODEL,
        "open %s: the weights have room for %d frames of sound and %d tokens of text, "
        "expected %d and %d to %d: it is no Whisper that windows of 30 s can be given to",
        path, c->audio_ctx, c->text_ctx, ATT_MEL_WINDOW / 2, MIN_TEXT_CTX,
        2 * ATT_WHISPER_MAX_TOKENS);
}

/* The folder that a file of weights lies in. */
static char *folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? att_sprintf("%.*s", (int)(slash - file), file) : att_strdup(".");
}

/* Of a ggml file the vocabulary is inside, of all others beside it. */
static int is_whole(const att_weights *weights)
{
    return att_weights_find(weights, "vocabulary") != NULL;
}

/* Only word times need the list: one that cannot be used is told, and the shape's heads are taken.
 */
static void read_heads(att_asr_model *model, const char *folder)
{
    att_err err;
    if (att_whisper_read_heads(model->whisper, folder, &err))
        att_log_write(model->log, ATT_LOG_WARNING, "%s; the usual ones for this size are used",
                      err.text);
}

static att_status open_all(att_asr_model *m, att_device *device, att_weights *weights,
                           const char *path, att_precision precision, att_err *err)
{
    char *folder = folder_of(att_weights_path(weights));
    if (!folder) return att_fail(err, ATT_E_MEMORY, "open %s: out of memory", path);
    att_status status = is_whole(weights)
                            ? att_whisper_tokens_from_weights(&m->tokens, weights, err)
                            : att_whisper_tokens_open(&m->tokens, folder, err);
    if (!status) status = att_whisper_open(&m->whisper, device, weights, precision, err);
    if (!status) status = check_vocabulary(m, path, err);
    if (!status) status = atti_asr_check_config(att_whisper_get_config(m->whisper), path, err);
    if (!status && !is_whole(weights))
        status = att_whisper_config_check_folder(att_whisper_get_config(m->whisper), folder, err);
    if (!status && !is_whole(weights)) read_heads(m, folder);
    att_free(folder);
    return status;
}

att_status att_asr_model_open(att_asr_model **out, att_device *device, const char *path,
                              att_precision precision, att_err *err)
{
    *out = NULL;
    att_asr_model *m = att_calloc(1, sizeof *m);
    if (!m) return att_fail(err, ATT_E_MEMORY, "open %s: out of memory", path);
    att_weights *weights = NULL;
    m->log = att_device_log(device);
    att_status status = att_weights_open(&weights, path, err);
    if (!status) status = open_all(m, device, weights, path, precision, err);
    att_weights_close(weights);
    if (status)
        att_asr_model_close(m);
    else
        *out = m;
    return status;
}

void att_asr_model_close(att_asr_model *m)
{
    if (!m) return;
    att_whisper_close(m->whisper);
    att_whisper_tokens_close(m->tokens);
    att_free(m);
}

att_precision att_asr_model_precision(const att_asr_model *m)
{
    return att_whisper_precision(m->whisper);
}

int att_asr_model_multilingual(const att_asr_model *m)
{
    return m->tokens->multilingual;
}

const char *att_asr_model_language(const att_asr_model *m, const char *code_or_name)
{
    const int32_t id = att_whisper_tokens_language_id(m->tokens, code_or_name);
    return id < 0 ? NULL : att_whisper_tokens_language_code(m->tokens, id);
}
