/* audio_spool.c - temporary files and ffmpeg (audio_spool.h). Tests: tests/unit/test_audio.c */
#define _DEFAULT_SOURCE
#include "audio_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* A file without a name; -1 with errno. /var/tmp first: /tmp may be memory. */
static int open_temporary(void)
{
    static const char *const FOLDERS[] = {"/var/tmp", "/tmp"};
    int fd = -1;
    for (size_t i = 0; fd < 0 && i < sizeof FOLDERS / sizeof *FOLDERS; i++) {
        char path[32];
        snprintf(path, sizeof path, "%s/attend-XXXXXX", FOLDERS[i]);
        fd = mkstemp(path);
        if (fd >= 0) unlink(path);
    }
    if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

static int write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        const ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return 0;
        bytes += done;
        n -= (size_t)done;
    }
    return 1;
}

att_status atti_spool_pipe(int in, const char *name, int *fd, att_err *err)
{
    char bytes[65536];
    *fd = open_temporary();
    if (*fd < 0)
        return att_fail(err, ATT_E_IO, "read %s: no temporary file in /var/tmp or /tmp: %s", name,
                        strerror(errno));
    for (;;) {
        const ssize_t n = read(in, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0 && lseek(*fd, 0, SEEK_SET) == 0) return ATT_OK;
        if (n > 0 && write_all(*fd, bytes, (size_t)n)) continue;
        const att_status status = n < 0 ? ATT_E_INPUT : ATT_E_IO;
        att_fail(err, status, "read %s%s: %s", name, n < 0 ? "" : ", keep it in a temporary file",
                 strerror(errno));
        close(*fd);
        *fd = -1;
        return status;
    }
}

/* ffmpeg with `in` as its input and its output and messages in the two files: no pipe that could
 * fill up, no file name that could be taken for an option or a protocol, no way to the network for
 * a playlist. 0, or what errno would say. */
static int spawn_ffmpeg(int in, int out, int messages, int32_t rate_hz, pid_t *pid)
{
    char rate[16];
    snprintf(rate, sizeof rate, "%d", rate_hz);
    const char *const argv[] = {"ffmpeg",
                                "-nostdin",
                                "-v",
                                "error",
                                "-protocol_whitelist",
                                "file,pipe",
                                "-i",
                                "file:/dev/stdin",
                                "-vn",
                                "-f",
                                "s16le",
                                "-ac",
                                "1",
                                "-ar",
                                rate,
                                "pipe:1",
                                NULL};
    posix_spawn_file_actions_t actions;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed) return failed;
    failed = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    if (!failed) failed = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (!failed) failed = posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO);
    if (!failed) failed = posix_spawnp(pid, "ffmpeg", &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* The last line of the file, without its end. */
static void last_line(int fd, char *line, size_t bytes)
{
    char text[2048];
    const off_t end = lseek(fd, 0, SEEK_END);
    const off_t room = (off_t)sizeof text - 1;
    const ssize_t n = pread(fd, text, sizeof text - 1, end > room ? end - room : 0);
    text[n > 0 ? n : 0] = 0;
    size_t length = strlen(text);
    while (length && text[length - 1] == '\n') text[--length] = 0;
    const char *newest = strrchr(text, '\n');
    snprintf(line, bytes, "%.*s", (int)bytes - 1, newest ? newest + 1 : text);
}

/* Runs ffmpeg to its end; `line` is the last thing that it said. */
static att_status run_ffmpeg(int in, int out, int messages, int32_t rate_hz, const char *name,
                             const char *why, char *line, size_t bytes, att_err *err)
{
    pid_t pid, ended;
    int code = -1;
    lseek(in, 0, SEEK_SET); /* libsndfile has looked into it */
    const int failed = spawn_ffmpeg(in, out, messages, rate_hz, &pid);
    if (failed == ENOENT)
        return att_fail(err, ATT_E_INPUT,
                        "read %s: libsndfile cannot (%s) and ffmpeg is not installed; install "
                        "ffmpeg or convert the file to WAV, FLAC, OGG or MP3",
                        name, why);
    if (failed) return att_fail(err, ATT_E_IO, "read %s: start ffmpeg: %s", name, strerror(failed));
    do ended = waitpid(pid, &code, 0);
    while (ended < 0 && errno == EINTR);
    last_line(messages, line, bytes);
    if (ended == pid && WIFEXITED(code) && WEXITSTATUS(code) == 0) return ATT_OK;
    return att_fail(err, ATT_E_INPUT,
                    "read %s: neither libsndfile (%s) nor ffmpeg can (%s); expected a recording "
                    "with a header, such as WAV, FLAC, OGG, MP3 or M4A",
                    name, why, *line ? line : "it was ended");
}

att_status atti_spool_ffmpeg(int fd, int32_t rate_hz, const char *name, const char *why,
                             const att_log *log, int *spooled, att_err *err)
{
    char line[512] = "";
    att_status status = ATT_OK;
    const int out = open_temporary(), messages = open_temporary();
    if (out < 0 || messages < 0)
        status = att_fail(err, ATT_E_IO, "read %s: no temporary file in /var/tmp or /tmp: %s", name,
                          strerror(errno));
    if (!status) status = run_ffmpeg(fd, out, messages, rate_hz, name, why, line, sizeof line, err);
    if (!status && lseek(out, 0, SEEK_SET) != 0)
        status = att_fail(err, ATT_E_IO, "read %s: %s", name, strerror(errno));
    if (!status && *line) att_log_write(log, ATT_LOG_WARNING, "read %s: ffmpeg: %s", name, line);
    if (messages >= 0) close(messages);
    if (status && out >= 0) close(out);
    if (!status) *spooled = out;
    return status;
}
