/* text_json.h - a tokenizer.json while it is read: its parts into an att_text_vocabulary.
 * text_tokenizer_json.c reads files and vocabularies, text_json_parts.c what is around them. */
#ifndef ATTI_TEXT_JSON_H
#define ATTI_TEXT_JSON_H

#include <cjson/cJSON.h>

#include "text_tokenizer.h"

typedef struct atti_text_json {
    const char *name; /* of the file, for messages */
    att_text_vocabulary v;
    const char **pieces; /* [room], in the JSON; NULL where no token is */
    uint32_t *piece_bytes;
    double *scores;
    int32_t *types;
    int32_t room;
    int32_t (*merges)[2];
    const char *splits[ATT_TEXT_MAX_SPLITS];
    int byte_level, byte_fallback, blanks_replaced;
    att_err *err;
} atti_text_json;

/* "tokenizer of NAME: ..." as ATT_E_MODEL. */
att_status atti_text_json_refuse(const atti_text_json *j, const char *format, ...) ATT_PRINTF(2, 3);

/* Bounded before it is parsed: bytes, nesting, NUL. The caller deletes *root, also on failure. */
att_status atti_text_json_parse(const char *name, const char *bytes, size_t n_bytes, cJSON **root,
                                att_err *err);

/* normalizer, pre_tokenizer: into normal, add_space_prefix, splits and what is in *j. */
att_status atti_text_json_normalizer(atti_text_json *j, const cJSON *part);
att_status atti_text_json_pre_tokenizer(atti_text_json *j, const cJSON *part);
/* post_processor: add_bos and add_eos, where it puts one special token before or behind. */
att_status atti_text_json_post_processor(atti_text_json *j, const cJSON *part);
/* tokenizer_config.json: bos, eos, and add_bos where it has that; root may be NULL. */
att_status atti_text_json_config(atti_text_json *j, const cJSON *root);

/* Member `key` where it is not null; NULL. */
const cJSON *atti_text_json_get(const cJSON *object, const char *key);
int atti_text_json_flag(const cJSON *object, const char *key, int otherwise);
const char *atti_text_json_text(const cJSON *object, const char *key);   /* or NULL */
int32_t atti_text_json_piece(const atti_text_json *j, const char *text); /* slow; or -1 */

#endif /* ATTI_TEXT_JSON_H */
