/* exit.c - exit codes of statuses (verbs.h). */
#include "verbs.h"

int att_exit_code(att_status status)
{
    switch (status) {
    case ATT_OK:
        return ATT_EXIT_DONE;
    case ATT_E_INPUT:
        return ATT_EXIT_INPUT;
    case ATT_E_MODEL:
        return ATT_EXIT_MODEL;
    case ATT_E_DEVICE:
        return ATT_EXIT_DEVICE;
    case ATT_E_CANCELLED:
        return ATT_EXIT_INTERRUPTED;
    case ATT_E_ARG:
        return ATT_EXIT_USAGE;
    case ATT_E_MEMORY:
    case ATT_E_IO:
    case ATT_E_SHAPE:
    case ATT_E_UNSUPPORTED:
        break;
    }
    return ATT_EXIT_FAILED;
}
