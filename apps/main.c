/* main.c - the program attend: finds the verb and runs it. */
#include <stdio.h>
#include <string.h>

#include "queue.h"
#include "verbs.h"

typedef struct verb {
    const char *name;
    int (*run)(int argc, char **argv); /* NULL: planned */
    const char *help;
} verb;

static const verb VERBS[] = {
    {"transcribe", att_cmd_transcribe, "speech in audio files to text"},
    {"chat", att_cmd_chat, "talk with a language model"},
    {"devices", att_cmd_devices, "what OpenCL devices there are; --check tests one"},
    {"models", att_cmd_models, "list, get, find and remove models"},
    {"speak", NULL, "text to speech"},
    {"ask", NULL, "questions about a picture"},
    {"move", NULL, "text to motion and back"},
    {"lab", NULL, "what attention heads do"},
    {"serve", NULL, "all of it over HTTP"},
    {"bench", NULL, "speed on this machine"},
};

enum { N_VERBS = sizeof VERBS / sizeof *VERBS };

static void print_help(FILE *to)
{
    fprintf(to,
            "attend " ATT_VERSION " - runs speech, vision and motion transformers on any OpenCL "
            "device\n\nusage: attend VERB [OPTION...] [FILE...]\n\n");
    for (size_t i = 0; i < N_VERBS; i++)
        if (VERBS[i].run) fprintf(to, "  %-12s %s\n", VERBS[i].name, VERBS[i].help);
    fprintf(to, "\nplanned:");
    for (size_t i = 0; i < N_VERBS; i++)
        if (!VERBS[i].run) fprintf(to, " %s", VERBS[i].name);
    fprintf(to,
            "\n\n`attend VERB --help` lists a verb's options; `attend --version` the version.\n");
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--compile-kernels") == 0) return att_device_compile_main(argc, argv);
    if (strcmp(name, "--version") == 0) {
        puts("attend " ATT_VERSION);
        return ATT_EXIT_DONE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return ATT_EXIT_DONE;
    }
    for (size_t i = 0; i < N_VERBS; i++) {
        if (strcmp(VERBS[i].name, name) != 0) continue;
        if (VERBS[i].run) return VERBS[i].run(argc - 1, argv + 1);
        fprintf(stderr, "attend: the verb %s is planned, not built yet\n", name);
        return ATT_EXIT_USAGE;
    }
    if (argc < 2) {
        print_help(stderr);
    } else {
        fprintf(stderr, "attend: '%s' is not a verb; see attend --help\n", name);
    }
    return ATT_EXIT_USAGE;
}
