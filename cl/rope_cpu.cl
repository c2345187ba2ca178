/* rope_cpu.cl - rope_any of float rows for CPU devices: cosines are made once for all heads.
 *
 * Launch:  groups {ceil(M/ROWS), 1, 1}, work-groups of one.
 * Prelude: types.clh angle.clh.  Oracle: att_ref_rope(), 1e-6 of the pair's length. */
#define ROWS 4
#define MAX_PAIRS 128

/* Padded to whole vectors by pairs that do not turn. */
static inline void turns_of(__global const uint *speeds, __global const float *angles, int position,
                            int pairs, float *cosine, float *sine)
{
    for (int i = 0; i < pairs; i++)
        cosine[i] = angles ? angles[i] : angle_of(speeds, i, position);
    for (int i = pairs; i % VL; i++) cosine[i] = 0.0f;
    for (int i = 0; i < pairs; i += VL) {
        const vec t = vec_load(cosine + i);
        vec_store(sin(t), sine + i);
        vec_store(cos(t), cosine + i);
    }
}

static inline void turn_halves(__global float *x, int pairs, const float *cosine, const float *sine)
{
    int i = 0;
    for (; i + VL <= pairs; i += VL) {
        const vec a = vec_load(x + i), b = vec_load(x + pairs + i);
        const vec c = vec_load(cosine + i), s = vec_load(sine + i);
        vec_store(a * c - b * s, x + i);
        vec_store(b * c + a * s, x + pairs + i);
    }
    for (; i < pairs; i++) {
        const float a = x[i], b = x[pairs + i];
        x[i] = a * cosine[i] - b * sine[i];
        x[pairs + i] = b * cosine[i] + a * sine[i];
    }
}

static inline void turn_neighbours(__global float *x, int pairs, const float *cosine,
                                   const float *sine)
{
    for (int i = 0; i < pairs; i++) {
        const float a = x[2 * i], b = x[2 * i + 1];
        x[2 * i] = a * cosine[i] - b * sine[i];
        x[2 * i + 1] = b * cosine[i] + a * sine[i];
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void rope_cpu(const int M, const int heads, const int D, const int R, const int interleaved,
              __global float *x, const int x_at, const int x_stride, __global const uint *speeds,
              const int speeds_at, const int first, __global const int *positions,
              const int positions_at, __global const float *angles, const int angles_at)
{
    float cosine[MAX_PAIRS], sine[MAX_PAIRS];
    const int begin = get_global_id(0) * ROWS, end = min(begin + ROWS, M), pairs = R / 2;
    for (int m = begin; m < end; m++) {
        __global float *row = x + x_at + (size_t)m * x_stride;
        turns_of(speeds + speeds_at, angles ? angles + angles_at + (size_t)m * pairs : angles,
                 positions ? positions[positions_at + m] : first + m, pairs, cosine, sine);
        for (int h = 0; h < heads; h++)
            if (interleaved)
                turn_neighbours(row + h * D, pairs, cosine, sine);
            else
                turn_halves(row + h * D, pairs, cosine, sine);
    }
}
