/* transcript_json.h - the JSON writer and its numbers; private to the transcript files. */
#ifndef ATT_TRANSCRIPT_JSON_H
#define ATT_TRANSCRIPT_JSON_H

#include "transcript.h"

/* As att_transcript_format.write. */
int atti_transcript_json(FILE *file, const att_asr_result *result,
                         const att_transcript_layout *layout);

/* The shortest text that reads back as x, written as Python's repr() does: "0.0", "1e-05", "NaN".
 * Returns text. */
char *atti_json_number(double x, char *text, size_t bytes);

/* A quoted string of ASCII, everything else as \uXXXX, as Python's json.dump does. */
void atti_json_string(FILE *file, const char *text);

#endif /* ATT_TRANSCRIPT_JSON_H */
