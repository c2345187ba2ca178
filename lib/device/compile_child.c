/* compile_child.c - compiling in a process of its own, so that the compiler's memory goes with it.
 *
 * The child is `compiler --compile-kernels CACHE INDEX PORTABLE PROGRAM...` and writes one line to
 * its standard output for each program that is done. Tests: tests/unit/test_device.c */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device_internal.h"
#include "mem.h"

extern char **environ;

enum { FIXED_ARGS = 5, NUMBER_BYTES = 16 };

static pid_t spawn_compiler(const att_device *device, const atti_program_id *ids, size_t n,
                            int write_end)
{
    char numbers[2][NUMBER_BYTES];
    const char *argv[FIXED_ARGS + ATT_N_PROGRAMS + 2] = {0};
    snprintf(numbers[0], NUMBER_BYTES, "%d", device->index);
    snprintf(numbers[1], NUMBER_BYTES, "%d", device->portable);
    argv[0] = device->compiler;
    argv[1] = "--compile-kernels";
    argv[2] = device->cache_dir;
    argv[3] = numbers[0];
    argv[4] = numbers[1];
    for (size_t i = 0; i < n; i++) argv[FIXED_ARGS + i] = atti_programs[ids[i]].id;
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    if (posix_spawn_file_actions_init(&actions) != 0) return -1;
    posix_spawn_file_actions_adddup2(&actions, write_end, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", 0, 0);
    if (posix_spawn(&pid, device->compiler, &actions, NULL, (char *const *)argv, environ) != 0)
        pid = -1;
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

/* Counts the child's lines until it closes its end. */
static void follow(const att_device *device, int read_end, size_t n)
{
    char bytes[256];
    int done = 0;
    for (;;) {
        att_log_progress(&device->log, "compiling kernels", done, (int)n);
        const ssize_t got = read(read_end, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        for (ssize_t i = 0; i < got; i++) done += bytes[i] == '\n';
    }
}

int atti_compile_in_child(att_device *device, const atti_program_id *ids, size_t n)
{
    int ends[2], status = -1;
    if (pipe(ends) != 0) return 0;
    const pid_t pid = spawn_compiler(device, ids, n, ends[1]);
    close(ends[1]);
    if (pid > 0) {
        follow(device, ends[0], n);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
    }
    close(ends[0]);
    if (status == 0) return 1;
    att_log_write(&device->log, ATT_LOG_WARNING,
                  "compiling kernels in a process of its own failed: compiling in this one");
    return 0;
}

static int find_program(const char *id)
{
    for (int i = 0; atti_programs[i].id; i++)
        if (strcmp(atti_programs[i].id, id) == 0) return i;
    return -1;
}

int att_device_compile_main(int argc, char **argv)
{
    if (argc < FIXED_ARGS) return 2;
    att_device *device = NULL;
    att_err err;
    att_device_options o = att_device_defaults();
    o.cache_dir = argv[2];
    o.select = argv[3];
    o.portable = atoi(argv[4]);
    att_status status = att_device_open(&device, &o, &err);
    for (int i = FIXED_ARGS; !status && i < argc; i++) {
        cl_program program;
        const int id = find_program(argv[i]);
        if (id < 0) {
            status = ATT_E_ARG;
            break;
        }
        status = atti_program_get(device, (atti_program_id)id, &program, &err);
        if (!status && write(STDOUT_FILENO, "\n", 1) != 1) status = ATT_E_IO;
    }
    att_device_close(device);
    return status ? 1 : 0;
}
