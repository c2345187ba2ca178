/* attn_any.cl - out[b,h,i] = sum over visible j of softmax_j(scale q.k) v, on any device.
 *
 * One work-item makes one row of one head in a single pass over the keys: the running maximum moves
 * the sum and the row of `acc` when it grows. NaN stays: a NaN score is no new maximum but poisons
 * the sum. A row that sees nothing becomes zeros, its lse -3e38. The row times head_gain[h], where
 * given, is stored or, with add, added to what is there.
 * Launch:  groups {ceil(T/64), H, B}.
 * Build:   -D KV_F16 for half keys and values.  Prelude: mask.clh.
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
void attn_any(const int T, const int S, const int D, const int E, const int share,
              const float scale, __global const float *head_scale, const int head_scale_at,
              __global const float *q, const int q_at, const int q_batch, const int q_head,
              const int q_token, const int q_f16, __global const KV *k, const int k_at,
              const int k_batch, const int k_head, const int k_token, __global const KV *v,
              const int v_at, const int v_batch, const int v_head, const int v_token,
              __global float *out, const int out_at, const int out_batch, const int out_head,
              const int out_token, const int add, __global const float *head_gain,
              const int head_gain_at, __global float *lse, const int lse_at, MASK_PARAMS)
{
    float acc[MAX_WIDTH];
    const int i = get_global_id(0), h = get_global_id(1), b = get_global_id(2);
    if (i >= T) return;
    const mask m = MASK_OF(b, T, S);
    const mask_row row = mask_row_of(&m, i);
    const float factor = head_scale ? head_scale[head_scale_at + h] : scale;
    const size_t q_row = q_at + (size_t)b * q_batch + (size_t)h * q_head + (size_t)i * q_token;
    k += k_at + (size_t)b * k_batch + (size_t)(h / share) * k_head;
    v += v_at + (size_t)b * v_batch + (size_t)(h / share) * v_head;
    out += out_at + (size_t)b * out_batch + (size_t)h * out_head + (size_t)i * out_token;

    for (int e = 0; e < E; e++) acc[e] = 0.0f;
    float top = -3.0e38f, sum = 0.0f;
    int seen = 0;
    for (int j = 0; j < S; j++) {
        if (flags && !mask_visible(&m, row, j)) continue;
        __global const KV *key = k + (size_t)j * k_token;
        __global const KV *value = v + (size_t)j * v_token;
        float z = 0.0f;
        if (q_f16) {
            __global const half *x = (__global const half *)q;
            for (int d = 0; d < D; d++) z = fma(vload_half(q_row + d, x), kv_at(key, d), z);
        } else {
            for (int d = 0; d < D; d++) z = fma(q[q_row + d], kv_at(key, d), z);
        }
        z *= factor;
        if (z > top) {
            const float fade = seen ? exp(top - z) : 0.0f;
            top = z;
            sum *= fade;
            for (int e = 0; e < E; e++) acc[e] *= fade;
        }
        seen = 1;
        const float p = exp(z - top);
        sum += p;
        for (int e = 0; e < E; e++) acc[e] = fma(p, kv_at(value, e), acc[e]);
    }
    const float gain = head_gain ? head_gain[head_gain_at + h] : 1.0f;
    for (int e = 0; e < E; e++)
        out[e] = (add ? out[e] : 0.0f) + gain * (seen ? acc[e] / sum : 0.0f);
    if (lse)
        lse[lse_at + ((size_t)b * get_global_size(1) + h) * T + i] =
            seen ? top + log(sum) : -3.0e38f;
}
