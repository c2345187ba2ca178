/* ggml_types.c - ggml_types.h. Source: enum ggml_type of ggml.h. Tests: tests/unit/test_gguf.c,
 * test_ggml.c */
#include "ggml_types.h"

#include <inttypes.h>
#include <string.h>

static const struct {
    uint32_t type;
    att_dtype dtype;
    att_blocks blocks;
    uint32_t bits; /* of an element, where neither says so */
    const char *name;
} TYPES[] = {
    {0, ATT_F32, ATT_BLOCKS_NONE, 0, "f32"},        {1, ATT_F16, ATT_BLOCKS_NONE, 0, "f16"},
    {2, ATT_N_DTYPES, ATT_BLOCKS_Q4_0, 0, "q4_0"},  {3, ATT_N_DTYPES, ATT_BLOCKS_Q4_1, 0, "q4_1"},
    {6, ATT_N_DTYPES, ATT_BLOCKS_Q5_0, 0, "q5_0"},  {7, ATT_N_DTYPES, ATT_BLOCKS_Q5_1, 0, "q5_1"},
    {8, ATT_N_DTYPES, ATT_BLOCKS_Q8_0, 0, "q8_0"},  {12, ATT_N_DTYPES, ATT_BLOCKS_Q4_K, 0, "q4_k"},
    {13, ATT_N_DTYPES, ATT_BLOCKS_Q5_K, 0, "q5_k"}, {14, ATT_N_DTYPES, ATT_BLOCKS_Q6_K, 0, "q6_k"},
    {24, ATT_I8, ATT_BLOCKS_NONE, 0, "i8"},         {25, ATT_I16, ATT_BLOCKS_NONE, 0, "i16"},
    {26, ATT_I32, ATT_BLOCKS_NONE, 0, "i32"},       {27, ATT_N_DTYPES, ATT_BLOCKS_NONE, 64, "i64"},
    {28, ATT_N_DTYPES, ATT_BLOCKS_NONE, 64, "f64"}, {30, ATT_BF16, ATT_BLOCKS_NONE, 0, "bf16"},
};
enum { N_TYPES = sizeof TYPES / sizeof *TYPES };

/* Bytes that the array takes, elements or blocks of `bits`; 0 when no file can hold it. */
static int array_bytes(const att_array *a, uint64_t bits, uint64_t *bytes)
{
    int64_t dims[ATT_ARRAY_MAX_RANK];
    memcpy(dims, a->dims, sizeof dims);
    if (a->blocks) dims[a->rank - 1] /= (int64_t)att_blocks_elements(a->blocks);
    return atti_array_bytes(dims, a->rank, bits, bytes) && *bytes <= SIZE_MAX;
}

att_status atti_set_ggml_type(const att_weights *weights, uint64_t type, const char *name,
                              size_t n_name, uint64_t type_at, uint64_t shape_at, att_array *array,
                              att_err *err)
{
    att_array *a = array;
    const int n = (int)n_name;
    uint64_t bytes = 0;
    int i = 0;
    while (i < N_TYPES && TYPES[i].type != type) i++;
    if (i == N_TYPES)
        return atti_reject(weights, type_at, err,
                           "'%.*s' has ggml's type %" PRIu64 ", expected f32, f16, bf16, q4_0, "
                           "q4_1, q5_0, q5_1, q8_0, q4_k, q5_k, q6_k (0, 1, 30, 2, 3, 6, 7, 8, 12, "
                           "13, 14) or whole numbers",
                           n, name, type);
    a->dtype = TYPES[i].dtype;
    a->blocks = TYPES[i].blocks;
    a->stored_as = TYPES[i].name;
    const int64_t row = a->rank ? a->dims[a->rank - 1] : 1;
    const size_t elements = a->blocks ? att_blocks_elements(a->blocks) : 1;
    if (row % (int64_t)elements != 0)
        return atti_reject(weights, type_at, err,
                           "'%.*s' is %s with rows of %" PRId64
                           " elements, expected a multiple of %zu",
                           n, name, a->stored_as, row, elements);
    const uint64_t bits = a->blocks       ? 8 * att_blocks_bytes(a->blocks)
                          : TYPES[i].bits ? TYPES[i].bits
                                          : 8 * att_dtype_bytes(a->dtype);
    if (!array_bytes(a, bits, &bytes))
        return atti_reject(weights, shape_at, err, "'%.*s' has a shape too large for any file", n,
                           name);
    a->bytes = (size_t)bytes;
    return ATT_OK;
}
