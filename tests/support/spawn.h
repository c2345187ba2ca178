/* spawn.h - runs the program under test as a user would and keeps what it said. */
#ifndef ATT_SPAWN_H
#define ATT_SPAWN_H

#include <stddef.h>

enum { SPAWN_BYTES = 1 << 18 };

typedef struct spawn_result {
    int code;        /* exit code, or 128 + signal */
    char *out, *err; /* terminated; cut at SPAWN_BYTES */
    long max_rss_kb; /* peak resident memory of the process */
    double seconds;
} spawn_result;

/* argv ends with NULL; argv[0] is the file to run. input: bytes for standard input, NULL for none.
 * env: "NAME=value" strings that are added, NULL-terminated, or NULL. kill_after_s > 0: SIGINT
 * after that time. free with spawn_free(). */
spawn_result spawn_run(const char *const *argv, const void *input, size_t n_input,
                       const char *const *env, double kill_after_s);
void spawn_free(spawn_result *result);

#endif /* ATT_SPAWN_H */
