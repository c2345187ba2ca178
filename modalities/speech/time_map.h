/* time_map.h - the one map between a recording and what is left of it when silence is taken out.
 *
 * A list of spans in samples of ATT_VAD_RATE_HZ, ascending and apart: where one lies in the
 * recording, and where it came to lie behind those before it. Times of what was found in the packed
 * audio go through it, once, on every level: segments, words, speech. Semantics: faster-whisper's
 * SpeechTimestampsMap (vad.py), whose times are rounded to 0.01 s. Tests:
 * tests/unit/test_time_map.c
 */
#ifndef ATT_TIME_MAP_H
#define ATT_TIME_MAP_H

#include <stdint.h>

#include "attend/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* [original, original + length) of the recording is [packed, packed + length) of what is left. */
typedef struct att_time_span {
    int64_t original, packed, length;
} att_time_span;

/* Starts zeroed: nothing is left. */
typedef struct att_time_map {
    att_time_span *spans;
    int32_t n, room;
} att_time_map;

/* Appends [start, end) of the recording, not before the end of the last span. */
att_status att_time_map_add(att_time_map *map, int64_t start, int64_t end, att_err *err);
void att_time_map_free(att_time_map *map);            /* empty afterwards */
int64_t att_time_map_packed(const att_time_map *map); /* samples that are left */

/* The span that a packed time belongs to. Where one ends and the next begins at the same packed
 * time, it belongs to the next, or with is_end to the one that ends. Behind the last: the last. -1
 * for a map of nothing. */
int32_t att_time_map_index(const att_time_map *map, double packed_s, int is_end);

/* The packed time in the recording, as time of span `index` even if it lies beside it, rounded to
 * 0.01 s. index: of att_time_map_index(). A map of nothing leaves the time as it is. */
double att_time_map_original_s(const att_time_map *map, double packed_s, int32_t index);

/* Where a time of the recording came to lie; one in a silence, where the silence was taken out. */
double att_time_map_packed_s(const att_time_map *map, double original_s);

#ifdef __cplusplus
}
#endif
#endif /* ATT_TIME_MAP_H */
