/* languages.h - the languages that Whisper names: code and English name. */
#ifndef ATT_LANGUAGES_H
#define ATT_LANGUAGES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "en" for "en", "English" or an alias such as "castilian", in any case; NULL for none. */
const char *att_language_code(const char *code_or_name);

/* "English" for "en"; the code itself when it has no name. */
const char *att_language_name(const char *code);

/* The code of the i-th language token of a vocabulary, "en" for 0; NULL past the last. */
const char *att_language_at(int32_t i);

#ifdef __cplusplus
}
#endif
#endif /* ATT_LANGUAGES_H */
