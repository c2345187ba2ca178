/* test_transcribe.c - `attend transcribe` as its users meet it: words, files, faults, exit codes.
 *
 * Needs Whisper tiny.en and the recordings of pocketsphinx-testdata; skips without them. */
#define _DEFAULT_SOURCE
#include <cjson/cJSON.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "attend/precision.h"
#include "realdata.h"
#include "spawn.h"

enum { MAX_ARGS = 24, PATH_BYTES = 4096 };

#define SPEECH "librivox/sense_and_sensibility_01_austen_64kb-0870.wav"
#define WORDS  "leisure to consider" /* what is said in it */

/* attend transcribe -m <tiny.en> args..., NULL-terminated. */
static spawn_result transcribe(const char *const *args)
{
    const char *argv[MAX_ARGS] = {ATTEND_PROGRAM, "transcribe", "-m", realdata_model("tiny.en")};
    for (size_t n = 4; *args && n + 1 < MAX_ARGS; args++) argv[n++] = *args;
    return spawn_run(argv, NULL, 0, NULL, 0.0);
}

#define TRANSCRIBE(...) transcribe((const char *const[]){__VA_ARGS__, NULL})

static const char *in(const char *folder, const char *name)
{
    static char path[4][PATH_BYTES];
    static int turn;
    char *p = path[turn++ & 3];
    snprintf(p, PATH_BYTES, "%s/%s", folder, name);
    return p;
}

static void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    if (n) assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static int count_entries(const char *folder)
{
    int n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void words_come_on_stdout_and_nothing_is_written(void **state)
{
    (void)state;
    spawn_result r = TRANSCRIBE(realdata_speech(SPEECH));
    assert_int_equal(r.code, 0);
    assert_non_null(strstr(r.out, "[00:00.000 --> "));
    assert_non_null(strstr(r.out, WORDS));
    spawn_free(&r);
    r = TRANSCRIBE("--verbose", "False", "-q", realdata_speech(SPEECH));
    assert_int_equal(r.code, 0);
    assert_null(strstr(r.out, "-->"));
    assert_non_null(strstr(r.out, WORDS));
    assert_string_equal(r.err, "");
    spawn_free(&r);
}

static void standard_input_is_a_file(void **state)
{
    (void)state;
    FILE *f = fopen(realdata_speech(SPEECH), "rb");
    assert_non_null(f);
    static char bytes[1 << 20];
    const size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    const char *const argv[] = {
        ATTEND_PROGRAM, "transcribe", "-m", realdata_model("tiny.en"), "-", NULL};
    spawn_result r = spawn_run(argv, bytes, n, NULL, 0.0);
    assert_int_equal(r.code, 0);
    assert_non_null(strstr(r.out, WORDS));
    spawn_free(&r);
}

static void all_formats_are_written_whole(void **state)
{
    (void)state;
    const char *folder = realdata_folder();
    spawn_result r = TRANSCRIBE("-o", folder, "--verbose", "False", realdata_speech(SPEECH));
    assert_int_equal(r.code, 0);
    assert_int_equal(count_entries(folder), 5);
    spawn_free(&r);
    r = TRANSCRIBE("--output-dir", folder, "--output-format", "srt", realdata_speech(SPEECH));
    assert_int_equal(r.code, 0);
    assert_int_equal(count_entries(folder), 5);
    spawn_free(&r);
    realdata_remove(folder);
}

static void json_says_it_all(void **state)
{
    (void)state;
    spawn_result r = TRANSCRIBE("--json", "-q", realdata_speech(SPEECH));
    assert_int_equal(r.code, 0);
    cJSON *o = cJSON_Parse(r.out);
    assert_non_null(o);
    assert_non_null(strstr(cJSON_GetObjectItem(o, "text")->valuestring, WORDS));
    assert_string_equal(cJSON_GetObjectItem(o, "language")->valuestring, "en");
    att_precision used;
    assert_true(att_precision_of_name(cJSON_GetObjectItem(o, "precision")->valuestring, &used));
    const char *kernels = cJSON_GetObjectItem(o, "kernels")->valuestring;
    assert_true(!strcmp(kernels, "cpu") || !strcmp(kernels, "nv") || !strcmp(kernels, "portable"));
    assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(o, "segments")) >= 1);
    const cJSON *timings = cJSON_GetObjectItem(o, "timings");
    assert_true(cJSON_GetObjectItem(timings, "encoder_s")->valuedouble > 0.0);
    cJSON_Delete(o);
    spawn_free(&r);
    r = TRANSCRIBE("--json", "-q", "--precision", "exact", realdata_speech(SPEECH));
    assert_non_null(strstr(r.out, "\"precision\":\"exact\""));
    spawn_free(&r);
}

/* Bad files among good ones: each is named, the good ones' words come, the first code is kept. */
static void a_bad_file_stops_nothing(void **state)
{
    (void)state;
    const char *folder = realdata_folder();
    write_file(in(folder, "empty.wav"), "", 0);
    char noise[5000];
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)(i * 37 % 251);
    write_file(in(folder, "noise.mp3"), noise, sizeof noise);
    char empty[PATH_BYTES], garbage[PATH_BYTES];
    snprintf(empty, sizeof empty, "%s", in(folder, "empty.wav"));
    snprintf(garbage, sizeof garbage, "%s", in(folder, "noise.mp3"));
    spawn_result r =
        TRANSCRIBE(in(folder, "absent.wav"), empty, garbage, folder, realdata_speech(SPEECH));
    assert_int_equal(r.code, 3);
    assert_non_null(strstr(r.out, WORDS));
    assert_non_null(strstr(r.err, "absent.wav"));
    assert_non_null(strstr(r.err, "empty.wav"));
    assert_non_null(strstr(r.err, "noise.mp3"));
    spawn_free(&r);
    realdata_remove(folder);
}

static void very_short_audio_is_no_error(void **state)
{
    (void)state;
    const char *folder = realdata_folder();
    /* A WAV header for n samples of 16 kHz mono 16 bit silence. */
    const int lengths[] = {0, 1, 160};
    for (size_t i = 0; i < 3; i++) {
        unsigned char wav[44 + 320] =
            "RIFF....WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0"
            "data";
        const unsigned n = (unsigned)lengths[i] * 2;
        for (int b = 0; b < 4; b++) {
            wav[4 + b] = (unsigned char)((36 + n) >> 8 * b);
            wav[40 + b] = (unsigned char)(n >> 8 * b);
        }
        write_file(in(folder, "short.wav"), wav, 44 + n);
        spawn_result r = TRANSCRIBE("-q", "--json", in(folder, "short.wav"));
        assert_int_equal(r.code, 0);
        assert_non_null(strstr(r.out, "\"segments\":["));
        spawn_free(&r);
    }
    realdata_remove(folder);
}

static void a_model_that_is_none_is_code_4(void **state)
{
    (void)state;
    const char *folder = realdata_folder();
    write_file(in(folder, "model.bin"), "not a model", 11);
    const char *const no_model[] = {
        ATTEND_PROGRAM,          "transcribe", "--offline", "-m", "no-such-model",
        realdata_speech(SPEECH), NULL};
    const char *const broken[] = {ATTEND_PROGRAM,          "transcribe", "-m", folder,
                                  realdata_speech(SPEECH), NULL};
    spawn_result r = spawn_run(no_model, NULL, 0, NULL, 0.0);
    assert_int_equal(r.code, 4);
    assert_non_null(strstr(r.err, "no-such-model"));
    spawn_free(&r);
    r = spawn_run(broken, NULL, 0, NULL, 0.0);
    assert_int_equal(r.code, 4);
    spawn_free(&r);
    realdata_remove(folder);
}

static void a_device_that_is_none_is_code_5(void **state)
{
    (void)state;
    spawn_result r = TRANSCRIBE("--device", "no such device", realdata_speech(SPEECH));
    assert_int_equal(r.code, 5);
    assert_non_null(strstr(r.err, "no such device"));
    spawn_free(&r);
}

static void bad_usage_is_code_2(void **state)
{
    (void)state;
    spawn_result r = TRANSCRIBE("--beam_size", "65", realdata_speech(SPEECH));
    assert_int_equal(r.code, 2);
    assert_non_null(strstr(r.err, "beam_size"));
    spawn_free(&r);
    r = TRANSCRIBE("--language", "Klingon", realdata_speech(SPEECH));
    assert_int_equal(r.code, 2);
    assert_non_null(strstr(r.err, "Klingon"));
    spawn_free(&r);
    r = TRANSCRIBE("-q");
    assert_int_equal(r.code, 2);
    spawn_free(&r);
    r = TRANSCRIBE("--language", "German", realdata_speech(SPEECH));
    assert_int_equal(r.code, 0); /* tiny.en */
    assert_non_null(strstr(r.err, "English only"));
    spawn_free(&r);
    const char *folder = realdata_folder();
    char same[PATH_BYTES];
    write_file(in(folder, "one.wav"), "", 0);
    write_file(in(folder, "one.flac"), "", 0);
    snprintf(same, sizeof same, "%s", in(folder, "one.flac"));
    r = TRANSCRIBE("-f", "txt", in(folder, "one.wav"), same);
    assert_int_equal(r.code, 2);
    assert_non_null(strstr(r.err, "one.wav"));
    assert_non_null(strstr(r.err, "one.flac"));
    spawn_free(&r);
    realdata_remove(folder);
}

/* A file size limit of nothing stands in for a full disk: the name must not appear. */
static void a_full_disk_leaves_no_broken_file(void **state)
{
    (void)state;
    const char *folder = realdata_folder();
    char command[3 * PATH_BYTES];
    snprintf(command, sizeof command,
             "trap '' XFSZ; ulimit -f 0; exec %s transcribe -m %s -q -f txt -o %s %s >/dev/null "
             "2>/dev/null",
             ATTEND_PROGRAM, realdata_model("tiny.en"), folder, realdata_speech(SPEECH));
    const char *const argv[] = {"sh", "-c", command, NULL};
    spawn_result r = spawn_run(argv, NULL, 0, NULL, 0.0);
    assert_int_equal(r.code, 1);
    assert_int_equal(count_entries(folder), 0);
    spawn_free(&r);
    realdata_remove(folder);
}

/* Interrupted at many moments: done or 130, and every file that has its final name is complete. */
static void an_interrupt_keeps_what_is_finished(void **state)
{
    (void)state;
    const char *folder = realdata_folder();
    const char *const argv[] = {
        ATTEND_PROGRAM, "transcribe", "-m",   realdata_model("tiny.en"), "-q", "-f",
        "json",         "-o",         folder, realdata_speech(SPEECH),   NULL};
    for (int i = 0; i < 12; i++) {
        spawn_result r = spawn_run(argv, NULL, 0, NULL, 0.05 + 0.12 * i);
        assert_true(r.code == 0 || r.code == 130);
        spawn_free(&r);
        DIR *d = opendir(folder);
        assert_non_null(d);
        for (struct dirent *e; (e = readdir(d));) {
            if (e->d_name[0] == '.') continue;
            static char text[1 << 16];
            FILE *f = fopen(in(folder, e->d_name), "rb");
            assert_non_null(f);
            text[fread(text, 1, sizeof text - 1, f)] = 0;
            fclose(f);
            cJSON *o = cJSON_Parse(text);
            assert_non_null(o); /* NAME.json and NAME.json.part are both whole */
            cJSON_Delete(o);
            unlink(in(folder, e->d_name));
        }
        closedir(d);
    }
    realdata_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_come_on_stdout_and_nothing_is_written),
        cmocka_unit_test(standard_input_is_a_file),
        cmocka_unit_test(all_formats_are_written_whole),
        cmocka_unit_test(json_says_it_all),
        cmocka_unit_test(a_bad_file_stops_nothing),
        cmocka_unit_test(very_short_audio_is_no_error),
        cmocka_unit_test(a_model_that_is_none_is_code_4),
        cmocka_unit_test(a_device_that_is_none_is_code_5),
        cmocka_unit_test(bad_usage_is_code_2),
        cmocka_unit_test(a_full_disk_leaves_no_broken_file),
        cmocka_unit_test(an_interrupt_keeps_what_is_finished),
    };
    return cmocka_run_group_tests_name("transcribe", tests, NULL, NULL);
}
