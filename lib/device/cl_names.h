/* cl_names.h - OpenCL statuses by name, for error texts. Private to lib/device. */
#ifndef ATT_CL_NAMES_H
#define ATT_CL_NAMES_H

#include <CL/cl.h>

/* "CL_OUT_OF_RESOURCES"; "unknown OpenCL status" for others. */
const char *atti_cl_name(cl_int status);

#endif /* ATT_CL_NAMES_H */
