# install.cmake - libattend, shared and static, from the rooms that programs embed; and what
# `cmake --install` puts where. tools/check_install holds it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(embedded base device weights nn sample speech)
set(objects $<TARGET_OBJECTS:cl_sources>)
foreach(name ${embedded})
  list(APPEND objects $<TARGET_OBJECTS:${name}>)
endforeach()

# What a static libattend needs beside it, as words for a linker.
set(static_needs OpenCL ${SNDFILE_LIBRARIES} ${SOXR_LIBRARIES} ${CJSON_LIBRARIES} ${ZLIB_LIBRARIES}
  ${PCRE2_LIBRARIES} ${FFT_LIBRARIES} pthread m)

add_library(attend_shared SHARED ${objects})
set_target_properties(attend_shared PROPERTIES OUTPUT_NAME attend EXPORT_NAME attend
  VERSION ${PROJECT_VERSION} SOVERSION 0 LINKER_LANGUAGE C
  LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/attend.map)
target_link_options(attend_shared PRIVATE LINKER:--no-undefined
  LINKER:--version-script=${PROJECT_SOURCE_DIR}/cmake/attend.map)
# The objects of the rooms are in; of the rooms themselves only the libraries that they need count.
target_link_libraries(attend_shared PRIVATE ${embedded} att_options)

add_library(attend_static STATIC ${objects})
set_target_properties(attend_static PROPERTIES OUTPUT_NAME attend LINKER_LANGUAGE C)
target_link_libraries(attend_static INTERFACE ${static_needs})

foreach(library attend_shared attend_static)
  target_include_directories(${library} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/lib/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/attend)
install(TARGETS attend_app attend_shared attend_static EXPORT attendTargets)
install(EXPORT attendTargets NAMESPACE attend:: DESTINATION ${package})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/lib/include/attend DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h")
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/attendConfig.cmake.in
  ${PROJECT_BINARY_DIR}/attendConfig.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/attendConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/attendConfig.cmake
  ${PROJECT_BINARY_DIR}/attendConfigVersion.cmake DESTINATION ${package})

# attend.pc finds the rest from its own place: the tree may be moved.
file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" up "${up}")
list(TRANSFORM static_needs PREPEND "-l" OUTPUT_VARIABLE static_words)
list(JOIN static_words " " static_words)
configure_file(${PROJECT_SOURCE_DIR}/cmake/attend.pc.in ${PROJECT_BINARY_DIR}/attend.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/attend.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(FILES ${PROJECT_SOURCE_DIR}/man/attend.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${PROJECT_SOURCE_DIR}/completions/attend.bash RENAME attend
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
