/* tiles.h - a large picture as several of the size that an encoder takes. Two ways:
 *
 * grid (Idefics3, SmolVLM): the longest edge is resized to a fixed length, both edges up to whole
 * tiles (which bends the shape), then cut; the whole picture in one tile comes last.
 * any resolution (LLaVA-NeXT): of a list of canvases the one that keeps most pixels is chosen, the
 * picture is fitted into its middle over black and cut; the whole picture, bent square, comes
 * first. Of the features only those of the picture itself are kept ("unpad").
 *
 * Tests: tests/unit/test_tiles.c, against tools/reference/dump_images.py */
#ifndef ATT_TILES_H
#define ATT_TILES_H

#include "image.h"
#include "image_fit.h"
#include "resize.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ATT_TILES_MAX_EDGE = 4096 }; /* Idefics3 goes no further, whatever is asked for */

/* Plain numbers, made by att_grid_choose(). */
typedef struct att_grid {
    int32_t tile;       /* edge of a tile, pixels */
    att_size first;     /* the picture is resized to this, ... */
    att_size second;    /* ... then to this, whole tiles; equal to one tile when it is not split */
    int32_t rows, cols; /* tiles of the split picture; 0 and 0: only the whole picture */
} att_grid;

/* longest_edge: of the first size (SmolVLM 2048); smaller pictures are enlarged too. split 0: the
 * whole picture in one tile, after the same first resize. ATT_E_ARG for a longest_edge below 1 or a
 * tile that is not 1 to ATT_TILES_MAX_EDGE. */
att_status att_grid_choose(att_grid *grid, att_size size, int32_t longest_edge, int32_t tile,
                           int split, att_err *err);
/* rows * cols, and 1 for the whole picture. */
int32_t att_grid_count(const att_grid *grid);
/* tiles[att_grid_count()], row by row, the whole picture last; all are zeroed on failure. */
att_status att_grid_cut(const att_image *image, const att_grid *grid, att_filter filter,
                        att_resize_rule rule, att_image *tiles, att_err *err);

/* Plain numbers, made by att_anyres_choose(). */
typedef struct att_anyres {
    int32_t tile;       /* edge of a tile, pixels */
    att_size size;      /* of the picture */
    att_size canvas;    /* whole tiles */
    att_size content;   /* the resized picture in the middle of it, the odd pixel right and below */
    int32_t rows, cols; /* tiles of the canvas */
} att_anyres;

/* canvases[n] (LLaVA-1.6: 672 x 336, 336 x 672, 672 x 672, 336 x 1008, 1008 x 336 as width x height
 * in the order of its config; of equals the first is taken). ATT_E_ARG when there is none or an
 * edge is no multiple of the tile. */
att_status att_anyres_choose(att_anyres *anyres, att_size size, const att_size *canvases, size_t n,
                             int32_t tile, att_err *err);
/* 1 for the whole picture, and rows * cols. */
int32_t att_anyres_count(const att_anyres *anyres);
/* tiles[att_anyres_count()], the whole picture first; all are zeroed on failure. */
att_status att_anyres_cut(const att_image *image, const att_anyres *anyres, att_filter filter,
                          att_resize_rule rule, att_image *tiles, att_err *err);

/* The part of the canvas's features that is kept: rows and columns of [rows * side][cols * side],
 * side being the features along a tile. */
typedef struct att_unpad {
    int32_t first_row, n_rows, first_col, n_cols;
} att_unpad;

att_unpad att_anyres_unpad(const att_anyres *anyres, int32_t side);
/* Tokens of the picture: side * side of the whole, then n_rows lines of n_cols and a newline. */
int32_t att_anyres_tokens(const att_anyres *anyres, int32_t side);

#ifdef __cplusplus
}
#endif
#endif /* ATT_TILES_H */
