/* fft.c - fft.h over the library that the build chose. Tests: tests/unit/test_mel.c */
#include "fft.h"

#include "mem.h"

#ifdef ATT_FFTW
#include <fftw3.h>

struct att_fft {
    float *in;
    fftwf_complex *out;
    fftwf_plan plan;
};

att_fft *att_fft_create(int32_t n)
{
    att_fft *f = att_calloc(1, sizeof *f);
    if (!f) return NULL;
    fftwf_make_planner_thread_safe();
    f->in = fftwf_alloc_real((size_t)n);
    f->out = fftwf_alloc_complex((size_t)n / 2 + 1);
    /* ESTIMATE: no timing, so that the same input gives the same output in every run. */
    if (f->in && f->out) f->plan = fftwf_plan_dft_r2c_1d(n, f->in, f->out, FFTW_ESTIMATE);
    if (f->plan) return f;
    att_fft_destroy(f);
    return NULL;
}

void att_fft_destroy(att_fft *f)
{
    if (!f) return;
    if (f->plan) fftwf_destroy_plan(f->plan);
    fftwf_free(f->in);
    fftwf_free(f->out);
    att_free(f);
}

float *att_fft_input(att_fft *f)
{
    return f->in;
}

const float *att_fft_run(att_fft *f)
{
    fftwf_execute(f->plan);
    return (const float *)f->out;
}

#else
#include <kiss_fftr.h>

struct att_fft {
    float *in;
    kiss_fft_cpx *out;
    kiss_fftr_cfg plan;
};

att_fft *att_fft_create(int32_t n)
{
    att_fft *f = att_calloc(1, sizeof *f);
    if (!f) return NULL;
    f->in = att_calloc((size_t)n, sizeof *f->in);
    f->out = att_calloc((size_t)n / 2 + 1, sizeof *f->out);
    f->plan = kiss_fftr_alloc(n, 0, NULL, NULL);
    if (f->in && f->out && f->plan) return f;
    att_fft_destroy(f);
    return NULL;
}

void att_fft_destroy(att_fft *f)
{
    if (!f) return;
    kiss_fftr_free(f->plan);
    att_free(f->in);
    att_free(f->out);
    att_free(f);
}

float *att_fft_input(att_fft *f)
{
    return f->in;
}

const float *att_fft_run(att_fft *f)
{
    kiss_fftr(f->plan, f->in, f->out);
    return (const float *)f->out;
}
#endif
