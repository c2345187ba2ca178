/* audio_spool.c - temporary files and ffmpeg (audio_spool.h). Tests: tests/unit/test_audio.c */
#define _DEFAULT_SOURCE
#include "audio_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* A file without a name in the folder that tmpfile() uses. */
static int open_temporary(void)
{
    FILE *file = tmpfile();
    if (!file) return -1;
    const int fd = dup(fileno(file));
    fclose(file);
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

att_status atti_spool_input(int *fd, att_err *err)
{
    char bytes[65536];
    *fd = open_temporary();
    if (*fd < 0)
        return att_fail(err, ATT_E_IO, "read standard input: no temporary file: %s",
                        strerror(errno));
    for (;;) {
        const ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0 && lseek(*fd, 0, SEEK_SET) == 0) return ATT_OK;
        if (n > 0 && write_all(*fd, bytes, (size_t)n)) continue;
        att_fail(err, ATT_E_IO, "read standard input: %s", strerror(errno));
        close(*fd);
        return ATT_E_IO;
    }
}

/* ffmpeg with `in` as its input and its output and messages in the two files. The pid, or -1. */
static pid_t spawn_ffmpeg(int in, int out, int messages, int32_t rate_hz)
{
    char rate[16];
    snprintf(rate, sizeof rate, "%d", rate_hz);
    const char *const argv[] = {"ffmpeg", "-nostdin", "-v",    "error", "-i", "file:/dev/stdin",
                                "-vn",    "-f",       "s16le", "-ac",   "1",  "-ar",
                                rate,     "pipe:1",   NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    if (posix_spawn_file_actions_init(&actions) != 0) return -1;
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO);
    if (posix_spawnp(&pid, "ffmpeg", &actions, NULL, (char *const *)argv, environ) != 0) pid = -1;
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

/* The last line of the file, without its end. */
static void last_line(int fd, char *line, size_t bytes)
{
    char text[2048];
    const off_t end = lseek(fd, 0, SEEK_END);
    const off_t from = end > (off_t)sizeof text - 1 ? end - (off_t)sizeof text + 1 : 0;
    lseek(fd, from, SEEK_SET);
    const ssize_t n = read(fd, text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    size_t length = strlen(text);
    while (length && text[length - 1] == '\n') text[--length] = 0;
    const char *newest = strrchr(text, '\n');
    snprintf(line, bytes, "%s", newest ? newest + 1 : text);
}

att_status atti_spool_ffmpeg(int fd, int32_t rate_hz, const char *name, int *spooled, att_err *err)
{
    const int out = open_temporary(), messages = open_temporary();
    att_status status = ATT_OK;
    int code = -1;
    char line[512] = "";
    lseek(fd, 0, SEEK_SET);
    const pid_t pid = out >= 0 && messages >= 0 ? spawn_ffmpeg(fd, out, messages, rate_hz) : -1;
    if (out < 0 || messages < 0) {
        status = att_fail(err, ATT_E_IO, "read %s: no temporary file: %s", name, strerror(errno));
    } else if (pid < 0) {
        status = att_fail(err, ATT_E_INPUT,
                          "read %s: libsndfile does not know its format and ffmpeg is not "
                          "installed; install ffmpeg or convert the file to WAV or FLAC",
                          name);
    } else {
        while (waitpid(pid, &code, 0) < 0 && errno == EINTR) {
        }
        last_line(messages, line, sizeof line);
        if (code != 0)
            status = att_fail(err, ATT_E_INPUT,
                              "read %s: neither libsndfile nor ffmpeg can read it (ffmpeg: %s)",
                              name, line);
    }
    if (messages >= 0) close(messages);
    if (!status && lseek(out, 0, SEEK_SET) == 0) {
        *spooled = out;
        return ATT_OK;
    }
    if (out >= 0) close(out);
    return status;
}
