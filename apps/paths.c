/* paths.c - paths.h. Tests: tests/unit/test_models.c */
#include "paths.h"

#include <stdlib.h>

#include "mem.h"

static char *in_cache(const char *name)
{
    const char *own = getenv("ATTEND_CACHE"), *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (own && *own) return att_sprintf("%s/%s", own, name);
    if (xdg && *xdg) return att_sprintf("%s/attend/%s", xdg, name);
    return att_sprintf("%s/.cache/attend/%s", home && *home ? home : "/tmp", name);
}

char *att_path_models(void)
{
    return in_cache("models");
}

char *att_path_kernels(void)
{
    return in_cache("kernels");
}
