/* test_prune_report.c - modalities/vision/prune_report.c: work counted by hand, the table, and JSON
 * that another parser reads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cjson/cJSON.h>
#include <cmocka.h>

#include "prune_report.h"

/* C = 4, one kv head of two, D = 2, F = 3, gated; two new tokens after one. Matrices hold 4 * (4 +
 * 2 * 2) + 4 * 4 + 3 * 4 * 3 = 84 numbers: 2 * 2 * 84 = 336. Causal pairs: 2 + 3; each costs 2 * 4
 * for the score and 2 * 4 for the value: 80. All see all: 6 pairs, 96. */
static void work_by_hand(void **state)
{
    const att_layer_sizes s = {4, 4, 2, 3, 1};
    (void)state;
    assert_true(att_layer_flops(&s, 2, 3, 1) == 336.0 + 80.0);
    assert_true(att_layer_flops(&s, 2, 3, 0) == 336.0 + 96.0);
    assert_true(att_layer_flops(&s, 1, 3, 1) == 168.0 + 48.0);
    assert_true(att_layer_flops(&s, 0, 3, 1) == 0.0);
    assert_true(att_linear_flops(3, 5, 7) == 210.0);
    assert_int_equal(att_cache_bytes(&s, 5, 2), 40);
}

/* The specification's numbers: LLaVA-1.5's encoder 366 GFLOP, nanoVLM's 35; a cache of 512 KiB a
 * token; 22.5 KiB for SmolVLM-256M. */
static void work_of_known_models(void **state)
{
    const att_layer_sizes clip = {1024, 1024, 1024, 4096, 0}, siglip = {768, 768, 768, 3072, 0},
                          vicuna = {4096, 4096, 4096, 11008, 1}, smol = {576, 576, 192, 1536, 1};
    (void)state;
    assert_true(fabs(23.0 * att_layer_flops(&clip, 577, 577, 0) / 1e9 - 366.0) < 1.0);
    assert_true(fabs(12.0 * att_layer_flops(&siglip, 196, 196, 0) / 1e9 - 35.0) < 0.5);
    assert_true(fabs(32.0 * att_layer_flops(&vicuna, 636, 636, 1) / 1e9 - 8350.0) < 50.0);
    assert_int_equal(32 * att_cache_bytes(&vicuna, 1, 2), 512 * 1024);
    assert_int_equal(30 * att_cache_bytes(&smol, 1, 2), 23040);
}

static const int32_t POSITIONS[] = {1, 5, 7}, HEADS[] = {0, 8};
static const att_prune_layer VIT[] = {
    {9, NULL, {-1, -1}, 0, NULL}, {9, NULL, {-1, -1}, 0, NULL}, {6, NULL, {-1, -1}, 0, NULL}};
static const att_prune_layer LLM[] = {{3, POSITIONS, {0.5, 0.25}, 2, HEADS}};

static att_prune_report example(void)
{
    att_prune_report r = att_prune_report_empty();
    r.policy = "flowcut";
    r.place = "vit";
    r.positions = "original";
    r.tokens = 9;
    r.kept = 3;
    r.text_tokens = 4;
    r.answer_tokens = 2;
    r.vit_layers = VIT;
    r.n_vit_layers = 3;
    r.llm_layers = LLM;
    r.n_llm_layers = 1;
    r.prefill = (att_prune_cost){{0.5, 0.125}, {4e9, 2e9}};
    r.vision.seconds[1] = 0.25;
    r.decode.seconds[0] = NAN;
    r.choosing_seconds = 0.001;
    r.cache_bytes[0] = 3000000;
    r.cache_bytes[1] = 1000000;
    return r;
}

static void write_text(att_status (*write)(const att_prune_report *, FILE *, att_err *),
                       const att_prune_report *report, char *text, size_t bytes)
{
    FILE *file = tmpfile();
    att_err err;
    assert_non_null(file);
    if (write(report, file, &err)) fail_msg("%s", err.text);
    rewind(file);
    text[fread(text, 1, bytes - 1, file)] = 0;
    fclose(file);
}

static void the_table(void **state)
{
    char text[4096];
    const att_prune_report r = example();
    static const char *const WANT =
        "pruning flowcut at vit, positions original, redistribution none\n"
        "visual tokens 3 of 9 (33.3 %), text 4, answer 2\n"
        "\n"
        "               all, ms  pruned, ms              all, GF  pruned, GF         \n"
        "vision               -      250.00        -           -           -        -\n"
        "prefill         500.00      125.00    4.00x        4.00        2.00    2.00x\n"
        "decode               -           -        -           -           -        -\n"
        "choosing                      1.00\n"
        "cache, MB         3.00        1.00    3.00x\n"
        "\n"
        "layer             tokens    sinks, %    after, %   heads\n"
        "vision 0-1             9           -           -\n"
        "vision 2               6           -           -\n"
        "language 0             3       50.00       25.00   0,8\n";
    (void)state;
    write_text(att_prune_report_text, &r, text, sizeof text);
    assert_string_equal(text, WANT);
}

static void the_json(void **state)
{
    char text[4096];
    const att_prune_report r = example();
    (void)state;
    write_text(att_prune_report_json, &r, text, sizeof text);
    assert_string_equal(
        text,
        "{\"policy\":\"flowcut\",\"place\":\"vit\",\"positions\":\"original\","
        "\"redistribution\":null,\"tokens\":9,\"kept\":3,\"text_tokens\":4,\"answer_tokens\":2,"
        "\"vision\":{\"seconds\":[null,0.25],\"flops\":[null,null]},"
        "\"prefill\":{\"seconds\":[0.5,0.125],\"flops\":[4000000000,2000000000]},"
        "\"decode\":{\"seconds\":[null,null],\"flops\":[null,null]},\"choosing_seconds\":0.001,"
        "\"cache_bytes\":[3000000,1000000],\"vit_layers\":["
        "{\"tokens\":9,\"positions\":null,\"sink_mass\":[null,null],\"heads\":[]},"
        "{\"tokens\":9,\"positions\":null,\"sink_mass\":[null,null],\"heads\":[]},"
        "{\"tokens\":6,\"positions\":null,\"sink_mass\":[null,null],\"heads\":[]}],"
        "\"llm_layers\":[{\"tokens\":3,\"positions\":[1,5,7],\"sink_mass\":[0.5,0.25],"
        "\"heads\":[0,8]}]}\n");
    cJSON *read = cJSON_Parse(text);
    assert_non_null(read);
    cJSON_Delete(read);
}

static void a_full_disk_is_told(void **state)
{
    FILE *full = fopen("/dev/full", "w");
    const att_prune_report r = example();
    att_err err;
    (void)state;
    if (!full) skip();
    setvbuf(full, NULL, _IONBF, 0);
    assert_int_equal(att_prune_report_text(&r, full, &err), ATT_E_IO);
    assert_int_equal(att_prune_report_json(&r, full, &err), ATT_E_IO);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_by_hand),        cmocka_unit_test(work_of_known_models),
        cmocka_unit_test(the_table),           cmocka_unit_test(the_json),
        cmocka_unit_test(a_full_disk_is_told),
    };
    return cmocka_run_group_tests_name("prune_report", tests, NULL, NULL);
}
