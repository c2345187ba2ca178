/* rig.h - a device to test on, and the conformance cases of a stem run on it.
 *
 * $ATT_TEST_DEVICE chooses the device, $ATT_TEST_PORTABLE=1 only its portable bodies,
 * $ATT_TEST_SMALL=1 sizes for an interpreter of kernels. */
#ifndef ATT_RIG_H
#define ATT_RIG_H

#include "conform.h"
#include "queue.h"

typedef struct rig {
    att_device *device;
    att_queue *queue;
} rig;

/* portable 1: portable bodies only. Ends the test with a message when there is no device. */
rig rig_open(int portable);
rig rig_open_without(int portable, uint64_t features); /* bits of features to leave alone */
void rig_close(rig *r);

int rig_portable_only(void);
int rig_small(void);

/* Runs all cases of the stem on all bodies that the device has; fails on the first case beyond its
 * tolerance, after naming it. */
void rig_run_stem(const char *stem);

#endif /* ATT_RIG_H */
