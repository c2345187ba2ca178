/* paths.h - the user's folders: $ATTEND_CACHE, or $XDG_CACHE_HOME/attend, or ~/.cache/attend.
 *
 * Each function returns a new text for att_free(), NULL when memory is out. Nothing is created. */
#ifndef ATT_PATHS_H
#define ATT_PATHS_H

char *att_path_models(void);  /* models/ in it: one folder a model */
char *att_path_kernels(void); /* kernels/ in it: compiled programs */

#endif /* ATT_PATHS_H */
