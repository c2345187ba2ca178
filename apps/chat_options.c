/* chat_options.c - the options of `attend chat` (chat.h). */
#include <stdio.h>

#include <cjson/cJSON.h>

#include "chat.h"
#include "verbs.h"

#define AT(member) offsetof(att_chat_options, member)

static const att_opt TABLE[] = {
    {"model", 'm', ATT_OPT_TEXT, AT(model), NULL, "NAME",
     "a name (attend models list), a .gguf file or a folder [smollm2]"},
    {"model_dir", 0, ATT_OPT_TEXT, AT(model_dir), NULL, "DIR", "where model names are looked for"},
    {"prompt", 'p', ATT_OPT_TEXT, AT(prompt), NULL, "TEXT",
     "the question; without it standard input, line by line at a terminal"},
    {"file", 'f', ATT_OPT_TEXT, AT(file), NULL, "FILE", "the question is in a file"},
    {"system_prompt", 0, ATT_OPT_TEXT, AT(system_prompt), NULL, "TEXT",
     "what the model is told first [the template's own]"},
    {"single_turn", 0, ATT_OPT_FLAG, AT(single_turn), NULL, NULL, "end after the first answer"},
    {"no_conversation", 0, ATT_OPT_FLAG, AT(no_conversation), NULL, NULL,
     "no chat: go on with the text as it is"},
    {"chat_template", 0, ATT_OPT_TEXT, AT(chat_template), NULL, "NAME",
     "a family's template in place of the model's own"},
    {"predict", 'n', ATT_OPT_INT, AT(predict), NULL, "N",
     "tokens of an answer at most [until it ends]"},
    {"ctx_size", 'c', ATT_OPT_INT, AT(ctx_size), NULL, "N",
     "tokens of the chat at most; 0: the model's, at most 4096 [0]"},
    {"overflow", 0, ATT_OPT_TEXT, AT(overflow), "drop|stop", "HOW",
     "when a chat is longer: drop the oldest turns, and say so, or stop [drop]"},
    {"temp", 0, ATT_OPT_NUMBER, AT(temp), NULL, "T",
     "0: the likeliest token; above: drawn at random [0.8]"},
    {"top_k", 0, ATT_OPT_INT, AT(top_k), NULL, "K", "of the K likeliest; 0: of all [40]"},
    {"top_p", 0, ATT_OPT_NUMBER, AT(top_p), NULL, "P",
     "of the likeliest that make up P of the probability [0.95]"},
    {"min_p", 0, ATT_OPT_NUMBER, AT(min_p), NULL, "P",
     "of those with P of the likeliest's probability [0.05]"},
    {"repeat_penalty", 0, ATT_OPT_NUMBER, AT(repeat_penalty), NULL, "P",
     "above 1: what came is less likely again [1]"},
    {"repeat_last_n", 0, ATT_OPT_INT, AT(repeat_last_n), NULL, "N",
     "tokens that penalties look back on [64]"},
    {"presence_penalty", 0, ATT_OPT_NUMBER, AT(presence_penalty), NULL, "P",
     "taken off what came [0]"},
    {"frequency_penalty", 0, ATT_OPT_NUMBER, AT(frequency_penalty), NULL, "P",
     "taken off each time that it came [0]"},
    {"seed", 's', ATT_OPT_INT, AT(seed), NULL, "N", "of random tokens [another each time]"},
    {"ignore_eos", 0, ATT_OPT_FLAG, AT(ignore_eos), NULL, NULL, "go on where the model would end"},
    {"prompt_cache", 0, ATT_OPT_TEXT, AT(prompt_cache), NULL, "FILE",
     "begin with the text kept there, as far as it is the same, and keep this one"},
    {"device", 0, ATT_OPT_TEXT, AT(device), NULL, "D",
     "cpu, gpu, an index or a part of the name [the fastest]"},
    {"threads", 't', ATT_OPT_INT, AT(threads), NULL, "N", "compute units to use [all]"},
    {"precision", 0, ATT_OPT_TEXT, AT(precision), "exact|fast|int8", "P",
     "exact: weights as stored, f32; fast: bf16 or f16; int8 [exact]"},
    {"json", 0, ATT_OPT_FLAG, AT(json), NULL, NULL,
     "print an object a turn: answer, tokens, seconds"},
    {"offline", 0, ATT_OPT_FLAG, AT(offline), NULL, NULL, "fetch nothing"},
    {"quiet", 'q', ATT_OPT_FLAG, AT(quiet), NULL, NULL, "nothing on stderr but warnings"},
    {"info", 'v', ATT_OPT_FLAG, AT(info), NULL, NULL, "say what is used and how fast it was"},
    {"profile", 0, ATT_OPT_FLAG, AT(profile), NULL, NULL, "times of kernels at the end"},
    {"portable", 0, ATT_OPT_FLAG, AT(portable), NULL, NULL, "portable kernels only"},
    {"help", 'h', ATT_OPT_FLAG, AT(help), NULL, NULL, "this list"},
};

att_chat_options att_chat_defaults(void)
{
    const att_sampler_options s = att_sampler_defaults();
    const att_chat_options o = {
        .model = "smollm2",
        .overflow = "drop",
        .seed = -1,
        .top_k = s.top_k,
        .repeat_last_n = s.repeat_last_n,
        .temp = (double)s.temperature,
        .top_p = (double)s.top_p,
        .min_p = (double)s.min_p,
        .repeat_penalty = (double)s.repeat_penalty,
        .presence_penalty = (double)s.presence_penalty,
        .frequency_penalty = (double)s.frequency_penalty,
    };
    return o;
}

const att_opt *att_chat_table(size_t *n)
{
    *n = sizeof TABLE / sizeof *TABLE;
    return TABLE;
}

int att_chat_print_json(const att_chat_turn *t)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "model", t->model);
    cJSON_AddStringToObject(o, "device", t->device);
    cJSON_AddStringToObject(o, "precision", t->precision);
    cJSON_AddNumberToObject(o, "seed", (double)t->seed);
    cJSON_AddStringToObject(o, "prompt", t->prompt);
    cJSON_AddStringToObject(o, "answer", t->generated->text);
    cJSON_AddItemToObject(o, "answer_ids",
                          cJSON_CreateIntArray(t->generated->ids, t->generated->n_tokens));
    cJSON_AddStringToObject(o, "end", att_generated_end_name(t->generated->end));
    cJSON_AddNumberToObject(o, "prompt_tokens", t->prompted->n_tokens);
    cJSON_AddNumberToObject(o, "reused_tokens", t->prompted->n_reused);
    cJSON_AddNumberToObject(o, "answer_tokens", t->generated->n_tokens);
    cJSON_AddNumberToObject(o, "dropped_messages", (double)t->n_dropped);
    cJSON_AddNumberToObject(o, "prompt_seconds", t->prompted->seconds);
    cJSON_AddNumberToObject(o, "answer_seconds", t->generated->seconds);
    char *text = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    if (!text) return ATT_EXIT_FAILED;
    const int failed = puts(text) == EOF || fflush(stdout) == EOF;
    cJSON_free(text);
    return failed ? ATT_EXIT_FAILED : ATT_EXIT_DONE;
}
