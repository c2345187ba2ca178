/* languages.c - languages.h. Names and aliases are those of OpenAI's tokenizer.py.
 * Tests: tests/unit/test_tokens.c */
#include "languages.h"

#include <stddef.h>
#include <strings.h>

typedef struct language {
    const char *code, *name;
} language;

/* In the order of their tokens. */
static const language LANGUAGES[] = {
    {"en", "English"},        {"zh", "Chinese"},     {"de", "German"},        {"es", "Spanish"},
    {"ru", "Russian"},        {"ko", "Korean"},      {"fr", "French"},        {"ja", "Japanese"},
    {"pt", "Portuguese"},     {"tr", "Turkish"},     {"pl", "Polish"},        {"ca", "Catalan"},
    {"nl", "Dutch"},          {"ar", "Arabic"},      {"sv", "Swedish"},       {"it", "Italian"},
    {"id", "Indonesian"},     {"hi", "Hindi"},       {"fi", "Finnish"},       {"vi", "Vietnamese"},
    {"he", "Hebrew"},         {"uk", "Ukrainian"},   {"el", "Greek"},         {"ms", "Malay"},
    {"cs", "Czech"},          {"ro", "Romanian"},    {"da", "Danish"},        {"hu", "Hungarian"},
    {"ta", "Tamil"},          {"no", "Norwegian"},   {"th", "Thai"},          {"ur", "Urdu"},
    {"hr", "Croatian"},       {"bg", "Bulgarian"},   {"lt", "Lithuanian"},    {"la", "Latin"},
    {"mi", "Maori"},          {"ml", "Malayalam"},   {"cy", "Welsh"},         {"sk", "Slovak"},
    {"te", "Telugu"},         {"fa", "Persian"},     {"lv", "Latvian"},       {"bn", "Bengali"},
    {"sr", "Serbian"},        {"az", "Azerbaijani"}, {"sl", "Slovenian"},     {"kn", "Kannada"},
    {"et", "Estonian"},       {"mk", "Macedonian"},  {"br", "Breton"},        {"eu", "Basque"},
    {"is", "Icelandic"},      {"hy", "Armenian"},    {"ne", "Nepali"},        {"mn", "Mongolian"},
    {"bs", "Bosnian"},        {"kk", "Kazakh"},      {"sq", "Albanian"},      {"sw", "Swahili"},
    {"gl", "Galician"},       {"mr", "Marathi"},     {"pa", "Punjabi"},       {"si", "Sinhala"},
    {"km", "Khmer"},          {"sn", "Shona"},       {"yo", "Yoruba"},        {"so", "Somali"},
    {"af", "Afrikaans"},      {"oc", "Occitan"},     {"ka", "Georgian"},      {"be", "Belarusian"},
    {"tg", "Tajik"},          {"sd", "Sindhi"},      {"gu", "Gujarati"},      {"am", "Amharic"},
    {"yi", "Yiddish"},        {"lo", "Lao"},         {"uz", "Uzbek"},         {"fo", "Faroese"},
    {"ht", "Haitian Creole"}, {"ps", "Pashto"},      {"tk", "Turkmen"},       {"nn", "Nynorsk"},
    {"mt", "Maltese"},        {"sa", "Sanskrit"},    {"lb", "Luxembourgish"}, {"my", "Myanmar"},
    {"bo", "Tibetan"},        {"tl", "Tagalog"},     {"mg", "Malagasy"},      {"as", "Assamese"},
    {"tt", "Tatar"},          {"haw", "Hawaiian"},   {"ln", "Lingala"},       {"ha", "Hausa"},
    {"ba", "Bashkir"},        {"jw", "Javanese"},    {"su", "Sundanese"},     {"yue", "Cantonese"},
};

/* Other names of some. */
static const language ALIASES[] = {
    {"my", "Burmese"},   {"ca", "Valencian"},     {"nl", "Flemish"},
    {"ht", "Haitian"},   {"lb", "Letzeburgesch"}, {"ps", "Pushto"},
    {"pa", "Panjabi"},   {"ro", "Moldavian"},     {"ro", "Moldovan"},
    {"si", "Sinhalese"}, {"es", "Castilian"},     {"zh", "Mandarin"},
    {"he", "iw"}, /* its code until 1989, as in the vocabulary of English-only models */
};

static const char *find(const language *list, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(list[i].code, text) == 0 || strcasecmp(list[i].name, text) == 0)
            return list[i].code;
    return NULL;
}

const char *att_language_code(const char *code_or_name)
{
    const char *code = find(LANGUAGES, sizeof LANGUAGES / sizeof *LANGUAGES, code_or_name);
    return code ? code : find(ALIASES, sizeof ALIASES / sizeof *ALIASES, code_or_name);
}

const char *att_language_name(const char *code)
{
    for (size_t i = 0; i < sizeof LANGUAGES / sizeof *LANGUAGES; i++)
        if (strcasecmp(LANGUAGES[i].code, code) == 0) return LANGUAGES[i].name;
    return code;
}

const char *att_language_at(int32_t i)
{
    return i >= 0 && i < (int32_t)(sizeof LANGUAGES / sizeof *LANGUAGES) ? LANGUAGES[i].code : NULL;
}
