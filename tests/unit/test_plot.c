/* test_plot.c - apps/plot*.c and canvas.c: a page drawn from a made-up result, read back. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "plot_page.h"
#include "realdata.h"
#include "spawn.h"
#include "wavfile.h"

#ifdef ATT_PANGO
#include <cairo.h>
#endif

static void labels_never_overlap(void **state)
{
    (void)state;
    enum { N = 400 };
    att_label l[N];
    uint32_t draw = 1;
    for (int shorten = 0; shorten < 2; shorten++)
        for (int rows = 1; rows <= 8; rows++) {
            double at = 100.0;
            for (int i = 0; i < N; i++) {
                draw = draw * 1664525u + 1013904223u;
                at += draw >> 26; /* up to 63 pixels on, often none */
                l[i] = (att_label){.at = at, .width = 5.0 + (draw >> 8 & 255)};
            }
            const int used = att_labels_place(l, N, 100.0, at, rows, shorten);
            int placed = 0;
            assert_in_range(used, 1, rows);
            for (int i = 0; i < N; i++) {
                if (l[i].row < 0) continue;
                placed++;
                assert_true(l[i].row < used);
                assert_true(l[i].x >= 100.0 && l[i].x + l[i].width <= at + 1e-9);
                assert_true(l[i].x <= l[i].at);
                for (int j = 0; j < i; j++)
                    if (l[j].row == l[i].row) assert_true(l[j].x + l[j].width < l[i].x);
            }
            assert_true(placed >= N / 40);
        }
}

static void a_label_gives_way_only_where_asked(void **state)
{
    (void)state;
    att_label l[] = {{.at = 0, .width = 500}, {.at = 100, .width = 50}, {.at = 900, .width = 200}};
    assert_int_equal(att_labels_place(l, 3, 0, 1000, 1, 0), 1);
    assert_int_equal(l[1].row, -1);
    assert_true(l[2].x == 800.0); /* up to the right edge, whole */
    l[0].width = 500;
    assert_int_equal(att_labels_place(l, 3, 0, 1000, 1, 1), 1);
    assert_true(l[0].width < 100.0 && l[0].width > 80.0);
    assert_int_equal(l[1].row, 0);
    l[0].width = 500;
    assert_int_equal(att_labels_place(l, 3, 0, 1000, 2, 1), 2);
    assert_true(l[0].width == 500.0);
    assert_int_equal(l[1].row, 1);
}

static void durations_are_cut_into_strips(void **state)
{
    (void)state;
    const struct {
        double duration_s, strip_s;
        int n, width;
    } want[] = {{0.0, 0.1, 1, 640},      {1.0, 1.0, 1, 640},       {11.0, 11.0, 1, 1320},
                {30.0, 30.0, 1, 1800},   {30.1, 30.0, 2, 1800},    {720.0, 30.0, 24, 1800},
                {720.1, 45.0, 17, 1800}, {3600.0, 180.0, 20, 1800}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const att_plot_cut cut = att_plot_cut_of(want[i].duration_s);
        assert_true(cut.strip_s == want[i].strip_s);
        assert_int_equal(cut.n_strips, want[i].n);
        assert_int_equal(cut.width, want[i].width);
    }
    for (double s = 1e4; s < 1e7; s *= 1.7) {
        const att_plot_cut cut = att_plot_cut_of(s);
        assert_true(cut.n_strips <= PLOT_MAX_STRIPS && cut.n_strips * cut.strip_s >= s);
    }
}

static void colours_run_from_end_to_end(void **state)
{
    (void)state;
    assert_int_equal(att_plot_mel_colour(0.0), 0x000004);
    assert_int_equal(att_plot_mel_colour(1.0), 0xfcfdbf);
    assert_int_equal(att_plot_mel_colour((double)NAN), 0x000004);
    assert_int_equal(att_plot_mel_colour(0.5), 0xb73779); /* matplotlib: (183, 55, 121) */
    assert_int_equal(att_plot_confidence((double)NAN), att_plot_confidence(-1.0));
    assert_int_not_equal(att_plot_confidence(0.2), att_plot_confidence(0.3));
    assert_int_equal(att_plot_confidence(2.0), att_plot_confidence(1.0));
}

#ifdef ATT_PANGO
enum { RATE = 16000, SECONDS = 40, TONE_S = 20 };

/* Pixels of a page that was read back. */
typedef struct picture {
    cairo_surface_t *surface;
    int width, height;
} picture;

static picture read_png(const char *path)
{
    picture p = {cairo_image_surface_create_from_png(path), 0, 0};
    assert_int_equal(cairo_surface_status(p.surface), CAIRO_STATUS_SUCCESS);
    p.width = cairo_image_surface_get_width(p.surface);
    p.height = cairo_image_surface_get_height(p.surface);
    return p;
}

static uint32_t pixel(const picture *p, int x, int y)
{
    assert_in_range(x, 0, p->width - 1);
    assert_in_range(y, 0, p->height - 1);
    const unsigned char *row = cairo_image_surface_get_data(p->surface) +
                               (size_t)y * (size_t)cairo_image_surface_get_stride(p->surface);
    return ((const uint32_t *)(const void *)row)[x] & 0xffffff;
}

/* How many pixels of an area are not white. */
static int inked(const picture *p, int x, int y, int width, int height)
{
    int n = 0;
    for (int j = y; j < y + height; j++)
        for (int i = x; i < x + width; i++) n += pixel(p, i, j) != 0xffffff;
    return n;
}

/* 1 kHz for 20 s, then silence. */
static void write_tone(const char *path, int seconds)
{
    int16_t *s = calloc((size_t)seconds * RATE + 1, sizeof *s);
    assert_non_null(s);
    for (int i = 0; i < seconds * RATE && i < TONE_S * RATE; i++)
        s[i] = (int16_t)(12000.0 * sin(6.283185307179586 * 1000.0 * i / RATE));
    wavfile_write(path, s, (int64_t)seconds * RATE);
    free(s);
}

static att_asr_word WORDS[] = {{" stra\xc3\x9f"
                                "e",
                                1.0, 2.0, 0.9},
                               {" \xe6\x97\xa5\xe6\x9c\xac", 2.5, 3.0, 0.1},
                               {" \xff\xfe broken", 3.5, 3.5, (double)NAN},
                               {" late", 36.0, 37.0, 0.5}};
static att_asr_segment SEGMENTS[] = {{.start = 1.0,
                                      .end = 3.5,
                                      .text = " all of it",
                                      .words = WORDS,
                                      .n_words = 3,
                                      .avg_logprob = -0.1},
                                     {.start = 36.0,
                                      .end = 37.0,
                                      .text = " late",
                                      .words = WORDS + 3,
                                      .n_words = 1,
                                      .avg_logprob = -1.0}};
static att_asr_span SPANS[] = {{1.0, 4.0}, {28.0, 37.0}};

static att_status draw(const char *folder, const char *audio, int words, int speech, char *png,
                       size_t bytes, att_err *err)
{
    att_asr_result result;
    memset(&result, 0, sizeof result);
    result.segments = SEGMENTS;
    result.n_segments = 2;
    for (int i = 0; i < 2; i++) SEGMENTS[i].n_words = words ? 3 - 2 * i : 0;
    if (speech) {
        result.speech = SPANS;
        result.n_speech = 2;
    }
    const att_plot plot = {audio, "a \xe6\x97\xa5 title", "model", &result, NULL};
    snprintf(png, bytes, "%s/page.png", folder);
    return att_plot_write(png, &plot, err);
}

/* y of the spectrogram of the first strip. */
static int mel_top(int speech)
{
    return PLOT_HEADER + PLOT_TIMES + (speech ? PLOT_SPEECH + 3 : 0);
}

static void a_page_shows_what_was_heard(void **state)
{
    (void)state;
    char wav[4096], png[4096];
    const char *folder = realdata_folder();
    att_err err;
    snprintf(wav, sizeof wav, "%s/tone.wav", folder);
    write_tone(wav, SECONDS);
    assert_int_equal(draw(folder, wav, 1, 1, png, sizeof png, &err), ATT_OK);
    const picture p = read_png(png);
    assert_int_equal(p.width, PLOT_LEFT + 1800 + PLOT_RIGHT);
    /* The tone is in its bin and not in another; behind it is silence. 60 pixels a second. */
    const int top = mel_top(1), bottom = top + PLOT_MEL, at10s = PLOT_LEFT + 600;
    const double bin = 81.0 * att_mel_of_hz(1000.0) / att_mel_of_hz(8000.0) - 1.0;
    const int tone_y = bottom - (int)((bin + 0.5) * PLOT_BIN_ROWS);
    assert_true((pixel(&p, at10s, tone_y) >> 16) > 200);
    assert_true((pixel(&p, at10s, top + 20) >> 16) < 100);
    assert_int_equal(pixel(&p, PLOT_LEFT + 25 * 60, tone_y), 0x000004);
    /* Speech, and none. */
    assert_int_equal(pixel(&p, PLOT_LEFT + 2 * 60, top - 6), ATTI_PLOT_SPEECH);
    assert_int_equal(pixel(&p, PLOT_LEFT + 5 * 60, top - 6), 0xffffff);
    /* Bars in their colours, from start to end; texts below; nothing where nothing is said. */
    const int bar = bottom + 3 + PLOT_BARS / 2, text = bottom + 3 + PLOT_BARS + 3;
    assert_int_equal(pixel(&p, PLOT_LEFT + 90, bar), att_plot_confidence(0.9));
    assert_int_equal(pixel(&p, PLOT_LEFT + 165, bar), att_plot_confidence(0.1));
    assert_int_equal(pixel(&p, PLOT_LEFT + 130, bar), 0xffffff);
    assert_true(inked(&p, PLOT_LEFT + 60, text, 40, PLOT_ROW) > 60);
    assert_true(inked(&p, PLOT_LEFT + 150, text, 30, PLOT_ROW) > 30);
    assert_int_equal(inked(&p, PLOT_LEFT + 600, bar, 900, PLOT_ROW), 0);
    /* The second strip ends with the recording: 10 of 30 s. */
    const int second = text + PLOT_ROW + PLOT_BETWEEN + mel_top(1) - PLOT_HEADER;
    assert_int_equal(pixel(&p, PLOT_LEFT + 599, second + 5), 0x000004);
    assert_int_equal(pixel(&p, PLOT_LEFT + 602, second + 5), 0xffffff);
    assert_int_equal(pixel(&p, PLOT_LEFT + 390, second + PLOT_MEL + 3 + PLOT_BARS / 2),
                     att_plot_confidence(0.5));
    assert_true(inked(&p, PLOT_LEFT + 360, second + PLOT_MEL + PLOT_BARS + 6, 25, PLOT_ROW) > 30);
    /* What was said before it is not in it. */
    assert_int_equal(inked(&p, PLOT_LEFT, second + PLOT_MEL + 3, 350, PLOT_BARS), 0);
    cairo_surface_destroy(p.surface);
    realdata_remove(folder);
}

static void segments_stand_in_for_words(void **state)
{
    (void)state;
    char wav[4096], png[4096];
    const char *folder = realdata_folder();
    att_err err;
    snprintf(wav, sizeof wav, "%s/tone.wav", folder);
    write_tone(wav, 4);
    assert_int_equal(draw(folder, wav, 0, 0, png, sizeof png, &err), ATT_OK);
    const picture p = read_png(png);
    const int bottom = mel_top(0) + PLOT_MEL; /* 160 pixels a second */
    assert_int_equal(p.width, PLOT_LEFT + 640 + PLOT_RIGHT);
    assert_int_equal(pixel(&p, PLOT_LEFT + 300, bottom + 5), att_plot_confidence(exp(-0.1)));
    assert_true(inked(&p, PLOT_LEFT + 160, bottom + 13, 60, PLOT_ROW) > 60);
    cairo_surface_destroy(p.surface);
    write_tone(wav, 0);
    assert_int_equal(draw(folder, wav, 0, 0, png, sizeof png, &err), ATT_OK);
    cairo_surface_destroy(read_png(png).surface);
    realdata_remove(folder);
}

static void what_cannot_be_drawn_is_told(void **state)
{
    (void)state;
    char wav[4096], png[4096];
    const char *folder = realdata_folder();
    att_err err;
    snprintf(wav, sizeof wav, "%s/tone.wav", folder);
    assert_int_equal(draw(folder, wav, 0, 0, png, sizeof png, &err), ATT_E_INPUT);
    assert_non_null(strstr(err.text, "tone.wav"));
    assert_int_equal(access(png, F_OK), -1);
    write_tone(wav, 1);
    assert_int_equal(draw("/absent", wav, 0, 0, png, sizeof png, &err), ATT_E_IO);
    assert_non_null(strstr(err.text, "/absent/page.png"));
    realdata_remove(folder);
}
#else
static void a_page_shows_what_was_heard(void **state)
{
    (void)state;
    skip(); /* built without Pango */
}

static void segments_stand_in_for_words(void **state)
{
    (void)state;
    skip();
}

static void what_cannot_be_drawn_is_told(void **state)
{
    (void)state;
    att_canvas *canvas;
    att_err err;
    assert_int_equal(att_canvas_available(), 0);
    assert_int_equal(att_canvas_create(&canvas, 9, 9, &err), ATT_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "Pango"));
    const char *const argv[] = {ATTEND_PROGRAM, "transcribe", "--plot", "a.wav", NULL};
    spawn_result r = spawn_run(argv, NULL, 0, NULL, 0.0);
    assert_int_equal(r.code, 2);
    assert_non_null(strstr(r.err, "libpango1.0-dev"));
    spawn_free(&r);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_never_overlap),
        cmocka_unit_test(a_label_gives_way_only_where_asked),
        cmocka_unit_test(durations_are_cut_into_strips),
        cmocka_unit_test(colours_run_from_end_to_end),
        cmocka_unit_test(a_page_shows_what_was_heard),
        cmocka_unit_test(segments_stand_in_for_words),
        cmocka_unit_test(what_cannot_be_drawn_is_told),
    };
    return cmocka_run_group_tests_name("plot", tests, NULL, NULL);
}
