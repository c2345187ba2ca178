/* fuzz_inputs.c - any bytes as a list of files: names and problems, or a refusal. Seeds: lists with
 * either line end, zero bytes, folders, names that are too long. */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "inputs.h"

/* A folder of our own with a file in it; nothing above it is to be walked through. */
static char folder_path[] = "/tmp/attend-fuzz-XXXXXX";

static void remove_folder(void)
{
    if (chdir(folder_path) != 0) return;
    (void)unlink("t/a.wav");
    (void)rmdir("t");
    (void)rmdir(folder_path);
}

static int make_folder(void)
{
    if (!mkdtemp(folder_path) || atexit(remove_folder) != 0) abort();
    const int folder = open(folder_path, O_RDONLY | O_DIRECTORY);
    if (folder < 0 || mkdirat(folder, "t", 0777) != 0) abort();
    const int file = openat(folder, "t/a.wav", O_CREAT | O_WRONLY, 0666);
    if (file < 0 || close(file) != 0) abort();
    return folder;
}

/* The bytes with each way up and out of the folder barred. */
static FILE *as_list(const uint8_t *data, size_t n)
{
    FILE *file = tmpfile();
    uint8_t last = '\n';
    if (!file) abort();
    for (size_t i = 0; i < n; i++) {
        const int up = last == '.' && data[i] == '.';
        const int root = data[i] == '/' && (last == '\n' || last == 0);
        last = up || root ? '_' : data[i];
        if (fputc(last, file) == EOF) abort();
    }
    rewind(file);
    return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static int folder, outside;
    att_err err;
    if (!folder) {
        outside = open(".", O_RDONLY | O_DIRECTORY);
        folder = make_folder();
    }
    if (fchdir(folder) != 0) abort();
    for (int zero = 0; zero < 2; zero++) {
        att_inputs in = {0};
        const att_input *a, *b;
        FILE *file = as_list(data, n);
        const att_status status = att_inputs_add_list(&in, file, "list", zero ? 0 : '\n', &err);
        fclose(file);
        if (status && status != ATT_E_INPUT) abort();
        if (in.n > n) abort(); /* no folder holds more than one recording */
        if (att_inputs_unite(&in, &err) || att_inputs_clash(&in, &a, &b, &err)) abort();
        for (size_t i = 0; i < in.n; i++) {
            const char *name = in.items[i].name;
            if (name[0] == '/' || strncmp(name, "../", 3) == 0) abort();
        }
        att_inputs_finish(&in);
    }
    if (fchdir(outside) != 0) abort(); /* where the driver keeps its files */
    return 0;
}
