// For tests: folders that look like a distribution's clang or a WASI SDK release.
#pragma once

#include <filesystem>
#include <string>

#include "tests/unit/agent/pipeline/folder_tree.h"

namespace wasmagent::pipeline {

// A clang that answers the questions of a probe.
inline std::string FakeClang(const std::string& version, const std::string& folder, const std::string& runtime) {
  return "#!/bin/sh\ncase \"$*\" in\n*print-libgcc-file-name*) echo " + runtime + " ;;\n*) echo 'clang version " +
         version + "'; echo 'InstalledDir: " + folder + "' ;;\nesac\n";
}

// A distribution's clang-N with all that belongs to it, below `scratch`/usr; its PATH is `scratch`/usr/bin.
inline void MakeDistribution(const ScratchFolder& scratch, int version) {
  const std::string n = std::to_string(version);
  const std::string llvm = "usr/lib/llvm-" + n;
  const std::string runtime = llvm + "/lib/clang/" + n + "/lib/wasi/libclang_rt.builtins-wasm32.a";
  scratch.Write(llvm + "/bin/clang", FakeClang(n + ".1.7", scratch / (llvm + "/bin"), scratch / runtime), true);
  scratch.WriteProgram(llvm + "/bin/clang++", "");
  scratch.WriteProgram(llvm + "/bin/clang-cpp", "");
  for (const char* tool : {"wasm-ld", "llvm-ar", "llvm-ranlib", "llvm-nm"})
    scratch.WriteProgram(llvm + "/bin/" + tool, "");
  scratch.Write(runtime, "rt");
  scratch.Write("usr/include/wasm32-wasi/stdio.h", "");
  scratch.Write("usr/lib/wasm32-wasi/libc.a", "libc");
  std::filesystem::create_directories(scratch / "usr/bin");
  std::filesystem::create_symlink("../lib/llvm-" + n + "/bin/clang", scratch / ("usr/bin/clang-" + n));
}

// A WASI SDK release in `scratch`/`name`.
inline std::string MakeRelease(const ScratchFolder& scratch, const std::string& name, const std::string& version,
                               const std::string& triple = "wasm32-wasi") {
  scratch.Write(name + "/bin/clang", FakeClang("18.1.2", scratch / (name + "/bin"), scratch / (name + "/rt.a")), true);
  for (const char* tool : {"clang++", "wasm-ld", "llvm-ar", "llvm-ranlib"})
    scratch.WriteProgram(name + "/bin/" + tool, "");
  scratch.Write(name + "/rt.a", "rt");
  scratch.Write(name + "/share/wasi-sysroot/include/stdio.h", "");
  scratch.Write(name + "/share/wasi-sysroot/lib/" + triple + "/libc.a", "libc");
  if (!version.empty()) scratch.Write(name + "/VERSION", version);
  return scratch / name;
}

}  // namespace wasmagent::pipeline
