/* vadgolden.h - the files that tools/reference/dump_vad.py writes. */
#ifndef ATT_VADGOLDEN_H
#define ATT_VADGOLDEN_H

#include <cjson/cJSON.h>

#include "speech_spans.h"

/* A file below tests/golden, parsed; the caller deletes it. */
cJSON *vadgolden_read(const char *name);

/* A row of options: numbers in the order of att_vad_options, null for the default. */
att_vad_options vadgolden_options(const cJSON *row);

/* Fails unless the spans are the list's, starts and ends in turn. */
void vadgolden_compare(const att_speech_spans *got, const cJSON *want);

#endif /* ATT_VADGOLDEN_H */
