/* sources.h - the text of cl/, embedded at build time (cmake/embed.cmake). */
#ifndef ATT_SOURCES_H
#define ATT_SOURCES_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_cl_source {
    const char *name; /* "norm_any.cl"; NULL ends the table */
    const char *text;
    const char *sha256; /* of the text, in hex */
} att_cl_source;

const att_cl_source *att_cl_sources(void);

#ifdef __cplusplus
}
#endif
#endif /* ATT_SOURCES_H */
