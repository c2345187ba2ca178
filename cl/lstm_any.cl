/* lstm_any.cl - the recurrence of long short-term memory: all T steps in one launch.
 *
 * gates[T][4H] hold x W_ih^T + biases, rows i, f, g, o; w[H][K][4] the recurrent weights, the four
 * gates of a unit side by side, K the width H padded to fours; state[2][H] is h, then c. A unit
 * belongs to one lane, which alone touches its c; h is read by all, so it stands in two copies, and
 * one barrier parts the steps. Four products of four gates are summed beside each other.
 * Launch:  groups {1, 1, 1}, work-groups {LANES, 1, 1}; H at most MAX_WIDTH.
 * Build:   -D ACT=float.  Prelude: act.clh.
 * Oracle:  att_ref_lstm(), 2e-5 over short sequences. */
#define LANES 64
#define MAX_WIDTH 1024

static inline float sigmoid(float x)
{
    return 1.0f / (1.0f + exp(-x));
}

/* h . w of one unit's four gates. */
static inline float4 recur(__local const float *h, __global const float *w, int K)
{
    float16 sum = (float16)(0.0f);
    for (int k = 0; k < K; k += 4) {
        const float4 x = vload4(0, h + k);
        const float16 xs = (float16)(x.xxxx, x.yyyy, x.zzzz, x.wwww);
        sum = fma(xs, vload16(0, w + 4 * k), sum);
    }
    return (sum.s0123 + sum.s4567) + (sum.s89ab + sum.scdef);
}

__kernel __attribute__((reqd_work_group_size(LANES, 1, 1)))
void lstm_any(const int T, const int H, const int act, __global const float *gates,
              const int gates_at, const int gates_stride, __global const float *w, const int w_at,
              __global float *state, const int state_at, __global float *y, const int y_at,
              const int y_stride)
{
    __local float h[2][MAX_WIDTH];
    const int lane = get_local_id(0);
    const int width = T > 0 ? H : 0, K = (width + 3) / 4 * 4;
    __global float *cell = state + state_at + width;
    for (int j = lane; j < K; j += LANES) {
        h[0][j] = j < width ? state[state_at + j] : 0.0f;
        h[1][j] = 0.0f; /* behind the width a zero stays in both copies */
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int t = 0; t < T; t++) {
        __global const float *z = gates + gates_at + (size_t)t * gates_stride;
        for (int j = lane; j < width; j += LANES) {
            const float4 r = recur(h[t % 2], w + w_at + (size_t)j * K * 4, K);
            const float in = sigmoid(z[j] + r.x), keep = sigmoid(z[width + j] + r.y);
            const float candidate = tanh(z[2 * width + j] + r.z);
            const float out = sigmoid(z[3 * width + j] + r.w);
            const float c = fma(keep, cell[j], in * candidate);
            const float now = out * tanh(c);
            cell[j] = c;
            h[(t + 1) % 2][j] = now;
            y[y_at + (size_t)t * y_stride + j] = act_apply(act, now);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int j = lane; j < width; j += LANES) state[state_at + j] = h[T % 2][j];
}
