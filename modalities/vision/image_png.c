/* image_png.c - PNG by libpng, whose errors jump, and only within this file.
 * Tests: tests/unit/test_image.c */
#include "image_decode.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <png.h>

#include "mem.h"

enum {
    SIGNATURE_BYTES = 8,
    HEADER_BYTES = 33,
    CHUNK_EXTRA = 12, /* length, name and check sum of a chunk */
    MAX_CHUNKS = 1000,
    MAX_CHUNK_BYTES = 8 << 20
};

/* All that lives through a jump lies here, not in locals. */
typedef struct reader {
    png_structp png;
    png_infop info;
    const atti_image_file *file;
    att_err *err;
    size_t at;
    int32_t width, height;
    int channels; /* 3 or 4 */
    uint8_t *pixels;
    png_bytep *rows;
    char reason[160];
} reader;

static void escape(png_structp png, png_const_charp reason)
{
    reader *r = png_get_error_ptr(png);
    snprintf(r->reason, sizeof r->reason, "%s", reason);
    png_longjmp(png, 1);
}

static void say_nothing(png_structp png, png_const_charp reason)
{
    (void)png;
    (void)reason;
}

static void read_bytes(png_structp png, png_bytep to, size_t n)
{
    reader *r = png_get_io_ptr(png);
    if (n > r->file->n_bytes - r->at) png_error(png, "the file ends early");
    memcpy(to, r->file->bytes + r->at, n);
    r->at += n;
}

static uint32_t big_endian(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Before libpng sees it: the size that the first chunk names. */
static att_status check_header(reader *r)
{
    const atti_image_file *file = r->file;
    if (file->n_bytes < HEADER_BYTES || memcmp(file->bytes + 12, "IHDR", 4) != 0)
        return att_fail(r->err, ATT_E_INPUT,
                        "read picture %s: PNG is broken at byte 8: expected a header (IHDR) of 25 "
                        "bytes",
                        file->name);
    return atti_image_check_size(file, "PNG", big_endian(file->bytes + 16),
                                 big_endian(file->bytes + 20), r->err);
}

/* No chunk names more bytes than the file has: libpng takes memory for some before it reads them.
 */
static att_status check_chunks(reader *r)
{
    const atti_image_file *file = r->file;
    size_t at = SIGNATURE_BYTES;
    while (file->n_bytes - at >= CHUNK_EXTRA) {
        const uint8_t *chunk = file->bytes + at;
        const size_t left = file->n_bytes - at - CHUNK_EXTRA, n = big_endian(chunk);
        if (n > left)
            return att_fail(r->err, ATT_E_INPUT,
                            "read picture %s: PNG is broken at byte %zu: a chunk names %zu bytes, "
                            "the file has %zu more",
                            file->name, at, n, left);
        if (memcmp(chunk + 4, "IEND", 4) == 0) return ATT_OK;
        at += CHUNK_EXTRA + n;
    }
    return ATT_OK;
}

/* 8-bit RGB or RGBA of whatever is stored. */
static void choose_form(reader *r)
{
    png_set_expand(r->png);
    png_set_strip_16(r->png);
    png_set_gray_to_rgb(r->png);
    png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    r->channels = png_get_channels(r->png, r->info);
    r->width = (int32_t)png_get_image_width(r->png, r->info);
    r->height = (int32_t)png_get_image_height(r->png, r->info);
    if (png_get_rowbytes(r->png, r->info) != (size_t)r->width * (size_t)r->channels ||
        (r->channels != 3 && r->channels != 4))
        png_error(r->png, "its pixels are of no known form");
}

static att_status decode(reader *r)
{
    png_set_read_fn(r->png, r, read_bytes);
    png_set_user_limits(r->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* ours are checked */
    png_set_chunk_cache_max(r->png, MAX_CHUNKS);
    png_set_chunk_malloc_max(r->png, MAX_CHUNK_BYTES);
    png_read_info(r->png, r->info);
    choose_form(r);
    const size_t row_bytes = (size_t)r->width * (size_t)r->channels;
    r->pixels = att_calloc((size_t)r->height, row_bytes);
    r->rows = att_calloc((size_t)r->height, sizeof *r->rows);
    if (!r->pixels || !r->rows)
        return att_fail(r->err, ATT_E_MEMORY, "read picture %s: no memory for %d x %d pixels",
                        r->file->name, r->width, r->height);
    for (int32_t y = 0; y < r->height; y++) r->rows[y] = r->pixels + (size_t)y * row_bytes;
    png_read_image(r->png, r->rows);
    return ATT_OK;
}

static att_status decode_or_say_why(reader *r)
{
    r->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r, escape, say_nothing);
    r->info = r->png ? png_create_info_struct(r->png) : NULL;
    if (!r->info) return att_fail(r->err, ATT_E_MEMORY, "read picture: out of memory");
    if (setjmp(png_jmpbuf(r->png)) == 0) return decode(r);
    return att_fail(r->err, ATT_E_INPUT,
                    "read picture %s: PNG is broken before byte %zu of %zu: %s", r->file->name,
                    r->at, r->file->n_bytes, r->reason);
}

att_status atti_png_read(const atti_image_file *file, att_image *image, att_err *err)
{
    reader r = {.file = file, .err = err};
    att_status status = check_header(&r);
    if (!status) status = check_chunks(&r);
    if (!status) status = decode_or_say_why(&r);
    png_destroy_read_struct(&r.png, &r.info, NULL);
    att_free(r.rows);
    if (status) {
        att_free(r.pixels);
    } else if (r.channels == 4) {
        *image = atti_image_from_rgba(r.pixels, r.width, r.height, file->options->background);
    } else {
        *image = (att_image){r.width, r.height, r.pixels};
    }
    return status;
}
