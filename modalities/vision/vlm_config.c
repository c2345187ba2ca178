/* vlm_config.c - config.json and preprocessor_config.json (vlm_config.h). Defaults are those of
 * transformers' configuration and image processor classes, and of nanoVLM's models/config.py.
 * Tests: tests/unit/test_vlm_config.c, tests/fuzz/fuzz_vlm_config.c */
#define _DEFAULT_SOURCE
#include "vlm_config.h"

#include <float.h>
#include <cjson/cJSON.h>
#include <string.h>
#include <unistd.h>

#include "filemap.h"
#include "mem.h"

enum { MAX_FILE_BYTES = 4 << 20, MAX_NUMBER = 1 << 20 };

/* What reads a file's JSON: the first thing that is wrong is told at the end. */
typedef struct reader {
    const char *name; /* of the file */
    att_status status;
    att_err *err;
} reader;

const char *att_vlm_family_name(att_vlm_family family)
{
    static const char *const NAMES[] = {"nanoVLM", "Idefics3", "LLaVA", "LLaVA-NeXT"};
    return family < ATT_N_VLM_FAMILIES ? NAMES[family] : "?";
}

int32_t att_vlm_tile(const att_vlm_config *c)
{
    return c->vit.side * c->vit.patch;
}

int32_t att_vlm_tokens_a_tile(const att_vlm_config *c)
{
    return att_vit_patches(&c->vit) / (c->shuffle * c->shuffle);
}

static const cJSON *item_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNull(item) ? NULL : item;
}

/* A whole number from low to MAX_NUMBER, or what it is without one. */
static int32_t number_of(reader *r, const cJSON *object, const char *key, int32_t low,
                         int32_t absent)
{
    const cJSON *item = item_of(object, key);
    if (!item) return absent;
    const double x = cJSON_IsNumber(item) ? item->valuedouble : 0.5;
    if (x == (double)(int32_t)(x < -MAX_NUMBER || x > MAX_NUMBER ? 0.0 : x) && x >= low)
        return (int32_t)x;
    if (!r->status)
        r->status = att_fail(r->err, ATT_E_MODEL, "read %s: %s is no whole number from %d to %d",
                             r->name, key, low, MAX_NUMBER);
    return absent;
}

static const char *text_of(const cJSON *object, const char *key, const char *absent)
{
    const cJSON *item = item_of(object, key);
    return cJSON_IsString(item) ? item->valuestring : absent;
}

/* A key that must be a certain number. */
static void expect(reader *r, const cJSON *object, const char *key, int32_t value, const char *why)
{
    const int32_t found = number_of(r, object, key, 0, value);
    if (found == value || r->status) return;
    r->status = att_fail(r->err, ATT_E_MODEL, "read %s: %s is %d, expected %d (%s)", r->name, key,
                         found, value, why);
}

static att_ffn_kind ffn_of(reader *r, const cJSON *object, const char *absent)
{
    static const struct {
        const char *name;
        att_ffn_kind ffn;
    } KINDS[] = {{"gelu", ATT_FFN_GELU_ERF},
                 {"gelu_pytorch_tanh", ATT_FFN_GELU_TANH},
                 {"gelu_new", ATT_FFN_GELU_TANH},
                 {"quick_gelu", ATT_FFN_GELU_QUICK},
                 {"relu", ATT_FFN_RELU}};
    const char *name = text_of(object, "hidden_act", absent);
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (strcmp(name, KINDS[i].name) == 0) return KINDS[i].ffn;
    if (!r->status)
        r->status = att_fail(r->err, ATT_E_UNSUPPORTED,
                             "read %s: hidden_act \"%.40s\" is not built", r->name, name);
    return ATT_FFN_GELU_ERF;
}

static float eps_of(reader *r, const cJSON *object, const char *key, double absent)
{
    const cJSON *item = item_of(object, key);
    const double x = cJSON_IsNumber(item) ? item->valuedouble : item ? -1.0 : absent;
    if (!(x >= FLT_MIN && x < 1.0) && !r->status)
        r->status =
            att_fail(r->err, ATT_E_MODEL, "read %s: %s is not between 0 and 1", r->name, key);
    return (float)x;
}

static void read_nano(reader *r, const cJSON *root, att_vlm_config *c)
{
    static const char WHY[] = "as in the weights";
    const cJSON *cls = item_of(root, "vit_cls_flag");
    expect(r, root, "vit_hidden_dim", c->vit.width, WHY);
    expect(r, root, "vit_inter_dim", c->vit.ffn_width, WHY);
    expect(r, root, "vit_patch_size", c->vit.patch, WHY);
    expect(r, root, "vit_img_size", att_vlm_tile(c), WHY);
    expect(r, root, "vit_n_blocks", c->vit.layers, WHY);
    c->vit.heads = number_of(r, root, "vit_n_heads", 1, 12);
    c->vit.eps = eps_of(r, root, "vit_ln_eps", 1e-6);
    c->vit.ffn = ATT_FFN_GELU_TANH;
    c->shuffle = number_of(r, root, "mp_pixel_shuffle_factor", 1, 2);
    c->fit = ATT_VLM_STRETCH;
    c->filter = ATT_FILTER_BILINEAR;
    c->norm = att_image_norm_none();
    if (r->status) return;
    if (cJSON_IsTrue(cls))
        r->status = att_fail(r->err, ATT_E_UNSUPPORTED,
                             "read %s: vit_cls_flag is true: an encoder that gives its class token "
                             "alone is not built",
                             r->name);
    else if (item_of(root, "max_img_size"))
        r->status =
            att_fail(r->err, ATT_E_UNSUPPORTED,
                     "read %s: max_img_size: tiles of nanoVLM after 0.2 are not built", r->name);
}

static void read_idefics3(reader *r, const cJSON *root, att_vlm_config *c)
{
    const cJSON *vision = item_of(root, "vision_config");
    c->vit.heads = number_of(r, vision, "num_attention_heads", 1, 16);
    expect(r, vision, "image_size", att_vlm_tile(c), "as positions and patches make it");
    c->vit.ffn = ffn_of(r, vision, "gelu_pytorch_tanh");
    c->vit.eps = eps_of(r, vision, "layer_norm_eps", 1e-6);
    c->shuffle = number_of(r, root, "scale_factor", 1, 2);
    c->fit = ATT_VLM_GRID;
    c->filter = ATT_FILTER_LANCZOS;
    c->norm = att_image_norm_half();
    c->longest_edge = 4 * att_vlm_tile(c);
    c->split = 1;
}

/* The output of how many layers is taken: of the list of hidden states, which begins with the
 * embeddings. */
static void read_feature_layer(reader *r, const cJSON *root, att_vlm_config *c)
{
    const cJSON *item = item_of(root, "vision_feature_layer");
    const int32_t layers = c->vit.layers;
    const int32_t at = cJSON_IsArray(item)
                           ? MAX_NUMBER
                           : number_of(r, root, "vision_feature_layer", -MAX_NUMBER, -2);
    const int32_t run = at < 0 ? layers + 1 + at : at;
    if (r->status) return;
    if (cJSON_IsArray(item))
        r->status =
            att_fail(r->err, ATT_E_UNSUPPORTED,
                     "read %s: vision_feature_layer is a list, which is not built", r->name);
    else if (run < 0 || run > layers)
        r->status = att_fail(r->err, ATT_E_MODEL,
                             "read %s: vision_feature_layer is %d, the encoder has %d layers",
                             r->name, at, layers);
    else
        c->vit.layers = run;
}

/* [[height, width], ...], as transformers writes them. */
static void read_canvases(reader *r, const cJSON *list, att_vlm_config *c)
{
    const int n = cJSON_GetArraySize(list);
    int bad = n < 1 || n > ATT_VLM_MAX_CANVASES;
    for (int i = 0; !bad && i < n; i++) {
        const cJSON *pair = cJSON_GetArrayItem(list, i);
        const cJSON *h = cJSON_GetArrayItem(pair, 0), *w = cJSON_GetArrayItem(pair, 1);
        const int32_t tile = att_vlm_tile(c);
        bad = !cJSON_IsNumber(h) || !cJSON_IsNumber(w) || h->valueint < tile ||
              w->valueint < tile || h->valueint > MAX_NUMBER || w->valueint > MAX_NUMBER ||
              h->valueint % tile || w->valueint % tile;
        if (!bad) c->canvases[i] = (att_size){w->valueint, h->valueint};
    }
    if (!bad)
        c->n_canvases = (size_t)n;
    else if (!r->status)
        r->status =
            att_fail(r->err, ATT_E_MODEL,
                     "read %s: image_grid_pinpoints is no list of 1 to %d heights and widths "
                     "of whole tiles of %d",
                     r->name, ATT_VLM_MAX_CANVASES, att_vlm_tile(c));
}

static void default_canvases(att_vlm_config *c)
{
    static const att_size TILES[] = {{2, 1}, {1, 2}, {2, 2}, {1, 3}, {3, 1}};
    const int32_t tile = att_vlm_tile(c);
    c->n_canvases = sizeof TILES / sizeof *TILES;
    for (size_t i = 0; i < c->n_canvases; i++)
        c->canvases[i] = (att_size){TILES[i].width * tile, TILES[i].height * tile};
}

static void read_llava(reader *r, const cJSON *root, int next, att_vlm_config *c)
{
    const cJSON *vision = item_of(root, "vision_config");
    const cJSON *canvases = item_of(root, "image_grid_pinpoints");
    const char *type = text_of(vision, "model_type", "clip_vision_model");
    const char *strategy = text_of(root, "vision_feature_select_strategy", "default");
    const char *act = text_of(root, "projector_hidden_act", "gelu");
    c->vit.heads = number_of(r, vision, "num_attention_heads", 1, vision ? 12 : 16);
    expect(r, vision, "image_size", att_vlm_tile(c), "as positions and patches make it");
    c->vit.ffn = ffn_of(r, vision, "quick_gelu");
    c->vit.eps = eps_of(r, vision, "layer_norm_eps", 1e-5);
    c->vit.last_norm = 0; /* hidden states are taken before it */
    read_feature_layer(r, root, c);
    c->shuffle = 1;
    c->act = ATT_ACT_GELU_ERF;
    c->fit = next ? ATT_VLM_ANYRES : ATT_VLM_PAD;
    c->filter = ATT_FILTER_BICUBIC;
    c->norm = att_image_norm_clip();
    default_canvases(c);
    if (next && canvases) read_canvases(r, canvases, c);
    if (!r->status && (strcmp(type, "clip_vision_model") != 0 || !c->vit.class_token))
        r->status = att_fail(r->err, ATT_E_UNSUPPORTED,
                             "read %s: a vision model of type \"%.40s\"%s is not built", r->name,
                             type, c->vit.class_token ? "" : " without a class token");
    if (!r->status && (strcmp(strategy, "default") != 0 || strcmp(act, "gelu") != 0))
        r->status = att_fail(r->err, ATT_E_UNSUPPORTED,
                             "read %s: vision_feature_select_strategy \"%.40s\" with "
                             "projector_hidden_act \"%.40s\" is not built; default with gelu is",
                             r->name, strategy, act);
}

/* The object that the bytes are, or NULL with an error. */
static cJSON *parse(reader *r, const void *bytes, size_t n)
{
    const char *end = NULL;
    if (n > MAX_FILE_BYTES) {
        r->status = att_fail(r->err, ATT_E_MODEL, "read %s: %zu bytes, at most %d are expected",
                             r->name, n, MAX_FILE_BYTES);
        return NULL;
    }
    cJSON *root = cJSON_ParseWithLengthOpts(bytes ? bytes : "", n, &end, 0);
    if (cJSON_IsObject(root)) return root;
    cJSON_Delete(root);
    r->status = att_fail(r->err, ATT_E_MODEL, "read %s: it is no JSON object at byte %zu", r->name,
                         end && bytes ? (size_t)(end - (const char *)bytes) : (size_t)0);
    return NULL;
}

att_status att_vlm_config_json(att_vlm_config *c, const char *name, const void *bytes, size_t n,
                               att_err *err)
{
    reader r = {name, ATT_OK, err};
    cJSON *root = parse(&r, bytes, n);
    if (!root) return r.status;
    const char *type = text_of(root, "model_type", "");
    const int next = strcmp(type, "llava_next") == 0;
    c->rule = ATT_RESIZE_PILLOW;
    if (!*type && item_of(root, "vit_hidden_dim")) {
        c->family = ATT_VLM_NANOVLM;
        read_nano(&r, root, c);
    } else if (strcmp(type, "idefics3") == 0 || strcmp(type, "smolvlm") == 0) {
        c->family = ATT_VLM_IDEFICS3;
        read_idefics3(&r, root, c);
    } else if (next || strcmp(type, "llava") == 0) {
        c->family = next ? ATT_VLM_LLAVA_NEXT : ATT_VLM_LLAVA;
        read_llava(&r, root, next, c);
    } else {
        r.status = att_fail(err, ATT_E_MODEL,
                            "read %s: model_type \"%.40s\" is no vision-language model that is "
                            "built: nanoVLM, idefics3, smolvlm, llava, llava_next",
                            name, type);
    }
    cJSON_Delete(root);
    if (!r.status && (c->vit.side % c->shuffle || c->vit.width % c->vit.heads))
        r.status =
            att_fail(err, ATT_E_MODEL,
                     "read %s: %d patches a side in squares of %d, a width of %d in %d heads", name,
                     c->vit.side, c->shuffle, c->vit.width, c->vit.heads);
    return r.status;
}

static void read_norm(reader *r, const cJSON *root, const char *key, float values[3])
{
    const cJSON *list = item_of(root, key);
    for (int i = 0; list && i < 3; i++) {
        const cJSON *x = cJSON_GetArrayItem(list, i);
        const double v = cJSON_IsNumber(x) ? x->valuedouble : -1.0;
        if (v >= 0.0 && v <= 1.0)
            values[i] = (float)v;
        else if (!r->status)
            r->status = att_fail(r->err, ATT_E_MODEL, "read %s: %s is no list of three parts of 1",
                                 r->name, key);
    }
}

static void read_filter(reader *r, const cJSON *root, att_vlm_config *c)
{
    static const att_filter FILTERS[] = {/* Pillow's numbers */
                                         ATT_FILTER_NEAREST, ATT_FILTER_LANCZOS,
                                         ATT_FILTER_BILINEAR, ATT_FILTER_BICUBIC, ATT_FILTER_BOX};
    const cJSON *item = item_of(root, "resample");
    const int32_t n = sizeof FILTERS / sizeof *FILTERS;
    if (!item) return;
    const int32_t at = number_of(r, root, "resample", 0, n);
    if (at < n)
        c->filter = FILTERS[at];
    else if (!r->status)
        r->status = att_fail(r->err, ATT_E_UNSUPPORTED, "read %s: resample %d is no known filter",
                             r->name, at);
}

att_status att_vlm_config_preprocessor(att_vlm_config *c, const char *name, const void *bytes,
                                       size_t n, att_err *err)
{
    reader r = {name, ATT_OK, err};
    cJSON *root = parse(&r, bytes, n);
    if (!root) return r.status;
    if (c->family != ATT_VLM_NANOVLM) {
        const cJSON *canvases = item_of(root, "image_grid_pinpoints");
        read_norm(&r, root, "image_mean", c->norm.mean);
        read_norm(&r, root, "image_std", c->norm.std);
        read_filter(&r, root, c);
        for (int i = 0; i < 3 && !r.status; i++)
            if (!(c->norm.std[i] > 0.0f))
                r.status = att_fail(err, ATT_E_MODEL, "read %s: image_std has a 0", name);
        if (c->fit == ATT_VLM_ANYRES && canvases) read_canvases(&r, canvases, c);
    }
    if (c->fit == ATT_VLM_GRID) {
        const cJSON *size = item_of(root, "size");
        c->longest_edge = number_of(&r, size, "longest_edge", 1, c->longest_edge);
        expect(&r, item_of(root, "max_image_size"), "longest_edge", att_vlm_tile(c),
               "the edge of a tile");
        if (cJSON_IsFalse(item_of(root, "do_image_splitting"))) c->split = 0;
    }
    cJSON_Delete(root);
    return r.status;
}

typedef att_status reading(att_vlm_config *c, const char *name, const void *bytes, size_t n,
                           att_err *err);

/* A file of the folder; *found: whether there is one. */
static att_status read_file(att_vlm_config *c, const char *folder, const char *file, reading *read,
                            int *found, att_err *err)
{
    att_filemap map;
    att_status status = ATT_OK;
    char *path = att_sprintf("%s/%s", folder, file);
    if (!path) return att_fail(err, ATT_E_MEMORY, "read %s: out of memory", folder);
    *found = access(path, F_OK) == 0;
    if (*found) status = att_filemap_open(&map, path, err);
    if (*found && !status) {
        status = read(c, path, map.bytes, map.n_bytes, err);
        att_filemap_close(&map);
    }
    att_free(path);
    return status;
}

att_status att_vlm_config_read(att_vlm_config *c, att_weights *weights, const char *folder,
                               att_err *err)
{
    int found = 0, more;
    memset(c, 0, sizeof *c);
    c->shuffle = 1;
    att_status status = att_vit_read_config(&c->vit, weights, err);
    if (!status && folder)
        status = read_file(c, folder, "config.json", att_vlm_config_json, &found, err);
    if (!status && found)
        return read_file(c, folder, "preprocessor_config.json", att_vlm_config_preprocessor, &more,
                         err);
    if (!status && strcmp(att_weights_format(weights), "gguf") == 0)
        return att_vlm_config_gguf(c, weights, err);
    if (status) return status;
    return att_fail(err, ATT_E_MODEL,
                    "read the configuration of %s: it is no GGUF file and has no config.json "
                    "beside it",
                    att_weights_path(weights));
}
