/* transcribe_write.c - output files of `attend transcribe` (transcribe.h).
 * Tests: tests/real/test_transcribe.c */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "mem.h"
#include "outfile.h"
#include "transcribe.h"
#include "transcript.h"
#include "verbs.h"

char *att_transcribe_stem(const char *file)
{
    if (strcmp(file, "-") == 0) return att_strdup("stdin");
    const char *slash = strrchr(file, '/');
    char *stem = att_strdup(slash ? slash + 1 : file);
    char *dot = stem ? strrchr(stem, '.') : NULL;
    if (dot && dot != stem) *dot = 0;
    return stem;
}

static att_status write_one(const char *folder, const char *stem,
                            const att_transcript_format *format, const att_asr_result *result,
                            const att_transcript_layout *layout, int part, att_err *err)
{
    att_outfile out;
    char *path = att_sprintf("%s/%s.%s", folder, stem, format->extension);
    if (!path)
        return att_fail(err, ATT_E_MEMORY, "write %s.%s: out of memory", stem, format->extension);
    att_status status = att_outfile_open(&out, path, err);
    if (!status) {
        if (!format->write(out.file, result, layout)) {
            att_outfile_discard(&out);
            att_free(path);
            return att_fail(err, ATT_E_MEMORY, "write %s.%s: out of memory", stem,
                            format->extension);
        }
        status = part ? att_outfile_keep_part(&out, err) : att_outfile_commit(&out, err);
    }
    if (!status && part)
        fprintf(stderr, "attend transcribe: what was finished is in %s.part\n", path);
    att_free(path);
    return status;
}

int att_transcribe_write(const att_transcribe_options *options, const char *file,
                         const att_asr_result *result, int part)
{
    const char *wanted = options->output_format ? options->output_format : "all";
    const char *folder = options->output_dir ? options->output_dir : ".";
    const att_transcript_layout layout = {.max_line_width = options->max_line_width,
                                          .max_line_count = options->max_line_count,
                                          .max_words_per_line = options->max_words_per_line,
                                          .highlight_words = options->highlight_words};
    att_status status = ATT_OK;
    att_err err;
    size_t n;
    if (!options->output_format && !options->output_dir) return ATT_EXIT_DONE;
    const att_transcript_format *formats = att_transcript_formats(&n);
    char *stem = att_transcribe_stem(file);
    if (!stem) status = att_fail(&err, ATT_E_MEMORY, "write: out of memory");
    if (!status && mkdir(folder, 0777) != 0 && errno != EEXIST)
        status = att_fail(&err, ATT_E_IO, "make folder %s: %s", folder, strerror(errno));
    for (size_t i = 0; !status && i < n; i++)
        if ((strcmp(wanted, "all") == 0 && formats[i].is_openai) ||
            strcmp(wanted, formats[i].name) == 0)
            status = write_one(folder, stem, &formats[i], result, &layout, part, &err);
    att_free(stem);
    if (!status) return ATT_EXIT_DONE;
    fprintf(stderr, "attend transcribe: %s\n", err.text);
    return att_exit_code(status);
}
