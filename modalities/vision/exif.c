/* exif.c - bounded walks to the orientation (exif.h). Tests: tests/unit/test_exif.c */
#include "exif.h"

#include <string.h>

enum { TAG_ORIENTATION = 274, TYPE_SHORT = 3, ENTRY_BYTES = 12 };

static uint32_t number(const uint8_t *bytes, size_t n, int little)
{
    uint32_t x = 0;
    for (size_t i = 0; i < n; i++) x = x << 8 | bytes[little ? n - 1 - i : i];
    return x;
}

int att_exif_orientation(const uint8_t *bytes, size_t n_bytes)
{
    if (n_bytes >= 6 && memcmp(bytes, "Exif\0", 6) == 0) {
        bytes += 6;
        n_bytes -= 6;
    }
    if (n_bytes < 8) return ATT_EXIF_UPRIGHT;
    const int little = memcmp(bytes, "II*\0", 4) == 0;
    if (!little && memcmp(bytes, "MM\0*", 4) != 0) return ATT_EXIF_UPRIGHT;
    size_t at = number(bytes + 4, 4, little);
    if (at > n_bytes || n_bytes - at < 2) return ATT_EXIF_UPRIGHT;
    size_t left = number(bytes + at, 2, little);
    for (at += 2; left && n_bytes - at >= ENTRY_BYTES; left--, at += ENTRY_BYTES) {
        const uint8_t *entry = bytes + at;
        if (number(entry, 2, little) != TAG_ORIENTATION) continue;
        const uint32_t value = number(entry + 8, 2, little);
        const int good = number(entry + 2, 2, little) == TYPE_SHORT &&
                         number(entry + 4, 4, little) == 1 && value >= 1 && value <= 8;
        return good ? (int)value : ATT_EXIF_UPRIGHT;
    }
    return ATT_EXIF_UPRIGHT;
}

int att_exif_of_jpeg(const uint8_t *bytes, size_t n_bytes)
{
    size_t at = 2; /* behind the marker SOI */
    while (n_bytes >= 4 && at <= n_bytes - 4) {
        if (bytes[at] != 0xff) return ATT_EXIF_UPRIGHT;
        const uint8_t marker = bytes[at + 1];
        if (marker == 0xff) { /* fill byte */
            at++;
            continue;
        }
        if (marker == 0xda || marker == 0xd9) return ATT_EXIF_UPRIGHT; /* SOS, EOI */
        const size_t length = number(bytes + at + 2, 2, 0);            /* with itself */
        if (length < 2 || length > n_bytes - at - 2) return ATT_EXIF_UPRIGHT;
        const uint8_t *data = bytes + at + 4;
        if (marker == 0xe1 && length >= 8 && memcmp(data, "Exif\0", 6) == 0)
            return att_exif_orientation(data, length - 2);
        at += 2 + length;
    }
    return ATT_EXIF_UPRIGHT;
}

int att_exif_of_png(const uint8_t *bytes, size_t n_bytes)
{
    size_t at = 8;                                /* behind the signature */
    while (n_bytes >= 12 && at <= n_bytes - 12) { /* length, type, CRC */
        const size_t length = number(bytes + at, 4, 0);
        const uint8_t *type = bytes + at + 4;
        if (length > n_bytes - at - 12 || memcmp(type, "IEND", 4) == 0) return ATT_EXIF_UPRIGHT;
        if (memcmp(type, "eXIf", 4) == 0) return att_exif_orientation(type + 4, length);
        at += 12 + length;
    }
    return ATT_EXIF_UPRIGHT;
}

int att_exif_of_webp(const uint8_t *bytes, size_t n_bytes)
{
    size_t at = 12; /* behind RIFF, length, WEBP */
    while (n_bytes >= 8 && at <= n_bytes - 8) {
        const size_t length = number(bytes + at + 4, 4, 1);
        if (length > n_bytes - at - 8) return ATT_EXIF_UPRIGHT;
        if (memcmp(bytes + at, "EXIF", 4) == 0) return att_exif_orientation(bytes + at + 8, length);
        at += 8 + length + length % 2;
    }
    return ATT_EXIF_UPRIGHT;
}
