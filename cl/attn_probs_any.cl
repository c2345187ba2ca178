/* attn_probs_any.cl - rows of written-out scores into probabilities, on any device.
 *
 * p[b][r][j] = softmax_j z[b][r][j], with the sink's score of head h where given; p may be z. A
 * masked score is -3e38; a row of nothing else becomes zeros. NaN stays. One work-item makes one
 * row.
 * Launch:  groups {ceil(R/64), B, 1}.
 * Oracle:  att_ref_attn(). */
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void attn_probs_any(const int R, const int S, __global const float *z, const int z_at,
                    const int z_batch, __global float *p, const int p_at, const int p_batch,
                    __global const float *sink, const int sink_at, const int h)
{
    const int r = get_global_id(0), b = get_global_id(1);
    if (r >= R) return;
    z += z_at + (size_t)b * z_batch + (size_t)r * S;
    p += p_at + (size_t)b * p_batch + (size_t)r * S;
    float top = -3.0e38f, sum = 0.0f;
    for (int j = 0; j < S; j++) top = z[j] > top ? z[j] : top;
    if (sink) {
        const float x = sink[sink_at + h];
        top = x > top ? x : top;
        sum = exp(x - top);
    }
    for (int j = 0; j < S; j++) sum += z[j] == -3.0e38f ? 0.0f : exp(z[j] - top);
    for (int j = 0; j < S; j++) p[j] = z[j] == -3.0e38f ? 0.0f : exp(z[j] - top) / sum;
}
