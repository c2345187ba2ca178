/* picturefile.c - JPEG, PNG and WebP into memory (picturefile.h). */
#include "picturefile.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>
#include <webp/encode.h>

void picturefile_free(picturefile *f)
{
    free(f->bytes);
    memset(f, 0, sizeof *f);
}

/* A component's first scan, each coefficient alone without its last bit, then their last bits. */
static int many_scans(jpeg_scan_info *scans)
{
    int n = 0;
    scans[n++] = (jpeg_scan_info){.comps_in_scan = 1};
    for (int bit = 1; bit >= 0; bit--)
        for (int k = 1; k < 64; k++)
            scans[n++] = (jpeg_scan_info){
                .comps_in_scan = 1, .Ss = k, .Se = k, .Ah = bit ? 0 : 1, .Al = bit};
    return n;
}

static void put_row(const uint8_t *rgb, int32_t width, picturefile_jpeg_kind kind, uint8_t *row)
{
    for (int32_t x = 0; x < width; x++, rgb += 3) {
        if (kind == PICTUREFILE_GREY || kind == PICTUREFILE_MANY_SCANS) {
            *row++ = rgb[0];
            continue;
        }
        memcpy(row, rgb, 3); /* 255 - cyan is red, where there is no black */
        row += 3;
        if (kind >= PICTUREFILE_CMYK) *row++ = 255;
    }
}

picturefile picturefile_jpeg(const att_image *image, picturefile_jpeg_kind kind)
{
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    jpeg_scan_info scans[128];
    picturefile f = {0};
    unsigned long n = 0;
    const int grey = kind == PICTUREFILE_GREY || kind == PICTUREFILE_MANY_SCANS;
    const int four = kind >= PICTUREFILE_CMYK;
    uint8_t *row = calloc((size_t)image->width, 4);
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &f.bytes, &n);
    info.image_width = (JDIMENSION)image->width;
    info.image_height = (JDIMENSION)image->height;
    info.input_components = grey ? 1 : four ? 4 : 3;
    info.in_color_space = grey ? JCS_GRAYSCALE : four ? JCS_CMYK : JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, 95, TRUE);
    if (kind == PICTUREFILE_YCCK) jpeg_set_colorspace(&info, JCS_YCCK);
    if (kind == PICTUREFILE_PROGRESSIVE) jpeg_simple_progression(&info);
    if (kind == PICTUREFILE_MANY_SCANS) {
        info.num_scans = many_scans(scans);
        info.scan_info = scans;
    }
    jpeg_start_compress(&info, TRUE);
    for (int32_t y = 0; y < image->height; y++) {
        put_row(image->rgb + (size_t)y * (size_t)image->width * 3, image->width, kind, row);
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    free(row);
    f.n = n;
    return f;
}

static void append(png_structp png, png_bytep bytes, size_t n)
{
    picturefile *f = png_get_io_ptr(png);
    f->bytes = realloc(f->bytes, f->n + n);
    if (!f->bytes) abort();
    memcpy(f->bytes + f->n, bytes, n);
    f->n += n;
}

static void flush(png_structp png)
{
    (void)png;
}

picturefile picturefile_png(const uint8_t *rows, int32_t width, int32_t height, int type, int bits,
                            int interlaced, const uint8_t *palette)
{
    picturefile f = {0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_bytep *list = calloc((size_t)height, sizeof *list);
    png_color colours[256];
    if (!list || setjmp(png_jmpbuf(png))) abort();
    png_set_write_fn(png, &f, append, flush);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, bits, type,
                 interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE,
                 PNG_FILTER_TYPE_BASE);
    for (int i = 0; palette && i < 256; i++)
        colours[i] = (png_color){palette[3 * i], palette[3 * i + 1], palette[3 * i + 2]};
    if (palette) png_set_PLTE(png, info, colours, 256);
    png_write_info(png, info);
    const size_t row_bytes = png_get_rowbytes(png, info);
    for (int32_t y = 0; y < height; y++)
        list[y] = (png_bytep)(uintptr_t)(rows + (size_t)y * row_bytes);
    png_write_image(png, list);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    free(list);
    return f;
}

picturefile picturefile_webp(const uint8_t *pixels, int32_t width, int32_t height, int n_channels,
                             int lossless)
{
    picturefile f = {0};
    uint8_t *bytes = NULL;
    const int stride = width * n_channels;
    if (n_channels == 4)
        f.n = lossless ? WebPEncodeLosslessRGBA(pixels, width, height, stride, &bytes)
                       : WebPEncodeRGBA(pixels, width, height, stride, 95.0f, &bytes);
    else
        f.n = lossless ? WebPEncodeLosslessRGB(pixels, width, height, stride, &bytes)
                       : WebPEncodeRGB(pixels, width, height, stride, 95.0f, &bytes);
    if (f.n == 0) abort();
    f.bytes = malloc(f.n); /* WebPFree() is not always free() */
    if (!f.bytes) abort();
    memcpy(f.bytes, bytes, f.n);
    WebPFree(bytes);
    return f;
}
