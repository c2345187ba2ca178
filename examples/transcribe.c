/* transcribe.c - speech to text in a C program: transcribe MODEL_FOLDER AUDIO_FILE
 *
 *     cc transcribe.c $(pkg-config --cflags --libs attend) -o transcribe
 *     ./transcribe "$(attend models path base)" talk.wav */
#include <attend/asr.h>
#include <stdio.h>

/* Called when a segment is final, on the thread that called att_asr_run(). */
static void print_segment(void *user, const att_asr_segment *segment)
{
    (void)user;
    printf("%7.2f %7.2f %s\n", segment->start, segment->end, segment->text);
    fflush(stdout);
}

/* The device finds and compiles, the model holds the weights, a session is one timeline. Threads
 * share the first two; each has a session of its own. */
static att_status transcribe(const char *folder, const char *file, att_err *err)
{
    att_device *device = NULL;
    att_asr_model *model = NULL;
    att_asr_session *session = NULL;
    att_asr_result result = {0};

    att_device_options device_options = att_device_defaults();
    device_options.cache_dir = "/var/tmp/attend-example"; /* kernels are compiled once */

    att_asr_options options = att_asr_defaults();
    options.language = "en";
    options.on_segment = print_segment;

    att_status status = att_device_open(&device, &device_options, err);
    if (!status) status = att_asr_model_open(&model, device, folder, ATT_PRECISION_EXACT, err);
    if (!status) status = att_asr_session_create(&session, model, err);
    if (!status) status = att_asr_run(session, file, &options, &result, err);
    if (!status) printf("%d segments in %.2f s of sound\n", result.n_segments, result.duration_s);

    att_asr_result_free(&result);
    att_asr_session_destroy(session);
    att_asr_model_close(model);
    att_device_close(device);
    return status;
}

int main(int argc, char **argv)
{
    att_err err;
    if (argc != 3) {
        fprintf(stderr, "usage: transcribe MODEL_FOLDER AUDIO_FILE\n");
        return 2;
    }
    if (transcribe(argv[1], argv[2], &err)) {
        fprintf(stderr, "transcribe: %s\n", err.text);
        return 1;
    }
    return 0;
}
