/* test_transcribe_flags.c - no option of `attend transcribe` is silently ignored: each is given
 * once more than before and changes what comes out, or another test shows what it does. Needs
 * Whisper base and tiny.en, Silero's voice detector and the recordings of pocketsphinx-testdata. */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "realdata.h"
#include "spawn.h"
#include "transcribe.h"
#include "wavfile.h"

enum { MAX_ARGS = 32, RATE_HZ = 16000, MAX_PARTS = 10 };

/* Recordings made here: a sentence; two with 4 s between them, and with 3 s in front; five;
 * silence. */
enum { ONE, TWO, LATE, FIVE, SILENCE, N_RECORDINGS };

static char paths[N_RECORDINGS][512], models[2][512];
static const char *scratch;

/* Parts: the number of a sentence, or negative seconds of silence; 0 ends. */
static const int PARTS[N_RECORDINGS][MAX_PARTS] = {
    {1}, {1, -4, 2}, {-3, 1, -4, 2}, {1, -3, 2, -2, 3, -2, 4, -2, 5}, {-3}};

static void make_recording(int r)
{
    static const char *const SENTENCES[] = {"0870", "0880", "0890", "0920", "0930"};
    int16_t *all = NULL;
    size_t n_all = 0;
    for (const int *p = PARTS[r]; *p && p < PARTS[r] + MAX_PARTS; p++) {
        int64_t n = -*p * RATE_HZ;
        int16_t *samples = NULL;
        char name[128];
        if (*p > 0) {
            snprintf(name, sizeof name, "librivox/sense_and_sensibility_01_austen_64kb-%s.wav",
                     SENTENCES[*p - 1]);
            samples = wavfile_read(realdata_speech(name), &n);
        }
        all = realloc(all, (n_all + (size_t)n) * sizeof *all);
        assert_non_null(all);
        for (int64_t i = 0; i < n; i++) all[n_all + (size_t)i] = samples ? samples[i] : 0;
        n_all += (size_t)n;
        free(samples);
    }
    snprintf(paths[r], sizeof paths[r], "%s/%d.wav", scratch, r);
    wavfile_write(paths[r], all, (int64_t)n_all);
    free(all);
}

typedef struct flag_case {
    const char *flag;
    int recording, multilingual; /* 1: base, 0: tiny.en */
    const char *before[12];      /* arguments of both runs */
    const char *value;           /* NULL: a flag without one */
} flag_case;

#define GREEDY "--beam_size", "1"
#define VAD    GREEDY, "--vad_filter", "True"
#define WORDS  GREEDY, "--word_timestamps", "True"
#define NEVER  "--no_speech_threshold", "None", "--logprob_threshold", "None"

static const flag_case CHANGES[] = {
    {"without_timestamps", ONE, 0, {GREEDY}, NULL},
    {"single_window", FIVE, 0, {GREEDY}, NULL},
    {"condition_on_previous_text", FIVE, 0, {GREEDY, "--initial_prompt", "MR JOHN"}, "False"},
    {"no_speech_threshold", ONE, 0, {GREEDY, "--logprob_threshold", "None"}, "-1"},
    {"logprob_threshold", ONE, 0, {GREEDY}, "0"},
    {"compression_ratio_threshold", ONE, 0, {GREEDY}, "0.1"},
    {"temperature", ONE, 0, {GREEDY}, "1"},
    {"temperature_increment_on_fallback", ONE, 0, {GREEDY, "--logprob_threshold", "0"}, "None"},
    {"best_of", ONE, 0, {GREEDY, "--temperature", "1", "--best_of", "1"}, "4"},
    {"beam_size", ONE, 0, {GREEDY}, "5"},
    {"patience", ONE, 0, {"--beam_size", "3", "--patience", "0.4"}, "4"},
    {"length_penalty", SILENCE, 0, {"--patience", "4", "--without_timestamps", NEVER}, "0"},
    {"seed", ONE, 0, {GREEDY, "--temperature", "1", "--best_of", "1"}, "1"},
    {"suppress_blank", SILENCE, 0, {GREEDY, "--without_timestamps", NEVER}, "False"},
    {"suppress_regex", ONE, 0, {GREEDY}, " leisure"},
    {"repetition_penalty", ONE, 0, {GREEDY}, "3"},
    {"no_repeat_ngram_size", ONE, 0, {GREEDY}, "1"},
    {"max_new_tokens", ONE, 0, {GREEDY}, "5"},
    {"hotwords", ONE, 0, {GREEDY}, "DASHWOODE"},
    {"multilingual", ONE, 1, {GREEDY, "--language", "de"}, "True"},
    {"language_detection_segments", FIVE, 1, {GREEDY, "--language_detection_threshold", "1"}, "2"},
    {"language_detection_threshold", FIVE, 1, {GREEDY, "--language_detection_segments", "2"}, "1"},
    {"prompt_reset_on_temperature",
     FIVE,
     0,
     {GREEDY, "--temperature", "0.4", "--best_of", "1"},
     "0.1"},
    {"suppress_tokens", ONE, 0, {GREEDY}, "11,13"},
    {"initial_prompt", ONE, 0, {GREEDY}, "MR JOHN DASHWOODE HAD"},
    {"carry_initial_prompt",
     FIVE,
     0,
     {GREEDY, "--initial_prompt", "MR JOHN", "--condition_on_previous_text", "False"},
     "True"},
    {"prefix", ONE, 0, {GREEDY}, "And Mr."},
    {"clip_timestamps", ONE, 0, {GREEDY}, "1,3"},
    {"word_timestamps", ONE, 0, {GREEDY}, "True"},
    {"prepend_punctuations", ONE, 0, {WORDS}, "Mr."},
    {"append_punctuations", FIVE, 0, {WORDS}, ""},
    {"hallucination_silence_threshold",
     LATE,
     0,
     {WORDS, "--suppress_regex", ".*[aeo].*", "--temperature_increment_on_fallback", "None",
      "--logprob_threshold", "None"},
     "0.1"},
    {"vad_filter", TWO, 0, {GREEDY}, "True"},
    {"vad_chunks",
     FIVE, /* 30 s and more with what is added */
     0,
     {VAD, "--vad_min_silence_duration_ms", "500", "--vad_speech_pad_ms", "1000"},
     "True"},
    {"vad_threshold", TWO, 0, {VAD, "--vad_min_silence_duration_ms", "300"}, "0.99"},
    {"vad_neg_threshold",
     TWO,
     0,
     {VAD, "--vad_min_silence_duration_ms", "100", "--vad_speech_pad_ms", "0"},
     "0.01"},
    {"vad_min_speech_duration_ms", TWO, 0, {VAD}, "9000"},
    {"vad_max_speech_duration_s", FIVE, 0, {VAD, "--vad_speech_pad_ms", "0"}, "5"},
    {"vad_min_silence_duration_ms", TWO, 0, {VAD}, "10000"},
    {"vad_speech_pad_ms", TWO, 0, {VAD}, "10"},
    {"language", ONE, 1, {GREEDY}, "de"},
    {"task", ONE, 1, {GREEDY, "--language", "de"}, "translate"},
};

/* Where the others are shown, and what to look for there. */
static const struct {
    const char *flag, *test, *text;
} ELSEWHERE[] = {
    {"model", "real/test_transcribe.c", "\"-m\""},
    {"device", "real/test_transcribe.c", "--device"},
    {"threads", "unit/test_args.c", "threads"},
    {"output_format", "unit/test_args.c", "output_format"},
    {"output_dir", "real/test_many.c", "\"-o\""},
    {"verbose", "real/test_transcribe.c", "verbose"},
    {"json", "real/test_transcribe.c", "--json"},
    {"offline", "real/test_transcribe.c", "offline"},
    {"highlight_words", "unit/test_transcript_words.c", "highlight_words"},
    {"max_line_width", "unit/test_transcript_words.c", "max_line_width"},
    {"max_line_count", "unit/test_transcript_words.c", "max_line_count"},
    {"max_words_per_line", "unit/test_transcript_words.c", "max_words_per_line"},
    {"batch", "real/test_asr_batch.c", "--batch"},
    {"vad_model", "real/test_asr_vad.c", "--vad_model"},
    {"files_from", "real/test_many.c", "--files_from"},
    {"null", "real/test_many.c", "--null"},
    {"skip_existing", "real/test_many.c", "--skip_existing"},
    {"live", "real/test_asr_live.c", "--live"},
    {"plot", "real/test_many.c", "--plot"},
};

/* These say something on stderr or stdout, or end the program. */
static const struct {
    const char *flag, *value;
    int code;
    const char *says;
} SAYINGS[] = {
    {"fp16", "True", 0, "--fp16 is not used"},
    {"precision", "int4", 2, "expected exact|fast|int8"},
    {"model_dir", "/nonexistent", 4, "--offline forbids getting it"},
    {"info", NULL, 0, "cpu kernels"},
    {"profile", NULL, 0, "GFLOP/s"},
    {"portable", NULL, 0, "portable kernels"},
    {"quiet", NULL, 0, ""},
    {"help", NULL, 0, "usage: attend transcribe"},
    {"live_step", "0", 2, "step 0 s"},
};

/* What a run says of language, windows and segments; the caller frees it. */
static char *said(const flag_case *c, int with)
{
    const char *argv[MAX_ARGS] = {ATTEND_PROGRAM, "transcribe", "-q",
                                  "--json",       "-m",         models[c->multilingual]};
    char flag[64];
    size_t n = 6;
    for (const char *const *a = c->before; *a; a++) argv[n++] = *a;
    snprintf(flag, sizeof flag, "--%s", c->flag);
    if (with) argv[n++] = flag;
    if (with && c->value) argv[n++] = c->value;
    argv[n++] = paths[c->recording];
    spawn_result r = spawn_run(argv, NULL, 0, NULL, 0.0);
    if (r.code != 0) fail_msg("--%s: exit %d: %s", c->flag, r.code, r.err);
    cJSON *json = cJSON_Parse(r.out);
    assert_non_null(json);
    cJSON *timings = cJSON_GetObjectItem(json, "timings");
    cJSON *kept = cJSON_CreateObject();
    cJSON_AddItemToObject(kept, "windows", cJSON_DetachItemFromObject(timings, "windows"));
    cJSON_AddItemToObject(kept, "language", cJSON_DetachItemFromObject(json, "language"));
    cJSON_AddItemToObject(kept, "segments", cJSON_DetachItemFromObject(json, "segments"));
    char *text = cJSON_PrintUnformatted(kept);
    cJSON_Delete(kept);
    cJSON_Delete(json);
    spawn_free(&r);
    return text;
}

static void each_option_changes_what_comes_out(void **state)
{
    (void)state;
    snprintf(models[0], sizeof models[0], "%s", realdata_model("tiny.en"));
    snprintf(models[1], sizeof models[1], "%s", realdata_model("base"));
    (void)realdata_model("silero-vad");
    scratch = realdata_folder();
    for (int r = 0; r < N_RECORDINGS; r++) make_recording(r);
    for (size_t i = 0; i < sizeof CHANGES / sizeof *CHANGES; i++) {
        char *before = said(&CHANGES[i], 0), *after = said(&CHANGES[i], 1);
        if (strcmp(before, after) == 0) fail_msg("--%s changes nothing", CHANGES[i].flag);
        cJSON_free(before);
        cJSON_free(after);
    }
    realdata_remove(scratch);
}

/* Runs with -v, and with --offline and a model by name where models are looked for. */
static void the_others_say_something(void **state)
{
    (void)state;
    const char *sentence = realdata_speech("cards/001.wav");
    snprintf(models[0], sizeof models[0], "%s", realdata_model("tiny.en"));
    for (size_t i = 0; i < sizeof SAYINGS / sizeof *SAYINGS; i++) {
        char flag[64];
        const char *name = SAYINGS[i].flag, *argv[MAX_ARGS] = {ATTEND_PROGRAM, "transcribe", flag};
        size_t n = 3;
        snprintf(flag, sizeof flag, "--%s", name);
        if (SAYINGS[i].value) argv[n++] = SAYINGS[i].value;
        argv[n++] = "-m";
        argv[n++] = strcmp(name, "model_dir") == 0 ? "base" : models[0];
        argv[n++] = "--offline";
        if (strcmp(name, "portable") == 0) argv[n++] = "-v";
        if (strcmp(name, "live_step") == 0) argv[n++] = "--live";
        argv[n++] = strcmp(name, "live_step") == 0 ? "-" : sentence;
        spawn_result r = spawn_run(argv, NULL, 0, NULL, 0.0);
        if (r.code != SAYINGS[i].code) fail_msg("%s: exit %d: %s", flag, r.code, r.err);
        if (!strstr(r.err, SAYINGS[i].says) && !strstr(r.out, SAYINGS[i].says))
            fail_msg("%s does not say '%s' but %s", flag, SAYINGS[i].says, r.err);
        if (strcmp(name, "quiet") == 0) assert_string_equal(r.err, "");
        spawn_free(&r);
    }
}

static int mentions(const char *test, const char *what)
{
    static char text[1 << 17];
    char path[512];
    snprintf(path, sizeof path, ATT_SOURCE_DIR "/tests/%s", test);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return strstr(text, what) != NULL;
}

static int is_shown(const char *flag)
{
    for (size_t i = 0; i < sizeof CHANGES / sizeof *CHANGES; i++)
        if (strcmp(CHANGES[i].flag, flag) == 0) return 1;
    for (size_t i = 0; i < sizeof ELSEWHERE / sizeof *ELSEWHERE; i++)
        if (strcmp(ELSEWHERE[i].flag, flag) == 0)
            return mentions(ELSEWHERE[i].test, ELSEWHERE[i].text);
    for (size_t i = 0; i < sizeof SAYINGS / sizeof *SAYINGS; i++)
        if (strcmp(SAYINGS[i].flag, flag) == 0) return 1;
    return 0;
}

static void every_option_is_shown_somewhere(void **state)
{
    (void)state;
    size_t n, missing = 0;
    const att_opt *table = att_transcribe_table(&n);
    for (size_t i = 0; i < n; i++) {
        if (is_shown(table[i].name)) continue;
        print_message("no test shows what --%s does\n", table[i].name);
        missing++;
    }
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_is_shown_somewhere),
        cmocka_unit_test(each_option_changes_what_comes_out),
        cmocka_unit_test(the_others_say_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
