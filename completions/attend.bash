# attend.bash - completes verbs, options and their values for bash. Source it, or copy it to
# bash-completion's folder as `attend`.

_attend() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]}
    local words=
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="transcribe chat devices models --help --version"
    else
        case $before in
        -f | --output[_-]format) words="txt vtt srt tsv json all karaoke ass lrc" ;;
        --task) words="transcribe translate" ;;
        --verbose | --condition[_-]on[_-]previous[_-]text | --vad[_-]filter | --fp16 | \
            --carry[_-]initial[_-]prompt | --word[_-]timestamps | --highlight[_-]words | \
            --multilingual | --suppress[_-]blank)
            words="True False" ;;
        --precision) words="exact fast int8" ;;
        --vad[_-]model) words="silero-vad" ;;
        --device) words="cpu gpu" ;;
        -m | --model) [ "$verb" = chat ] && words="smollm2" || words="base tiny.en" ;;
        --overflow) words="drop stop" ;;
        get | path | rm) words="base tiny.en silero-vad smollm2" ;;
        esac
    fi
    if [ -z "$words" ]; then
        case $verb:$word in
        transcribe:-*)
            words="--model --model_dir --language --task --output_format --output_dir
                --files_from --null --skip_existing --plot --verbose
                --without_timestamps --condition_on_previous_text --no_speech_threshold
                --logprob_threshold --compression_ratio_threshold --temperature
                --temperature_increment_on_fallback --best_of --beam_size --patience
                --length_penalty --seed --suppress_blank --suppress_regex --repetition_penalty
                --no_repeat_ngram_size --max_new_tokens --hotwords --multilingual
                --language_detection_segments --language_detection_threshold
                --prompt_reset_on_temperature --suppress_tokens --initial_prompt
                --carry_initial_prompt
                --prefix --clip_timestamps --vad_filter --vad_chunks --vad_model
                --vad_threshold --vad_neg_threshold --vad_min_speech_duration_ms
                --vad_max_speech_duration_s --vad_min_silence_duration_ms --vad_speech_pad_ms
                --word_timestamps
                --prepend_punctuations --append_punctuations --highlight_words --max_line_width
                --max_line_count --max_words_per_line --hallucination_silence_threshold --live
                --live_step --fp16
                --single_window --device
                --threads --batch --precision --json --quiet --info --offline --profile --portable
                --help"
            ;;
        chat:-*)
            words="--model --model_dir --prompt --file --system_prompt --single_turn
                --no_conversation --chat_template --predict --ctx_size --overflow --temp --top_k
                --top_p --min_p --repeat_penalty --repeat_last_n --presence_penalty
                --frequency_penalty --seed --ignore_eos --prompt_cache --device --threads
                --precision --json --offline --quiet --info --profile --portable --help"
            ;;
        devices:-*) words="--check --help" ;;
        models:-*) words="--help" ;;
        models:*) [ "$COMP_CWORD" -eq 2 ] && words="list get path rm" ;;
        esac
    fi
    # Without words, files are completed (-o default); names hold no spaces, so splitting is right.
    # shellcheck disable=SC2207
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}

complete -o default -F _attend attend ./attend
