/* fuzz_vit_weights.c - weights of any bytes as a vision encoder: refused, or sizes that hang
 * together and, of a GGUF file, a configuration that does. Seeds: tiny encoders of the three
 * namings, and safetensors of them in which every array is empty. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vlm_config.h"

static void check(const att_vit_config *c)
{
    if (c->width < 1 || c->ffn_width < 1 || c->layers < 0 || c->patch < 1 || c->side < 1) abort();
    if (c->heads < 1 || att_vit_values(c) < 3 || att_vit_tokens(c) < 1) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    att_weights *weights;
    att_vit_config vit;
    att_vlm_config c;
    att_err err;
    if (att_weights_open_memory(&weights, "that file", data, n, &err)) return 0;
    if (!att_vit_read_config(&vit, weights, &err))
        check(&vit);
    else if (!strstr(err.text, "that file"))
        abort();
    if (!att_vlm_config_read(&c, weights, NULL, &err)) {
        check(&c.vit);
        if (c.vit.width % c.vit.heads || c.vit.side % c.shuffle || c.vit.layers > vit.layers)
            abort();
    }
    att_weights_close(weights);
    return 0;
}
