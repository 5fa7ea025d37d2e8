#include "agent/pipeline/limitations.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "agent/pipeline/embedded_texts.h"
#include "agent/pipeline/nearest_name.h"
#include "agent/pipeline/yaml_fields.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "platform/status.h"
#include "yaml-cpp/yaml.h"

namespace wasmagent::pipeline {
namespace {

constexpr char kFile[] = "limitations.yaml";

// A shorter signature fits too much.
constexpr size_t kShortest = 7;

const std::vector<std::string>& Toolchains() {
  static const auto* names = new std::vector<std::string>{"wasi", "emscripten"};
  return *names;
}

// Headings of CPython's Tools/wasm/README.
const std::vector<std::string>& Sections() {
  static const auto* names = new std::vector<std::string>{"Network stack",
                                                          "processes, signals",
                                                          "threading",
                                                          "file system",
                                                          "Misc",
                                                          "wasm32-emscripten in browsers",
                                                          "wasm32-emscripten in node",
                                                          "WASI limitations and issues"};
  return *names;
}

// A signature, up to its first star, is at least this long; its first bytes are looked for in every line.
constexpr size_t kBeginning = 4;

uint32_t Beginning(const char* text) {
  uint32_t bytes;
  std::memcpy(&bytes, text, kBeginning);
  return bytes;
}

uint16_t HashOf(uint32_t beginning) { return static_cast<uint16_t>((beginning * 2654435761U) >> 16); }

bool IsIn(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// Reads the items of the table; remembers what they must not repeat.
class Reader {
 public:
  explicit Reader(std::string_view file) : file_(file) {}

  absl::StatusOr<Limitation> Read(const YAML::Node& node) {
    ASSIGN_OR_RETURN(
        const YamlFields fields,
        YamlFields::Open(node, file_, "a limitation", {"name", "toolchains", "section", "explanation", "signatures"}));
    Limitation limitation;
    ASSIGN_OR_RETURN(limitation.name, fields.Text("name"));
    if (!names_.insert(limitation.name).second) {
      return fields.Error(fields.Get("name"), fmt::format("'{}' stands twice", limitation.name));
    }
    ASSIGN_OR_RETURN(limitation.section, fields.Text("section"));
    if (!IsIn(Sections(), limitation.section)) {
      return fields.Error(fields.Get("section"),
                          fmt::format("the README has no section '{}'{} (it has: {})", limitation.section,
                                      DidYouMean(limitation.section, Sections()), fmt::join(Sections(), "; ")));
    }
    ASSIGN_OR_RETURN(limitation.explanation, fields.Text("explanation"));
    if (limitation.explanation.find('\n') != std::string::npos || limitation.explanation.ends_with('.')) {
      return fields.Error(fields.Get("explanation"), "'explanation' must be one line without a full stop");
    }
    RETURN_IF_ERROR(ReadToolchains(fields, limitation));
    RETURN_IF_ERROR(ReadSignatures(fields, limitation));
    return limitation;
  }

 private:
  absl::Status ReadToolchains(const YamlFields& fields, Limitation& limitation) {
    ASSIGN_OR_RETURN(limitation.toolchains, fields.Texts("toolchains"));
    if (limitation.toolchains.empty()) return fields.Error(fields.Get("toolchains"), "'toolchains' is empty");
    for (const std::string& toolchain : limitation.toolchains) {
      if (IsIn(Toolchains(), toolchain)) continue;
      return fields.Error(fields.Get("toolchains"),
                          fmt::format("unknown toolchain '{}'{} (known: {})", toolchain,
                                      DidYouMean(toolchain, Toolchains()), fmt::join(Toolchains(), ", ")));
    }
    return absl::OkStatus();
  }

  absl::Status ReadSignatures(const YamlFields& fields, Limitation& limitation) {
    ASSIGN_OR_RETURN(limitation.signatures, fields.Texts("signatures"));
    if (limitation.signatures.empty()) return fields.Error(fields.Get("signatures"), "'signatures' is empty");
    ASSIGN_OR_RETURN(const auto nodes, fields.Items("signatures"));
    for (size_t i = 0; i < nodes.size(); ++i) {
      const std::string& signature = limitation.signatures[i];
      if (signature.size() < kShortest || signature.find_first_of("*$") < kBeginning) {
        return fields.Error(nodes[i], fmt::format("signature '{}' is too short: it would fit too much", signature));
      }
      for (const std::string& toolchain : limitation.toolchains) {
        auto [known, is_new] = signatures_.emplace(fmt::format("{} {}", toolchain, signature), limitation.name);
        if (is_new) continue;
        return fields.Error(nodes[i], fmt::format("signature '{}' stands in '{}' already", signature, known->second));
      }
    }
    return absl::OkStatus();
  }

  const std::string_view file_;
  std::set<std::string> names_;
  std::map<std::string, std::string> signatures_;  // toolchain and signature → name
};

}  // namespace

bool Limitation::HoldsFor(std::string_view toolchain) const { return IsIn(toolchains, toolchain); }

std::string Limitation::Advice() const {
  return fmt::format("{} (CPython's Tools/wasm/README, \"{}\")", explanation, section);
}

bool HasSignature(std::string_view line, std::string_view signature) {
  const bool at_end = signature.ends_with('$');
  if (at_end) signature.remove_suffix(1);
  while (true) {
    const size_t star = signature.find('*');
    const std::string_view part = signature.substr(0, star);
    if (star == std::string_view::npos && at_end) return line.ends_with(part);
    const size_t found = line.find(part);
    if (found == std::string_view::npos) return false;
    if (star == std::string_view::npos) return true;
    line.remove_prefix(found + part.size());
    signature.remove_prefix(star + 1);
  }
}

absl::StatusOr<LimitationTable> LimitationTable::Parse(std::string_view text, std::string_view file_name) {
  ASSIGN_OR_RETURN(const auto items, LoadYamlTable(text, file_name, "limitations"));
  LimitationTable table;
  Reader reader(file_name);
  for (const YAML::Node& item : items) {
    ASSIGN_OR_RETURN(Limitation limitation, reader.Read(item));
    table.limitations_.push_back(std::move(limitation));
  }
  table.Index();
  return table;
}

void LimitationTable::Index() {
  for (size_t i = 0; i < limitations_.size(); ++i) {
    for (const std::string& signature : limitations_[i].signatures) {
      const uint32_t beginning = Beginning(signature.data());
      by_beginning_[beginning].emplace_back(i, signature);
      beginnings_.set(HashOf(beginning));
    }
  }
}

const LimitationTable& LimitationTable::BuiltIn() {
  static const auto* table = [] {
    const auto text = EmbeddedTexts().find(kFile);
    auto parsed = text == EmbeddedTexts().end() ? absl::StatusOr<LimitationTable>(absl::NotFoundError(kFile))
                                                : Parse(text->second, kFile);
    return new LimitationTable(parsed.ok() ? *std::move(parsed) : LimitationTable());
  }();
  return *table;
}

const Limitation* LimitationTable::Find(std::string_view toolchain, std::string_view line) const {
  size_t best = limitations_.size();
  for (size_t at = 0; at + kBeginning <= line.size(); ++at) {
    const uint32_t beginning = Beginning(line.data() + at);
    if (!beginnings_.test(HashOf(beginning))) continue;
    auto found = by_beginning_.find(beginning);
    if (found == by_beginning_.end()) continue;
    for (const auto& [index, signature] : found->second) {
      if (index >= best || !limitations_[index].HoldsFor(toolchain)) continue;
      if (HasSignature(line.substr(at), signature)) best = index;
    }
  }
  return best == limitations_.size() ? nullptr : &limitations_[best];
}

}  // namespace wasmagent::pipeline
