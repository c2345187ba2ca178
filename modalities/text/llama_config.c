/* llama_config.c - llama_config.h: GGUF's keys, Hugging Face's config.json, nanoVLM's. */
#include "llama_config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

enum { MAX_WIDTH = 65536, MAX_LAYERS = 1024, MAX_CONTEXT = 1 << 24 };

/* Where numbers come from: of a JSON object the members, else of a GGUF file the keys behind its
 * architecture's name. */
typedef struct source {
    const char *name; /* for messages */
    const att_weights *weights;
    const char *architecture;
    const cJSON *json;
    const char *missing; /* the first that was demanded and is not there */
} source;

/* A number, or what stands for it where there is none. */
static double number_or(const source *s, const char *key, double otherwise)
{
    double x = otherwise;
    if (s->json) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(s->json, key);
        if (cJSON_IsNumber(item)) return item->valuedouble;
        if (cJSON_IsBool(item)) return cJSON_IsTrue(item);
        return otherwise;
    }
    char full[128];
    snprintf(full, sizeof full, "%s.%s", s->architecture, key);
    att_weights_number(s->weights, full, &x);
    return x;
}

static double number_of(source *s, const char *key)
{
    const double x = number_or(s, key, NAN);
    if (isnan(x) && !s->missing) s->missing = key;
    return x;
}

static int32_t whole_or(const source *s, const char *key, int32_t otherwise)
{
    const double x = number_or(s, key, otherwise);
    return x >= 0 && x <= INT32_MAX ? (int32_t)x : -1;
}

static int32_t whole_of(source *s, const char *key)
{
    const double x = number_of(s, key);
    return x >= 0 && x <= INT32_MAX ? (int32_t)x : -1;
}

static att_status fail_missing(const source *s, att_err *err)
{
    return att_fail(err, ATT_E_MODEL, "open %s: it does not say '%s', which a language model needs",
                    s->name, s->missing);
}

att_status att_llama_config_check(const att_llama_config *c, const char *name, att_err *err)
{
    if (c->width < 1 || c->width > MAX_WIDTH || c->layers < 1 || c->layers > MAX_LAYERS ||
        c->heads < 1 || c->heads > MAX_WIDTH || c->kv_heads < 1 || c->heads % c->kv_heads ||
        c->head_width < 2 || c->head_width > MAX_WIDTH || c->ffn_width < 1 ||
        c->ffn_width > MAX_WIDTH * 8)
        return att_fail(err, ATT_E_MODEL,
                        "open %s: width %d, %d layers, %d heads of %d over %d of keys, %d inside: "
                        "no language model has these sizes",
                        name, c->width, c->layers, c->heads, c->head_width, c->kv_heads,
                        c->ffn_width);
    if (c->context < 1 || c->context > MAX_CONTEXT || c->window < 0 || !(c->norm_eps >= 0) ||
        c->norm_eps > 1)
        return att_fail(err, ATT_E_MODEL,
                        "open %s: a context of %d tokens, a window of %d or an epsilon of %g makes "
                        "no sense",
                        name, c->context, c->window, (double)c->norm_eps);
    return att_rope_check(&c->rope, c->head_width, err);
}

/* ---- GGUF ---- */

/* Scaling "none" and "linear" are numbers; Llama 3.1's is an array of divisors. */
static att_status gguf_scaling(source *s, att_rope_desc *rope, att_err *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s.rope.scaling.type", s->architecture);
    const char *type = att_weights_text(s->weights, key);
    if (!type || strcmp(type, "none") == 0) return ATT_OK;
    if (strcmp(type, "linear") != 0)
        return att_fail(err, ATT_E_MODEL, "open %s: %s is '%s'; this program knows none and linear",
                        s->name, key, type);
    rope->scaling = ATT_ROPE_LINEAR;
    rope->factor = number_of(s, "rope.scaling.factor");
    return ATT_OK;
}

att_status att_llama_config_from_gguf(att_llama_config *c, const att_weights *weights, att_err *err)
{
    source s = {.name = att_weights_path(weights), .weights = weights};
    memset(c, 0, sizeof *c);
    s.architecture = att_weights_text(weights, "general.architecture");
    const int is_llama = s.architecture && strcmp(s.architecture, "llama") == 0;
    if (!is_llama && !(s.architecture && strcmp(s.architecture, "qwen2") == 0))
        return att_fail(err, ATT_E_MODEL,
                        "open %s: its architecture is '%s'; this program runs llama and qwen2",
                        s.name, s.architecture ? s.architecture : "not told");
    c->width = whole_of(&s, "embedding_length");
    c->layers = whole_of(&s, "block_count");
    c->heads = whole_of(&s, "attention.head_count");
    c->kv_heads = whole_or(&s, "attention.head_count_kv", c->heads);
    c->head_width = whole_or(&s, "attention.key_length", c->heads > 0 ? c->width / c->heads : 0);
    c->ffn_width = whole_of(&s, "feed_forward_length");
    c->context = whole_of(&s, "context_length");
    c->window = whole_or(&s, "attention.sliding_window", 0);
    c->norm_eps = (float)number_of(&s, "attention.layer_norm_rms_epsilon");
    /* Files of this architecture hold q and k with their rows paired. */
    c->rope.kind = is_llama ? ATT_ROPE_INTERLEAVED : ATT_ROPE_HALF;
    c->rope.base = number_or(&s, "rope.freq_base", 10000.0);
    c->rope.width = whole_or(&s, "rope.dimension_count", c->head_width);
    const att_status status = gguf_scaling(&s, &c->rope, err);
    if (status) return status;
    if (s.missing) return fail_missing(&s, err);
    return att_llama_config_check(c, s.name, err);
}

/* ---- JSON ---- */

static const char *text_of(const cJSON *json, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
}

/* rope_theta beside the others, or in rope_parameters with all that scales. */
static att_status json_rope(source *s, att_rope_desc *rope, att_err *err)
{
    const cJSON *model = s->json;
    const cJSON *scaling = cJSON_GetObjectItemCaseSensitive(model, "rope_parameters");
    if (!cJSON_IsObject(scaling)) scaling = cJSON_GetObjectItemCaseSensitive(model, "rope_scaling");
    source inside = {.name = s->name, .json = scaling};
    rope->kind = ATT_ROPE_HALF;
    rope->base = number_or(s, "rope_theta", 10000.0);
    if (!cJSON_IsObject(scaling)) return ATT_OK;
    rope->base = number_or(&inside, "rope_theta", rope->base);
    const char *type = text_of(scaling, "rope_type");
    if (!type) type = text_of(scaling, "type");
    if (!type || strcmp(type, "default") == 0) return ATT_OK;
    rope->factor = number_of(&inside, "factor");
    if (strcmp(type, "linear") == 0) {
        rope->scaling = ATT_ROPE_LINEAR;
    } else if (strcmp(type, "llama3") == 0) {
        rope->scaling = ATT_ROPE_BY_PARTS;
        rope->low_turns = number_of(&inside, "low_freq_factor");
        rope->high_turns = number_of(&inside, "high_freq_factor");
        rope->original_context = number_of(&inside, "original_max_position_embeddings");
    } else {
        return att_fail(err, ATT_E_MODEL,
                        "open %s: rope_type is '%s'; this program knows default, linear and llama3",
                        s->name, type);
    }
    if (inside.missing && !s->missing) s->missing = inside.missing;
    return ATT_OK;
}

static att_status from_hugging_face(att_llama_config *c, source *s, att_err *err)
{
    const char *type = text_of(s->json, "model_type");
    const char *act = text_of(s->json, "hidden_act");
    const int is_qwen2 = type && strcmp(type, "qwen2") == 0;
    if (type && !is_qwen2 && strcmp(type, "llama") != 0 && strcmp(type, "mistral") != 0)
        return att_fail(err, ATT_E_MODEL,
                        "open %s: its model_type is '%s'; this program runs llama, mistral and "
                        "qwen2",
                        s->name, type);
    if (act && strcmp(act, "silu") != 0)
        return att_fail(err, ATT_E_MODEL, "open %s: hidden_act is '%s', expected silu", s->name,
                        act);
    c->width = whole_of(s, "hidden_size");
    c->layers = whole_of(s, "num_hidden_layers");
    c->heads = whole_of(s, "num_attention_heads");
    c->kv_heads = whole_or(s, "num_key_value_heads", c->heads);
    c->head_width = whole_or(s, "head_dim", c->heads > 0 ? c->width / c->heads : 0);
    c->ffn_width = whole_of(s, "intermediate_size");
    c->context = whole_or(s, "max_position_embeddings", 2048);
    c->norm_eps = (float)number_or(s, "rms_norm_eps", 1e-6);
    c->tied = whole_or(s, "tie_word_embeddings", 0);
    if (whole_or(s, "use_sliding_window", !is_qwen2)) c->window = whole_or(s, "sliding_window", 0);
    return json_rope(s, &c->rope, err);
}

static void from_nanovlm(att_llama_config *c, source *s)
{
    c->width = whole_of(s, "lm_hidden_dim");
    c->layers = whole_of(s, "lm_n_blocks");
    c->heads = whole_of(s, "lm_n_heads");
    c->kv_heads = whole_of(s, "lm_n_kv_heads");
    c->head_width = c->heads > 0 ? c->width / c->heads : 0;
    c->ffn_width = whole_of(s, "lm_inter_dim");
    c->context = whole_of(s, "lm_max_position_embeddings");
    c->norm_eps = (float)number_of(s, "lm_rms_eps");
    c->tied = whole_or(s, "lm_tie_weights", 0);
    c->rope.kind = ATT_ROPE_HALF;
    c->rope.base = number_of(s, "lm_re_base");
}

att_status att_llama_config_from_json(att_llama_config *c, const char *name, const char *json,
                                      size_t n_bytes, att_err *err)
{
    memset(c, 0, sizeof *c);
    cJSON *root = cJSON_ParseWithLength(json, n_bytes);
    if (!cJSON_IsObject(root)) {
        cJSON_Delete(root);
        return att_fail(err, ATT_E_MODEL, "open %s: it is no JSON object", name);
    }
    source s = {.name = name, .json = root};
    const cJSON *inner = cJSON_GetObjectItemCaseSensitive(root, "text_config");
    if (cJSON_IsObject(inner)) s.json = inner;
    att_status status = ATT_OK;
    if (cJSON_HasObjectItem(root, "lm_hidden_dim"))
        from_nanovlm(c, &s);
    else
        status = from_hugging_face(c, &s, err);
    if (!status && s.missing) status = fail_missing(&s, err);
    if (!status) status = att_llama_config_check(c, name, err);
    cJSON_Delete(root);
    return status;
}
