/* error.h - how a call of attend fails: a status to branch on and a text to show.
 *
 * Library code never prints and never exits. A fallible function returns att_status and writes
 * "what was being done: which thing, found, expected, what to try" into *err when err is given. */
#ifndef ATT_ERROR_H
#define ATT_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/* name, text. ATT_OK is 0 and is not in the list. */
#define ATT_STATUS_LIST(X)                                                                         \
    X(ATT_E_ARG, "bad argument")          /* the caller asked for something senseless */           \
    X(ATT_E_MEMORY, "out of memory")      /* host or device */                                     \
    X(ATT_E_IO, "input or output failed") /* open, read, write, rename */                          \
    X(ATT_E_INPUT, "bad input")           /* the user's file: audio, picture, text */              \
    X(ATT_E_MODEL, "bad model")           /* weights, config or vocabulary cannot be used */       \
    X(ATT_E_DEVICE, "device failed")      /* OpenCL said no */                                     \
    X(ATT_E_SHAPE, "shapes do not fit")   /* sizes of the arrays of one call disagree */           \
    X(ATT_E_UNSUPPORTED, "not supported") /* a sensible request that no kernel knows yet */        \
    X(ATT_E_CANCELLED, "cancelled")       /* the caller's own wish */

typedef enum att_status {
    ATT_OK = 0,
#define ATT_STATUS_ENUM(name, text) name,
    ATT_STATUS_LIST(ATT_STATUS_ENUM)
#undef ATT_STATUS_ENUM
} att_status;

enum { ATT_ERR_TEXT_BYTES = 2048 };

/* Caller's memory; the text is always terminated, cut if too long. */
typedef struct att_err {
    att_status status;
    char text[ATT_ERR_TEXT_BYTES];
} att_err;

/* "bad argument" and so on; never NULL, "unknown status" for a number out of range. */
const char *att_status_text(att_status status);

#if defined(__GNUC__)
#define ATT_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define ATT_PRINTF(fmt, first)
#endif

/* Writes status and text into err (err may be NULL) and returns status, for `return att_fail(...)`.
 */
att_status att_fail(att_err *err, att_status status, const char *format, ...) ATT_PRINTF(3, 4);

/* Puts "text: " before what err holds already and returns its status (ATT_OK when err is NULL is
 * avoided: give the status). For adding the name of the thing on the way up. */
att_status att_fail_in(att_err *err, att_status status, const char *format, ...) ATT_PRINTF(3, 4);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif /* ATT_ERROR_H */
