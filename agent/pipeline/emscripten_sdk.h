// An Emscripten SDK: is it whole, which version is it, may it be used, and what its steps are told.
#pragma once

#include <string>
#include <vector>

#include "agent/pipeline/toolchain.h"

namespace wasmagent::pipeline {

// What else of the machine an SDK is used with.
struct EmscriptenSurroundings {
  std::string search_path;                        // PATH to search
  std::string ccache;                             // its path; empty when there is none
  std::string package = "/usr/share/emscripten";  // where the distribution's emscripten is
};

// Looks at the SDK in `path` and asks its compiler and its node. Two layouts are known: that of emsdk (emcc in
// upstream/emscripten), and a folder with a ".emscripten" that names EMSCRIPTEN_ROOT, such as the distribution's. The
// file is read, never run. What is wrong goes to `problem`.
Toolchain ProbeEmscriptenSdk(const std::string& path, const EmscriptenSurroundings& surroundings);

// The SDKs of this machine: `configured`, else $EMSDK, else those in the usual places, in that order. One entry with
// what to do when there is none; that of the distribution's package, where it is there, says why it will not do.
std::vector<Toolchain> FindEmscriptenSdks(const std::string& configured, const EmscriptenSurroundings& surroundings);

}  // namespace wasmagent::pipeline
