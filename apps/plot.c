/* plot.c - the picture of a transcript (plot.h). Tests: tests/unit/test_plot.c */
#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "outfile.h"
#include "plot_page.h"

att_plot_cut att_plot_cut_of(double duration_s)
{
    static const double STRIPS[] = {30, 45, 60, 90, 120, 180, 240, 300, 450, 600, 900, 1200, 1800};
    att_plot_cut cut = {30.0, PLOT_FULL_WIDTH / 30.0, 1, PLOT_FULL_WIDTH};
    if (duration_s <= 30.0) {
        cut.strip_s = duration_s > 0.1 ? duration_s : 0.1;
        double width = cut.strip_s * PLOT_MOST_A_SECOND;
        width = width < PLOT_LEAST_WIDTH  ? PLOT_LEAST_WIDTH
                : width > PLOT_FULL_WIDTH ? PLOT_FULL_WIDTH
                                          : width;
        cut.width = (int)width;
        cut.pixels_a_second = cut.width / cut.strip_s;
        return cut;
    }
    for (size_t i = 0; i < sizeof STRIPS / sizeof *STRIPS; i++) {
        cut.strip_s = STRIPS[i];
        if (duration_s <= STRIPS[i] * PLOT_MAX_STRIPS) break;
    }
    while (duration_s > cut.strip_s * PLOT_MAX_STRIPS) cut.strip_s += 1800.0;
    cut.pixels_a_second = PLOT_FULL_WIDTH / cut.strip_s;
    cut.n_strips = (int)ceil(duration_s / cut.strip_s - 1e-9);
    return cut;
}

static uint32_t between(uint32_t a, uint32_t b, double part)
{
    uint32_t rgb = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
        const double x = a >> shift & 255, y = b >> shift & 255;
        rgb = rgb << 8 | (uint32_t)(x + (y - x) * part + 0.5);
    }
    return rgb;
}

uint32_t att_plot_confidence(double p)
{
    if (!(p > 0.0)) return 0xc0182b;
    if (p < 0.5) return between(0xc0182b, 0x9a6700, p * 2.0);
    return p < 1.0 ? between(0x9a6700, 0x14365c, p * 2.0 - 1.0) : 0x14365c;
}

double atti_plot_pixel(const atti_plot_page *p, int strip, double seconds)
{
    return PLOT_LEFT + (seconds - strip * p->cut.strip_s) * p->cut.pixels_a_second;
}

double atti_plot_strip_end(const atti_plot_page *p, int strip)
{
    const double end = (strip + 1) * p->cut.strip_s;
    return end < p->duration_s ? end : p->duration_s;
}

att_text_style atti_plot_text(uint32_t rgb)
{
    return (att_text_style){.height = 13, .rgb = rgb};
}

/* --- what is said, as labels and bars --- */

static atti_said of_segment(const att_asr_segment *s)
{
    return (atti_said){s->text, s->start, s->end, exp(s->avg_logprob)};
}

static atti_said of_word(const att_asr_word *w)
{
    return (atti_said){w->text, w->start, w->end, w->probability};
}

void atti_plot_each_said(const atti_plot_page *p, void (*see)(void *user, atti_said s), void *user)
{
    const att_asr_result *r = p->plot->result;
    for (int32_t i = 0; i < r->n_segments; i++) {
        const att_asr_segment *s = &r->segments[i];
        if (!p->words) see(user, of_segment(s));
        for (int32_t w = 0; p->words && w < s->n_words; w++) see(user, of_word(&s->words[w]));
    }
}

static int strip_of(const atti_plot_page *p, double seconds)
{
    const double at = floor(seconds / p->cut.strip_s);
    if (!(at > 0.0)) return 0;
    return at < p->cut.n_strips ? (int)at : p->cut.n_strips - 1;
}

static void count_label(void *user, atti_said s)
{
    (void)s;
    ((atti_plot_page *)user)->n_labels++;
}

/* Strips come in order; times that go back stay in the strip that was reached. */
static void add_label(void *user, atti_said s)
{
    atti_plot_page *p = user;
    const int strip = strip_of(p, s.start);
    const att_text_style style = atti_plot_text(0);
    if (strip > p->reached) p->reached = strip;
    att_label *l = &p->labels[p->first[p->reached + 1]];
    l->text = s.text + strspn(s.text, " ");
    l->at = atti_plot_pixel(p, p->reached, s.start);
    l->width = att_canvas_text_width(p->canvas, &style, l->text);
    l->rgb = att_plot_confidence(s.confidence);
    const size_t next = p->first[p->reached + 1] + 1;
    for (int i = p->reached + 1; i <= p->cut.n_strips; i++) p->first[i] = next;
}

static att_status place_labels(atti_plot_page *p, att_err *err)
{
    atti_plot_each_said(p, count_label, p);
    p->labels = att_calloc(p->n_labels, sizeof *p->labels);
    if (!p->labels) return att_fail(err, ATT_E_MEMORY, "draw %s: out of memory", p->plot->title);
    atti_plot_each_said(p, add_label, p);
    for (int i = 0; i < p->cut.n_strips; i++) {
        const double right = PLOT_LEFT + p->cut.width + PLOT_RIGHT - 6;
        p->rows[i] = att_labels_place(p->labels + p->first[i], p->first[i + 1] - p->first[i],
                                      PLOT_LEFT, right, PLOT_MAX_ROWS, !p->words);
    }
    for (size_t i = 0; i < p->n_labels; i++) p->n_left_out += p->labels[i].row < 0;
    return ATT_OK;
}

/* --- the page --- */

/* A ramp of colours with a name before it and its ends beside it; ends at x. */
static double draw_ramp(const atti_plot_page *p, double x, double y, const char *name,
                        const char *low, const char *high, uint32_t (*colour)(double part))
{
    enum { WIDTH = 90, HEIGHT = 9 };
    att_text_style style = {.height = 11, .align = ATT_ALIGN_RIGHT, .rgb = ATTI_PLOT_FAINT};
    uint32_t rgb[WIDTH * HEIGHT];
    for (int i = 0; i < WIDTH * HEIGHT; i++) rgb[i] = colour(i % WIDTH / (WIDTH - 1.0));
    att_canvas_text(p->canvas, &style, x, y, high);
    x -= att_canvas_text_width(p->canvas, &style, high) + 6.0 + WIDTH;
    att_canvas_pixels(p->canvas, (int)x, (int)y - HEIGHT / 2, WIDTH, HEIGHT, rgb);
    x = floor(x) - 6.0;
    att_canvas_text(p->canvas, &style, x, y, low);
    x -= att_canvas_text_width(p->canvas, &style, low) + 8.0;
    style.rgb = ATTI_PLOT_INK;
    att_canvas_text(p->canvas, &style, x, y, name);
    return x - att_canvas_text_width(p->canvas, &style, name);
}

static void draw_header(const atti_plot_page *p, double width)
{
    const att_text_style title = {
        .height = 19, .bold = 1, .rgb = ATTI_PLOT_INK, .max_width = width - PLOT_LEFT - PLOT_RIGHT};
    att_text_style subtitle = {.height = 13, .rgb = ATTI_PLOT_FAINT};
    att_canvas_text(p->canvas, &title, PLOT_LEFT, 24, p->plot->title);
    double x = width - PLOT_RIGHT;
    x = draw_ramp(p, x, 50, "confidence", "0", "1", att_plot_confidence) - 24.0;
    x = draw_ramp(p, x, 50, "loudness",
                  "\xe2\x88\x92"
                  "80",
                  "0 dB", att_plot_mel_colour) -
        24.0;
    subtitle.max_width = x - PLOT_LEFT;
    att_canvas_text(p->canvas, &subtitle, PLOT_LEFT, 50, p->plot->subtitle);
}

static void draw_footer(const atti_plot_page *p, double y)
{
    const att_text_style style = {.height = 11, .rgb = ATTI_PLOT_FAINT};
    char text[160];
    if (!p->n_left_out) return;
    snprintf(text, sizeof text, "%zu of %zu %s have no room for their text; their bars are there.",
             p->n_left_out, p->n_labels, p->words ? "words" : "segments");
    att_canvas_text(p->canvas, &style, PLOT_LEFT, y, text);
}

static att_status draw_page(atti_plot_page *p, att_err *err)
{
    const int width = PLOT_LEFT + p->cut.width + PLOT_RIGHT;
    double height = PLOT_HEADER;
    for (int i = 0; i < p->cut.n_strips; i++) height += atti_plot_strip_height(p, i) + PLOT_BETWEEN;
    att_canvas_destroy(p->canvas); /* which texts were measured on */
    att_status status = att_canvas_create(&p->canvas, width, (int)height + PLOT_FOOTER, err);
    if (status) return status;
    draw_header(p, width);
    double y = PLOT_HEADER;
    for (int i = 0; !status && i < p->cut.n_strips; i++) {
        status = atti_plot_strip_draw(p, i, y, err);
        y += atti_plot_strip_height(p, i) + PLOT_BETWEEN;
    }
    draw_footer(p, y + 2);
    return status;
}

static att_status save(const atti_plot_page *p, const char *path, att_err *err)
{
    att_outfile out;
    att_status status = att_outfile_open(&out, path, err);
    if (status) return status;
    status = att_canvas_write_png(p->canvas, out.file, err);
    if (!status) return att_outfile_commit(&out, err);
    att_outfile_discard(&out);
    return status;
}

static int any_words(const att_asr_result *r)
{
    for (int32_t i = 0; i < r->n_segments; i++)
        if (r->segments[i].n_words > 0) return 1;
    return 0;
}

att_status att_plot_write(const char *path, const att_plot *plot, att_err *err)
{
    atti_plot_page p;
    memset(&p, 0, sizeof p);
    p.plot = plot;
    att_status status = att_canvas_create(&p.canvas, 1, 1, err);
    if (!status) status = att_plot_mel_open(&p.mel, plot->audio, plot->log, &p.duration_s, err);
    if (!status) {
        p.cut = att_plot_cut_of(p.duration_s);
        p.words = any_words(plot->result) && p.cut.pixels_a_second >= PLOT_WORDS_FROM;
        p.has_speech = plot->result->speech != NULL;
        status = place_labels(&p, err);
    }
    if (!status) status = draw_page(&p, err);
    if (!status) status = save(&p, path, err);
    att_plot_mel_close(p.mel);
    att_canvas_destroy(p.canvas);
    att_free(p.labels);
    return status;
}
