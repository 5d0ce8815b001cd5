# coppice_layer(NAME DEPENDS <layers and libraries> [TEST_DEPENDS ...] [TEST_TOGETHER <name>])
# One target a layer: library from its *.cpp, one test program from its *_test.cpp, so a file is added by
# writing it. A layer can include only what it DEPENDS on at link time; lint/ checks the includes themselves.
function(coppice_layer name)
  cmake_parse_arguments(ARG "" "TEST_TOGETHER" "DEPENDS;TEST_DEPENDS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cpp)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "((_test|_fuzz)|/main)\\.cpp$") # main.cpp is a program's own
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  if(sources)
    add_library(coppice_${name} STATIC ${sources})
    target_link_libraries(coppice_${name} PUBLIC coppice_flags ${ARG_DEPENDS})
  else()
    add_library(coppice_${name} INTERFACE)
    target_link_libraries(coppice_${name} INTERFACE coppice_flags ${ARG_DEPENDS})
  endif()
  add_library(coppice::${name} ALIAS coppice_${name})
  if(COPPICE_TESTS AND tests)
    coppice_tests(${name}_test LABEL ${name} TOGETHER ${ARG_TEST_TOGETHER} SOURCES ${tests}
      DEPENDS coppice_${name} ${ARG_TEST_DEPENDS})
  endif()
endfunction()

# coppice_tests(TARGET LABEL <label> [TOGETHER <name>] SOURCES ... DEPENDS ...): a GoogleTest program, each case a
# ctest; but the cases of the parameterised suites named so are one ctest, for they share what is dear to start.
function(coppice_tests target)
  cmake_parse_arguments(ARG "" "LABEL;TOGETHER" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${target} ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE ${ARG_DEPENDS} GTest::gtest GTest::gtest_main GTest::gmock)
  set(each)
  if(ARG_TOGETHER)
    set(each TEST_FILTER "-${ARG_TOGETHER}/*")
    add_test(NAME ${target}.${ARG_TOGETHER} COMMAND ${target} --gtest_filter=${ARG_TOGETHER}/*)
    set_tests_properties(${target}.${ARG_TOGETHER} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 300)
  endif()
  gtest_discover_tests(${target} DISCOVERY_TIMEOUT 60 ${each} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 120)
endfunction()
