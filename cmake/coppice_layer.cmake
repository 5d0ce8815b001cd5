# coppice_layer(NAME DEPENDS <layers and libraries> [TEST_LABEL <label>])
# One target a layer: library from its *.cpp, one test program from its *_test.cpp, so a file is added by
# writing it. A layer can include only what it DEPENDS on at link time; lint/ checks the includes themselves.
function(coppice_layer name)
  cmake_parse_arguments(ARG "" "TEST_LABEL" "DEPENDS;TEST_DEPENDS" ${ARGN})
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
    coppice_tests(${name}_test LABEL ${name} SOURCES ${tests} DEPENDS coppice_${name} ${ARG_TEST_DEPENDS})
  endif()
endfunction()

# coppice_tests(TARGET LABEL <label> SOURCES ... DEPENDS ...): a GoogleTest program, each case a ctest.
function(coppice_tests target)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${target} ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE ${ARG_DEPENDS} GTest::gtest GTest::gtest_main GTest::gmock)
  gtest_discover_tests(${target} DISCOVERY_TIMEOUT 60 PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 120)
endfunction()
