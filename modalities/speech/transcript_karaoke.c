/* transcript_karaoke.c - karaoke WebVTT, ASS and LRC (transcript_karaoke.h).
 * Tests: tests/unit/test_transcript_words.c */
#include "transcript_karaoke.h"

#include <string.h>

#include "transcript.h"
#include "utf8.h"

/* One format: how a subtitle with words is printed, and one without. */
typedef struct karaoke {
    void (*print_cue)(FILE *file, const att_transcript_word *words, int32_t n);
    void (*print_segment)(FILE *file, const att_asr_segment *segment);
} karaoke;

static int print_all(FILE *file, const att_asr_result *result, const att_transcript_layout *layout,
                     const karaoke *k)
{
    att_transcript_cues cues;
    if (!result->has_words) {
        for (int32_t i = 0; i < result->n_segments; i++)
            if (result->segments[i].text[0]) k->print_segment(file, &result->segments[i]);
        return 1;
    }
    if (!att_transcript_cues_make(&cues, result, layout)) return 0;
    for (int32_t i = 0; i < cues.n; i++)
        k->print_cue(file, cues.words + cues.first[i], cues.first[i + 1] - cues.first[i]);
    att_transcript_cues_free(&cues);
    return 1;
}

/* n bytes with some characters as other texts: escapes holds pairs, NULL-terminated. */
static void print_escaped(FILE *file, const char *text, size_t n, const char *const *escapes)
{
    for (size_t i = 0; i < n; i++) {
        const char *const *e = escapes;
        while (*e && **e != text[i]) e += 2;
        if (*e)
            fputs(e[1], file);
        else
            fputc(text[i], file);
    }
}

static void print_stripped(FILE *file, const char *text, const char *const *escapes)
{
    size_t n;
    const char *stripped = att_utf8_strip(text, &n);
    print_escaped(file, stripped, n, escapes);
}

/* --- WebVTT --- */

static const char *const VTT_ESCAPES[] = {"&", "&amp;", "<", "&lt;", ">", "&gt;", NULL};

static void print_vtt_time(FILE *file, long long ms)
{
    fprintf(file, "%02lld:%02lld:%02lld.%03lld", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60,
            ms % 1000);
}

static void print_vtt_span(FILE *file, double start, double end)
{
    print_vtt_time(file, att_transcript_ms(start));
    fputs(" --> ", file);
    print_vtt_time(file, att_transcript_ms(end));
    fputc('\n', file);
}

/* A time stands inside only where it is later than the one before it. */
static void print_vtt_cue(FILE *file, const att_transcript_word *words, int32_t n)
{
    long long last = att_transcript_ms(words[0].start);
    const long long end = att_transcript_ms(words[n - 1].end);
    print_vtt_span(file, words[0].start, words[n - 1].end);
    for (int32_t i = 0; i < n; i++) {
        const long long start = att_transcript_ms(words[i].start);
        if (start > last && start < end) {
            fputc('<', file);
            print_vtt_time(file, start);
            fputc('>', file);
            last = start;
        }
        print_escaped(file, words[i].text, strlen(words[i].text), VTT_ESCAPES);
    }
    fputs("\n\n", file);
}

static void print_vtt_segment(FILE *file, const att_asr_segment *s)
{
    print_vtt_span(file, s->start, s->end);
    print_stripped(file, s->text, VTT_ESCAPES);
    fputs("\n\n", file);
}

int atti_transcript_karaoke(FILE *file, const att_asr_result *result,
                            const att_transcript_layout *layout)
{
    const karaoke vtt = {print_vtt_cue, print_vtt_segment};
    fputs("WEBVTT\n\n", file);
    return print_all(file, result, layout, &vtt);
}

/* --- ASS --- */

static const char *const ASS_ESCAPES[] = {"\n", "\\N", "{", "\\{", "}", "\\}", "\r", "", NULL};

static const char ASS_HEADER[] =
    "[Script Info]\n"
    "ScriptType: v4.00+\n"
    "WrapStyle: 0\n"
    "ScaledBorderAndShadow: yes\n"
    "PlayResX: 1920\n"
    "PlayResY: 1080\n\n"
    "[V4+ Styles]\n"
    "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, "
    "Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, "
    "Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\n"
    "Style: Default,Arial,64,&H00FFFFFF,&H00A0A0A0,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,3,"
    "1,2,60,60,60,1\n\n"
    "[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n";

static long long centiseconds(double seconds)
{
    return (att_transcript_ms(seconds) + 5) / 10;
}

static void print_ass_span(FILE *file, double start, double end)
{
    const long long times[] = {centiseconds(start), centiseconds(end)};
    fputs("Dialogue: 0,", file);
    for (int i = 0; i < 2; i++)
        fprintf(file, "%lld:%02lld:%02lld.%02lld,", times[i] / 360000, times[i] / 6000 % 60,
                times[i] / 100 % 60, times[i] % 100);
    fputs("Default,,0,0,0,,", file);
}

/* Each word is filled from its start to the next one's. */
static void print_ass_cue(FILE *file, const att_transcript_word *words, int32_t n)
{
    print_ass_span(file, words[0].start, words[n - 1].end);
    for (int32_t i = 0; i < n; i++) {
        const double until = i + 1 < n ? words[i + 1].start : words[i].end;
        const char *text = words[i].text;
        while (*text == ' ' || *text == '\n') { /* in front of the word that is filled */
            print_escaped(file, text, 1, ASS_ESCAPES);
            text++;
        }
        fprintf(file, "{\\k%lld}", centiseconds(until) - centiseconds(words[i].start));
        print_escaped(file, text, strlen(text), ASS_ESCAPES);
    }
    fputc('\n', file);
}

static void print_ass_segment(FILE *file, const att_asr_segment *s)
{
    print_ass_span(file, s->start, s->end);
    print_stripped(file, s->text, ASS_ESCAPES);
    fputc('\n', file);
}

int atti_transcript_ass(FILE *file, const att_asr_result *result,
                        const att_transcript_layout *layout)
{
    const karaoke ass = {print_ass_cue, print_ass_segment};
    fputs(ASS_HEADER, file);
    return print_all(file, result, layout, &ass);
}

/* --- LRC --- */

static const char *const LRC_ESCAPES[] = {"\n", " ", "\r", "", NULL};

static void print_lrc_time(FILE *file, double seconds, char open, char close)
{
    const long long cs = centiseconds(seconds);
    fprintf(file, "%c%02lld:%02lld.%02lld%c", open, cs / 6000, cs / 100 % 60, cs % 100, close);
}

static void print_lrc_cue(FILE *file, const att_transcript_word *words, int32_t n)
{
    print_lrc_time(file, words[0].start, '[', ']');
    for (int32_t i = 0; i < n; i++) {
        const char *text = words[i].text;
        if (*text == ' ' || *text == '\n') {
            fputc(' ', file);
            text++;
        }
        print_lrc_time(file, words[i].start, '<', '>');
        print_escaped(file, text, strlen(text), LRC_ESCAPES);
    }
    print_lrc_time(file, words[n - 1].end, '<', '>');
    fputc('\n', file);
}

static void print_lrc_segment(FILE *file, const att_asr_segment *s)
{
    print_lrc_time(file, s->start, '[', ']');
    print_stripped(file, s->text, LRC_ESCAPES);
    fputc('\n', file);
}

int atti_transcript_lrc(FILE *file, const att_asr_result *result,
                        const att_transcript_layout *layout)
{
    const karaoke lrc = {print_lrc_cue, print_lrc_segment};
    fputs("[re:attend]\n", file);
    return print_all(file, result, layout, &lrc);
}
