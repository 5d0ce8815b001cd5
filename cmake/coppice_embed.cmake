# coppice_embed(TARGET FUNCTION <qualified name> FILES <file>...): puts files into the program, so that it is one file.
# The target then has `std::span<const coppice::web::file> FUNCTION()`, in the order given, under their base names.
# The same file is the script that writes the source at build time: cmake -DOUT=... -DFUNCTION=... -DFILES=... -P it.
if(CMAKE_SCRIPT_MODE_FILE)
  string(REGEX REPLACE "::[^:]*$" "" namespace ${FUNCTION})
  string(REGEX REPLACE "^.*::" "" name ${FUNCTION})
  set(arrays "")
  set(entries "")
  set(n 0)
  foreach(file IN LISTS FILES)
    get_filename_component(base ${file} NAME)
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND arrays "constexpr unsigned char file_${n}[] = {\n${bytes}};\n")
    string(APPEND entries "    coppice::web::file{\"${base}\", {reinterpret_cast<const char*>(file_${n}), sizeof(file_${n})}},\n")
    math(EXPR n "${n} + 1")
  endforeach()
  file(WRITE ${OUT} "// Written by cmake/coppice_embed.cmake.
#include \"servers/web/file.hpp\"

#include <array>

namespace ${namespace} {
namespace {
${arrays}} // namespace

std::span<const coppice::web::file> ${name}();
std::span<const coppice::web::file> ${name}() {
  static const std::array files = {
${entries}  };
  return files;
}
} // namespace ${namespace}
")
  return()
endif()

set(COPPICE_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(coppice_embed target)
  cmake_parse_arguments(ARG "" "FUNCTION" "FILES" ${ARGN})
  list(TRANSFORM ARG_FILES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}_files.cpp)
  list(JOIN ARG_FILES "$<SEMICOLON>" files)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DFUNCTION=${ARG_FUNCTION} "-DFILES=${files}" -P ${COPPICE_EMBED_SCRIPT}
    DEPENDS ${ARG_FILES} ${COPPICE_EMBED_SCRIPT}
    VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()
