/* outfile.c - temporary name, fsync, rename (outfile.h). Tests: tests/unit/test_base.c */
#define _DEFAULT_SOURCE
#include "outfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

static void forget(att_outfile *out)
{
    att_free(out->path);
    att_free(out->temporary);
    memset(out, 0, sizeof *out);
}

att_status att_outfile_open(att_outfile *out, const char *path, att_err *err)
{
    memset(out, 0, sizeof *out);
    out->path = att_strdup(path);
    out->temporary = att_sprintf("%s.XXXXXX", path);
    if (!out->path || !out->temporary) {
        forget(out);
        return att_fail(err, ATT_E_MEMORY, "write %s: out of memory", path);
    }
    const int fd = mkstemp(out->temporary);
    if (fd < 0) {
        const att_status status = att_fail(err, ATT_E_IO, "write %s: %s", path, strerror(errno));
        forget(out);
        return status;
    }
    const mode_t mask = umask(0); /* mkstemp makes 0600; an output file follows the umask */
    umask(mask);
    (void)fchmod(fd, 0666 & ~mask);
    out->file = fdopen(fd, "wb");
    if (!out->file) {
        const att_status status = att_fail(err, ATT_E_IO, "write %s: %s", path, strerror(errno));
        close(fd);
        unlink(out->temporary);
        forget(out);
        return status;
    }
    return ATT_OK;
}

static att_status finish(att_outfile *out, const char *name, att_err *err)
{
    int failed = ferror(out->file) ? EIO : 0;
    errno = 0;
    if (fflush(out->file) != 0) failed = errno ? errno : EIO;
    if (!failed && fsync(fileno(out->file)) != 0 && errno != EINVAL && errno != EROFS)
        failed = errno;
    if (fclose(out->file) != 0 && !failed) failed = errno ? errno : EIO;
    out->file = NULL;
    if (!failed && rename(out->temporary, name) != 0) failed = errno;
    if (failed) unlink(out->temporary);
    const att_status status =
        failed ? att_fail(err, ATT_E_IO, "write %s: %s", name, strerror(failed)) : ATT_OK;
    forget(out);
    return status;
}

att_status att_outfile_commit(att_outfile *out, att_err *err)
{
    char *name = out->path;
    out->path = NULL;
    const att_status status = finish(out, name, err);
    att_free(name);
    return status;
}

att_status att_outfile_keep_part(att_outfile *out, att_err *err)
{
    char *name = att_sprintf("%s.part", out->path);
    if (!name) {
        att_outfile_discard(out);
        return att_fail(err, ATT_E_MEMORY, "write %s.part: out of memory", "output");
    }
    const att_status status = finish(out, name, err);
    att_free(name);
    return status;
}

void att_outfile_discard(att_outfile *out)
{
    if (out->file) {
        fclose(out->file);
        unlink(out->temporary);
    }
    forget(out);
}
