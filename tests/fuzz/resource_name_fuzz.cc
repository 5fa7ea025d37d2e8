// What ParseResourceName takes, it takes again when written, with the same meaning.
#include <cstdlib>

#include "content/resource_name.h"

using namespace wasmagent::content;

std::vector<std::string> Seeds() {
  std::string digest = Digest::Of("abc").ToString();
  return {"blobs/" + digest, "a/b/uploads/6ba7b810-9dad-11d1-80b4-00c04fd430c8/blobs/" + digest + "/meta",
          "uploads/u/compressed-blobs/zstd/" + digest, "i/compressed-blobs/zstd/" + digest, "blobs/blake3/" + digest};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto name = ParseResourceName(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!name.ok()) return 0;
  auto again = ParseResourceName(name->ToString());
  if (!again.ok() || *again != *name) std::abort();
  return 0;
}
