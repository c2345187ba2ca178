/* attn_merge_any.cl - one row of attention from its parts over chunks of the keys, on any device.
 *
 * part is [B][H][T][chunks][E+3]: sum p v, the chunk's maximum, its sum, whether it saw a key. The
 * chunks are summed in their order. Work-items share the columns of one row.
 * Launch:  groups {T, H, B}.  Prelude: values.clh.
 * Oracle:  att_ref_attn(). */
__kernel __attribute__((reqd_work_group_size(32, 1, 1)))
void attn_merge_any(const int chunks, const int E, __global const float *part, const int part_at,
                    __global float *out, const int out_at, const int out_batch, const int out_head,
                    const int out_token, const int add, __global const float *head_gain,
                    const int head_gain_at, __global float *lse, const int lse_at,
                    const int out_f16)
{
    const int i = get_group_id(0), h = get_group_id(1), b = get_group_id(2);
    const size_t row = ((size_t)b * get_num_groups(1) + h) * get_num_groups(0) + i;
    if (chunks == 0) return;
    part += part_at + row * chunks * (E + 3);
    const size_t to = out_at + (size_t)b * out_batch + (size_t)h * out_head + (size_t)i * out_token;

    float top = -3.0e38f, sum = 0.0f, seen = 0.0f;
    for (int c = 0; c < chunks; c++) {
        const float z = part[c * (E + 3) + E];
        top = z > top ? z : top;
        seen += part[c * (E + 3) + E + 2];
    }
    for (int c = 0; c < chunks; c++)
        sum += exp(part[c * (E + 3) + E] - top) * part[c * (E + 3) + E + 1];
    const float gain = head_gain ? head_gain[head_gain_at + h] : 1.0f;
    for (int e = get_local_id(0); e < E; e += get_local_size(0)) {
        float o = 0.0f;
        for (int c = 0; c < chunks; c++)
            o = fma(exp(part[c * (E + 3) + E] - top), part[c * (E + 3) + e], o);
        o = gain * (seen > 0.0f ? o / sum : 0.0f);
        value_put(o, add, out, to + e, out_f16);
    }
    if (lse && get_local_id(0) == 0) lse[lse_at + row] = seen > 0.0f ? top + log(sum) : -3.0e38f;
}
