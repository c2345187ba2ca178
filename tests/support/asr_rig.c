/* asr_rig.c - asr_rig.h. */
#include "asr_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "filemap.h"
#include "realdata.h"

asr_rig asr_rig_open(const char *name)
{
    const char *folder = realdata_model(name);
    asr_rig o = {.r = rig_open(rig_portable_only())};
    att_err err;
    if (att_asr_model_open(&o.model, o.r.device, folder, ATT_PRECISION_EXACT, &err) ||
        att_asr_session_create(&o.session, o.model, &err))
        fail_msg("%s", err.text);
    return o;
}

void asr_rig_close(asr_rig *o)
{
    att_asr_session_destroy(o->session);
    att_asr_model_close(o->model);
    rig_close(&o->r);
}

cJSON *golden_json(const char *name)
{
    att_filemap map;
    char path[512];
    snprintf(path, sizeof path, ATT_SOURCE_DIR "/tests/golden/%s", name);
    assert_int_equal(att_filemap_open(&map, path, NULL), ATT_OK);
    cJSON *json = cJSON_ParseWithLength((const char *)map.bytes, map.n_bytes);
    assert_non_null(json);
    att_filemap_close(&map);
    return json;
}
