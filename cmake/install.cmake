# Headers, both libraries, the pkg-config file and the CMake package, which
# finds its libraries relative to itself, so that DESTDIR works for both.
include(CMakePackageConfigHelpers)

if(NOT ONEFOLD_TUNE)
  set(left_out PATTERN record.h EXCLUDE PATTERN tune.h EXCLUDE)
endif()
install(DIRECTORY include/onefold DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} ${left_out})
# Two export sets: what static linking needs is no concern of the shared library's users.
install(TARGETS onefold EXPORT onefold-shared)
install(TARGETS onefold_static EXPORT onefold-static)
if(ONEFOLD_TUNE)
  install(TARGETS onefold_tune EXPORT onefold-shared)
  install(TARGETS onefold_tune_static EXPORT onefold-static)
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/onefold)
foreach(kind shared static)
  install(EXPORT onefold-${kind} NAMESPACE onefold:: DESTINATION ${package_dir})
endforeach()
configure_package_config_file(cmake/onefold-config.cmake.in
  ${PROJECT_BINARY_DIR}/package/onefold-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/onefold-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/onefold-config.cmake
  ${PROJECT_BINARY_DIR}/package/onefold-config-version.cmake DESTINATION ${package_dir})

cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}
  OUTPUT_VARIABLE libdir)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}
  OUTPUT_VARIABLE includedir)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
  BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig OUTPUT_VARIABLE pc_to_prefix)
string(JOIN " " libs_private ${JANSSON_LDFLAGS} ${HWLOC_LDFLAGS} ${OpenMP_C_FLAGS} -lm)
configure_file(cmake/onefold.pc.in ${PROJECT_BINARY_DIR}/package/onefold.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/onefold.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(ONEFOLD_TUNE)
  string(JOIN " " tune_libs_private ${SQLITE3_LDFLAGS} ${JANSSON_LDFLAGS} -lm)
  configure_file(cmake/onefold-tune.pc.in ${PROJECT_BINARY_DIR}/package/onefold-tune.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/package/onefold-tune.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()
