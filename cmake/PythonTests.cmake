# wasmagent_python_test(FILE [LABELS …] [TIMEOUT seconds] [RUN_SERIAL]): one ctest test for each test method of a file that
# ends with harness.main(). A method that skips is reported as skipped.
# The distribution's Python, since gRPC for Python is a package of it.
find_program(DISTRIBUTION_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
function(wasmagent_python_test file)
  cmake_parse_arguments(ARG "RUN_SERIAL" "TIMEOUT" "LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  set(path ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
  get_filename_component(stem ${file} NAME_WE)
  file(STRINGS ${path} lines REGEX "^class [A-Za-z0-9]+|^    def test_[a-z0-9_]+")
  foreach(line ${lines})
    if(line MATCHES "^class ([A-Za-z0-9]+)")
      set(class ${CMAKE_MATCH_1})
    elseif(line MATCHES "def (test_[a-z0-9_]+)")
      set(method ${CMAKE_MATCH_1})
      set(name ${stem}.${method})
      add_test(NAME ${name} COMMAND ${DISTRIBUTION_PYTHON} ${path} ${class}.${method})
      set_tests_properties(
        ${name}
        PROPERTIES ENVIRONMENT
                   "WASMAGENT=$<TARGET_FILE:wasmagent>;WASMCTL=$<TARGET_FILE:wasmctl>;PYTHONPATH=${PROJECT_SOURCE_DIR}/tests/support:${PROJECT_SOURCE_DIR}/bench;PYTHONDONTWRITEBYTECODE=1;WASMAGENT_SOURCE=${PROJECT_SOURCE_DIR}"
                   SKIP_RETURN_CODE 77
                   TIMEOUT ${ARG_TIMEOUT}
                   LABELS "${ARG_LABELS}"
                   RUN_SERIAL ${ARG_RUN_SERIAL})
    endif()
  endforeach()
endfunction()
