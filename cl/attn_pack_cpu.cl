/* attn_pack_cpu.cl - keys and values of every kv head as the panels that attn_cpu.cl reads.
 *
 * With NR = 2*VL and P = ceil(S/NR): keys become [B][G][P][D][NR] (column j%NR of panel j/NR is key
 * j), values [B][G][ceil(E/NR)][P*NR][NR] (panel c holds columns c*NR...). Zeros fill what is left.
 * DOT_BF16: words of two bf16 along what is summed: keys [B][G][P][ceil(D/2)][NR], values
 * [B][G][ceil(E/NR)][P*NR/2][NR], a word the elements of two keys.
 * One work-item packs NR keys and their values.
 * Launch:  groups {P, G, B}, work-groups of one.
 * Build:   -D W_F16 for half keys and values, -D DOT_BF16.  Preludes: types.clh dots.clh. */
#define NR (2 * VL)
#define MAX_WIDTH 128

#ifdef DOT_BF16
#define WORD uint
#define PER 2
#else
#define WORD float
#define PER 1
#endif

/* n numbers of a row, zeros up to `wide`, a multiple of NR. */
static inline void take(__global const WEIGHT *from, int n, int wide, float *to)
{
    int i = 0;
    for (; i + VL <= n; i += VL) vec_store(weight_vec(from + i), to + i);
    for (; i < wide; i++) to[i] = i < n ? weight_at(from, i) : 0.0f;
}

#ifdef DOT_BF16
/* Rows of numbers, as take() makes them, to words of neighbours in a row. */
static inline void words_of(const float *from, int wide, uint *to)
{
    for (int i = 0; i < wide; i += NR)
        dot_words_store(dot_words_of(vec_load(from + i), vec_load(from + i + VL)), to + i / 2);
}
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void attn_pack_cpu(const int S, const int D, const int E, __global const WEIGHT *restrict k,
                   const int k_at, const int k_batch, const int k_head, const int k_token,
                   __global const WEIGHT *restrict v, const int v_at, const int v_batch,
                   const int v_head, const int v_token, __global WORD *restrict keys,
                   const int keys_at, __global WORD *restrict values, const int values_at)
{
    float row[MAX_WIDTH + NR], below[MAX_WIDTH + NR];
    const int panel = get_global_id(0), g = get_global_id(1), b = get_global_id(2);
    const int panels = (S + NR - 1) / NR, columns = (E + NR - 1) / NR;
    const int first = panel * NR, n = min(NR, S - first), words = (D + PER - 1) / PER;
    const size_t head = (size_t)b * get_global_size(1) + g;
    if (n <= 0) return;
    k += k_at + (size_t)b * k_batch + (size_t)g * k_head + (size_t)first * k_token;
    v += v_at + (size_t)b * v_batch + (size_t)g * v_head + (size_t)first * v_token;
    keys += keys_at + (head * panels + panel) * words * NR;
    values += values_at + (head * columns * panels + panel) * NR * NR / PER;

    for (int j = 0; j < NR; j++) {
        take(k + (size_t)j * k_token, j < n ? D : 0, (D + NR - 1) / NR * NR, row);
#ifdef DOT_BF16
        uint word[MAX_WIDTH / 2 + NR];
        words_of(row, (D + NR - 1) / NR * NR, word);
        for (int d = 0; d < words; d++) keys[d * NR + j] = word[d];
#else
        for (int d = 0; d < words; d++) keys[d * NR + j] = row[d];
#endif
    }
    for (int j = 0; j < NR; j += PER) {
        take(v + (size_t)j * v_token, j < n ? E : 0, columns * NR, row);
#ifdef DOT_BF16
        take(v + (size_t)(j + 1) * v_token, j + 1 < n ? E : 0, columns * NR, below);
#endif
        for (int c = 0; c < columns; c++) {
            __global WORD *to = values + (size_t)c * panels * NR * NR / PER + j / PER * NR;
#ifdef DOT_BF16
            for (int i = 0; i < NR; i += VL) {
                const vec upper = vec_load(row + c * NR + i), lower = vec_load(below + c * NR + i);
                dot_words_store(dot_words_between(upper, lower), to + i);
            }
#else
            vec_store(vec_load(row + c * NR), to);
            vec_store(vec_load(row + c * NR + VL), to + VL);
#endif
        }
    }
}
