/* prune_report.c - work by formula, the table and its JSON (prune_report.h).
 * Tests: tests/unit/test_prune_report.c */
#include "prune_report.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

double att_linear_flops(int32_t n, int32_t k, int32_t m)
{
    return 2.0 * n * k * m;
}

double att_layer_flops(const att_layer_sizes *s, int32_t n_q, int32_t n_k, int causal)
{
    const double old = (double)(n_k - n_q) * n_q;
    const double pairs = old + (causal ? 0.5 * n_q * (n_q + 1.0) : (double)n_q * n_q);
    return att_linear_flops(n_q, s->width, s->q_width + 2 * s->kv_width) +
           att_linear_flops(n_q, s->q_width, s->width) + 2.0 * 2.0 * pairs * s->q_width +
           (s->gated ? 3.0 : 2.0) * att_linear_flops(n_q, s->width, s->ffn_width);
}

int64_t att_cache_bytes(const att_layer_sizes *s, int32_t n, int32_t bytes_each)
{
    return (int64_t)2 * n * s->kv_width * bytes_each;
}

att_prune_report att_prune_report_empty(void)
{
    static const att_prune_cost UNKNOWN = {{-1.0, -1.0}, {-1.0, -1.0}};
    return (att_prune_report){.vision = UNKNOWN,
                              .prefill = UNKNOWN,
                              .decode = UNKNOWN,
                              .choosing_seconds = -1.0,
                              .cache_bytes = {-1, -1}};
}

static int known(double x)
{
    return isfinite(x) && x >= 0.0;
}

/* ---- text ---- */

/* A number in a column of 12, in units of 1 / scale. */
static void cell(FILE *file, double x, double scale)
{
    if (known(x))
        fprintf(file, "%12.2f", x * scale);
    else
        fprintf(file, "%12s", "-");
}

/* Without, with, and how many times less. */
static void cells(FILE *file, const double x[2], double scale)
{
    cell(file, x[0], scale);
    cell(file, x[1], scale);
    if (known(x[0]) && known(x[1]) && x[1] > 0.0)
        fprintf(file, "%8.2fx", x[0] / x[1]);
    else
        fprintf(file, "%9s", "-");
}

static void cost_line(FILE *file, const char *name, const att_prune_cost *cost)
{
    fprintf(file, "%-10s", name);
    cells(file, cost->seconds, 1e3);
    cells(file, cost->flops, 1e-9);
    fputc('\n', file);
}

static const char *said(const char *text)
{
    return text ? text : "none";
}

static int same(const att_prune_layer *a, const att_prune_layer *b)
{
    return a->tokens == b->tokens && a->n_heads == b->n_heads && !known(a->sink_mass[0]) &&
           !known(b->sink_mass[0]) && !a->n_heads;
}

static void layer_line(FILE *file, const char *part, int32_t first, int32_t last,
                       const att_prune_layer *layer)
{
    char name[48];
    if (first == last)
        snprintf(name, sizeof name, "%s %d", part, first);
    else
        snprintf(name, sizeof name, "%s %d-%d", part, first, last);
    fprintf(file, "%-16s%8d", name, layer->tokens);
    cell(file, layer->sink_mass[0], 100.0);
    cell(file, layer->sink_mass[1], 100.0);
    for (int32_t h = 0; h < layer->n_heads; h++)
        fprintf(file, "%s%d", h ? "," : "   ", layer->heads[h]);
    fputc('\n', file);
}

/* Layers that say the same are one line. */
static void layer_lines(FILE *file, const char *part, const att_prune_layer *layers, int32_t n)
{
    for (int32_t first = 0, next; first < n; first = next) {
        for (next = first + 1; next < n && same(&layers[first], &layers[next]);) next++;
        layer_line(file, part, first, next - 1, &layers[first]);
    }
}

static att_status written(FILE *file, att_err *err)
{
    if (!ferror(file)) return ATT_OK;
    return att_fail(err, ATT_E_IO, "write report: the file takes no more");
}

att_status att_prune_report_text(const att_prune_report *r, FILE *file, att_err *err)
{
    const double bytes[2] = {(double)r->cache_bytes[0], (double)r->cache_bytes[1]};
    fprintf(file, "pruning %s at %s, positions %s, redistribution %s\n", said(r->policy),
            said(r->place), said(r->positions), said(r->redistribution));
    fprintf(file, "visual tokens %d of %d", r->kept, r->tokens);
    if (r->tokens > 0) fprintf(file, " (%.1f %%)", 100.0 * r->kept / r->tokens);
    fprintf(file, ", text %d, answer %d\n\n", r->text_tokens, r->answer_tokens);
    fprintf(file, "%-10s%12s%12s%9s%12s%12s%9s\n", "", "all, ms", "pruned, ms", "", "all, GF",
            "pruned, GF", "");
    cost_line(file, "vision", &r->vision);
    cost_line(file, "prefill", &r->prefill);
    cost_line(file, "decode", &r->decode);
    fprintf(file, "%-10s%12s", "choosing", "");
    cell(file, r->choosing_seconds, 1e3);
    fprintf(file, "\n%-10s", "cache, MB");
    cells(file, bytes, 1e-6);
    if (r->n_vit_layers + r->n_llm_layers > 0)
        fprintf(file, "\n\n%-16s%8s%12s%12s   heads\n", "layer", "tokens", "sinks, %", "after, %");
    layer_lines(file, "vision", r->vit_layers, r->n_vit_layers);
    layer_lines(file, "language", r->llm_layers, r->n_llm_layers);
    if (r->n_vit_layers + r->n_llm_layers == 0) fputc('\n', file);
    return written(file, err);
}

/* ---- JSON ---- */

static cJSON *number_or_null(double x)
{
    return known(x) ? cJSON_CreateNumber(x) : cJSON_CreateNull();
}

static int add_pair(cJSON *object, const char *name, const double x[2])
{
    cJSON *pair = cJSON_AddArrayToObject(object, name);
    return pair && cJSON_AddItemToArray(pair, number_or_null(x[0])) &&
           cJSON_AddItemToArray(pair, number_or_null(x[1]));
}

static int add_text(cJSON *object, const char *name, const char *text)
{
    return (text ? cJSON_AddStringToObject(object, name, text)
                 : cJSON_AddNullToObject(object, name)) != NULL;
}

static int add_cost(cJSON *object, const char *name, const att_prune_cost *cost)
{
    cJSON *item = cJSON_AddObjectToObject(object, name);
    return item && add_pair(item, "seconds", cost->seconds) && add_pair(item, "flops", cost->flops);
}

static int add_numbers(cJSON *object, const char *name, const int32_t *x, int32_t n)
{
    if (!x && n) return cJSON_AddNullToObject(object, name) != NULL;
    cJSON *list = cJSON_CreateIntArray(x ? x : &n, x ? n : 0);
    return list && cJSON_AddItemToObject(object, name, list);
}

static int add_layers(cJSON *object, const char *name, const att_prune_layer *layers, int32_t n)
{
    cJSON *list = cJSON_AddArrayToObject(object, name);
    int good = list != NULL;
    for (int32_t i = 0; good && i < n; i++) {
        cJSON *item = cJSON_CreateObject();
        good = item && cJSON_AddItemToArray(list, item) &&
               cJSON_AddNumberToObject(item, "tokens", layers[i].tokens) &&
               add_numbers(item, "positions", layers[i].positions, layers[i].tokens) &&
               add_pair(item, "sink_mass", layers[i].sink_mass) &&
               add_numbers(item, "heads", layers[i].heads, layers[i].n_heads);
    }
    return good;
}

static int add_all(cJSON *object, const att_prune_report *r)
{
    const double bytes[2] = {(double)r->cache_bytes[0], (double)r->cache_bytes[1]};
    return add_text(object, "policy", r->policy) && add_text(object, "place", r->place) &&
           add_text(object, "positions", r->positions) &&
           add_text(object, "redistribution", r->redistribution) &&
           cJSON_AddNumberToObject(object, "tokens", r->tokens) &&
           cJSON_AddNumberToObject(object, "kept", r->kept) &&
           cJSON_AddNumberToObject(object, "text_tokens", r->text_tokens) &&
           cJSON_AddNumberToObject(object, "answer_tokens", r->answer_tokens) &&
           add_cost(object, "vision", &r->vision) && add_cost(object, "prefill", &r->prefill) &&
           add_cost(object, "decode", &r->decode) &&
           cJSON_AddItemToObject(object, "choosing_seconds", number_or_null(r->choosing_seconds)) &&
           add_pair(object, "cache_bytes", bytes) &&
           add_layers(object, "vit_layers", r->vit_layers, r->n_vit_layers) &&
           add_layers(object, "llm_layers", r->llm_layers, r->n_llm_layers);
}

att_status att_prune_report_json(const att_prune_report *report, FILE *file, att_err *err)
{
    cJSON *object = cJSON_CreateObject();
    char *text = object && add_all(object, report) ? cJSON_PrintUnformatted(object) : NULL;
    if (text) fprintf(file, "%s\n", text);
    cJSON_free(text);
    cJSON_Delete(object);
    if (!text) return att_fail(err, ATT_E_MEMORY, "write report: no memory");
    return written(file, err);
}
