/* live_input.c - pipes and microphones (live_input.h). Tests: tests/unit/test_live_input.c */
#define _POSIX_C_SOURCE 200809L
#include "live_input.h"

#include <errno.h>
#include <fcntl.h>
#include <soxr.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#ifdef ATT_PORTAUDIO
#include <portaudio.h>
#endif

#include "mem.h"

enum { BLOCK_BYTES = 1 << 14, MAX_CHANNELS = 64, MAX_WAV_CHUNKS = 64, FRAMES_A_READ = 1600 };

/* What one sample of the source is. */
typedef struct format {
    int rate_hz, channels, is_float; /* floats of 32 bits, or else integers of 16 */
} format;

struct att_live_input {
    int fd;
    void *microphone; /* PaStream */
    format format;
    soxr_t resampler; /* NULL when the source has 16 kHz */
    unsigned char bytes[BLOCK_BYTES];
    size_t n_bytes; /* of them, read and not used */
    float mono[BLOCK_BYTES / 2];
    size_t n_mono, at;
    int ended;
};

/* --- a pipe --- */

/* At least one more byte, unless the pipe has ended. */
static att_status fill(att_live_input *in, att_err *err)
{
    if (in->n_bytes == BLOCK_BYTES || in->ended) return ATT_OK;
    const ssize_t n = read(in->fd, in->bytes + in->n_bytes, BLOCK_BYTES - in->n_bytes);
    if (n < 0 && errno != EINTR)
        return att_fail(err, ATT_E_INPUT, "read standard input: %s", strerror(errno));
    if (n == 0) in->ended = 1;
    if (n > 0) in->n_bytes += (size_t)n;
    return ATT_OK;
}

static att_status fill_to(att_live_input *in, size_t n, att_err *err)
{
    att_status status = ATT_OK;
    while (!status && in->n_bytes < n && !in->ended) status = fill(in, err);
    return status;
}

static void use(att_live_input *in, size_t n)
{
    memmove(in->bytes, in->bytes + n, in->n_bytes - n);
    in->n_bytes -= n;
}

static uint32_t u32_at(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t u16_at(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8;
}

static att_status read_format(att_live_input *in, uint32_t n, att_err *err)
{
    if (n < 16 || n > 1024)
        return att_fail(err, ATT_E_INPUT, "read the WAV stream: a format of %u bytes", n);
    const att_status status = fill_to(in, n, err);
    if (status) return status;
    if (in->n_bytes < n)
        return att_fail(err, ATT_E_INPUT, "read the WAV stream: its header is cut");
    const unsigned char *p = in->bytes;
    uint32_t tag = u16_at(p);
    const uint32_t channels = u16_at(p + 2), rate = u32_at(p + 4), bits = u16_at(p + 14);
    if (tag == 0xfffe && n >= 26) tag = u16_at(p + 24); /* extensible */
    if (!(tag == 1 && bits == 16) && !(tag == 3 && bits == 32))
        return att_fail(err, ATT_E_INPUT,
                        "read the WAV stream: encoding %u with %u bits, expected 16-bit PCM or "
                        "32-bit floats",
                        tag, bits);
    if (channels < 1 || channels > MAX_CHANNELS || rate < 100 || rate > 1000000)
        return att_fail(err, ATT_E_INPUT, "read the WAV stream: %u Hz with %u channels", rate,
                        channels);
    in->format = (format){(int)rate, (int)channels, tag == 3};
    use(in, n);
    return ATT_OK;
}

/* Chunks up to the samples; in->bytes begins with the first of them. */
static att_status read_wav_header(att_live_input *in, att_err *err)
{
    use(in, 12);
    for (int i = 0; i < MAX_WAV_CHUNKS; i++) {
        att_status status = fill_to(in, 8, err);
        if (status) return status;
        if (in->n_bytes < 8) break;
        uint32_t n = u32_at(in->bytes + 4);
        const int is_format = memcmp(in->bytes, "fmt ", 4) == 0;
        const int is_data = memcmp(in->bytes, "data", 4) == 0;
        use(in, 8);
        if (is_data && in->format.rate_hz) return ATT_OK;
        if (is_data) break;
        if (is_format) {
            status = read_format(in, n, err);
            n = n % 2;
        } else {
            n += n % 2;
        }
        while (!status && n > 0 && !(in->ended && in->n_bytes == 0)) {
            status = fill_to(in, 1, err);
            const size_t some = n < in->n_bytes ? n : in->n_bytes;
            use(in, some);
            n -= (uint32_t)some;
        }
        if (status) return status;
    }
    return att_fail(err, ATT_E_INPUT, "read the WAV stream: no format and samples in its header");
}

static att_status find_format(att_live_input *in, att_err *err)
{
    static const char *const OTHERS[] = {"fLaC", "OggS", "ID3", "\x1a\x45\xdf\xa3"};
    att_status status = fill_to(in, 12, err);
    if (status) return status;
    if (in->n_bytes >= 12 && memcmp(in->bytes, "RIFF", 4) == 0 &&
        memcmp(in->bytes + 8, "WAVE", 4) == 0)
        return read_wav_header(in, err);
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
        if (in->n_bytes >= 4 && memcmp(in->bytes, OTHERS[i], strlen(OTHERS[i])) == 0)
            return att_fail(err, ATT_E_INPUT,
                            "read standard input: live audio is WAV or bare samples; try `ffmpeg "
                            "-i - -f wav -ac 1 -ar 16000 - | attend transcribe --live -`");
    in->format = (format){ATT_LIVE_RATE_HZ, 1, 0};
    return ATT_OK;
}

static float sample_at(const unsigned char *p, int is_float)
{
    if (!is_float) return (float)(int16_t)(uint16_t)u16_at(p) / 32768.0f;
    const uint32_t bits = u32_at(p);
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Whole frames among the bytes, as the mean of their channels. */
static void mix(att_live_input *in)
{
    const size_t width = in->format.is_float ? 4 : 2, channels = (size_t)in->format.channels;
    const size_t n = in->n_bytes / (width * channels);
    for (size_t i = 0; i < n; i++) {
        float sum = 0.0f;
        for (size_t c = 0; c < channels; c++)
            sum += sample_at(in->bytes + (i * channels + c) * width, in->format.is_float);
        in->mono[i] = channels == 1 ? sum : sum / (float)channels;
    }
    in->n_mono = n;
    in->at = 0;
    use(in, n * width * channels);
}

/* --- a microphone --- */

#ifdef ATT_PORTAUDIO
static att_status microphone_failed(PaError failed, att_err *err)
{
    return att_fail(err, ATT_E_INPUT, "open the microphone: %s", Pa_GetErrorText(failed));
}

/* Standard error goes nowhere: ALSA and JACK write pages there about devices that are not used.
 * Returns what to give to unsilence(). */
static int silence(void)
{
    const int kept = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (kept >= 0 && nowhere >= 0) dup2(nowhere, STDERR_FILENO);
    if (nowhere >= 0) close(nowhere);
    return kept;
}

static void unsilence(int kept)
{
    if (kept < 0) return;
    dup2(kept, STDERR_FILENO);
    close(kept);
}

static PaError initialise(void)
{
    const int kept = silence();
    const PaError failed = Pa_Initialize();
    unsilence(kept);
    return failed;
}

static att_status open_microphone(att_live_input *in, att_err *err)
{
    PaStream *stream = NULL;
    PaError failed = initialise();
    if (failed != paNoError) return microphone_failed(failed, err);
    const PaDeviceIndex device = Pa_GetDefaultInputDevice();
    if (device == paNoDevice) {
        Pa_Terminate();
        return att_fail(err, ATT_E_INPUT, "open the microphone: there is none");
    }
    int rate_hz = ATT_LIVE_RATE_HZ;
    failed = Pa_OpenDefaultStream(&stream, 1, 0, paFloat32, rate_hz, FRAMES_A_READ, NULL, NULL);
    if (failed == paInvalidSampleRate) {
        rate_hz = (int)Pa_GetDeviceInfo(device)->defaultSampleRate;
        failed = Pa_OpenDefaultStream(&stream, 1, 0, paFloat32, rate_hz, FRAMES_A_READ, NULL, NULL);
    }
    if (failed == paNoError) failed = Pa_StartStream(stream);
    if (failed != paNoError) {
        if (stream) Pa_CloseStream(stream);
        Pa_Terminate();
        return microphone_failed(failed, err);
    }
    in->microphone = stream;
    in->format = (format){rate_hz, 1, 1};
    return ATT_OK;
}

static void close_microphone(att_live_input *in)
{
    if (!in->microphone) return;
    Pa_CloseStream(in->microphone);
    Pa_Terminate();
}

static att_status listen(att_live_input *in, att_err *err)
{
    const signed long waiting = Pa_GetStreamReadAvailable(in->microphone);
    unsigned long n = waiting > FRAMES_A_READ ? (unsigned long)waiting : FRAMES_A_READ;
    if (n > BLOCK_BYTES / 2) n = BLOCK_BYTES / 2;
    const PaError failed = Pa_ReadStream(in->microphone, in->mono, n);
    if (failed != paNoError && failed != paInputOverflowed)
        return att_fail(err, ATT_E_INPUT, "listen: %s", Pa_GetErrorText(failed));
    in->n_mono = n;
    in->at = 0;
    return ATT_OK;
}
#else
static att_status open_microphone(att_live_input *in, att_err *err)
{
    (void)in;
    return att_fail(err, ATT_E_UNSUPPORTED,
                    "open the microphone: this program was built without PortAudio; install "
                    "portaudio19-dev and build again, or pipe samples into --live -");
}

static void close_microphone(att_live_input *in)
{
    (void)in;
}

static att_status listen(att_live_input *in, att_err *err)
{
    (void)in;
    return att_fail(err, ATT_E_UNSUPPORTED, "listen: no microphone is open");
}
#endif

/* --- both --- */

static att_status make(att_live_input **out, int fd, int microphone, att_err *err)
{
    *out = NULL;
    att_live_input *in = att_calloc(1, sizeof *in);
    if (!in) return att_fail(err, ATT_E_MEMORY, "open live audio: out of memory");
    in->fd = fd;
    att_status status = microphone ? open_microphone(in, err) : find_format(in, err);
    if (!status && in->format.rate_hz != ATT_LIVE_RATE_HZ) {
        soxr_error_t failed = NULL;
        in->resampler =
            soxr_create(in->format.rate_hz, ATT_LIVE_RATE_HZ, 1, &failed, NULL, NULL, NULL);
        if (failed || !in->resampler)
            status = att_fail(err, ATT_E_INPUT, "open live audio: resample %d Hz: %s",
                              in->format.rate_hz, soxr_strerror(failed));
    }
    if (status)
        att_live_input_close(in);
    else
        *out = in;
    return status;
}

att_status att_live_input_pipe(att_live_input **input, int fd, att_err *err)
{
    return make(input, fd, 0, err);
}

att_status att_live_input_microphone(att_live_input **input, att_err *err)
{
    return make(input, -1, 1, err);
}

void att_live_input_close(att_live_input *in)
{
    if (!in) return;
    close_microphone(in);
    if (in->resampler) soxr_delete(in->resampler);
    att_free(in);
}

static att_status next_block(att_live_input *in, att_err *err)
{
    if (in->microphone) return listen(in, err);
    const size_t had = in->n_bytes;
    att_status status = ATT_OK;
    if (had < (size_t)in->format.channels * 4) status = fill(in, err);
    if (!status) mix(in);
    return status;
}

att_status att_live_input_read(att_live_input *in, float *samples, size_t room, size_t *got,
                               att_err *err)
{
    *got = 0;
    if (in->at == in->n_mono) {
        const att_status status = next_block(in, err);
        if (status) return status;
    }
    const size_t left = in->n_mono - in->at;
    if (!in->resampler) {
        *got = left < room ? left : room;
        memcpy(samples, in->mono + in->at, *got * sizeof *samples);
        in->at += *got;
        return ATT_OK;
    }
    size_t used = 0;
    const soxr_error_t failed =
        soxr_process(in->resampler, in->ended && !left ? NULL : in->mono + in->at, left, &used,
                     samples, room, got);
    in->at += used;
    return failed ? att_fail(err, ATT_E_INPUT, "listen: resample: %s", soxr_strerror(failed))
                  : ATT_OK;
}

int att_live_input_ended(const att_live_input *in)
{
    return in->ended && in->at == in->n_mono;
}
