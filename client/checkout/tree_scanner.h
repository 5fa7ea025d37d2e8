// From a working tree to its canonical Merkle tree.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/checkout/checkout.h"
#include "content/tree.h"
#include "platform/clock.h"

namespace wasmagent::client {

// A file of the tree, so that its bytes can be sent.
struct ScannedFile {
  std::string path;  // relative to the checkout
  content::Digest digest;
};

// A checkout as it stood when it was scanned.
struct ScannedTree {
  content::TreeBlobs tree;
  std::vector<ScannedFile> files;     // sorted by path; links and folders are in the tree only
  std::vector<std::string> warnings;  // one sentence each
  size_t hashed_files = 0;            // read because the stat cache did not know them
  uint64_t hashed_bytes = 0;
};

struct ScanOptions {
  bool use_stat_cache = true;  // false reads every byte
  bool save_stat_cache = true;
};

// Scans: git's rules in a git checkout, everything elsewhere, .wasmignore on top of both. Uses all CPUs.
// INVALID_ARGUMENT for a name that cannot be carried; ABORTED for a file that does not stop changing while it is read;
// PERMISSION_DENIED for one that cannot be read. Each names the file.
absl::StatusOr<ScannedTree> ScanCheckout(const Checkout& checkout, const ScanOptions& options,
                                         const platform::Clock& clock);

}  // namespace wasmagent::client
