# What others build with: `cmake --install` gives the library's headers, a static library for each floor, a package
# for find_package(coppice) with one target a floor, and a pkg-config file for each. Components: dev, program.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(COPPICE_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/coppice)
file(RELATIVE_PATH COPPICE_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)

# coppice_install_floor(NAME [REQUIRES <pkg-config names>] [LIBS <flags>])
function(coppice_install_floor name)
  cmake_parse_arguments(ARG "" "" "REQUIRES;LIBS" ${ARGN})
  set_target_properties(coppice_${name} PROPERTIES EXPORT_NAME ${name})
  install(TARGETS coppice_${name} EXPORT coppice ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
  install(DIRECTORY coppice/${name} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/coppice COMPONENT dev
    FILES_MATCHING PATTERN "*.hpp" PATTERN "*_test.hpp" EXCLUDE PATTERN "test_*.hpp" EXCLUDE PATTERN "fuzz_dict" EXCLUDE)
  list(JOIN ARG_REQUIRES ", " requires)
  list(JOIN ARG_LIBS " " libs)
  configure_file(cmake/coppice.pc.in ${CMAKE_CURRENT_BINARY_DIR}/coppice-${name}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/coppice-${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
endfunction()

set_target_properties(coppice_flags PROPERTIES EXPORT_NAME flags)
install(TARGETS coppice_flags EXPORT coppice)
coppice_install_floor(term REQUIRES fmt zlib LIBS -pthread)
coppice_install_floor(runtime REQUIRES coppice-term LIBS -lmimalloc -ldl -rdynamic)
coppice_install_floor(otp REQUIRES coppice-runtime)
coppice_install_floor(net REQUIRES coppice-runtime libssl libcrypto)
coppice_install_floor(dist REQUIRES coppice-net coppice-otp libcrypto)
coppice_install_floor(http REQUIRES coppice-net coppice-otp libcrypto)
coppice_install_floor(store REQUIRES coppice-runtime libpq sqlite3)

install(FILES coppice/coppice.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/coppice COMPONENT dev)
install(EXPORT coppice NAMESPACE coppice:: FILE coppice-targets.cmake DESTINATION ${COPPICE_PACKAGE_DIR} COMPONENT dev)
configure_package_config_file(cmake/coppice-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/coppice-config.cmake
  INSTALL_DESTINATION ${COPPICE_PACKAGE_DIR} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may break things (docs/versioning.md).
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/coppice-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/coppice-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/coppice-config-version.cmake
  DESTINATION ${COPPICE_PACKAGE_DIR} COMPONENT dev)
install(TARGETS coppice RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
