/* wavfile.h - making recordings for tests out of others. */
#ifndef ATT_WAVFILE_H
#define ATT_WAVFILE_H

#include <stdint.h>

/* 16 kHz mono s16 samples of a WAV file; the caller frees them. Fails the test on any other file.
 */
int16_t *wavfile_read(const char *path, int64_t *n);

/* Writes 16 kHz mono s16 samples as a WAV file. */
void wavfile_write(const char *path, const int16_t *samples, int64_t n);

#endif /* ATT_WAVFILE_H */
