/* transcribe_write.c - output files of `attend transcribe` (transcribe.h).
 * Tests: tests/real/test_transcribe.c */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "languages.h"
#include "mem.h"
#include "outfile.h"
#include "plot.h"
#include "transcribe.h"
#include "transcript.h"
#include "verbs.h"

static int is_wanted(const att_transcribe_options *options, const att_transcript_format *format)
{
    const char *wanted = options->output_format;
    if (!wanted && !options->output_dir) return 0;
    if (!wanted || strcmp(wanted, "all") == 0) return format->is_openai;
    return strcmp(wanted, format->name) == 0;
}

/* Where an output of that name is; owned by the caller. */
static char *path_of(const att_transcribe_options *options, const char *name, const char *extension)
{
    return att_sprintf("%s/%s.%s", options->output_dir ? options->output_dir : ".", name,
                       extension);
}

/* Whether that output is there and not older than the input. */
static int is_newer(const att_transcribe_options *options, const char *name, const char *extension,
                    const struct stat *input)
{
    struct stat output;
    char *path = path_of(options, name, extension);
    const int is_there = path && stat(path, &output) == 0 && S_ISREG(output.st_mode);
    att_free(path);
    if (!is_there) return 0;
    if (output.st_mtim.tv_sec != input->st_mtim.tv_sec)
        return output.st_mtim.tv_sec > input->st_mtim.tv_sec;
    return output.st_mtim.tv_nsec >= input->st_mtim.tv_nsec;
}

int att_transcribe_is_done(const att_transcribe_options *options, const char *file,
                           const char *name)
{
    struct stat input;
    size_t n;
    const att_transcript_format *formats = att_transcript_formats(&n);
    if (strcmp(file, "-") == 0 || stat(file, &input) != 0) return 0;
    for (size_t i = 0; i < n; i++)
        if (is_wanted(options, &formats[i]) &&
            !is_newer(options, name, formats[i].extension, &input))
            return 0;
    return !options->plot || is_newer(options, name, "png", &input);
}

/* Makes the folders that the path's file is to lie in. */
static att_status make_folders(char *path, att_err *err)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        const int failed = mkdir(path, 0777) != 0 && errno != EEXIST ? errno : 0;
        const att_status status =
            failed ? att_fail(err, ATT_E_IO, "make folder %s: %s", path, strerror(failed)) : ATT_OK;
        *slash = '/';
        if (status) return status;
    }
    return ATT_OK;
}

/* Removes what an earlier run that was interrupted had kept. */
static void remove_part(const char *path)
{
    char *part = att_sprintf("%s.part", path);
    if (part) (void)unlink(part);
    att_free(part);
}

static att_status write_one(char *path, const att_transcript_format *format,
                            const att_asr_result *result, const att_transcript_layout *layout,
                            int part, att_err *err)
{
    att_outfile out;
    att_status status = make_folders(path, err);
    if (!status) status = att_outfile_open(&out, path, err);
    if (status) return status;
    if (!format->write(out.file, result, layout)) {
        att_outfile_discard(&out);
        return att_fail(err, ATT_E_MEMORY, "write %s: out of memory", path);
    }
    status = part ? att_outfile_keep_part(&out, err) : att_outfile_commit(&out, err);
    if (!status && part)
        fprintf(stderr, "attend transcribe: what was finished is in %s.part\n", path);
    else if (!status)
        remove_part(path);
    return status;
}

int att_transcribe_write(const att_transcribe_options *options, const char *name,
                         const att_asr_result *result, int part)
{
    const att_transcript_layout layout = {.max_line_width = options->max_line_width,
                                          .max_line_count = options->max_line_count,
                                          .max_words_per_line = options->max_words_per_line,
                                          .highlight_words = options->highlight_words};
    att_status status = ATT_OK;
    att_err err;
    size_t n;
    const att_transcript_format *formats = att_transcript_formats(&n);
    for (size_t i = 0; !status && i < n; i++) {
        if (!is_wanted(options, &formats[i])) continue;
        char *path = path_of(options, name, formats[i].extension);
        status = path ? write_one(path, &formats[i], result, &layout, part, &err)
                      : att_fail(&err, ATT_E_MEMORY, "write %s: out of memory", name);
        att_free(path);
    }
    if (!status) return ATT_EXIT_DONE;
    fprintf(stderr, "attend transcribe: %s\n", err.text);
    return att_exit_code(status);
}

int att_transcribe_plot(const att_transcribe_options *options, const char *file, const char *name,
                        const att_asr_result *result, const att_log *log)
{
    att_err err;
    const char *slash = strrchr(file, '/'), *language = att_language_name(result->language);
    const char *model = strrchr(options->model, '/');
    char *path = path_of(options, name, "png");
    char *subtitle = att_sprintf("Whisper %s  \xc2\xb7  %s", model ? model + 1 : options->model,
                                 language ? language : result->language);
    const att_plot plot = {file, slash ? slash + 1 : file, subtitle, result, log};
    att_status status = ATT_OK;
    if (!path || !subtitle) status = att_fail(&err, ATT_E_MEMORY, "draw %s: out of memory", file);
    if (!status) status = make_folders(path, &err);
    if (!status) status = att_plot_write(path, &plot, &err);
    att_free(path);
    att_free(subtitle);
    if (!status) return ATT_EXIT_DONE;
    fprintf(stderr, "attend transcribe: %s\n", err.text);
    return att_exit_code(status);
}
