/* attn_pack_cpu.cl - keys and values of every kv head as the f32 panels that attn_cpu.cl reads.
 *
 * With NR = 2*VL and P = ceil(S/NR): keys become [B][G][P][D][NR] (column j%NR of panel j/NR is key
 * j), values [B][G][ceil(E/NR)][P*NR][NR] (panel c holds columns c*NR...). Zeros fill what is left.
 * One work-item packs NR keys and their values.
 * Launch:  groups {P, G, B}, work-groups of one.
 * Build:   -D W_F16 for half keys and values.  Prelude: types.clh. */
#define NR (2 * VL)

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void attn_pack_cpu(const int S, const int D, const int E, __global const WEIGHT *restrict k,
                   const int k_at, const int k_batch, const int k_head, const int k_token,
                   __global const WEIGHT *restrict v, const int v_at, const int v_batch,
                   const int v_head, const int v_token, __global float *restrict keys,
                   const int keys_at, __global float *restrict values, const int values_at)
{
    const int panel = get_global_id(0), g = get_global_id(1), b = get_global_id(2);
    const int panels = (S + NR - 1) / NR, columns = (E + NR - 1) / NR;
    const int first = panel * NR, n = min(NR, S - first);
    const size_t head = (size_t)b * get_global_size(1) + g;
    if (n <= 0) return;
    k += k_at + (size_t)b * k_batch + (size_t)g * k_head + (size_t)first * k_token;
    v += v_at + (size_t)b * v_batch + (size_t)g * v_head + (size_t)first * v_token;
    keys += keys_at + (head * panels + panel) * D * NR;
    values += values_at + (head * columns * panels + panel) * NR * NR;

    for (int j = 0; j < n; j++)
        for (int d = 0; d < D; d++) keys[d * NR + j] = weight_at(k, (size_t)j * k_token + d);
    for (int j = n; j < NR; j++)
        for (int d = 0; d < D; d++) keys[d * NR + j] = 0.0f;
    for (int c = 0; c < columns; c++) {
        __global float *to = values + (size_t)c * panels * NR * NR;
        for (int j = 0; j < NR; j++) {
            __global const WEIGHT *from = v + (size_t)j * v_token + c * NR;
            if (j < n && (c + 1) * NR <= E) {
                vec_store(weight_vec(from), to + j * NR);
                vec_store(weight_vec(from + VL), to + j * NR + VL);
                continue;
            }
            for (int e = 0; e < NR; e++)
                to[j * NR + e] = j < n && c * NR + e < E ? weight_at(from, e) : 0.0f;
        }
    }
}
