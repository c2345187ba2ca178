/* realdata.h - where real weights and recordings are; a test skips, visibly, without them. */
#ifndef ATT_REALDATA_H
#define ATT_REALDATA_H

/* The folder of an installed model, or a visible skip of the running test. The folder named by
 * $ATT_TEST_MODELS is looked in first, then what `attend models path NAME` says. */
const char *realdata_model(const char *name);

/* A file of the Debian package pocketsphinx-testdata, e.g. "librivox/....wav", or a visible skip.
 */
const char *realdata_speech(const char *name);

/* A file below $ATT_TEST_DATA (recordings that no package brings), or a visible skip. */
const char *realdata_shared(const char *name);

/* A fresh folder for the test's files; removed by realdata_remove(). Lives until the next call. */
const char *realdata_folder(void);
void realdata_remove(const char *folder);

#endif /* ATT_REALDATA_H */
