#include "agent/pipeline/missing_library.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "agent/pipeline/embedded_texts.h"
#include "agent/pipeline/yaml_fields.h"
#include "fmt/format.h"
#include "platform/status.h"
#include "yaml-cpp/yaml.h"

namespace wasmagent::pipeline {
namespace {

constexpr char kFile[] = "libraries.yaml";

// What stands between the two in the text; nullopt when they are not both there.
std::optional<std::string_view> Between(std::string_view text, std::string_view before, std::string_view after) {
  size_t begin = text.find(before);
  if (begin == std::string_view::npos) return std::nullopt;
  text.remove_prefix(begin + before.size());
  size_t end = text.find(after);
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  return text.substr(0, end);
}

// The header in "'zlib.h' file not found" (clang) or "zlib.h: No such file or directory" (gcc).
std::optional<std::string_view> HeaderIn(std::string_view text) {
  if (auto header = Between(text, "'", "' file not found")) return header;
  size_t end = text.find(": No such file or directory");
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view header = text.substr(0, end);
  return header.find(' ') == std::string_view::npos ? std::optional(header) : std::nullopt;
}

// The word after -l in "unable to find library -lz" (lld) or "cannot find -lz: No such file or directory" (GNU ld).
std::optional<std::string_view> LinkIn(std::string_view text) {
  for (std::string_view before : {"unable to find library -l", "cannot find -l"}) {
    size_t begin = text.find(before);
    if (begin == std::string_view::npos) continue;
    std::string_view rest = text.substr(begin + before.size());
    rest = rest.substr(0, rest.find_first_of(": "));
    if (!rest.empty()) return rest;
  }
  return std::nullopt;
}

absl::StatusOr<Library> ReadLibrary(const YAML::Node& node, std::string_view file, std::set<std::string>& seen) {
  ASSIGN_OR_RETURN(
      const YamlFields fields,
      YamlFields::Open(node, file, "a library", {"name", "headers", "links", "packages", "port", "debian"}));
  Library library;
  ASSIGN_OR_RETURN(library.name, fields.Text("name"));
  ASSIGN_OR_RETURN(library.headers, fields.Texts("headers"));
  ASSIGN_OR_RETURN(library.links, fields.Texts("links"));
  ASSIGN_OR_RETURN(library.packages, fields.Texts("packages"));
  ASSIGN_OR_RETURN(library.port, fields.Text("port", ""));
  ASSIGN_OR_RETURN(library.debian, fields.Text("debian"));
  if (library.headers.empty()) return fields.Error(fields.Get("headers"), "'headers' is empty");
  auto once = [&](std::string_view key, const std::vector<std::string>& words) -> absl::Status {
    for (const std::string& word : words) {
      if (!seen.insert(fmt::format("{} {}", key, word)).second) {
        return fields.Error(fields.Get(std::string(key)), fmt::format("'{}' in '{}' stands twice", word, key));
      }
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(once("name", {library.name}));
  RETURN_IF_ERROR(once("headers", library.headers));
  RETURN_IF_ERROR(once("links", library.links));
  RETURN_IF_ERROR(once("packages", library.packages));
  if (!library.port.empty()) RETURN_IF_ERROR(once("port", {library.port}));
  return library;
}

// The library one of whose words is this one.
template <typename Fits>
const Library* First(const std::vector<Library>& libraries, const Fits& fits) {
  auto found = std::find_if(libraries.begin(), libraries.end(), fits);
  return found == libraries.end() ? nullptr : &*found;
}

MissingLibrary Named(const Library* library, const std::string& otherwise) {
  return {library == nullptr ? otherwise : library->name, library};
}

}  // namespace

absl::StatusOr<LibraryTable> LibraryTable::Parse(std::string_view text, std::string_view file_name) {
  ASSIGN_OR_RETURN(const auto items, LoadYamlTable(text, file_name, "libraries"));
  LibraryTable table;
  std::set<std::string> seen;
  for (const YAML::Node& item : items) {
    ASSIGN_OR_RETURN(Library library, ReadLibrary(item, file_name, seen));
    table.libraries_.push_back(std::move(library));
  }
  return table;
}

const LibraryTable& LibraryTable::BuiltIn() {
  static const auto* table = [] {
    const auto text = EmbeddedTexts().find(kFile);
    auto parsed = text == EmbeddedTexts().end() ? absl::StatusOr<LibraryTable>(absl::NotFoundError(kFile))
                                                : Parse(text->second, kFile);
    return new LibraryTable(parsed.ok() ? *std::move(parsed) : LibraryTable());
  }();
  return *table;
}

const Library* LibraryTable::OfHeader(std::string_view header) const {
  return First(libraries_, [&](const Library& library) {
    return std::any_of(library.headers.begin(), library.headers.end(), [&](const std::string& known) {
      return known.ends_with('/') ? header.starts_with(known) : header == known;
    });
  });
}

const Library* LibraryTable::OfLink(std::string_view link) const {
  return First(libraries_, [&](const Library& library) {
    return std::find(library.links.begin(), library.links.end(), link) != library.links.end();
  });
}

const Library* LibraryTable::OfPackage(std::string_view package) const {
  return First(libraries_, [&](const Library& library) {
    auto equal = [&](std::string_view known) {
      return absl::EqualsIgnoreCase(std::string(known), std::string(package));
    };
    return equal(library.name) || std::any_of(library.packages.begin(), library.packages.end(), equal);
  });
}

const Library* LibraryTable::OfPort(std::string_view port) const {
  return First(libraries_, [&](const Library& library) { return !port.empty() && library.port == port; });
}

std::optional<MissingLibrary> MissingInError(std::string_view text, const LibraryTable& table) {
  if (auto link = LinkIn(text)) return Named(table.OfLink(*link), fmt::format("-l{}", *link));
  auto header = HeaderIn(text);
  // A header of nobody's is most likely the project's own.
  const Library* library = header ? table.OfHeader(*header) : nullptr;
  return library == nullptr ? std::nullopt : std::optional(Named(library, ""));
}

std::optional<MissingLibrary> MissingPackageIn(std::string_view line, const LibraryTable& table) {
  std::optional<std::string_view> package;
  for (auto [before, after] : {std::pair<std::string_view, std::string_view>{"No package '", "' found"},
                               {"Package '", "', required by "},
                               {"Could NOT find ", " (missing: "},
                               {"package configuration file provided by \"", "\" "}}) {
    if (package = Between(line, before, after); package.has_value()) break;
  }
  if (!package.has_value()) return std::nullopt;
  return Named(table.OfPackage(*package), std::string(*package));
}

std::string AdviceFor(const MissingLibrary& missing, std::string_view toolchain) {
  const Library* library = missing.library;
  if (toolchain == "native") {
    if (library == nullptr) return fmt::format("install {} with its headers where the agent runs", missing.name);
    return fmt::format("install {} where the agent runs (in its image): {} on Debian", missing.name, library->debian);
  }
  if (toolchain == "emscripten" && library != nullptr && !library->port.empty()) {
    return fmt::format(
        "{0} is a port of Emscripten: compile and link with --use-port={1}, or -sUSE_{2} where emcc is older; "
        "where its cache cannot be written it must be in there before (embuilder build {1})",
        missing.name, library->port, absl::AsciiStrToUpper(library->port));
  }
  return fmt::format(
      "the {} SDK does not have {}: build it for this toolchain, as a target that this one needs, or leave "
      "out the part that wants it",
      toolchain == "emscripten" ? "Emscripten" : "WASI", missing.name);
}

}  // namespace wasmagent::pipeline
