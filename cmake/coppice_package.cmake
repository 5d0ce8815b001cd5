# The Debian packages that ./dev package makes: libcoppice-dev, and coppice with its unit and manual page.
install(FILES packaging/coppice.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
install(FILES packaging/coppice.yaml DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT program)
install(FILES servers/messaging/web/node_modules/converse.js/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program
  RENAME LICENSE.converse.js) # its files are in the program
install(FILES packaging/coppice.service DESTINATION lib/systemd/system COMPONENT program)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME coppice)
set(CPACK_PACKAGE_VENDOR Coppice)
set(CPACK_PACKAGE_CONTACT "The Coppice authors <coppice@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL dev program)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libcoppice-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libfmt-dev, libmimalloc-dev, libpq-dev, libsqlite3-dev, libssl-dev, zlib1g-dev")
set(CPACK_COMPONENT_DEV_DESCRIPTION "Erlang/OTP's process model native in C++23: headers and static libraries
 Processes, gen_server, gen_statem, gen_event, supervisors and applications; sockets, HTTP/1.1 and WebSocket.")

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME coppice)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_CONTROL_EXTRA
  "${PROJECT_SOURCE_DIR}/packaging/postinst;${PROJECT_SOURCE_DIR}/packaging/prerm;${PROJECT_SOURCE_DIR}/packaging/postrm")
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "Node of supervised processes, with a messaging server and a console
 One program: a messaging server (XMPP) with a web client, and a live view of its processes in which each can be killed.")
include(CPack)
