/* fft.h - the real Fourier transform behind one small door: FFTW (GPL), or KISS FFT (BSD) when
 * built with ATT_FFT=kissfft. Tests: tests/unit/test_mel.c */
#ifndef ATT_FFT_H
#define ATT_FFT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_fft att_fft; /* a plan with its own input and output; one thread at a time */

att_fft *att_fft_create(int32_t n); /* n even; NULL when memory is out */
void att_fft_destroy(att_fft *fft); /* NULL is fine */

/* Where the n inputs go. */
float *att_fft_input(att_fft *fft);

/* Transforms the input; returns n/2 + 1 pairs of real and imaginary part. */
const float *att_fft_run(att_fft *fft);

#ifdef __cplusplus
}
#endif
#endif /* ATT_FFT_H */
