/* canvas.h - a picture to draw on: areas, lines, pixels and text of any script, saved as PNG.
 *
 * Pango and cairo draw: a transcript may be in any of a hundred languages, and Pango finds fonts,
 * orders and joins letters for all of them. In a build without Pango, making a canvas is
 * ATT_E_UNSUPPORTED. Lengths are pixels, y grows downwards. Tests: tests/unit/test_plot.c */
#ifndef ATT_CANVAS_H
#define ATT_CANVAS_H

#include <stdint.h>
#include <stdio.h>

#include "attend/error.h"

/* Red, green and blue in 0xRRGGBB, and how much it covers what is below (0 to 1). */
typedef struct att_colour {
    uint32_t rgb;
    double cover;
} att_colour;

typedef enum att_align { ATT_ALIGN_LEFT, ATT_ALIGN_CENTRE, ATT_ALIGN_RIGHT } att_align;

typedef struct att_text_style {
    double height; /* of the font */
    int bold;
    int upwards; /* turned by a quarter, read from below */
    att_align align;
    uint32_t rgb;
    double max_width; /* more is cut, with an ellipsis; 0: no limit */
} att_text_style;

typedef struct att_canvas att_canvas;

int att_canvas_available(void); /* whether this build can draw */

/* White. At most 32767 pixels either way. */
att_status att_canvas_create(att_canvas **canvas, int width, int height, att_err *err);
void att_canvas_destroy(att_canvas *canvas); /* NULL is fine */

void att_canvas_fill(att_canvas *canvas, att_colour colour, double x, double y, double width,
                     double height);
void att_canvas_line(att_canvas *canvas, att_colour colour, double thick, double x0, double y0,
                     double x1, double y1);

/* Copies rows of 0xRRGGBB; what lies outside is left out. */
void att_canvas_pixels(att_canvas *canvas, int x, int y, int width, int height,
                       const uint32_t *rgb);

double att_canvas_text_width(att_canvas *canvas, const att_text_style *style, const char *text);

/* x: of the left edge, the middle or the right edge, as aligned; y: of the middle of the line. */
void att_canvas_text(att_canvas *canvas, const att_text_style *style, double x, double y,
                     const char *text);

/* Errors of the file are the file's (ferror). */
att_status att_canvas_write_png(att_canvas *canvas, FILE *file, att_err *err);

#endif /* ATT_CANVAS_H */
