/* probe_mma_nv.cl - one product of mma.clh or warpgroup.clh on known numbers
 * (lib/device/features.c).
 *
 * All rows of both matrices are the two halves of a or b eight times: y[i] = i + 8 (a.b), i < n.
 * Launch:  groups {1, 1, 1}.
 * Build:   -D WARPGROUP or not.  Preludes: mma.clh, warpgroup.clh. */
#define CHUNKS 4
#define ROWS 128

__kernel __attribute__((reqd_work_group_size(NV_LANES, 1, 1)))
void probe_mma_nv(const int n, const uint a, const uint b, __global float *y, const int y_at)
{
    const int lane = get_local_id(0);
#ifdef WARPGROUP
    __local uint tiles[2][ROWS * CHUNKS * 4] __attribute__((aligned(1024)));
    float sum[64];
    for (int i = lane; i < ROWS * CHUNKS * 4; i += NV_LANES) {
        tiles[0][i] = a;
        tiles[1][i] = b;
    }
    warpgroup_see_copies();
    barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
    for (int i = 0; i < 64; i++) sum[i] = 0.0f;
    warpgroup_begin();
    warpgroup_mma(sum, tile_descriptor(local_address(tiles[0]), CHUNKS),
                  tile_descriptor(local_address(tiles[1]), CHUNKS));
    warpgroup_wait();
#else
    const uint all[4] = {a, a, a, a};
    float sum[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    mma(sum, all, b, b);
#endif
    if (lane < n) y[y_at + lane] = lane + sum[0];
}
