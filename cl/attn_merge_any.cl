/* attn_merge_any.cl - one row of attention from its parts over chunks of the keys, on any device.
 *
 * part is [B][H][T][chunks][E+3]: sum p v, the chunk's maximum, its sum, whether it saw a key; with
 * FIELDS as PART_WIDTH of fields.clh says. The chunks are summed in their order. Work-items share
 * the columns of one row.
 * Launch:  groups {T, H, B}.  Build: -D FIELDS; -D KV_F16 for half values, of which only diag_mix
 *          takes any.  Prelude: mask.clh values.clh fields.clh.
 * Oracle:  att_ref_attn(). */
#ifdef KV_F16
#define KV half
#define kv_at(p, i) vload_half(i, p)
#else
#define KV float
#define kv_at(p, i) (p)[i]
#endif
#ifdef FIELDS
#define VALUE_PARAMS                                                                               \
    , const int S, const int share, __global const KV *v, const int v_at, const int v_batch,       \
        const int v_head, const int v_token
#define OWN_KEYS S
#define OWN_VALUE(e)                                                                               \
    kv_at(v, v_at + (size_t)b * v_batch + (size_t)(h / share) * v_head + (size_t)i * v_token + (e))
#else
#define VALUE_PARAMS
#define OWN_KEYS 0
#define OWN_VALUE(e) 0.0f
#endif

__kernel __attribute__((reqd_work_group_size(32, 1, 1)))
void attn_merge_any(const int chunks, const int E, __global const float *part, const int part_at,
                    __global float *out, const int out_at, const int out_batch, const int out_head,
                    const int out_token, const int add, __global const float *head_gain,
                    const int head_gain_at, __global float *lse, const int lse_at,
                    const int out_f16, HEAD_PARAMS FIELD_PARAMS VALUE_PARAMS)
{
    const int i = get_group_id(0), h = get_group_id(1), b = get_group_id(2);
    const size_t row = ((size_t)b * get_num_groups(1) + h) * get_num_groups(0) + i;
    if (chunks == 0 || OTHER_HEAD(h)) return;
    FIELDS_OF(b, h)
    float mass[CLASSES] = {0.0f};
    const int wide = PART_WIDTH(sets, E);
    part += part_at + row * chunks * wide;
    __global const float *end = part + sets * E;
    const size_t to = out_at + (size_t)b * out_batch + (size_t)h * out_head + (size_t)i * out_token;

    float top = -3.0e38f, sum = 0.0f, seen = 0.0f;
    for (int c = 0; c < chunks; c++) {
        const float z = end[c * wide];
        top = z > top ? z : top;
        seen += end[c * wide + 2];
    }
    for (int c = 0; c < chunks; c++) sum += exp(end[c * wide] - top) * end[c * wide + 1];
    for (int c = 0; c < chunks; c++)
        for (int x = 0; x < MASSES; x++)
            mass[x] += exp(end[c * wide] - top) * end[c * wide + 3 + x];
    const float gain = head_gain ? head_gain[head_gain_at + h] : 1.0f, high = top;
    const row_end last = row_end_of(&rf, i, OWN_KEYS, get_num_groups(1), row,
                                    (size_t)b * get_num_groups(0) + i, gain, seen > 0.0f, &top,
                                    &sum, mass);
    for (int e = get_local_id(0); e < E; e += get_local_size(0)) {
        float of[SETS] = {0.0f};
        for (int x = 0; x < SETS; x++)
            for (int c = 0; x < sets && c < chunks; c++)
                of[x] = fma(exp(end[c * wide] - high), part[c * wide + x * E + e], of[x]);
        float o = row_number(&last, of[FIRST], of[GAINED], of[TARGET]);
        if (last.own != 0.0f) o = row_mixed(&last, o, OWN_VALUE(e));
        o *= last.gain;
        value_put(o, add, out, to + e, out_f16);
    }
    if (lse && get_local_id(0) == 0) lse[lse_at + row] = seen > 0.0f ? top + log(sum) : -3.0e38f;
}
