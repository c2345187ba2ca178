/* many.c - a run over many inputs (many.h). Tests: tests/real/test_many.c */
#include "many.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "canvas.h"
#include "mem.h"
#include "verbs.h"

static int writes(const att_transcribe_options *o)
{
    return o->output_format || o->output_dir || o->plot;
}

static att_status add_list(att_inputs *in, const att_transcribe_options *o, att_err *err)
{
    const int standard = strcmp(o->files_from, "-") == 0;
    FILE *file = standard ? stdin : fopen(o->files_from, "rb");
    if (!file)
        return att_fail(err, ATT_E_INPUT, "read list %s: %s", o->files_from, strerror(errno));
    const att_status status =
        att_inputs_add_list(in, file, standard ? "-" : o->files_from, o->null ? '\0' : '\n', err);
    if (!standard) fclose(file);
    return status;
}

static int has_standard_input(const att_inputs *in)
{
    for (size_t i = 0; i < in->n; i++)
        if (strcmp(in->items[i].path, "-") == 0) return 1;
    return 0;
}

static att_status add_all(att_many *m, const att_transcribe_options *o,
                          const char *const *arguments, size_t n, att_err *err)
{
    att_status status = ATT_OK;
    for (size_t i = 0; !status && i < n; i++) {
        if (o->files_from && strcmp(o->files_from, "-") == 0 && strcmp(arguments[i], "-") == 0)
            return att_fail(err, ATT_E_ARG, "standard input (-) cannot be both a list and a FILE");
        status = att_inputs_add(&m->inputs, arguments[i], err);
    }
    if (o->plot && has_standard_input(&m->inputs))
        return att_fail(err, ATT_E_ARG,
                        "--plot reads a recording twice, which standard input (-) does not allow; "
                        "save it to a file");
    if (!status && o->files_from) status = add_list(&m->inputs, o, err);
    if (!status) status = att_inputs_unite(&m->inputs, err);
    return status;
}

/* Two inputs that would be written to the same output file are refused before anything runs. */
static att_status check_names(const att_many *m, const att_transcribe_options *o, att_err *err)
{
    const att_input *a = NULL, *b = NULL;
    const att_status status = writes(o) ? att_inputs_clash(&m->inputs, &a, &b, err) : ATT_OK;
    if (status || !a) return status;
    return att_fail(err, ATT_E_ARG,
                    "%s and %s would both be written to %s.*; run them apart or with different "
                    "-o",
                    a->path, b->path, a->name);
}

static att_status plan(att_many *m, const att_transcribe_options *o, const char *const *arguments,
                       size_t n, att_err *err)
{
    if (o->plot && !att_canvas_available())
        return att_fail(err, ATT_E_ARG,
                        "--plot draws with Pango, which this build was made without; install "
                        "libpango1.0-dev, remove build/ and build again");
    if (o->skip_existing && !writes(o))
        return att_fail(err, ATT_E_ARG,
                        "--skip_existing needs -f, -o or --plot: what was done is told by files");
    att_status status = add_all(m, o, arguments, n, err);
    if (!status) status = check_names(m, o, err);
    if (status) return status;
    m->states = att_calloc(m->inputs.n, sizeof *m->states);
    if (!m->states) return att_fail(err, ATT_E_MEMORY, "list files: out of memory");
    for (size_t i = 0; i < m->inputs.n; i++) {
        const att_input *in = &m->inputs.items[i];
        if (o->skip_existing && !in->problem && att_transcribe_is_done(o, in->path, in->name)) {
            m->states[i] = ATT_MANY_SKIPPED;
        } else if (!in->problem) {
            m->n_todo++;
            m->bytes += (double)in->bytes;
        }
    }
    return ATT_OK;
}

int att_many_plan(att_many *m, const att_transcribe_options *o, const char *const *arguments,
                  size_t n)
{
    att_err err;
    memset(m, 0, sizeof *m);
    const att_status status = plan(m, o, arguments, n, &err);
    if (status) fprintf(stderr, "attend transcribe: %s\n", err.text);
    if (!status && m->inputs.n == 0 && !o->quiet)
        fprintf(stderr, "attend: the list %s names no file\n", o->files_from);
    return att_exit_code(status);
}

void att_many_begin(att_many *m, att_progress *progress, size_t i)
{
    const att_input *in = &m->inputs.items[i];
    const double all = m->bytes > 0.0 ? m->bytes : 1.0;
    att_progress_item(progress, in->path, ++m->begun, m->n_todo, m->bytes_done / all,
                      (double)in->bytes / all);
}

void att_many_ended(att_many *m, size_t i, att_many_state state)
{
    m->states[i] = state;
    m->bytes_done += (double)m->inputs.items[i].bytes;
}

void att_many_summary(const att_many *m, int quiet)
{
    size_t n[4] = {0, 0, 0, 0};
    for (size_t i = 0; i < m->inputs.n; i++) n[m->states[i]]++;
    const size_t failed = n[ATT_MANY_FAILED];
    if ((m->inputs.n < 2 && !n[ATT_MANY_SKIPPED]) || (quiet && !failed)) return;
    fprintf(stderr, "attend transcribe: %zu done, %zu skipped, %zu failed", n[ATT_MANY_DONE],
            n[ATT_MANY_SKIPPED], failed);
    if (n[ATT_MANY_TODO]) fprintf(stderr, ", %zu not done", n[ATT_MANY_TODO]);
    fputs(failed ? ":\n" : "\n", stderr);
    for (size_t i = 0; i < m->inputs.n; i++)
        if (m->states[i] == ATT_MANY_FAILED) fprintf(stderr, "  %s\n", m->inputs.items[i].path);
}

void att_many_finish(att_many *m)
{
    att_inputs_finish(&m->inputs);
    att_free(m->states);
    memset(m, 0, sizeof *m);
}
