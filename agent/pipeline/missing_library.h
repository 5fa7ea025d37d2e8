// Libraries that are not there, recognised by what compilers, linkers, pkg-config and Emscripten say; what they are
// called is in the table libraries.yaml.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace wasmagent::pipeline {

// One line of the table.
struct Library {
  std::string name;
  std::vector<std::string> headers;   // as they are included; "openssl/" stands for all in that folder
  std::vector<std::string> links;     // after -l
  std::vector<std::string> packages;  // as pkg-config and CMake call it
  std::string port;                   // as Emscripten calls its port; empty when it has none
  std::string debian;                 // the package for the agent's own machine
};

// Immutable once it is read.
class LibraryTable {
 public:
  LibraryTable() = default;
  // INVALID_ARGUMENT, "<file>:<line>:<column>: …", for the first mistake.
  static absl::StatusOr<LibraryTable> Parse(std::string_view text, std::string_view file_name);
  // The agent's own. A mistake in it is found by its test; a table that cannot be read knows no library.
  static const LibraryTable& BuiltIn();

  // The library that a header, a word after -l, a package or a port belongs to; null for one that is not known.
  // Packages are compared without regard to case.
  const Library* OfHeader(std::string_view header) const;
  const Library* OfLink(std::string_view link) const;
  const Library* OfPackage(std::string_view package) const;
  const Library* OfPort(std::string_view port) const;
  const std::vector<Library>& all() const { return libraries_; }

 private:
  std::vector<Library> libraries_;
};

// A library that something did not find.
struct MissingLibrary {
  std::string name;                  // as people know it, "-lfoo" or "foo" for one that is not in the table
  const Library* library = nullptr;  // null for that one
};

// In the text of an error: a header of a known library ("'zlib.h' file not found"), or any library that a linker was to
// take ("unable to find library -lz").
std::optional<MissingLibrary> MissingInError(std::string_view text, const LibraryTable& table);

// In a line of output: what pkg-config or CMake did not find.
std::optional<MissingLibrary> MissingPackageIn(std::string_view line, const LibraryTable& table);

// What to do about it, for a target of this kind of toolchain.
std::string AdviceFor(const MissingLibrary& missing, std::string_view toolchain);

}  // namespace wasmagent::pipeline
