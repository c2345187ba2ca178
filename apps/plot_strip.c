/* plot_strip.c - one strip of a page: times, speech, spectrogram, bars and texts (plot_page.h).
 * Tests: tests/unit/test_plot.c */
#include <math.h>
#include <stdio.h>

#include "mem.h"
#include "plot_page.h"

typedef struct strip {
    const atti_plot_page *p;
    int index;
    double times, speech, mel, bars, texts, end; /* y of the upper edges, and below all */
} strip;

static strip strip_at(const atti_plot_page *p, int index, double y)
{
    strip s = {.p = p, .index = index, .times = y};
    s.speech = s.times + PLOT_TIMES;
    s.mel = s.speech + (p->has_speech ? PLOT_SPEECH + 3 : 0);
    s.bars = s.mel + PLOT_MEL + 3;
    s.texts = s.bars + PLOT_BARS + 3;
    s.end = s.texts + p->rows[index] * PLOT_ROW;
    return s;
}

static void draw_times(const strip *s)
{
    static const double STEPS[] = {0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800};
    const atti_plot_page *p = s->p;
    const att_text_style style = {.height = 11, .align = ATT_ALIGN_CENTRE, .rgb = ATTI_PLOT_FAINT};
    const att_text_style name = {.height = 11, .align = ATT_ALIGN_RIGHT, .rgb = ATTI_PLOT_FAINT};
    const double end = atti_plot_strip_end(p, s->index), start = s->index * p->cut.strip_s;
    size_t k = 0;
    while (k + 1 < sizeof STEPS / sizeof *STEPS && STEPS[k] * p->cut.pixels_a_second < 75.0) k++;
    const int clock = p->duration_s >= 60.0;
    att_canvas_text(p->canvas, &name, PLOT_LEFT - 26, s->times + 8, clock ? "time" : "seconds");
    for (double i = ceil(start / STEPS[k] - 1e-6) + 0.0; i * STEPS[k] <= end + 1e-6; i++) {
        const double t = i * STEPS[k], x = atti_plot_pixel(p, s->index, t);
        const long whole = lround(t);
        char text[32];
        if (!clock)
            snprintf(text, sizeof text, "%.*f", STEPS[k] < 1.0, t);
        else if (p->duration_s >= 3600.0)
            snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60,
                     whole % 60);
        else
            snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
        att_canvas_text(p->canvas, &style, x, s->times + 8, text);
        att_canvas_line(p->canvas, (att_colour){ATTI_PLOT_FAINT, 1.0}, 1.0, floor(x) + 0.5,
                        s->speech - 5, floor(x) + 0.5, s->speech - 1);
    }
}

static void draw_hertz(const strip *s)
{
    static const struct {
        double hz;
        const char *text;
    } TICKS[] = {{500, "500"}, {1000, "1k"}, {2000, "2k"}, {4000, "4k"}, {7000, "7k"}};
    const att_text_style style = {.height = 11, .align = ATT_ALIGN_RIGHT, .rgb = ATTI_PLOT_FAINT};
    const att_text_style name = {
        .height = 11, .upwards = 1, .align = ATT_ALIGN_CENTRE, .rgb = ATTI_PLOT_FAINT};
    const double top = att_mel_of_hz(ATT_MEL_RATE_HZ / 2.0);
    for (size_t i = 0; i < sizeof TICKS / sizeof *TICKS; i++) {
        const double bin = att_mel_of_hz(TICKS[i].hz) / top * (ATT_PLOT_BINS + 1) - 1.0;
        const double y = s->mel + PLOT_MEL - (bin + 0.5) * PLOT_BIN_ROWS;
        att_canvas_line(s->p->canvas, (att_colour){ATTI_PLOT_FAINT, 1.0}, 1.0, PLOT_LEFT - 6,
                        floor(y) + 0.5, PLOT_LEFT - 1, floor(y) + 0.5);
        att_canvas_text(s->p->canvas, &style, PLOT_LEFT - 10, y, TICKS[i].text);
    }
    att_canvas_text(s->p->canvas, &name, 28, s->mel + PLOT_MEL / 2.0, "frequency (Hz)");
}

static att_status draw_mel(const strip *s, att_err *err)
{
    const atti_plot_page *p = s->p;
    const double start = s->index * p->cut.strip_s;
    const int n =
        (int)floor((atti_plot_strip_end(p, s->index) - start) * p->cut.pixels_a_second + 1e-6);
    uint32_t *rgb = att_calloc((size_t)(n > 0 ? n : 1) * PLOT_MEL, sizeof *rgb);
    if (!rgb) return att_fail(err, ATT_E_MEMORY, "draw %s: out of memory", p->plot->title);
    const att_status status = att_plot_mel_columns(p->mel, start, 1.0 / p->cut.pixels_a_second, n,
                                                   PLOT_BIN_ROWS, rgb, err);
    if (!status) att_canvas_pixels(p->canvas, PLOT_LEFT, (int)s->mel, n, PLOT_MEL, rgb);
    att_free(rgb);
    return status;
}

/* [start, end) as far as it lies in the strip, at least a pixel wide. */
static void draw_span(const strip *s, att_colour colour, double start, double end, double y,
                      double height)
{
    const atti_plot_page *p = s->p;
    const double from = s->index * p->cut.strip_s, to = atti_plot_strip_end(p, s->index);
    if (end < from || start >= to || end < start) return;
    const double x0 = atti_plot_pixel(p, s->index, start > from ? start : from);
    double x1 = atti_plot_pixel(p, s->index, end < to ? end : to) - 1.0; /* neighbours stay apart */
    if (x1 < x0 + 1.0) x1 = x0 + 1.0;
    att_canvas_fill(p->canvas, colour, x0, y, x1 - x0, height);
}

static void draw_speech(const strip *s)
{
    const att_asr_result *r = s->p->plot->result;
    const att_text_style style = {.height = 11, .align = ATT_ALIGN_RIGHT, .rgb = ATTI_PLOT_SPEECH};
    if (!s->p->has_speech) return;
    att_canvas_text(s->p->canvas, &style, PLOT_LEFT - 10, s->speech + 2, "speech");
    for (int32_t i = 0; i < r->n_speech; i++)
        draw_span(s, (att_colour){ATTI_PLOT_SPEECH, 1.0}, r->speech[i].start, r->speech[i].end,
                  s->speech, PLOT_SPEECH);
}

/* The bar of one text, and the line where it begins. */
static void draw_said(void *user, atti_said t)
{
    const strip *s = user;
    const atti_plot_page *p = s->p;
    draw_span(s, (att_colour){att_plot_confidence(t.confidence), 1.0}, t.start, t.end, s->bars,
              PLOT_BARS);
    if (t.start < s->index * p->cut.strip_s || t.start > atti_plot_strip_end(p, s->index)) return;
    const double x = floor(atti_plot_pixel(p, s->index, t.start)) + 0.5;
    att_canvas_line(p->canvas, (att_colour){0xffffff, p->words ? 0.28 : 0.6}, 1.0, x, s->mel, x,
                    s->mel + PLOT_MEL);
}

static void draw_segment_starts(const strip *s)
{
    const att_asr_result *r = s->p->plot->result;
    for (int32_t i = 0; i < r->n_segments; i++) {
        const double t = r->segments[i].start;
        if (t < s->index * s->p->cut.strip_s || t > atti_plot_strip_end(s->p, s->index)) continue;
        const double x = floor(atti_plot_pixel(s->p, s->index, t)) + 0.5;
        for (int y = 0; y < PLOT_MEL; y += 8)
            att_canvas_line(s->p->canvas, (att_colour){0xffffff, 0.9}, 1.0, x, s->mel + y, x,
                            s->mel + y + 4);
    }
}

/* Thin lines lead from the bars to their texts, under texts that stand before them. */
static void draw_texts(const strip *s)
{
    const atti_plot_page *p = s->p;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = p->first[s->index]; i < p->first[s->index + 1]; i++) {
            const att_label *l = &p->labels[i];
            const double y = s->texts + (l->row + 0.5) * PLOT_ROW;
            if (l->row < 0) continue;
            if (pass == 0) {
                const double x = floor(l->at) + 0.5;
                att_canvas_line(p->canvas, (att_colour){ATTI_PLOT_LINE, 1.0}, 1.0, x,
                                s->bars + PLOT_BARS, x, y);
                continue;
            }
            att_text_style style = atti_plot_text(l->rgb);
            style.max_width = ceil(l->width) + 1.0;
            att_canvas_fill(p->canvas, (att_colour){0xffffff, 1.0}, l->x - 1.0,
                            y - PLOT_ROW / 2.0 + 1.0, l->width + 2.0, PLOT_ROW - 2.0);
            att_canvas_text(p->canvas, &style, l->x, y, l->text);
        }
}

double atti_plot_strip_height(const atti_plot_page *p, int index)
{
    return strip_at(p, index, 0.0).end;
}

att_status atti_plot_strip_draw(atti_plot_page *p, int index, double y, att_err *err)
{
    strip s = strip_at(p, index, y);
    const att_status status = draw_mel(&s, err);
    if (status) return status;
    draw_times(&s);
    draw_hertz(&s);
    draw_speech(&s);
    atti_plot_each_said(p, draw_said, &s);
    if (p->words) draw_segment_starts(&s);
    draw_texts(&s);
    return ATT_OK;
}
