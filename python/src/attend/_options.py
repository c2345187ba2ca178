"""Keyword arguments to a C struct of options, by what the binding says of its fields."""
import math
import operator
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ._binding import ffi
from ._fields import Fields, VadFields


class Options(Fields, total=False):
    """All of attend's options, and faster-whisper's names for three of them."""

    task: str
    log_prob_threshold: Optional[float]
    vad_parameters: VadFields


def _temperatures(values: Sequence[float]) -> Dict[str, Any]:
    """faster-whisper's list, e.g. 0.0, 0.2, ..., 1.0, as a start and a step up to 1."""
    steps = [b - a for a, b in zip(values, values[1:])]
    if not steps:
        return {"temperature": values[0], "temperature_increment_on_fallback": None}
    even = all(math.isclose(step, steps[0], abs_tol=1e-6) for step in steps)
    if not even or steps[0] <= 0.0 or not 1.0 - steps[0] < values[-1] + 1e-6 <= 1.0 + 2e-6:
        raise ValueError(f"temperature {list(values)}: expected even steps upwards, as far as 1")
    return {"temperature": values[0], "temperature_increment_on_fallback": steps[0]}


def _own_names(given: Mapping[str, Any]) -> Dict[str, Any]:
    """faster-whisper's names and forms as the library's."""
    options = dict(given)
    task = options.pop("task", "transcribe")
    if task not in ("transcribe", "translate"):
        raise ValueError(f"task '{task}': expected transcribe or translate")
    options.setdefault("translate", task == "translate")
    for theirs, ours in (("log_prob_threshold", "logprob_threshold"), ("vad_parameters", "vad")):
        if theirs in options:
            options[ours] = options.pop(theirs)
    temperature = options.get("temperature")
    if temperature is not None and not isinstance(temperature, (int, float)):
        options.update(_temperatures(list(temperature)))
    clips = options.get("clip_timestamps")
    if isinstance(clips, str):
        options["clip_timestamps"] = [float(word) for word in clips.split(",") if word.strip()]
    return options


def _put(struct: Any, fields: Mapping[str, Any], name: str, value: Any, keep: List[Any]) -> None:
    kind = fields[name].type
    if kind.kind == "primitive" and kind.cname in ("double", "float"):
        setattr(struct, name, math.nan if value is None else float(value))
    elif kind.kind == "primitive":
        setattr(struct, name, operator.index(value))
    elif kind.kind == "struct":
        parts = dict(kind.fields)
        for part, number in (value or {}).items():
            if part not in parts:
                raise TypeError(f"it has no '{part}'; it knows {', '.join(parts)}")
            _put(getattr(struct, name), parts, part, number, keep)
    elif kind.item.cname == "char":
        text = ffi.NULL if value is None else ffi.new("char[]", value.encode("utf-8"))
        keep.append(text)
        setattr(struct, name, text)
    else:
        array = ffi.new(f"{kind.item.cname}[]", list(value or ()))
        keep.append(array)
        setattr(struct, name, array)
        setattr(struct, "n_" + name, len(array))


def fill(struct: Any, given: Mapping[str, Any]) -> List[Any]:
    """Writes the options into an att_asr_options that holds the defaults. What is returned must
    live as long as the struct is used."""
    keep: List[Any] = []
    fields = dict(ffi.typeof("att_asr_options").fields)
    options = _own_names(given)
    for name, value in options.items():
        if name not in Fields.__annotations__:
            known = ", ".join(sorted(Options.__annotations__))
            raise TypeError(f"transcribe() has no option '{name}'; it knows {known}")
        try:
            _put(struct, fields, name, value, keep)
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise TypeError(f"option {name}={value!r}: {error}") from None
    return keep
