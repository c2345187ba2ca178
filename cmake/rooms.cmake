# rooms.cmake - room(): a folder of C files as one static library whose own folder is the only
# include path it offers. A room sees another only by LINKS; a forbidden include does not compile.
find_package(Threads REQUIRED)
find_package(OpenCL REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SNDFILE REQUIRED IMPORTED_TARGET sndfile)
pkg_check_modules(SOXR REQUIRED IMPORTED_TARGET soxr)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(JPEG REQUIRED IMPORTED_TARGET libjpeg)
pkg_check_modules(PNG REQUIRED IMPORTED_TARGET libpng)
pkg_check_modules(WEBP REQUIRED IMPORTED_TARGET libwebp)
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(PORTAUDIO IMPORTED_TARGET portaudio-2.0) # microphones, where it is installed
if(ATT_PLOT)
  pkg_check_modules(PANGO IMPORTED_TARGET pangocairo) # pictures, where it is installed
endif()

add_library(fft INTERFACE) # what lies behind modalities/speech/fft.h
if(ATT_FFT STREQUAL "fftw")
  pkg_check_modules(FFTW REQUIRED IMPORTED_TARGET fftw3f)
  find_library(FFTW_THREADS fftw3f_threads REQUIRED) # for plans made in several threads
  target_link_libraries(fft INTERFACE ${FFTW_THREADS} PkgConfig::FFTW)
  set(FFT_LIBRARIES fftw3f_threads ${FFTW_LIBRARIES})
  target_compile_definitions(fft INTERFACE ATT_FFTW=1)
elseif(ATT_FFT STREQUAL "kissfft")
  pkg_check_modules(KISSFFT REQUIRED IMPORTED_TARGET kissfft-float)
  target_link_libraries(fft INTERFACE PkgConfig::KISSFFT)
  set(FFT_LIBRARIES ${KISSFFT_LIBRARIES})
  target_compile_definitions(fft INTERFACE ATT_KISSFFT=1)
else()
  message(FATAL_ERROR "ATT_FFT is '${ATT_FFT}', expected fftw or kissfft")
endif()

add_library(att_options INTERFACE)
target_compile_options(att_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla
  -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -fvisibility=hidden)
target_compile_definitions(att_options INTERFACE CL_TARGET_OPENCL_VERSION=120
  ATT_VERSION="${PROJECT_VERSION}")
if(ATT_WERROR)
  target_compile_options(att_options INTERFACE -Werror)
endif()
if(ATT_SANITIZE)
  target_compile_options(att_options INTERFACE -fsanitize=${ATT_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(att_options INTERFACE -fsanitize=${ATT_SANITIZE})
endif()

function(room name folder)
  cmake_parse_arguments(ROOM "" "" "LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.c)
  list(FILTER sources EXCLUDE REGEX "/main\\.c$") # of the program, which links the room
  if(sources)
    add_library(${name} STATIC ${sources})
  else()
    add_library(${name} STATIC ${PROJECT_SOURCE_DIR}/cmake/empty.c)
  endif()
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/${folder}
    ${PROJECT_SOURCE_DIR}/lib/include)
  target_link_libraries(${name} PUBLIC ${ROOM_LINKS} PRIVATE att_options)
endfunction()

include(${CMAKE_CURRENT_LIST_DIR}/embed.cmake) # the target cl_sources
