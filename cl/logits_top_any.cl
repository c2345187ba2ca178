/* logits_top_any.cl - the best tokens of each chunk of rows of logits, and the sum of the chunk's
 * exponentials: the portable body, a work-group a chunk.
 *
 * z[M,V]. Chunks cover TOKENS tokens each of [0, split), then of [split, V). A token does not count
 * whose bit of forbidden is set (bit t%32 of word t/32 of the row, or no words at all), nor one at
 * -infinity. out[m][chunk]: the largest logit (-infinity: none counts), the sum of exp(z -
 * largest), NaN where a NaN counts, then K logits, best first, lowest token first where they are
 * equal, then their K tokens, -1 behind the last.
 * Launch:  groups {chunks, M, 1}, work-groups {LANES, 1, 1}.
 * Oracle:  att_ref_logits_top(): tokens exactly, sums to 1e-6. */
#define LANES 64
#define TOKENS 2048

static inline float group_max(__local float *part, int lane, float x)
{
    part[lane] = x;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int half_of = LANES / 2; half_of > 0; half_of /= 2) {
        if (lane < half_of) part[lane] = fmax(part[lane], part[lane + half_of]);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    const float most = part[0];
    barrier(CLK_LOCAL_MEM_FENCE); /* before part is filled again */
    return most;
}

static inline float group_sum(__local float *part, int lane, float x)
{
    part[lane] = x;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int half_of = LANES / 2; half_of > 0; half_of /= 2) {
        if (lane < half_of) part[lane] += part[lane + half_of];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    const float sum = part[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return sum;
}

static inline int is_before(float x, int i, float y, int j)
{
    return x > y || (x == y && i < j);
}

/* The best of the lanes' candidates, to all of them; token -1 is none. */
static inline int group_best(__local float *logits, __local int *tokens, int lane, float *logit,
                             int token)
{
    logits[lane] = *logit;
    tokens[lane] = token;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int half_of = LANES / 2; half_of > 0; half_of /= 2) {
        const int other = lane + half_of;
        if (lane < half_of && tokens[other] >= 0 &&
            (tokens[lane] < 0 ||
             is_before(logits[other], tokens[other], logits[lane], tokens[lane]))) {
            logits[lane] = logits[other];
            tokens[lane] = tokens[other];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    const int best = tokens[0];
    *logit = logits[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return best;
}

static inline float logit_at(__global const float *z, __global const int *forbidden, int t)
{
    return forbidden && forbidden[t / 32] >> t % 32 & 1 ? -INFINITY : z[t];
}

__kernel __attribute__((reqd_work_group_size(LANES, 1, 1)))
void logits_top_any(const int M, const int V, const int split, const int K,
                    __global const float *z, const int z_at, const int z_stride,
                    __global const int *forbidden, const int forbidden_at,
                    const int forbidden_stride, __global float *out, const int out_at)
{
    __local float part[LANES];
    __local int tokens[LANES];
    const int lane = get_local_id(0), chunk = get_group_id(0), m = get_group_id(1);
    const int n_first = (split + TOKENS - 1) / TOKENS;
    const int begin = chunk < n_first ? chunk * TOKENS : split + (chunk - n_first) * TOKENS;
    const int end = m < M ? min(begin + TOKENS, chunk < n_first ? split : V) : begin;
    z += z_at + (size_t)m * z_stride;
    if (forbidden) forbidden += forbidden_at + (size_t)m * forbidden_stride;
    out += out_at + ((size_t)m * get_num_groups(0) + chunk) * (2 + 2 * K);

    float top = -INFINITY, sum = 0.0f;
    for (int t = begin + lane; t < end; t += LANES) top = fmax(top, logit_at(z, forbidden, t));
    top = group_max(part, lane, top);
    for (int t = begin + lane; t < end; t += LANES) {
        const float x = logit_at(z, forbidden, t);
        if (x != -INFINITY) sum += exp(x - top);
    }
    sum = group_sum(part, lane, sum);
    if (lane == 0 && m < M) {
        out[0] = top;
        out[1] = sum;
    }
    float last = INFINITY;
    int last_token = -1;
    for (int k = 0; k < K; k++) {
        float logit = -INFINITY;
        int token = -1;
        for (int t = begin + lane; t < end; t += LANES) {
            const float x = logit_at(z, forbidden, t);
            if (x > logit && is_before(last, last_token, x, t)) {
                logit = x;
                token = t;
            }
        }
        token = group_best(part, tokens, lane, &logit, token);
        if (lane == 0 && m < M) {
            out[2 + k] = logit;
            out[2 + K + k] = token;
        }
        last = logit; /* none: nothing is behind -infinity */
        last_token = token;
    }
}
