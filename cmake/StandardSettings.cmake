# standard_settings: what every target of this project is compiled with. Link it PRIVATE.
add_library(standard_settings INTERFACE)
target_compile_features(standard_settings INTERFACE cxx_std_20)
target_include_directories(standard_settings INTERFACE ${PROJECT_SOURCE_DIR})

# Warnings are errors for the project's own code; generated code is compiled without this target.
add_library(standard_warnings INTERFACE)
target_compile_options(
  standard_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                              -Wcast-qual -Wimplicit-fallthrough -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 and later report these inside libstdc++ and abseil headers, where they are false.
  target_compile_options(standard_warnings INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-dangling-reference
                                                     -Wno-stringop-overflow -Wno-array-bounds)
endif()

set(WASMAGENT_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")
if(WASMAGENT_SANITIZE)
  target_compile_options(standard_settings INTERFACE -fsanitize=${WASMAGENT_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(standard_settings INTERFACE -fsanitize=${WASMAGENT_SANITIZE})
  if(WASMAGENT_SANITIZE STREQUAL "thread")
    # protobuf's headers lay out messages with maps otherwise when they see that macro, and the distribution's library
    # was compiled without.
    target_compile_options(standard_settings INTERFACE -U__SANITIZE_THREAD__ -DWASMAGENT_THREAD_SANITIZER)
  endif()
endif()

# wasmagent_library(NAME SOURCES … DEPENDS …): a folder of the project as a static library.
function(wasmagent_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC standard_settings ${ARG_DEPENDS} PRIVATE standard_warnings)
endfunction()

# wasmagent_test(NAME SOURCES … DEPENDS … [LABELS …]): a GoogleTest program, one ctest test for each of its cases.
function(wasmagent_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE standard_settings standard_warnings ${ARG_DEPENDS} GTest::gtest_main GTest::gmock)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300 LABELS "${ARG_LABELS}")
endfunction()
