# Turns text files into a C++ source that defines the texts; run with
#   cmake -DOUTPUT=x.cc -DFUNCTION=wasmagent::a::Texts "-DFILES=a.yaml|b.yaml" -P embed_text.cmake
# The function returns `const std::map<std::string_view, std::string_view>&`, from file name to text.
string(REPLACE "|" ";" files "${FILES}")
string(REGEX REPLACE "::[^:]*$" "" namespace "${FUNCTION}")
string(REGEX REPLACE "^.*::" "" name "${FUNCTION}")
set(entries "")
foreach(file IN LISTS files)
  get_filename_component(file_name "${file}" NAME)
  file(READ "${file}" text)
  if(text MATCHES "\\)embedded\"")
    message(FATAL_ERROR "${file} holds the end mark of a raw string")
  endif()
  string(APPEND entries "      {\"${file_name}\", R\"embedded(${text})embedded\"},\n")
endforeach()
file(
  WRITE "${OUTPUT}.new"
  "// Made by embed_text.cmake.\n#include <map>\n#include <string_view>\n\nnamespace ${namespace} {\n\n"
  "const std::map<std::string_view, std::string_view>& ${name}();\n"
  "const std::map<std::string_view, std::string_view>& ${name}() {\n"
  "  static const auto* texts = new std::map<std::string_view, std::string_view>{\n${entries}  };\n  return *texts;\n}\n\n"
  "}  // namespace ${namespace}\n")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
