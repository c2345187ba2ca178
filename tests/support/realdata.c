/* realdata.c - realdata.h. */
#define _DEFAULT_SOURCE
#include "realdata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "spawn.h"

enum { PATH_BYTES = 4096 };

static const char *or_skip(const char *path, const char *what)
{
    if (access(path, R_OK) == 0) return path;
    print_message("skipped: no %s (%s)\n", what, path);
    skip();
    return NULL;
}

const char *realdata_model(const char *name)
{
    static char path[PATH_BYTES];
    const char *folder = getenv("ATT_TEST_MODELS");
    if (folder) {
        snprintf(path, sizeof path, "%s/%s", folder, name);
        if (access(path, R_OK) == 0) return path;
    }
    const char *const argv[] = {getenv("ATT_TEST_PROGRAM") ? getenv("ATT_TEST_PROGRAM")
                                                           : ATTEND_PROGRAM,
                                "models", "path", name, NULL};
    spawn_result r = spawn_run(argv, NULL, 0, NULL, 0.0);
    snprintf(path, sizeof path, "%.*s", (int)strcspn(r.out, "\n"), r.out);
    const int code = r.code;
    spawn_free(&r);
    if (code == 0) return or_skip(path, "model");
    print_message("skipped: the model %s is not installed; attend models get %s\n", name, name);
    skip();
    return NULL;
}

const char *realdata_speech(const char *name)
{
    static char path[PATH_BYTES];
    snprintf(path, sizeof path, "/usr/share/pocketsphinx/test/data/%s", name);
    return or_skip(path, "recording; install pocketsphinx-testdata");
}

const char *realdata_shared(const char *name)
{
    static char path[PATH_BYTES];
    const char *folder = getenv("ATT_TEST_DATA");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : "$ATT_TEST_DATA", name);
    return or_skip(path, "shared recording; set ATT_TEST_DATA to its folder");
}

const char *realdata_folder(void)
{
    static char path[PATH_BYTES];
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/attend-test-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(path);
}

void realdata_remove(const char *folder)
{
    const char *const argv[] = {"rm", "-rf", "--", folder, NULL};
    spawn_result r = spawn_run(argv, NULL, 0, NULL, 0.0);
    spawn_free(&r);
}
