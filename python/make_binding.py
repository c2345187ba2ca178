"""make_binding.py INCLUDE_FOLDER PACKAGE_FOLDER - the binding, from the public headers alone.

Writes two modules into the package: _binding.py, cffi's description of every struct and function
that attend/asr.h brings (ABI mode: no compiler is needed where it is used), and _fields.py, the
fields of att_asr_options as a TypedDict. A new field of a header is an option of Python with no
line written here. tests/test_binding.py compares sizes and offsets with what a C compiler says.
"""
import os
import re
import subprocess
import sys

import cffi

# Fields of the options that are no keyword of a Python caller, or an argument by itself.
OWN_FIELDS = ("size", "user", "language")
# A C type says less than is meant here.
TYPES = {"temperature": "Union[float, Sequence[float]]",
         "clip_timestamps": "Union[str, Sequence[float]]"}


def declarations(include):
    """What attend/asr.h declares, preprocessed, as text for cffi.cdef()."""
    done = subprocess.run(["cc", "-E", "-std=c11", "-I", include, "-x", "c", "-"], check=True,
                          text=True, input="#include <attend/asr.h>\n", stdout=subprocess.PIPE)
    ours, lines = False, []
    for line in done.stdout.splitlines():
        marker = re.match(r'# \d+ "([^"]*)"', line)
        if marker:
            ours = marker.group(1).startswith(include + os.sep)
        elif ours and not line.startswith("#"):
            lines.append(line)
    text = "\n".join(lines)
    text = re.sub(r"static inline [^;{]*\{.*?\n\}", "", text, flags=re.S)
    return re.sub(r"__attribute__\s*\(\(.*?\)\)(?=\s*;)", "", text, flags=re.S)


def class_of(name):
    """The TypedDict of a struct among the options, e.g. VadFields of vad."""
    return "".join(word.capitalize() for word in name.split("_")) + "Fields"


def python_type(fields, name):
    """The type of an option, or None for a field that is part of another or none of a caller's."""
    kind = fields[name].type
    if name in OWN_FIELDS or (name.startswith("n_") and name[2:] in fields):
        return None
    if name in TYPES:
        return TYPES[name]
    if kind.kind == "primitive":
        return "Optional[float]" if kind.cname in ("double", "float") else "int"
    if kind.kind == "struct":
        return class_of(name)
    if kind.kind != "pointer" or kind.item.kind != "primitive":
        return None
    if kind.item.cname == "char":
        return "Optional[str]"
    if "n_" + name in fields:
        return f"Sequence[{'float' if kind.item.cname in ('double', 'float') else 'int'}]"
    return None


def typed_dict(name, text, fields):
    rows = [(field, python_type(fields, field)) for field in fields]
    return (f'\n\nclass {name}(TypedDict, total=False):\n    """{text}"""\n\n' +
            "".join(f"    {field}: {kind}\n" for field, kind in rows if kind))


def write_fields(path, fields):
    with open(path, "w", encoding="utf-8") as file:
        file.write('"""Made by make_binding.py from attend/asr.h."""\n'
                   "from typing import Optional, Sequence, TypedDict, Union\n")
        for name, field in fields.items():
            if field.type.kind == "struct":
                file.write(typed_dict(class_of(name), f"Fields of the option {name}.",
                                      dict(field.type.fields)))
        file.write(typed_dict("Fields", "Options under the names of att_asr_options.", fields))


def main():
    include, package = map(os.path.abspath, sys.argv[1:])
    builder = cffi.FFI()
    builder.cdef(declarations(include))
    builder.set_source("attend._binding", None)
    builder.emit_python_code(os.path.join(package, "_binding.py"))
    fields = dict(builder.typeof("att_asr_options").fields)
    write_fields(os.path.join(package, "_fields.py"), fields)


if __name__ == "__main__":
    main()
