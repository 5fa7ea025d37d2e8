// What ParseDirectory takes is canonical and has safe names.
#include <cstdlib>

#include "content/tree.h"

using namespace wasmagent::content;

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = {"", "\n", "#include"};
  auto tree = BuildTree({{"a/b", EntryKind::kFile, Digest::Of("1"), ""},
                         {"a/c", EntryKind::kExecutable, Digest::Empty(), ""},
                         {"l", EntryKind::kSymlink, {}, "a/b"},
                         {"e", EntryKind::kDirectory, {}, ""}});
  for (const auto& [digest, bytes] : tree->directories) seeds.push_back(bytes);
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto directory = ParseDirectory(bytes);
  if (!directory.ok()) return 0;
  if (SerializeDirectory(*directory) != bytes) std::abort();
  for (const auto& file : directory->files()) {
    if (!CheckName(file.name()).ok()) std::abort();
  }
  return 0;
}
