/* canvas.c - canvas.h over Pango and cairo. Tests: tests/unit/test_plot.c */
#include "canvas.h"

#include "mem.h"

#ifdef ATT_PANGO
#include <pango/pangocairo.h>

enum { MAX_SIDE = 32767 }; /* cairo's */

struct att_canvas {
    cairo_surface_t *surface;
    cairo_t *cairo;
    PangoLayout *layout;
    PangoFontDescription *font;
};

int att_canvas_available(void)
{
    return 1;
}

att_status att_canvas_create(att_canvas **out, int width, int height, att_err *err)
{
    *out = NULL;
    if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE)
        return att_fail(err, ATT_E_ARG, "draw: %d x %d pixels, expected 1 to %d either way", width,
                        height, MAX_SIDE);
    att_canvas *c = att_calloc(1, sizeof *c);
    if (!c) return att_fail(err, ATT_E_MEMORY, "draw: out of memory");
    c->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    c->cairo = cairo_create(c->surface);
    if (cairo_status(c->cairo) != CAIRO_STATUS_SUCCESS) {
        att_canvas_destroy(c);
        return att_fail(err, ATT_E_MEMORY, "draw: out of memory for %d x %d pixels", width, height);
    }
    c->layout = pango_cairo_create_layout(c->cairo);
    c->font = pango_font_description_from_string("sans");
    pango_layout_set_single_paragraph_mode(c->layout, TRUE);
    cairo_set_source_rgb(c->cairo, 1.0, 1.0, 1.0);
    cairo_paint(c->cairo);
    *out = c;
    return ATT_OK;
}

void att_canvas_destroy(att_canvas *c)
{
    if (!c) return;
    if (c->layout) g_object_unref(c->layout);
    if (c->font) pango_font_description_free(c->font);
    cairo_destroy(c->cairo);
    cairo_surface_destroy(c->surface);
    att_free(c);
}

static void use_colour(att_canvas *c, att_colour colour)
{
    cairo_set_source_rgba(c->cairo, (colour.rgb >> 16 & 255) / 255.0,
                          (colour.rgb >> 8 & 255) / 255.0, (colour.rgb & 255) / 255.0,
                          colour.cover);
}

void att_canvas_fill(att_canvas *c, att_colour colour, double x, double y, double width,
                     double height)
{
    use_colour(c, colour);
    cairo_rectangle(c->cairo, x, y, width, height);
    cairo_fill(c->cairo);
}

void att_canvas_line(att_canvas *c, att_colour colour, double thick, double x0, double y0,
                     double x1, double y1)
{
    use_colour(c, colour);
    cairo_set_line_width(c->cairo, thick);
    cairo_move_to(c->cairo, x0, y0);
    cairo_line_to(c->cairo, x1, y1);
    cairo_stroke(c->cairo);
}

void att_canvas_pixels(att_canvas *c, int x, int y, int width, int height, const uint32_t *rgb)
{
    cairo_surface_flush(c->surface);
    const int columns = cairo_image_surface_get_width(c->surface);
    const int rows = cairo_image_surface_get_height(c->surface);
    const int stride = cairo_image_surface_get_stride(c->surface);
    unsigned char *data = cairo_image_surface_get_data(c->surface);
    for (int j = 0; j < height; j++) {
        if (y + j < 0 || y + j >= rows) continue;
        uint32_t *row = (uint32_t *)(void *)(data + (size_t)(y + j) * (size_t)stride);
        for (int i = 0; i < width; i++)
            if (x + i >= 0 && x + i < columns)
                row[x + i] = rgb[(size_t)j * (size_t)width + (size_t)i];
    }
    cairo_surface_mark_dirty(c->surface);
}

static void set_text(att_canvas *c, const att_text_style *style, const char *text)
{
    char *valid = g_utf8_make_valid(text, -1);
    pango_font_description_set_absolute_size(c->font, style->height * PANGO_SCALE);
    pango_font_description_set_weight(c->font,
                                      style->bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_layout_set_font_description(c->layout, c->font);
    const int limited = style->max_width > 0.0;
    pango_layout_set_width(c->layout, limited ? (int)(style->max_width * PANGO_SCALE) : -1);
    pango_layout_set_ellipsize(c->layout, limited ? PANGO_ELLIPSIZE_END : PANGO_ELLIPSIZE_NONE);
    pango_layout_set_text(c->layout, valid, -1);
    g_free(valid);
}

double att_canvas_text_width(att_canvas *c, const att_text_style *style, const char *text)
{
    PangoRectangle box;
    set_text(c, style, text);
    pango_layout_get_extents(c->layout, NULL, &box);
    return (double)box.width / PANGO_SCALE;
}

void att_canvas_text(att_canvas *c, const att_text_style *style, double x, double y,
                     const char *text)
{
    PangoRectangle box;
    set_text(c, style, text);
    pango_layout_get_extents(c->layout, NULL, &box);
    const double width = (double)box.width / PANGO_SCALE, height = (double)box.height / PANGO_SCALE;
    const double part[] = {0.0, 0.5, 1.0};
    use_colour(c, (att_colour){style->rgb, 1.0});
    cairo_save(c->cairo);
    cairo_translate(c->cairo, x, y);
    if (style->upwards) cairo_rotate(c->cairo, -1.5707963267948966);
    cairo_move_to(c->cairo, -width * part[style->align] - (double)box.x / PANGO_SCALE,
                  -height / 2.0);
    pango_cairo_show_layout(c->cairo, c->layout);
    cairo_restore(c->cairo);
}

static cairo_status_t write_bytes(void *file, const unsigned char *bytes, unsigned int n)
{
    return fwrite(bytes, 1, n, file) == n ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

att_status att_canvas_write_png(att_canvas *c, FILE *file, att_err *err)
{
    const cairo_status_t failed = cairo_surface_write_to_png_stream(c->surface, write_bytes, file);
    if (failed == CAIRO_STATUS_SUCCESS || failed == CAIRO_STATUS_WRITE_ERROR) return ATT_OK;
    return att_fail(err, ATT_E_MEMORY, "write PNG: %s", cairo_status_to_string(failed));
}

#else

int att_canvas_available(void)
{
    return 0;
}

att_status att_canvas_create(att_canvas **canvas, int width, int height, att_err *err)
{
    *canvas = NULL;
    return att_fail(err, ATT_E_UNSUPPORTED,
                    "draw %d x %d pixels: this build was made without Pango", width, height);
}

void att_canvas_destroy(att_canvas *canvas)
{
    att_free(canvas);
}

void att_canvas_fill(att_canvas *canvas, att_colour colour, double x, double y, double width,
                     double height)
{
    (void)canvas, (void)colour, (void)x, (void)y, (void)width, (void)height;
}

void att_canvas_line(att_canvas *canvas, att_colour colour, double thick, double x0, double y0,
                     double x1, double y1)
{
    (void)canvas, (void)colour, (void)thick, (void)x0, (void)y0, (void)x1, (void)y1;
}

void att_canvas_pixels(att_canvas *canvas, int x, int y, int width, int height, const uint32_t *rgb)
{
    (void)canvas, (void)x, (void)y, (void)width, (void)height, (void)rgb;
}

double att_canvas_text_width(att_canvas *canvas, const att_text_style *style, const char *text)
{
    (void)canvas, (void)style, (void)text;
    return 0.0;
}

void att_canvas_text(att_canvas *canvas, const att_text_style *style, double x, double y,
                     const char *text)
{
    (void)canvas, (void)style, (void)x, (void)y, (void)text;
}

att_status att_canvas_write_png(att_canvas *canvas, FILE *file, att_err *err)
{
    (void)canvas, (void)file;
    return att_fail(err, ATT_E_UNSUPPORTED, "write PNG: this build was made without Pango");
}

#endif
