/* compile_child.c - compiling in processes of their own: the compiler's memory goes with them, and
 * they run beside each other, which PoCL's code generator does not do inside one process.
 *
 * A child is `compiler --compile-kernels CACHE INDEX PORTABLE NAME...` and writes one line to its
 * standard output for each program that is done; a feature is probed, and its answer kept. Tests:
 * tests/unit/test_device.c */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device_internal.h"
#include "mem.h"

extern char **environ;

/* A child takes some 250 MB while it compiles, hence the limit. */
enum { FIXED_ARGS = 5, NUMBER_BYTES = 16, MAX_CHILDREN = 4 };

/* What every child is told first. */
static void fill_fixed(const att_device *device, const char **argv, char numbers[2][NUMBER_BYTES])
{
    snprintf(numbers[0], NUMBER_BYTES, "%d", device->index);
    snprintf(numbers[1], NUMBER_BYTES, "%d", device->portable);
    argv[0] = device->compiler;
    argv[1] = "--compile-kernels";
    argv[2] = device->cache_dir;
    argv[3] = numbers[0];
    argv[4] = numbers[1];
}

/* Its standard output is write_end, or nothing, with its complaints too, when that is -1. Returns
 * -1 when it does not start. */
static pid_t spawn_compiler(const att_device *device, const char **argv, int write_end)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    if (posix_spawn_file_actions_init(&actions) != 0) return -1;
    const int silent = write_end < 0;
    if ((silent
             ? posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
             : posix_spawn_file_actions_adddup2(&actions, write_end, STDOUT_FILENO)) != 0 ||
        (silent && posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO) != 0) ||
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) != 0 ||
        posix_spawn(&pid, device->compiler, &actions, NULL, (char *const *)argv, environ) != 0)
        pid = -1;
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

/* Starts a child for every step-th program of the list; its lines go to write_end. */
static pid_t spawn_for(const att_device *device, const atti_program_id *ids, size_t n, size_t step,
                       int write_end)
{
    char numbers[2][NUMBER_BYTES];
    const char *argv[FIXED_ARGS + ATT_N_PROGRAMS + 2] = {0};
    size_t n_args = FIXED_ARGS;
    fill_fixed(device, argv, numbers);
    for (size_t i = 0; i < n; i += step) argv[n_args++] = atti_programs[ids[i]].id;
    return spawn_compiler(device, argv, write_end);
}

/* Counts the children's lines until the last of them closes its end. */
static void follow(const att_device *device, int read_end, size_t n)
{
    char bytes[256];
    int done = 0;
    for (;;) {
        att_log_progress(&device->log, "compiling kernels", done, (int)n);
        ssize_t got;
        do {
            got = read(read_end, bytes, sizeof bytes);
        } while (got < 0 && errno == EINTR);
        if (got <= 0) return;
        for (ssize_t i = 0; i < got; i++) done += bytes[i] == '\n';
    }
}

static int ended_well(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status == 0;
}

/* A pipe that no other program started meanwhile inherits. */
static int open_pipe(int ends[2])
{
    if (pipe(ends) != 0) return 0;
    return fcntl(ends[0], F_SETFD, FD_CLOEXEC) == 0 && fcntl(ends[1], F_SETFD, FD_CLOEXEC) == 0;
}

int atti_compile_in_children(att_device *device, const atti_program_id *ids, size_t n)
{
    int ends[2] = {-1, -1};
    pid_t children[MAX_CHILDREN];
    const size_t units = device->info.compute_units > 0 ? (size_t)device->info.compute_units : 1;
    size_t n_children = n < units ? n : units, n_good = 0;
    if (n_children > MAX_CHILDREN) n_children = MAX_CHILDREN;
    if (atti_cache_usable(device->cache_dir) && open_pipe(ends)) {
        for (size_t i = 0; i < n_children; i++)
            children[i] = spawn_for(device, ids + i, n - i, n_children, ends[1]);
        close(ends[1]);
        ends[1] = -1;
        follow(device, ends[0], n);
        for (size_t i = 0; i < n_children; i++)
            n_good += children[i] > 0 && ended_well(children[i]);
    }
    if (ends[0] >= 0) close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
    if (n_good == n_children) return 1;
    att_log_write(&device->log, ATT_LOG_WARNING,
                  "compiling kernels in a process of its own failed: compiling in this one");
    return 0;
}

int atti_probe_in_child(att_device *device, const char *name)
{
    const char *argv[FIXED_ARGS + 2] = {0};
    char numbers[2][NUMBER_BYTES];
    fill_fixed(device, argv, numbers);
    argv[FIXED_ARGS] = name;
    const pid_t pid = spawn_compiler(device, argv, -1);
    return pid > 0 && ended_well(pid);
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
    att_device_options o = att_device_defaults();
    o.cache_dir = argv[2];
    o.select = argv[3];
    o.portable = strcmp(argv[4], "0") != 0;
    att_status status = att_device_open(&device, &o, NULL);
    for (int i = FIXED_ARGS; !status && i < argc; i++) {
        cl_program program;
        if (atti_feature_probe(device, argv[i])) continue;
        const int id = find_program(argv[i]);
        status = id < 0 ? ATT_E_ARG : atti_program_get(device, (atti_program_id)id, &program, NULL);
        if (!status && write(STDOUT_FILENO, "\n", 1) != 1) status = ATT_E_IO;
    }
    att_device_close(device);
    return status ? 1 : 0;
}
