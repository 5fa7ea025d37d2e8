// The distribution's clang, lld and wasi-libc, laid out as a WASI SDK.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wasmagent::pipeline {

// Where the distribution has put the parts; all of them are there.
struct DistributionClang {
  int version = 0;        // major
  std::string llvm;       // "/usr/lib/llvm-14": bin/clang, bin/wasm-ld, …
  std::string headers;    // "/usr/include/wasm32-wasi"
  std::string libraries;  // "/usr/lib/wasm32-wasi"
};

// The highest clang-N of `search_path` with lld, wasm32's compiler-rt and wasi-libc beside it. NOT_FOUND with what is
// missing and the command that installs it.
absl::StatusOr<DistributionClang> FindDistributionClang(const std::string& search_path);

// What the VERSION file of such a dressed SDK says; another text means that it must be dressed anew.
std::string DressedVersion(const DistributionClang& clang);

// Dresses `destination`, unless it is dressed already in just this way.
absl::Status DressSdkFrom(const DistributionClang& clang, const std::string& destination);

}  // namespace wasmagent::pipeline
