/* redistribute_parse.c - what a command line says of redistribution (redistribute.h).
 * Tests: tests/unit/test_redistribute.c */
#include "redistribute.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const NAMES[ATT_N_REDISTRIBUTE_METHODS] = {"none",  "var", "act",
                                                              "paint", "pai", "vhr"};

enum { VAR = 1, ACT = 2, PAINT = 4, PAI = 8, VHR = 16, ALL = 31 };

typedef struct number_row {
    const char *name;
    unsigned methods;
    size_t offset; /* of a double; 0: a layer */
    double low, high;
} number_row;

#define AT(field) offsetof(att_redistribute_options, field)
static const number_row NUMBERS[] = {
    {"tau", VAR, AT(tau), 0.0, 1e6},
    {"rho", VAR, AT(rho), 0.0, 1.0},
    {"summ", VAR, AT(summ), 0.0, 1.0},
    {"keep", VAR, AT(keep), 0.0, 1.0},
    {"sink", ACT, AT(sink), 0.0, 1.0},
    {"beta", ACT, AT(beta), 0.0, 1.0},
    {"alpha", PAINT | PAI, AT(alpha), 0.0, 4.0},
    {"alpha", VHR, AT(alpha), 0.0, 16.0},
    {"beta", PAINT, AT(beta_summary), 0.0, 4.0},
    {"local", PAINT, AT(local_part), 0.0, 1.0},
    {"spatial", PAINT, AT(spatial_part), 0.0, 1.0},
    {"gamma", PAI, AT(gamma), 1.0, 16.0},
    {"first", ALL, 0, 0.0, 9999.0},
    {"last", ALL, 0, 0.0, 9999.0},
};
#undef AT

const char *att_redistribute_name(att_redistribute_method method)
{
    return (unsigned)method < ATT_N_REDISTRIBUTE_METHODS ? NAMES[method] : "?";
}

static att_redistribute_options defaults(att_redistribute_method method)
{
    att_redistribute_options o = {.method = method,
                                  .first_layer = 2,
                                  .last_layer = -1,
                                  .tau = 20.0,
                                  .rho = 0.5,
                                  .summ = 0.2,
                                  .keep = 0.6,
                                  .sink = 0.1,
                                  .beta = 0.4,
                                  .alpha = 0.7,
                                  .beta_summary = 0.3,
                                  .local_part = 0.25,
                                  .gamma = 1.0};
    if (method == ATT_REDISTRIBUTE_PAI) {
        o.alpha = 0.5;
        o.gamma = 1.1;
    }
    if (method == ATT_REDISTRIBUTE_VHR) {
        o.alpha = 2.0;
        o.first_layer = -1; /* 1 and the last 14 */
    }
    return o;
}

static const number_row *find(unsigned method, const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++)
        if (NUMBERS[i].methods & method && strlen(NUMBERS[i].name) == n &&
            strncmp(NUMBERS[i].name, name, n) == 0)
            return &NUMBERS[i];
    return NULL;
}

/* Digits with at most one point, whatever the locale; -1 when it is not that. */
static double number(const char *text, size_t n)
{
    double value = 0.0, unit = 1.0;
    int point = 0, digits = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '.' && !point) {
            point = 1;
        } else if (text[i] >= '0' && text[i] <= '9' && ++digits <= 15) {
            value = value * 10.0 + (text[i] - '0');
            if (point) unit *= 10.0;
        } else {
            return -1.0;
        }
    }
    return digits ? value / unit : -1.0;
}

static att_status bad_number(unsigned method, const char *what, const char *text, att_err *err)
{
    char known[512] = "";
    for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++) {
        const size_t at = strlen(known);
        if (NUMBERS[i].methods & method)
            snprintf(known + at, sizeof known - at, "%s%s %g to %g", at ? ", " : "",
                     NUMBERS[i].name, NUMBERS[i].low, NUMBERS[i].high);
    }
    return att_fail(err, ATT_E_ARG,
                    "redistribution by %s: '%.60s' - expected name=number,... of %s", what, text,
                    known);
}

static int set(att_redistribute_options *o, unsigned method, const char *text, size_t n)
{
    const char *equals = memchr(text, '=', n);
    if (!equals) return 0;
    const size_t name = (size_t)(equals - text);
    const number_row *row = find(method, text, name);
    const double value = number(equals + 1, n - name - 1);
    if (!row || !(value >= row->low && value <= row->high)) return 0;
    if (row->offset)
        *(double *)(void *)((char *)o + row->offset) = value;
    else if (value != floor(value))
        return 0;
    else
        *(*text == 'f' ? &o->first_layer : &o->last_layer) = (int32_t)value;
    return 1;
}

att_status att_redistribute_parse(att_redistribute_options *options, const char *text, att_err *err)
{
    const char *all = text ? text : "none";
    const size_t n = strcspn(all, ":");
    int m = 0;
    while (m < ATT_N_REDISTRIBUTE_METHODS &&
           (strlen(NAMES[m]) != n || strncmp(NAMES[m], all, n) != 0))
        m++;
    if (m == ATT_N_REDISTRIBUTE_METHODS)
        return att_fail(
            err, ATT_E_ARG,
            "redistribution: no method '%.60s' - expected none, var, act, paint, pai or "
            "vhr",
            all);
    att_redistribute_options o = defaults((att_redistribute_method)m);
    const unsigned method = m ? 1u << (m - 1) : 0;
    for (const char *at = all + n; *at;) {
        const size_t part = strcspn(at + 1, ",");
        if (!set(&o, method, at + 1, part)) return bad_number(method, NAMES[m], at + 1, err);
        at += 1 + part;
    }
    if (o.last_layer >= 0 && o.last_layer < o.first_layer)
        return att_fail(err, ATT_E_ARG,
                        "redistribution by %s: layers %d to %d - expected ascending", NAMES[m],
                        o.first_layer, o.last_layer);
    *options = o;
    return ATT_OK;
}
