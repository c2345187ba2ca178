/* vlm.c - vision-language models opened and closed (vlm.h). */
#include "vlm.h"

#include <string.h>

#include <cjson/cJSON.h>

#include "filemap.h"
#include "mem.h"

static const char NANOVLM_PROMPT[] = "Question: %s Answer:"; /* of version 0.1 */

/* "prompt" of config.json, which must have one place for the question; nanoVLM's otherwise. */
static att_status read_prompt(att_vlm *vlm, const char *folder, att_err *err)
{
    att_filemap map = {0};
    att_err ignored;
    char *path = folder ? att_sprintf("%s/config.json", folder) : NULL;
    cJSON *json = NULL;
    if (path && !att_filemap_open(&map, path, &ignored))
        json = cJSON_ParseWithLength((const char *)map.bytes, map.n_bytes);
    const char *told = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "prompt"));
    att_status status = ATT_OK;
    if (told && !strstr(told, "%s"))
        status = att_fail(err, ATT_E_MODEL, "open %s: 'prompt' has no %%s for the question", path);
    vlm->prompt = att_strdup(told && !status ? told : NANOVLM_PROMPT);
    if (!status && !vlm->prompt) status = att_fail(err, ATT_E_MEMORY, "open model: out of memory");
    cJSON_Delete(json);
    att_filemap_close(&map);
    att_free(path);
    return status;
}

static att_status open_vision(att_vlm *vlm, att_device *device, const char *path, int is_folder,
                              att_precision precision, att_err *err)
{
    att_weights *weights = NULL;
    att_queue *queue = NULL;
    att_status status = att_weights_open(&weights, path, err);
    if (!status) status = att_queue_create(&queue, device, err);
    if (!status)
        status = att_vlm_vision_open(&vlm->vision, queue, weights, is_folder ? path : NULL,
                                     precision, err);
    att_queue_destroy(queue);
    att_weights_close(weights);
    return status;
}

/* Rows of a picture must be as wide as tokens. */
static att_status check_widths(const att_vlm *vlm, const char *path, att_err *err)
{
    const int32_t width = att_llama_get_config(vlm->language->llama)->width;
    if (att_vlm_vision_width(vlm->vision) == width) return ATT_OK;
    return att_fail(err, ATT_E_MODEL,
                    "open %s: pictures become rows of %d numbers, the language model's are of %d: "
                    "the files belong to different models",
                    path, att_vlm_vision_width(vlm->vision), width);
}

att_status att_vlm_open(att_vlm **out, att_device *device, const char *path, const char *mmproj,
                        att_precision precision, const char *chat, att_err *err)
{
    att_err why = {0};
    *out = NULL;
    att_vlm *vlm = att_calloc(1, sizeof *vlm);
    if (!vlm) return att_fail(err, ATT_E_MEMORY, "open model: out of memory");
    att_status status = open_vision(vlm, device, mmproj ? mmproj : path, !mmproj, precision, err);
    const att_vlm_family family =
        status ? ATT_VLM_NANOVLM : att_vlm_vision_config(vlm->vision)->family;
    const int is_llava = family == ATT_VLM_LLAVA || family == ATT_VLM_LLAVA_NEXT;
    if (!status)
        status = att_language_open(&vlm->language, device, path, precision, chat, &why, err);
    if (!status && !vlm->language->chat && is_llava) /* as its authors ask it */
        status = att_chat_template_named(&vlm->language->chat, "vicuna-v1.1", NULL, err);
    if (!status && !vlm->language->chat && family != ATT_VLM_NANOVLM) {
        if (err) *err = why;
        status = why.status;
    }
    if (!status) status = check_widths(vlm, path, err);
    if (!status) status = read_prompt(vlm, mmproj ? NULL : path, err);
    if (status)
        att_vlm_close(vlm);
    else
        *out = vlm;
    return status;
}

void att_vlm_close(att_vlm *vlm)
{
    if (!vlm) return;
    att_vlm_vision_destroy(vlm->vision);
    att_language_close(vlm->language);
    att_free(vlm->prompt);
    att_free(vlm);
}

const char *const *att_vlm_stops(const att_vlm *vlm, size_t *n)
{
    *n = 0;
    return vlm->language->chat ? att_chat_template_stops(vlm->language->chat, n) : NULL;
}
