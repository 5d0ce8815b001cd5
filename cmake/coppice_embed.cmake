# coppice_embed(TARGET FUNCTION <qualified name> [COMPRESSED] [ROOT <folder>] FILES <file>...): puts files into the
# program, so that it is one file. The target then has `std::span<const coppice::web::file> FUNCTION()`, in the order
# given, under their base names; under their paths below ROOT if there is one. COMPRESSED: as gzip.
# The same file is the script that writes the source at build time: cmake -DOUT=... -DFUNCTION=... -DFILES=... -P it.
if(CMAKE_SCRIPT_MODE_FILE)
  string(REGEX REPLACE "::[^:]*$" "" namespace ${FUNCTION})
  string(REGEX REPLACE "^.*::" "" name ${FUNCTION})
  string(REPLACE "::" "_" symbol ${FUNCTION})
  get_filename_component(folder ${OUT} DIRECTORY)
  set(assembly "")
  set(declared "")
  set(entries "")
  set(n 0)
  foreach(file IN LISTS FILES)
    if(ROOT)
      file(RELATIVE_PATH base ${ROOT} ${file})
    else()
      get_filename_component(base ${file} NAME)
    endif()
    set(content ${file})
    set(gzip false)
    if(COMPRESSED)
      set(content ${folder}/${symbol}_${n}.gz)
      execute_process(COMMAND gzip -9nc ${file} OUTPUT_FILE ${content} COMMAND_ERROR_IS_FATAL ANY)
      set(gzip true)
    endif()
    file(SHA256 ${content} tag)
    string(SUBSTRING ${tag} 0 32 tag)
    # By the assembler: megabytes as numbers in C++ would take the compiler long.
    string(APPEND assembly "    \".globl ${symbol}_${n}, ${symbol}_${n}_end\\n\"
    \"${symbol}_${n}: .incbin \\\"${content}\\\"\\n${symbol}_${n}_end: .byte 0\\n\"\n")
    string(APPEND declared "extern const char ${symbol}_${n}[], ${symbol}_${n}_end[];\n")
    string(APPEND entries
      "      file{\"${base}\", {${symbol}_${n}, static_cast<std::size_t>(${symbol}_${n}_end - ${symbol}_${n})}, \"${tag}\", ${gzip}},\n")
    math(EXPR n "${n} + 1")
  endforeach()
  file(WRITE ${OUT} "// Written by cmake/coppice_embed.cmake.
#include \"servers/web/file.hpp\"

#include <array>

asm(\".pushsection .rodata\\n\"
${assembly}    \".popsection\\n\");
extern \"C\" {
${declared}}

namespace ${namespace} {
std::span<const coppice::web::file> ${name}();
std::span<const coppice::web::file> ${name}() {
  using coppice::web::file;
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
  cmake_parse_arguments(ARG "COMPRESSED" "FUNCTION;ROOT" "FILES" ${ARGN})
  list(TRANSFORM ARG_FILES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  if(ARG_ROOT)
    set(ARG_ROOT ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_ROOT})
  endif()
  string(REPLACE "::" "_" name ${ARG_FUNCTION})
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  list(JOIN ARG_FILES "$<SEMICOLON>" files)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DFUNCTION=${ARG_FUNCTION} -DCOMPRESSED=${ARG_COMPRESSED} -DROOT=${ARG_ROOT}
      "-DFILES=${files}" -P ${COPPICE_EMBED_SCRIPT}
    DEPENDS ${ARG_FILES} ${COPPICE_EMBED_SCRIPT}
    VERBATIM)
  target_sources(${target} PRIVATE ${out})
  # What the assembler reads no compiler sees.
  set_source_files_properties(${out} PROPERTIES OBJECT_DEPENDS "${ARG_FILES}")
endfunction()
