// A WASI SDK: is it whole, which version is it, may it be used.
#pragma once

#include <string>

#include "agent/pipeline/toolchain.h"

namespace wasmagent::pipeline {

// CPython's own minimum; wasi_sdk.cc tells the reason.
inline constexpr int kOldestWasiSdk = 16;

// Looks at the SDK in `path` and asks its clang. What is wrong goes to `problem`.
Toolchain ProbeWasiSdk(const std::string& path, const std::string& search_path);

// The major version of a WASI SDK ("wasi-sdk 24.0" → 24), for a dressed one that of the release of the same time; 0 for
// one that does not tell.
int WasiSdkMajor(const Toolchain& toolchain);

}  // namespace wasmagent::pipeline
