/* image_write.c - a picture as PNG, by libpng's simple interface, which does not jump.
 * Tests: tests/unit/test_image.c */
#include "image.h"

#include <png.h>

#include "outfile.h"

att_status att_image_write(const att_image *image, const char *path, att_err *err)
{
    att_outfile out;
    if (!image->rgb) return att_fail(err, ATT_E_ARG, "write %s: there is no picture", path);
    const att_status status = att_outfile_open(&out, path, err);
    if (status) return status;
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)image->width,
                     .height = (png_uint_32)image->height,
                     .format = PNG_FORMAT_RGB};
    if (png_image_write_to_stdio(&png, out.file, 0, image->rgb, 0, NULL))
        return att_outfile_commit(&out, err);
    att_fail(err, ATT_E_IO, "write %s: %s", path, png.message);
    att_outfile_discard(&out);
    return ATT_E_IO;
}
