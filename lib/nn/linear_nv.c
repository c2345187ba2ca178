/* linear_nv.c - products in halves on a GPU's matrix units: when, and in tiles of which size
 * (linear_internal.h). Tests: tests/kernels/test_linear.c */
#include "linear_internal.h"
#include "ceil_div.h"

enum {
    BN = 128, /* columns of a tile, cl/gemm_nv.cl */
    FEW = 2,  /* tiles on a unit that wait for memory, so that more steps should be on their way */
    LONG = 2048
};

/* Tiles of one kind: rows of one, work-groups that a unit holds at once, what one takes. */
typedef struct kind {
    att_kernel_id kernel;
    int32_t rows, at_once;
    double work;
} kind;

int atti_linear_nv_takes(att_device *device, const att_linear *l, const att_mat *x)
{
    return x->view.dtype == ATT_F16 && l->weight.dtype == ATT_F16 && l->cols % 8 == 0 &&
           x->stride % 8 == 0 && x->view.at % 8 == 0 && l->weight.at % 8 == 0 &&
           att_device_has(device, ATT_FEATURE_MMA_F16);
}

static int32_t tiles_of(const kind *k, int32_t m, int32_t n)
{
    return att_ceil_div(m, k->rows) * att_ceil_div(n, BN);
}

/* How long the tiles take, in units of one small tile: rounds of full units, or what the fullest
 * unit has to do; a tile alone on its unit waits for memory, as 1.6 would take. */
static double cost_of(const kind *k, int32_t tiles, int32_t units)
{
    const int32_t rounds = att_ceil_div(tiles, k->at_once * units),
                  each = att_ceil_div(tiles, units);
    if (rounds > 1) return k->work * rounds * k->at_once;
    return k->work * (each > 1 ? each : 1.6);
}

/* Sums run over k in the same order in every tile: the choice does not show in the result. */
void atti_linear_nv_choose(att_device *device, const att_linear *l, int32_t rows,
                           att_launch *launch)
{
    static const kind PLAIN = {ATT_K_GEMM_NV, 128, 2, 2.0};
    static const kind LARGE = {ATT_K_GEMM_WARPGROUP_128_NV, 128, 3, 2.0};
    static const kind SMALL = {ATT_K_GEMM_WARPGROUP_64_NV, 64, 4, 1.1};
    static const kind DEEP = {ATT_K_GEMM_WARPGROUP_64_DEEP_NV, 64, 4, 1.1};
    const int32_t units = att_device_get_info(device)->compute_units;
    const kind *k = &PLAIN;
    if (att_device_has(device, ATT_FEATURE_WARPGROUP_F16)) {
        const double large = cost_of(&LARGE, tiles_of(&LARGE, rows, l->rows), units);
        const int32_t tiles = tiles_of(&SMALL, rows, l->rows);
        k = large < cost_of(&SMALL, tiles, units) ? &LARGE : &SMALL;
        if (k == &SMALL && tiles <= FEW * units && l->cols > LONG) k = &DEEP;
    }
    launch->kernel = k->kernel;
    launch->groups[0] = tiles_of(k, rows, l->rows);
}
