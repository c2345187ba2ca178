/* image_webp.c - WebP by libwebp. Tests: tests/unit/test_image.c */
#include "image_decode.h"

#include <webp/decode.h>

#include "mem.h"

static att_status refuse(const atti_image_file *file, VP8StatusCode code, att_err *err)
{
    static const char *const REASONS[] = {
        [VP8_STATUS_OUT_OF_MEMORY] = "out of memory",
        [VP8_STATUS_INVALID_PARAM] = "its header makes no sense",
        [VP8_STATUS_BITSTREAM_ERROR] = "its pixels cannot be decoded",
        [VP8_STATUS_UNSUPPORTED_FEATURE] = "it uses a feature that libwebp does not read",
        [VP8_STATUS_SUSPENDED] = "the file ends early",
        [VP8_STATUS_USER_ABORT] = "stopped",
        [VP8_STATUS_NOT_ENOUGH_DATA] = "the file ends early",
    };
    const int known = code > 0 && (size_t)code < sizeof REASONS / sizeof *REASONS;
    return att_fail(err, code == VP8_STATUS_OUT_OF_MEMORY ? ATT_E_MEMORY : ATT_E_INPUT,
                    "read picture %s: WebP of %zu bytes is broken: %s", file->name, file->n_bytes,
                    known ? REASONS[code] : "for no known reason");
}

/* The pixels into a buffer of ours, RGBA where there is transparency. */
static att_status decode(const atti_image_file *file, WebPDecoderConfig *config, att_image *image,
                         att_err *err)
{
    const int32_t width = config->input.width, height = config->input.height;
    const int alpha = config->input.has_alpha != 0;
    const size_t row_bytes = (size_t)width * (alpha ? 4 : 3);
    uint8_t *pixels = att_calloc((size_t)height, row_bytes);
    if (!pixels)
        return att_fail(err, ATT_E_MEMORY, "read picture %s: no memory for %d x %d pixels",
                        file->name, width, height);
    config->output.colorspace = alpha ? MODE_RGBA : MODE_RGB;
    config->output.is_external_memory = 1;
    config->output.u.RGBA = (WebPRGBABuffer){pixels, (int)row_bytes, (size_t)height * row_bytes};
    const VP8StatusCode code = WebPDecode(file->bytes, file->n_bytes, config);
    WebPFreeDecBuffer(&config->output);
    if (code != VP8_STATUS_OK) {
        att_free(pixels);
        return refuse(file, code, err);
    }
    *image = alpha ? atti_image_from_rgba(pixels, width, height, file->options->background)
                   : (att_image){width, height, pixels};
    return ATT_OK;
}

att_status atti_webp_read(const atti_image_file *file, att_image *image, att_err *err)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return att_fail(err, ATT_E_UNSUPPORTED,
                        "read picture %s: libwebp is of another version than its header",
                        file->name);
    const VP8StatusCode code = WebPGetFeatures(file->bytes, file->n_bytes, &config.input);
    if (code != VP8_STATUS_OK) return refuse(file, code, err);
    if (config.input.has_animation)
        return att_fail(err, ATT_E_INPUT,
                        "read picture %s: an animated WebP, expected one picture - save a frame",
                        file->name);
    const att_status status = atti_image_check_size(file, "WebP", (uint64_t)config.input.width,
                                                    (uint64_t)config.input.height, err);
    return status ? status : decode(file, &config, image, err);
}
