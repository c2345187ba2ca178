/* error.c - statuses and error texts (attend/error.h), dtype names (attend/view.h).
 * Tests: tests/unit/test_base.c */
#include "attend/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "attend/view.h"

const char *att_status_text(att_status status)
{
    switch (status) {
    case ATT_OK:
        return "ok";
#define ATT_STATUS_CASE(name, text)                                                                \
    case name:                                                                                     \
        return text;
        ATT_STATUS_LIST(ATT_STATUS_CASE)
#undef ATT_STATUS_CASE
    }
    return "unknown status";
}

att_status att_fail(att_err *err, att_status status, const char *format, ...)
{
    if (!err) return status;
    err->status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return status;
}

att_status att_fail_in(att_err *err, att_status status, const char *format, ...)
{
    if (!err) return status;
    char inner[ATT_ERR_TEXT_BYTES];
    memcpy(inner, err->text, sizeof inner);
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    const size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", inner);
    err->status = status;
    return status;
}

size_t att_dtype_bytes(att_dtype dtype)
{
    switch (dtype) {
    case ATT_F32:
    case ATT_I32:
        return 4;
    case ATT_F16:
    case ATT_BF16:
    case ATT_I16:
        return 2;
    case ATT_I8:
    case ATT_U8:
        return 1;
    case ATT_N_DTYPES:
        break;
    }
    return 0;
}

const char *att_dtype_name(att_dtype dtype)
{
    static const char *const NAMES[] = {"f32", "f16", "bf16", "i8", "u8", "i16", "i32"};
    return (unsigned)dtype < ATT_N_DTYPES ? NAMES[dtype] : "?";
}
