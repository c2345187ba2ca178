# embed_files.cmake - cmake -DOUT=FILE.c -DFILES=a;b -P embed_files.cmake: a table of name,
# text and SHA-256.
set(arrays "")
set(rows "")
set(i 0)
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  file(READ ${file} hex HEX)
  file(SHA256 ${file} sha256)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  string(REGEX REPLACE "((0x..,){24})" "\\1\n    " hex "${hex}")
  string(APPEND arrays "static const char TEXT_${i}[] = {\n    ${hex}0};\n\n")
  string(APPEND rows "    {\"${name}\", TEXT_${i},\n     \"${sha256}\"},\n")
  math(EXPR i "${i} + 1")
endforeach()
file(WRITE ${OUT}.new
  "/* Made from cl/ by cmake/embed_files.cmake. */\n#include \"sources.h\"\n\n${arrays}"
  "static const att_cl_source SOURCES[] = {\n${rows}    {0, 0, 0}};\n\n"
  "const att_cl_source *att_cl_sources(void)\n{\n    return SOURCES;\n}\n")
file(RENAME ${OUT}.new ${OUT})
