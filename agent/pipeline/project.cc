#include "agent/pipeline/project.h"

#include <optional>
#include <regex>
#include <string_view>

#include "absl/status/status.h"
#include "agent/pipeline/embedded_texts.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "platform/status.h"

namespace wasmagent::pipeline {
namespace {

constexpr std::string_view kCPythonPrefix = "cpython-";
constexpr std::string_view kYamlSuffix = ".yaml";

// CPython's own drivers of a WASI build, newest first; the first that is there is the one that the version uses.
constexpr std::string_view kDrivers[] = {"Platforms/WASI/config.toml", "Tools/wasm/wasi/__main__.py",
                                         "Tools/wasm/wasi.py", "Tools/wasm/wasm_build.py"};

// What the built-in CPython targets call by name.
constexpr std::string_view kNeededFiles[] = {"configure", "Tools/wasm/wasi-env", "Tools/wasm/config.site-wasm32-wasi"};

absl::StatusOr<Project> BuiltIn(std::string_view file, std::string source) {
  const auto found = EmbeddedTexts().find(file);
  if (found == EmbeddedTexts().end()) return absl::InternalError(fmt::format("no built-in {}", file));
  Project project;
  project.source = std::move(source);
  ASSIGN_OR_RETURN_CTX(project.file, ParseTargetFile(found->second, fmt::format("built-in {}", file)), "target file");
  return project;
}

// "3.11" when the tree is a CPython.
absl::StatusOr<std::optional<std::string>> CPythonVersion(const SourceTree& source) {
  const std::string patchlevel = "Include/patchlevel.h";
  for (const std::string& file : {patchlevel, std::string("Lib/os.py")}) {
    ASSIGN_OR_RETURN(const bool there, source.HasFile(file));
    if (!there) return std::nullopt;
  }
  ASSIGN_OR_RETURN_CTX(const std::string text, source.ReadFile(patchlevel), "read " + patchlevel);
  const auto number = [&](const char* name) -> std::string {
    std::smatch match;
    const std::regex pattern(fmt::format("#define[ \t]+{}[ \t]+([0-9]+)", name));
    return std::regex_search(text, match, pattern) ? match[1].str() : "";
  };
  const std::string major = number("PY_MAJOR_VERSION");
  const std::string minor = number("PY_MINOR_VERSION");
  if (major.empty() || minor.empty()) return std::nullopt;
  return fmt::format("{}.{}", major, minor);
}

absl::StatusOr<Project> CPython(const SourceTree& source, const std::string& version) {
  std::string driver = "no driver of a WASI build";
  for (const std::string_view candidate : kDrivers) {
    ASSIGN_OR_RETURN(const bool there, source.HasFile(candidate));
    if (!there) continue;
    driver = candidate;
    break;
  }
  const std::string file = fmt::format("{}{}{}", kCPythonPrefix, version, kYamlSuffix);
  if (EmbeddedTexts().count(file) == 0) {
    return absl::FailedPreconditionError(
        fmt::format("this checkout is CPython {} ({}); this agent has targets for CPython {}. Newer agents may know "
                    "it; until then, "
                    "describe its targets in a {} in the checkout's root",
                    version, driver, fmt::join(KnownCPythonVersions(), ", "), kTargetFileName));
  }
  for (const std::string_view needed : kNeededFiles) {
    ASSIGN_OR_RETURN(const bool there, source.HasFile(needed));
    if (there) continue;
    return absl::FailedPreconditionError(
        fmt::format("this checkout is CPython {}, but {} is missing from it; restore it (git checkout -- {})", version,
                    needed, needed));
  }
  return BuiltIn(file, "built in: CPython " + version);
}

}  // namespace

std::vector<std::string> KnownCPythonVersions() {
  std::vector<std::string> versions;  // the map is sorted, and minor versions have two digits
  for (const auto& [name, text] : EmbeddedTexts()) {
    if (name.substr(0, kCPythonPrefix.size()) != kCPythonPrefix) continue;
    versions.emplace_back(name.substr(kCPythonPrefix.size(), name.size() - kCPythonPrefix.size() - kYamlSuffix.size()));
  }
  return versions;
}

absl::StatusOr<Project> DetectProject(const SourceTree& source) {
  ASSIGN_OR_RETURN(const bool own, source.HasFile(kTargetFileName));
  if (own) {
    ASSIGN_OR_RETURN_CTX(const std::string text, source.ReadFile(kTargetFileName),
                         fmt::format("read {}", kTargetFileName));
    Project project;
    project.source = kTargetFileName;
    ASSIGN_OR_RETURN(project.file, ParseTargetFile(text, kTargetFileName));
    return project;
  }
  ASSIGN_OR_RETURN(const std::optional<std::string> version, CPythonVersion(source));
  if (version.has_value()) return CPython(source, *version);
  struct Kind {
    std::string_view file, targets, name;
  };
  constexpr Kind kKinds[] = {{"configure", "configure.yaml", "configure project"},
                             {"CMakeLists.txt", "cmake.yaml", "CMake project"},
                             {"GNUmakefile", "makefile.yaml", "Makefile project"},
                             {"makefile", "makefile.yaml", "Makefile project"},
                             {"Makefile", "makefile.yaml", "Makefile project"}};
  for (const Kind& kind : kKinds) {
    ASSIGN_OR_RETURN(const bool there, source.HasFile(kind.file));
    if (there) return BuiltIn(kind.targets, fmt::format("built in: {}", kind.name));
  }
  std::string hint;
  for (const std::string_view almost : {"configure.ac", "configure.in", "autogen.sh", "wasmbuild.yml"}) {
    ASSIGN_OR_RETURN(const bool there, source.HasFile(almost));
    if (!there) continue;
    hint = almost == "wasmbuild.yml" ? fmt::format("; rename wasmbuild.yml to {}", kTargetFileName)
                                     : fmt::format("; there is {}: make configure first (autoreconf -i)", almost);
    break;
  }
  return absl::FailedPreconditionError(
      fmt::format("nothing to build: no {}, configure, CMakeLists.txt or Makefile in the checkout's root{}",
                  kTargetFileName, hint));
}

}  // namespace wasmagent::pipeline
