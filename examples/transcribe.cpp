/* transcribe.cpp - speech to text in a C++17 program: transcribe MODEL_FOLDER AUDIO_FILE...
 *
 * Each file is transcribed by a thread of its own over one model; handles close themselves.
 *
 *     c++ -std=c++17 transcribe.cpp $(pkg-config --cflags --libs attend) -pthread -o transcribe
 *     ./transcribe "$(attend models path base)" talk.wav interview.flac */
#include <attend/asr.h>

#include <future>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{

template <auto close> struct closer {
    template <class T> void operator()(T *handle) const { close(handle); }
};
using device_ptr = std::unique_ptr<att_device, closer<att_device_close>>;
using model_ptr = std::unique_ptr<att_asr_model, closer<att_asr_model_close>>;
using session_ptr = std::unique_ptr<att_asr_session, closer<att_asr_session_destroy>>;

/* Throws what the call wrote into err. */
void check(att_status status, const att_err &err)
{
    if (status) throw std::runtime_error(err.text);
}

class transcriber
{
  public:
    explicit transcriber(const char *folder)
    {
        att_err err;
        att_device *device = nullptr;
        att_asr_model *model = nullptr;
        att_device_options options = att_device_defaults();
        options.cache_dir = "/var/tmp/attend-example"; /* kernels are compiled once */
        check(att_device_open(&device, &options, &err), err);
        device_.reset(device);
        check(att_asr_model_open(&model, device, folder, ATT_PRECISION_EXACT, &err), err);
        model_.reset(model);
    }

    /* Safe to call from several threads at once. */
    std::string text_of(const std::string &file) const
    {
        att_err err;
        att_asr_session *session = nullptr;
        check(att_asr_session_create(&session, model_.get(), &err), err);
        const session_ptr owned(session);

        att_asr_options options = att_asr_defaults();
        options.language = "en";
        att_asr_result result;
        const att_status status = att_asr_run(session, file.c_str(), &options, &result, &err);
        const std::string text = result.text ? result.text : "";
        att_asr_result_free(&result);
        check(status, err);
        return text;
    }

  private:
    device_ptr device_; /* outlives the model */
    model_ptr model_;
};

} // namespace

int main(int argc, char **argv)
{
    if (argc < 3) {
        std::cerr << "usage: transcribe MODEL_FOLDER AUDIO_FILE...\n";
        return 2;
    }
    try {
        const transcriber whisper(argv[1]);
        std::vector<std::future<std::string>> texts;
        for (int i = 2; i < argc; i++)
            texts.push_back(std::async(std::launch::async, &transcriber::text_of, &whisper,
                                       std::string(argv[i])));
        for (auto &text : texts) std::cout << text.get() << "\n";
    } catch (const std::exception &e) {
        std::cerr << "transcribe: " << e.what() << "\n";
        return 1;
    }
    return 0;
}
