/* progress.c - the drawn line on stderr (progress.h). */
#define _POSIX_C_SOURCE 200809L
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void att_progress_init(att_progress *p, int quiet, int verbose)
{
    memset(p, 0, sizeof *p);
    p->quiet = quiet;
    p->verbose = verbose;
    p->terminal = isatty(STDERR_FILENO);
    p->began = now_s();
    p->what = "";
}

void att_progress_begin(att_progress *p, const char *what)
{
    att_progress_clear(p);
    p->what = what;
    p->began = now_s();
    p->last = 0.0;
}

char *att_progress_clock(double seconds, char *text, size_t bytes)
{
    const long s = seconds > 0.0 ? (long)(seconds + 0.5) : 0;
    if (s >= 3600)
        snprintf(text, bytes, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, bytes, "%ld:%02ld", s / 60, s % 60);
    return text;
}

void att_progress_item(att_progress *p, const char *what, size_t item, size_t n_items,
                       double before, double share)
{
    att_progress_begin(p, what);
    if (p->n_items == 0) p->many_began = p->began;
    p->item = item;
    p->n_items = n_items;
    p->before = before;
    p->share = share;
}

/* Whether a line is due: on a terminal, after a second, ten times a second. */
static int due(att_progress *p, double now)
{
    const double began = p->n_items > 1 ? p->many_began : p->began;
    if (p->quiet || !p->terminal || now - began < 1.0 || now - p->last < 0.1) return 0;
    p->last = now;
    p->drawn = 1;
    return 1;
}

static void draw_bar(double part)
{
    enum { WIDTH = 20 };
    char bar[WIDTH + 1];
    const int full = (int)(part * WIDTH);
    memset(bar, '-', WIDTH);
    memset(bar, '#', (size_t)(full < 0 ? 0 : full > WIDTH ? WIDTH : full));
    bar[WIDTH] = 0;
    fprintf(stderr, "\r\033[K%3.0f%% [%s] ", part * 100.0, bar);
}

/* The same for one of many: the bar and the time left are those of all. */
static void draw_item(const att_progress *p, double done_s, double total_s, double now)
{
    const double part = p->before + p->share * done_s / total_s;
    char done[32], total[32], left[32] = "?";
    if (part > 0.0)
        att_progress_clock((now - p->many_began) * (1.0 - part) / part, left, sizeof left);
    draw_bar(part);
    fprintf(stderr, "%s left, %zu/%zu: %s/%s of %.24s", left, p->item, p->n_items,
            att_progress_clock(done_s, done, sizeof done),
            att_progress_clock(total_s, total, sizeof total), p->what);
    fflush(stderr);
}

void att_progress_audio(att_progress *p, double done_s, double total_s)
{
    const double now = now_s();
    if (total_s <= 0.0 || !due(p, now)) return;
    if (p->n_items > 1) {
        draw_item(p, done_s, total_s, now);
        return;
    }
    const double spent = now - p->began, speed = done_s / spent;
    char done[32], total[32], left[32] = "?";
    if (done_s > 0.0) att_progress_clock((total_s - done_s) / speed, left, sizeof left);
    draw_bar(done_s / total_s);
    fprintf(stderr, "%s/%s, %.1fx real time, %s left, %.40s",
            att_progress_clock(done_s, done, sizeof done),
            att_progress_clock(total_s, total, sizeof total), speed, left, p->what);
    fflush(stderr);
}

void att_progress_read(att_progress *p, double read_s)
{
    char read[32];
    if (!due(p, now_s())) return;
    fprintf(stderr, "\r\033[Kreading the audio: %s, %.40s",
            att_progress_clock(read_s, read, sizeof read), p->what);
    fflush(stderr);
}

void att_progress_say(att_progress *p, const char *text)
{
    enum { COLUMNS = 76 };
    size_t at = strlen(text), shown = 0;
    if (p->quiet || !p->terminal) return;
    while (at > 0 && shown < COLUMNS) {
        at--;
        if (((unsigned char)text[at] & 0xc0) != 0x80) shown++; /* a character begins */
    }
    fprintf(stderr, "\r\033[K%s%s", at > 0 ? ".. " : "", text + at);
    fflush(stderr);
    p->drawn = 1;
}

void att_progress_clear(att_progress *p)
{
    if (!p->drawn) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    p->drawn = 0;
}

static void write_log(void *user, att_log_level level, const char *text, int done, int total)
{
    att_progress *p = user;
    if (level == ATT_LOG_PROGRESS) {
        if (total > 0 && done < total && due(p, now_s())) {
            draw_bar((double)done / total);
            fprintf(stderr, "%s %d/%d", text, done, total);
            fflush(stderr);
        }
        if (done >= total) att_progress_clear(p);
        return;
    }
    if (level == ATT_LOG_INFO && !p->verbose) return;
    att_progress_clear(p);
    fprintf(stderr, "attend: %s\n", text);
}

att_log att_progress_log(att_progress *p)
{
    att_log log = {write_log, p};
    return log;
}
