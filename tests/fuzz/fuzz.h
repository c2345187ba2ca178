/* fuzz.h - one fuzz target: a file fuzz_NAME.c here, its seeds in corpus/fuzz_NAME/.
 *
 * With -DATT_FUZZ=ON and clang, libFuzzer drives it. Otherwise mutate.c does: each seed as it is
 * and a fixed sequence of changed ones, as a test that any compiler can build. */
#ifndef ATT_FUZZ_H
#define ATT_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Takes any bytes; returns 0. A fault is an abort() or a sanitizer's report. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#endif /* ATT_FUZZ_H */
