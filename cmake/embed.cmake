# embed.cmake - the target cl_sources: every file of cl/ as constant text in the library, made again
# when one changes. No tool but CMake is needed.
file(GLOB cl_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cl/*.cl ${PROJECT_SOURCE_DIR}/cl/*.clh)
set(cl_out ${PROJECT_BINARY_DIR}/cl_sources.c)
add_custom_command(OUTPUT ${cl_out}
  COMMAND ${CMAKE_COMMAND} -DOUT=${cl_out} "-DFILES=${cl_files}"
    -P ${PROJECT_SOURCE_DIR}/cmake/embed_files.cmake
  DEPENDS ${cl_files} ${PROJECT_SOURCE_DIR}/cmake/embed_files.cmake
  COMMENT "Embedding kernels" VERBATIM)
add_library(cl_sources STATIC ${cl_out})
target_link_libraries(cl_sources PRIVATE att_options)
target_include_directories(cl_sources PUBLIC ${PROJECT_SOURCE_DIR}/cl
  PRIVATE ${PROJECT_SOURCE_DIR}/lib/device)
