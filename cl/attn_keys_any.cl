/* attn_keys_any.cl - what keys receive: means over the rows of attention, on any device.
 *
 * With a = exp(z - lse) of the visible pairs and w the rows' weights (absent: 1), for key (b,h,j):
 * mean = sum_i w a / sum_i w, and band the same over the rows with low <= q_pos - k_pos <= high; 0
 * over no rows, and for the keys from S to `keys`. An absent array is not written. NaN stays. One
 * work-item makes one key; nobody else adds to it, so there is one order.
 * Launch:  groups {ceil(keys/64), H, B}.
 * Build:   -D KV_F16 for half keys.  Preludes: mask.clh values.clh fields.clh.
 * Oracle:  att_ref_attn(). */
#define MAX_WIDTH 128

#ifdef KV_F16
#define KV half
#define kv_at(p, i) vload_half(i, p)
#else
#define KV float
#define kv_at(p, i) (p)[i]
#endif

__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void attn_keys_any(const int T, const int S, const int D, const int E, const int share,
                   const float scale, __global const float *head_scale, const int head_scale_at,
                   __global const float *q, const int q_at, const int q_batch, const int q_head,
                   const int q_token, const int q_f16, __global const KV *k, const int k_at,
                   const int k_batch, const int k_head, const int k_token, MASK_PARAMS, HEAD_PARAMS,
                   SCORE_PARAMS, __global const float *lse, const int lse_at,
                   __global const float *weight, const int weight_at, const int keys,
                   const int low, const int high, __global float *mean, const int mean_at,
                   __global float *band, const int band_at)
{
    const int j = get_global_id(0), h = get_global_id(1), b = get_global_id(2);
    if (j >= keys || OTHER_HEAD(h)) return;
    const size_t line = (size_t)b * get_global_size(1) + h;
    const mask m = MASK_OF(b, T, S);
    const score_fields sf = SCORE_OF(b, h);
    const float factor = head_scale ? head_scale[head_scale_at + h] : scale;
    const size_t q_first_row = q_at + (size_t)b * q_batch + (size_t)h * q_head;
    float sum = 0.0f, rows = 0.0f, some = 0.0f, some_rows = 0.0f;
    float key[MAX_WIDTH];
    k += k_at + (size_t)b * k_batch + (size_t)(h / share) * k_head + (size_t)j * k_token;
    for (int d = 0; d < D && j < S; d++) key[d] = kv_at(k, d);
    for (int i = 0; i < T && j < S; i++) {
        const mask_row row = mask_row_of(&m, i);
        const float w = weight ? weight[weight_at + i] : 1.0f;
        const float total = lse[lse_at + line * T + i];
        const int far = row.pos - mask_k_pos(&m, j), inside = far >= low && far <= high;
        rows += w;
        if (inside) some_rows += w;
        if (total == -3.0e38f || (flags && !mask_visible(&m, row, j))) continue;
        const size_t at = q_first_row + (size_t)i * q_token;
        float z = 0.0f;
        for (int d = 0; d < D; d++) z = fma(value_load(q, at + d, q_f16), key[d], z);
        const float a = exp(score_change(&sf, i, j, factor * z) - total);
        sum = fma(w, a, sum);
        if (inside) some = fma(w, a, some);
    }
    if (mean) mean[mean_at + line * keys + j] = rows != 0.0f ? sum / rows : 0.0f;
    if (band) band[band_at + line * keys + j] = some_rows != 0.0f ? some / some_rows : 0.0f;
}
