/* redistribute.h - where attention goes instead: published methods as data of one att_attn_call.
 *
 * method  changes                                 by                       layers (default)
 * var     sinks give mass to visual non-sinks     hidden states, prefill   2 .. L-2
 * act     sink columns of each head give to all   column means, prefill    2 .. L-2
 * paint   logits of local and summary patches     encoder rows             2 .. L-1, last row
 * pai     logits of all visual keys, contrast     nothing                  2 .. L-1, last row
 * vhr     outputs of heads that see the picture   two streams, first step  1, last 14
 *
 * One state for one prompt: told the read-outs of prefill layer by layer, it freezes what it finds,
 * and fills the same fields in every decode step; later keys are text. Views that it fills are host
 * memory of the state; a caller with a device uploads them. Without effect (keep, beta, alpha at
 * neutral, empty sets) nothing is filled in, so that the call is the plain one.
 * Tests: tests/unit/test_redistribute.c through lib/ref's attention. */
#ifndef ATT_REDISTRIBUTE_H
#define ATT_REDISTRIBUTE_H

#include <stdint.h>

#include "attend/attn.h"
#include "attend/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum att_redistribute_method {
    ATT_REDISTRIBUTE_NONE,
    ATT_REDISTRIBUTE_VAR,
    ATT_REDISTRIBUTE_ACT,
    ATT_REDISTRIBUTE_PAINT,
    ATT_REDISTRIBUTE_PAI,
    ATT_REDISTRIBUTE_VHR,
    ATT_N_REDISTRIBUTE_METHODS
} att_redistribute_method;

enum { ATT_SINK_MAX_DIMS = 8 };

/* Key classes of VAR. */
enum { ATT_KEY_TEXT = 0, ATT_KEY_VISUAL, ATT_KEY_VISUAL_SINK, ATT_KEY_TEXT_SINK };

/* Plain numbers, made by att_redistribute_parse(). */
typedef struct att_redistribute_options {
    att_redistribute_method method;
    int32_t first_layer, last_layer; /* inclusive; last -1: the method's own */
    /* VAR (Kang et al., ICLR 2025; seilk/VisAttnSink 98e62d6): a key is a sink where phi > tau;
     * a row with at least summ of its mass on the picture and at least rho of that on non-sinks
     * keeps `keep` of its sinks (the code's p; the paper's notes mean 1 - keep by p). */
    double tau, rho, summ, keep;
    double sink, beta; /* ACT: a column mean above it is a sink, which keeps beta */
    /* PAINT: z += alpha |z| local, beta_summary |z| summary; parts of the patches. PAI: alpha on
     * all visual keys; gamma: of the contrast with text alone, 1 is none. VHR: alpha is the gain.
     */
    double alpha, beta_summary, local_part, spatial_part, gamma;
} att_redistribute_options;

/* "METHOD" or "METHOD:name=number,...", e.g. "var:rho=0.8,keep=0.6"; NULL: none. ATT_E_ARG, with
 * the names and their ranges, for what is not so. */
att_status att_redistribute_parse(att_redistribute_options *options, const char *text,
                                  att_err *err);
const char *att_redistribute_name(att_redistribute_method method);

/* ---- parts, each alone ---- */

/* Dimensions that show sinks; 0 for a model that is not in the table: "vicuna-7b", "vicuna-13b"
 * (and "llama-2-..."), "qwen2-vl-7b", "internvl2-8b". Returns how many. */
int32_t att_sink_dims(const char *model, int32_t dims[ATT_SINK_MAX_DIMS]);

/* phi[n] = max over dims of |x_d| / sqrt(mean(x^2) + 1e-6) of rows x[n][width]; NaN stays. */
void att_sink_phi(const float *x, int32_t n, int32_t width, const int32_t *dims, int32_t n_dims,
                  float *phi);

/* Finds the dimensions of a model: in at least `part` of the prompts |x_d|/RMS of the first token
 * is above tau in one of the layers given (from layer 2 on). */
typedef struct att_sink_calibration {
    int32_t width, n_prompts;
    int32_t *hits, *last; /* [width]: prompts that hit, and the last of them */
} att_sink_calibration;

att_status att_sink_calibration_create(att_sink_calibration *c, int32_t width, att_err *err);
void att_sink_calibration_free(att_sink_calibration *c);
/* x[n_layers][width]: the first token of one prompt. */
void att_sink_calibration_add(att_sink_calibration *c, const float *x, int32_t n_layers,
                              double tau);
/* The dimensions hit most, at most ATT_SINK_MAX_DIMS, ascending. Returns how many. */
int32_t att_sink_calibration_dims(const att_sink_calibration *c, double part,
                                  int32_t dims[ATT_SINK_MAX_DIMS]);

/* PAINT's sets (hasanar1f/PAINT 2a9e8f8, clip_encoder.py), set[n]: 0 none, 1 local, 2 summary. row0
 * and row2: class rows of the first layer and the last but one; received: attention received in the
 * first layer, for spatial_part, or NULL. Local: floor(part * n) highest. Summary: above Q3 + 1.5
 * (Q3 - Q1) of row2, and then no longer local. scratch[n]. */
void att_paint_sets(const att_redistribute_options *options, const float *row0, const float *row2,
                    const float *received, int32_t n, double *scratch, uint8_t *set);

/* out[n] = gamma (ln p - ln p_text) + ln p_text of two rows of logits, -infinity where ln p is
 * below its highest + ln 0.1 (PAI, Liu et al., ECCV 2024: CFG.py). out may be logits. */
void att_pai_contrast(const float *logits, const float *text_logits, int32_t n, double gamma,
                      float *out);

/* VHR (He et al., ACL 2025, section 4): gain[heads] is alpha for heads whose outputs with and
 * without the picture, [heads][width] each, lie farther apart than the lower median; a head is none
 * of them if both that distance and its squared norm without are above mean + standard deviation
 * (n - 1) of the heads. Returns how many are chosen, -1 where an output is not a number. distance
 * [heads] may be NULL, or is given the distances after that rule. */
int32_t att_vhr_choose(const float *with, const float *without, int32_t heads, int32_t width,
                       double alpha, float *gain, double *distance);

/* VAR's effect on one row, for reports: class_mass[heads][ATT_ATTN_MAX_CLASSES] of taps.class_mass.
 * part[0] and [1]: the part of the picture's attention that lies on visual sinks, before and after,
 * mean over the heads that look at the picture at all; -1 where none does. */
void att_var_sink_part(const att_redistribute_options *options, const float *class_mass,
                       int32_t heads, double part[2]);

/* ---- the state of one prompt ---- */

typedef struct att_redistribute att_redistribute;

typedef struct att_redistribute_shape {
    int32_t layers, heads, capacity;         /* keys at most */
    int32_t image_begin, image_end;          /* keys of the picture */
    int32_t dims[ATT_SINK_MAX_DIMS], n_dims; /* VAR */
    const uint8_t *act_heads;                /* u8[layers][heads], copied; NULL: all */
} att_redistribute_shape;

att_status att_redistribute_create(att_redistribute **state,
                                   const att_redistribute_options *options,
                                   const att_redistribute_shape *shape, att_err *err);
void att_redistribute_destroy(att_redistribute *state); /* NULL is fine */

/* Whether the method changes attention of a layer. */
int att_redistribute_in(const att_redistribute *state, int32_t layer);

/* VAR, before a layer's attention: x[n][width] is its input before the norm. */
att_status att_redistribute_hidden(att_redistribute *state, int32_t layer, const float *x,
                                   int32_t n, int32_t width, att_err *err);
/* ACT: key_mean[heads][n] is taps.key_mean of a first pass over n causal rows. */
att_status att_redistribute_columns(att_redistribute *state, int32_t layer, const float *key_mean,
                                    int32_t n, att_err *err);
/* PAINT: set[image_end - image_begin] of att_paint_sets(), of the tokens that were kept. */
att_status att_redistribute_sets(att_redistribute *state, const uint8_t *set, int32_t n,
                                 att_err *err);
/* VHR: outputs [heads][width] of a layer's last row in the two streams. */
att_status att_redistribute_heads(att_redistribute *state, int32_t layer, const float *with,
                                  const float *without, int32_t width, att_err *err);

/* Fills classes, abs_gain and its rows, or head_gain of a call of this layer whose n_q queries are
 * the last of n_k keys; what the method does not need is left as it is. ATT_E_ARG for a call of
 * other heads or more keys than there is room for. Views of ACT hold until the next fill. */
att_status att_redistribute_fill(att_redistribute *state, int32_t layer, att_attn_call *call,
                                 att_err *err);

/* For reports: sinks of a layer (VAR: keys; ACT: of all heads), heads chosen (VHR). */
int32_t att_redistribute_count(const att_redistribute *state, int32_t layer);

#ifdef __cplusplus
}
#endif
#endif /* ATT_REDISTRIBUTE_H */
