// A working tree on this machine: where it is, what it is called, where its caches are.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace wasmagent::client {

struct Checkout {
  std::string path;             // absolute, links resolved
  std::string id;               // stable for this machine, user and path
  std::string host;             // this machine's name
  std::string cache_directory;  // $XDG_CACHE_HOME/wasmctl/checkouts/<id>, made when first written to
};

// `directory` as given; empty for the nearest folder from the working directory upwards that holds wasmbuild.yaml or
// .git, else the working directory.
absl::StatusOr<Checkout> OpenCheckout(const std::string& directory);

// $XDG_CACHE_HOME, else $HOME/.cache. FAILED_PRECONDITION when neither is set.
absl::StatusOr<std::string> UserCacheDirectory();

}  // namespace wasmagent::client
