/* image_jpeg.c - JPEG by libjpeg-turbo, whose errors jump, and only within this file.
 *
 * Its warnings of damage are errors here; a progressive picture may have MAX_SCANS scans, since
 * each costs a walk over all of its pixels. Tests: tests/unit/test_image.c */
#include "image_decode.h"

#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "mem.h"

enum { MAX_SCANS = 100 };

/* All that lives through a jump lies here, not in locals. */
typedef struct reader {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    char reason[JMSG_LENGTH_MAX];
    const atti_image_file *file;
    att_image *image;
    att_err *err;
    uint8_t *row; /* of a picture in four colours */
} reader;

static void escape(j_common_ptr info)
{
    reader *r = info->client_data;
    info->err->format_message(info, r->reason);
    longjmp(r->escape, 1);
}

/* Level -1 is damage, or a remark on a sound file. */
static void warn(j_common_ptr info, int level)
{
    if (level >= 0) return;
    switch (info->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA: /* padding between segments */
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_TOO_MUCH_DATA:
        return;
    default:
        escape(info);
    }
}

static void say_nothing(j_common_ptr info)
{
    (void)info;
}

static void count_scans(j_common_ptr info)
{
    reader *r = info->client_data;
    if (r->info.input_scan_number <= MAX_SCANS) return;
    snprintf(r->reason, sizeof r->reason, "it has more than %d scans", (int)MAX_SCANS);
    longjmp(r->escape, 1);
}

/* Adobe's four colours are stored inverted. As Pillow: 255 - K less that share of C, M, Y. */
static void cmyk_to_rgb(uint8_t *rgb, const uint8_t *inverted, int32_t n)
{
    for (int32_t x = 0; x < n; x++, rgb += 3, inverted += 4) {
        const int light = inverted[3];
        for (int c = 0; c < 3; c++) {
            const int t = (255 - inverted[c]) * light + 128;
            rgb[c] = (uint8_t)(light - (((t >> 8) + t) >> 8));
        }
    }
}

static void read_rows(reader *r)
{
    const int32_t width = r->image->width;
    while (r->info.output_scanline < r->info.output_height) {
        uint8_t *rgb = r->image->rgb + (size_t)r->info.output_scanline * (size_t)width * 3;
        JSAMPROW row = r->row ? r->row : rgb;
        if (jpeg_read_scanlines(&r->info, &row, 1) == 1 && r->row) cmyk_to_rgb(rgb, r->row, width);
    }
}

/* Whatever goes wrong in the library jumps out of here. */
static att_status decode(reader *r)
{
    struct jpeg_decompress_struct *info = &r->info;
    jpeg_create_decompress(info);
    info->progress = &r->progress;
    jpeg_mem_src(info, r->file->bytes, (unsigned long)r->file->n_bytes);
    jpeg_read_header(info, TRUE);
    att_status status =
        atti_image_check_size(r->file, "JPEG", info->image_width, info->image_height, r->err);
    if (status) return status;
    const int four = info->num_components == 4;
    info->out_color_space = four ? JCS_CMYK : JCS_RGB;
    status =
        att_image_create(r->image, (int32_t)info->image_width, (int32_t)info->image_height, r->err);
    if (status) return status;
    if (four) {
        r->row = att_calloc(info->image_width, 4);
        if (!r->row) return att_fail(r->err, ATT_E_MEMORY, "read picture: no memory for a row");
    }
    jpeg_start_decompress(info);
    read_rows(r);
    return ATT_OK;
}

static att_status decode_or_say_why(reader *r)
{
    if (setjmp(r->escape) == 0) return decode(r);
    const size_t left = r->info.src ? r->info.src->bytes_in_buffer : 0;
    const size_t at = left <= r->file->n_bytes ? r->file->n_bytes - left : 0;
    return att_fail(r->err, ATT_E_INPUT,
                    "read picture %s: JPEG is broken before byte %zu of %zu: %s", r->file->name, at,
                    r->file->n_bytes, r->reason);
}

att_status atti_jpeg_read(const atti_image_file *file, att_image *image, att_err *err)
{
    reader r = {.file = file, .image = image, .err = err};
    r.info.err = jpeg_std_error(&r.errors);
    r.info.client_data = &r;
    r.errors.error_exit = escape;
    r.errors.emit_message = warn;
    r.errors.output_message = say_nothing;
    r.progress.progress_monitor = count_scans;
    const att_status status = decode_or_say_why(&r);
    jpeg_destroy_decompress(&r.info);
    att_free(r.row);
    if (status) att_image_free(image);
    return status;
}
