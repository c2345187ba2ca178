/* filemap.c - mmap behind filemap.h. Tests: tests/unit/test_base.c */
#define _DEFAULT_SOURCE
#include "filemap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

att_status att_filemap_open(att_filemap *map, const char *path, att_err *err)
{
    memset(map, 0, sizeof *map);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return att_fail(err, ATT_E_IO, "open %s: %s", path, strerror(errno));
    struct stat st;
    att_status status = ATT_OK;
    if (fstat(fd, &st) != 0) {
        status = att_fail(err, ATT_E_IO, "stat %s: %s", path, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        status = att_fail(err, ATT_E_IO, "open %s: it is not a regular file", path);
    } else if (st.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED) {
            status = att_fail(err, ATT_E_IO, "map %s: %s", path, strerror(errno));
        } else {
            map->bytes = bytes;
            map->n_bytes = (size_t)st.st_size;
        }
    }
    close(fd);
    return status;
}

void att_filemap_forget(const att_filemap *map, size_t at, size_t n)
{
    if (!map->bytes || at >= map->n_bytes) return;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t first = (at + page - 1) / page * page;
    const size_t end = n > map->n_bytes - at ? map->n_bytes : at + n;
    if (end <= first) return;
    (void)madvise((void *)(map->bytes + first), (end - first) / page * page, MADV_DONTNEED);
}

void att_filemap_close(att_filemap *map)
{
    if (map->bytes) munmap((void *)map->bytes, map->n_bytes);
    memset(map, 0, sizeof *map);
}
