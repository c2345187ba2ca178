/* live_input.h - samples as they come: from a pipe, or from a microphone where PortAudio is built
 * in.
 *
 * A pipe holds a WAV stream (PCM of 16 bits or 32-bit floats) or bare samples: 16 kHz, mono, signed
 * 16 bits, little-endian. Tests: tests/unit/test_live_input.c, tests/real/test_asr_live.c */
#ifndef ATT_LIVE_INPUT_H
#define ATT_LIVE_INPUT_H

#include <stddef.h>

#include "attend/error.h"

enum { ATT_LIVE_RATE_HZ = 16000 };

typedef struct att_live_input att_live_input;

/* fd: a pipe, borrowed. */
att_status att_live_input_pipe(att_live_input **input, int fd, att_err *err);

/* The default microphone. ATT_E_UNSUPPORTED when the program was built without PortAudio. */
att_status att_live_input_microphone(att_live_input **input, att_err *err);
void att_live_input_close(att_live_input *input); /* NULL is fine */

/* Waits for what comes next, then gives up to `room` samples of it at 16 kHz mono; *got may be 0
 * before the end too, and when a signal came. */
att_status att_live_input_read(att_live_input *input, float *samples, size_t room, size_t *got,
                               att_err *err);

/* Whether nothing comes any more. */
int att_live_input_ended(const att_live_input *input);

#endif /* ATT_LIVE_INPUT_H */
