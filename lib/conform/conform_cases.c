/* conform_cases.c - the table of the stems' tables (conform.h). */
#include "conform.h"
#include "conform_stems.h"

const att_conform_case *att_conform_cases(size_t i, size_t *n)
{
    switch (i) {
    case 0:
        return att_conform_linear(n);
    case 1:
        return att_conform_norm(n);
    case 2:
        return att_conform_conv(n);
    case 3:
        return att_conform_cache(n);
    case 4:
        return att_conform_attn(n);
    case 5:
        return att_conform_magnitude(n);
    case 6:
        return att_conform_lstm(n);
    case 7:
        return att_conform_logits_top(n);
    case 8:
        return att_conform_rope(n);
    case 9:
        return att_conform_swiglu(n);
    case 10:
        return att_conform_gather(n);
    case 11:
        return att_conform_attn_fields(n);
    default:
        return NULL;
    }
}
