// What programs for WebAssembly cannot do, recognised by what they print: the table limitations.yaml.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

namespace wasmagent::pipeline {

// One line of the table.
struct Limitation {
  std::string name;
  std::string explanation;  // one sentence
  std::string section;      // of CPython's Tools/wasm/README
  std::vector<std::string> toolchains;
  std::vector<std::string> signatures;  // as written

  bool HoldsFor(std::string_view toolchain) const;
  // What is told to the user: the explanation and where more of it stands.
  std::string Advice() const;
};

// True when the line has the signature: its parts between "*" in this order, the last one at the line's end when "$"
// follows it.
bool HasSignature(std::string_view line, std::string_view signature);

// Immutable once it is read. A look-up costs one pass over the line, and a search for every signature of the toolchain
// in the few lines where one may begin.
class LimitationTable {
 public:
  LimitationTable() = default;
  // INVALID_ARGUMENT, "<file>:<line>:<column>: …", for the first mistake.
  static absl::StatusOr<LimitationTable> Parse(std::string_view text, std::string_view file_name);
  // The agent's own. A mistake in it is found by its test; a table that cannot be read explains nothing.
  static const LimitationTable& BuiltIn();

  // The first one that holds for the toolchain and has a signature in the line; null when there is none.
  const Limitation* Find(std::string_view toolchain, std::string_view line) const;
  const std::vector<Limitation>& all() const { return limitations_; }

 private:
  void Index();

  std::vector<Limitation> limitations_;
  // Signatures by their first bytes: which of the limitations, and the signature.
  absl::flat_hash_map<uint32_t, std::vector<std::pair<size_t, std::string>>> by_beginning_;
  std::bitset<1 << 16> beginnings_;  // by the hash of the same bytes, to pass over most of a line at once
};

}  // namespace wasmagent::pipeline
