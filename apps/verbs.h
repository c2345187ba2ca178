/* verbs.h - the verbs of the program: each reads its own arguments and returns an exit code.
 *
 * argv[0] is the verb. Exit codes: 0 done, 1 failed while running, 2 bad usage, 3 bad input file,
 * 4 model cannot be used, 5 device, 130 interrupted. */
#ifndef ATT_VERBS_H
#define ATT_VERBS_H

#include "attend/error.h"

int att_cmd_transcribe(int argc, char **argv);
int att_cmd_devices(int argc, char **argv);
int att_cmd_models(int argc, char **argv);
int att_cmd_chat(int argc, char **argv);

enum {
    ATT_EXIT_DONE = 0,
    ATT_EXIT_FAILED = 1,
    ATT_EXIT_USAGE = 2,
    ATT_EXIT_INPUT = 3,
    ATT_EXIT_MODEL = 4,
    ATT_EXIT_DEVICE = 5,
    ATT_EXIT_INTERRUPTED = 130
};

int att_exit_code(att_status status);

#endif /* ATT_VERBS_H */
