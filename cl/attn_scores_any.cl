/* attn_scores_any.cl - the scores of one head for a range of rows, written out, on any device.
 *
 * z[b][r][j] = what the softmax sees of query row_begin + r and key j, -3e38 where masked and for
 * the keys from S to `keys`; b is z_batch apart.
 * Launch:  groups {ceil(keys/64), rows, B}.
 * Build:   -D KV_F16 for half keys.  Preludes: mask.clh fields.clh.
 * Oracle:  att_ref_attn(). */
#ifdef KV_F16
#define KV half
#define kv_at(p, i) vload_half(i, p)
#else
#define KV float
#define kv_at(p, i) (p)[i]
#endif

__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void attn_scores_any(const int T, const int S, const int D, const int E, const int share,
                     const float scale, __global const float *head_scale, const int head_scale_at,
                     __global const float *q, const int q_at, const int q_batch, const int q_head,
                     const int q_token, const int q_f16, __global const KV *k, const int k_at,
                     const int k_batch, const int k_head, const int k_token, MASK_PARAMS,
                     HEAD_PARAMS, SCORE_PARAMS, const int h, const int row_begin, const int keys,
                     __global float *z, const int z_at, const int z_batch)
{
    const int j = get_global_id(0), r = get_global_id(1), b = get_global_id(2);
    const int i = row_begin + r;
    if (j >= keys || i >= T || OTHER_HEAD(h)) return;
    z += z_at + (size_t)b * z_batch + (size_t)r * keys + j;
    if (j >= S) {
        *z = -3.0e38f;
        return;
    }
    const score_fields sf = SCORE_OF(b, h);
    const mask m = MASK_OF(b, T, S);
    const float factor = head_scale ? head_scale[head_scale_at + h] : scale;
    const size_t q_row = q_at + (size_t)b * q_batch + (size_t)h * q_head + (size_t)i * q_token;
    k += k_at + (size_t)b * k_batch + (size_t)(h / share) * k_head + (size_t)j * k_token;
    float sum = 0.0f;
    if (q_f16) {
        __global const half *x = (__global const half *)q;
        for (int d = 0; d < D; d++) sum = fma(vload_half(q_row + d, x), kv_at(k, d), sum);
    } else {
        for (int d = 0; d < D; d++) sum = fma(q[q_row + d], kv_at(k, d), sum);
    }
    *z = flags && !mask_visible(&m, mask_row_of(&m, i), j) ? -3.0e38f
                                                           : score_change(&sf, i, j, factor * sum);
}
