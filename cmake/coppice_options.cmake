# What every target of ours is built with, and the switches a user may set.
option(COPPICE_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(COPPICE_EXAMPLES "Build the examples" ${PROJECT_IS_TOP_LEVEL})
option(COPPICE_BENCH "Build the benchmarks" OFF)
option(COPPICE_FUZZ "Build the fuzzers (Clang only)" OFF)
option(COPPICE_WERROR "Warnings are errors" OFF)
set(COPPICE_SANITIZE "" CACHE STRING "Sanitizers to build with, as for -fsanitize=")

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
find_program(COPPICE_CCACHE ccache)
if(COPPICE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Paths relative to the tree, so that all clones of it share what one has compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=true
      ${COPPICE_CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_library(COPPICE_MIMALLOC NAMES mimalloc REQUIRED)

add_library(coppice_flags INTERFACE)
target_include_directories(coppice_flags INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
  $<INSTALL_INTERFACE:include>)
target_compile_features(coppice_flags INTERFACE cxx_std_23)
# What we ask of our own code; whoever uses the installed library chooses for himself.
target_compile_options(coppice_flags INTERFACE $<BUILD_INTERFACE:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wnon-virtual-dtor
  $<$<BOOL:${COPPICE_WERROR}>:-Werror>>
  # GCC 12's optimiser warns of members that are set, in optional, expected and bit-fields.
  $<BUILD_INTERFACE:$<$<CXX_COMPILER_ID:GNU>:-fcoroutines;-Wno-maybe-uninitialized;-Wno-mismatched-new-delete
    -Wno-missing-field-initializers>>
  $<BUILD_INTERFACE:$<$<CXX_COMPILER_ID:Clang>:-Wno-missing-field-initializers
    -Wno-missing-designated-field-initializers>>)
target_link_libraries(coppice_flags INTERFACE Threads::Threads fmt::fmt)
if(COPPICE_SANITIZE)
  target_compile_options(coppice_flags INTERFACE -fsanitize=${COPPICE_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(coppice_flags INTERFACE -fsanitize=${COPPICE_SANITIZE})
  target_compile_definitions(coppice_flags INTERFACE COPPICE_SANITIZED=1)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  find_program(COPPICE_LLD NAMES ld.lld-19 ld.lld)
  if(COPPICE_LLD)
    target_link_options(coppice_flags INTERFACE $<BUILD_INTERFACE:-fuse-ld=lld>)
  endif()
endif()
if(COPPICE_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
