/* spawn.c - spawn.h over fork, exec and temporary files. */
#define _DEFAULT_SOURCE
#include "spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static char *read_all(FILE *file)
{
    char *text = calloc(SPAWN_BYTES + 1, 1);
    rewind(file);
    if (text) text[fread(text, 1, SPAWN_BYTES, file)] = 0;
    fclose(file);
    return text;
}

static void run_child(const char *const *argv, const char *const *env, FILE *in, FILE *out,
                      FILE *err)
{
    if (in)
        dup2(fileno(in), STDIN_FILENO);
    else
        dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(fileno(out), STDOUT_FILENO);
    dup2(fileno(err), STDERR_FILENO);
    for (; env && *env; env++) putenv((char *)*env);
    execvp(argv[0], (char *const *)argv);
    _exit(127);
}

static int wait_for(pid_t pid, double kill_after_s, struct rusage *usage)
{
    const double begin = now_s();
    int status, killed = 0;
    for (;;) {
        const pid_t done = wait4(pid, &status, kill_after_s > 0.0 ? WNOHANG : 0, usage);
        if (done == pid) break;
        if (done < 0) return 127;
        if (!killed && now_s() - begin >= kill_after_s) {
            kill(pid, SIGINT);
            killed = 1;
        }
        usleep(2000);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

spawn_result spawn_run(const char *const *argv, const void *input, size_t n_input,
                       const char *const *env, double kill_after_s)
{
    spawn_result r;
    memset(&r, 0, sizeof r);
    FILE *in = input ? tmpfile() : NULL, *out = tmpfile(), *err = tmpfile();
    if (in) {
        fwrite(input, 1, n_input, in);
        fflush(in);
        rewind(in);
    }
    struct rusage usage;
    memset(&usage, 0, sizeof usage);
    const double begin = now_s();
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) run_child(argv, env, in, out, err);
    r.code = pid < 0 ? 127 : wait_for(pid, kill_after_s, &usage);
    r.seconds = now_s() - begin;
    r.max_rss_kb = usage.ru_maxrss;
    if (in) fclose(in);
    r.out = read_all(out);
    r.err = read_all(err);
    return r;
}

void spawn_free(spawn_result *r)
{
    free(r->out);
    free(r->err);
    memset(r, 0, sizeof *r);
}
