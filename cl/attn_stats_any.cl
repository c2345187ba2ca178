/* attn_stats_any.cl - what is read out of a row of attention beyond its sums, on any device.
 *
 * With a = exp(z - lse) of the visible keys, for row (b,h,i): entropy -sum a ln a, mean distance
 * sum a d / sum a and mean of min(d, most), d = q_pos - k_pos, and the first key of the largest a,
 * -1 where there is none. An absent array is not written. A row that sees nothing is zeros. NaN
 * stays. Work-items share the keys of a row.
 * Launch:  groups {T, H, B}.
 * Build:   -D KV_F16 for half keys.  Preludes: mask.clh values.clh fields.clh.
 * Oracle:  att_ref_attn(). */
#define LANES 32

#ifdef KV_F16
#define KV half
#define kv_at(p, i) vload_half(i, p)
#else
#define KV float
#define kv_at(p, i) (p)[i]
#endif

/* The LANES numbers of `part`, one a work-item, summed in their order. */
static inline float sum_of(__local const float *part)
{
    float sum = 0.0f;
    for (int x = 0; x < LANES; x++) sum += part[x];
    return sum;
}

__kernel __attribute__((reqd_work_group_size(LANES, 1, 1)))
void attn_stats_any(const int T, const int S, const int D, const int E, const int share,
                    const float scale, __global const float *head_scale, const int head_scale_at,
                    __global const float *q, const int q_at, const int q_batch, const int q_head,
                    const int q_token, const int q_f16, __global const KV *k, const int k_at,
                    const int k_batch, const int k_head, const int k_token, MASK_PARAMS,
                    HEAD_PARAMS, SCORE_PARAMS, __global const float *lse, const int lse_at,
                    __global float *entropy, const int entropy_at, __global float *distance,
                    const int distance_at, __global float *windowed, const int windowed_at,
                    const int most, __global int *argmax, const int argmax_at)
{
    __local float part[4][LANES], best[LANES];
    __local int key[LANES];
    const int i = get_group_id(0), h = get_group_id(1), b = get_group_id(2);
    const int lane = get_local_id(0);
    if (T == 0 || OTHER_HEAD(h)) return;
    const size_t line = ((size_t)b * get_num_groups(1) + h) * T + i;
    const mask m = MASK_OF(b, T, S);
    const mask_row row = mask_row_of(&m, i);
    const score_fields sf = SCORE_OF(b, h);
    const float factor = head_scale ? head_scale[head_scale_at + h] : scale;
    const float total = lse[lse_at + line];
    const size_t q_row = q_at + (size_t)b * q_batch + (size_t)h * q_head + (size_t)i * q_token;
    k += k_at + (size_t)b * k_batch + (size_t)(h / share) * k_head;

    float sum[4] = {0.0f, 0.0f, 0.0f, 0.0f}, high = -1.0f;
    int at = -1;
    for (int j = lane; j < S && total != -3.0e38f; j += LANES) {
        if (flags && !mask_visible(&m, row, j)) continue;
        float z = 0.0f;
        for (int d = 0; d < D; d++)
            z = fma(value_load(q, q_row + d, q_f16), kv_at(k, (size_t)j * k_token + d), z);
        z = score_change(&sf, i, j, factor * z) - total;
        const float a = exp(z), far = (float)row.pos - (float)mask_k_pos(&m, j);
        if (a == 0.0f) continue;
        sum[0] -= a * z;
        sum[1] += a;
        sum[2] += a * far;
        sum[3] += a * (far < (float)most ? far : (float)most);
        if (a > high) {
            high = a;
            at = j;
        }
    }
    for (int x = 0; x < 4; x++) part[x][lane] = sum[x];
    best[lane] = high;
    key[lane] = at;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane > 0) return;
    for (int x = 1; x < LANES; x++)
        if (key[x] >= 0 && (best[x] > high || (best[x] == high && key[x] < at))) {
            high = best[x];
            at = key[x];
        }
    const float mass = sum_of(part[1]), by = total != -3.0e38f ? 1.0f / mass : 0.0f;
    if (entropy) entropy[entropy_at + line] = sum_of(part[0]);
    if (distance) distance[distance_at + line] = sum_of(part[2]) * by;
    if (windowed) windowed[windowed_at + line] = sum_of(part[3]) * by;
    if (argmax) argmax[argmax_at + line] = at;
}
