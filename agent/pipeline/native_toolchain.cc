#include "agent/pipeline/native_toolchain.h"

#include "agent/pipeline/fingerprint.h"
#include "agent/pipeline/probe_command.h"
#include "fmt/format.h"
#include "platform/install_advice.h"

namespace wasmagent::pipeline {

Toolchain ProbeNative(const std::string& search_path) {
  Toolchain native;
  native.kind = "native";
  const auto cc = FindProgram("cc", search_path);
  const auto make = FindProgram("make", search_path);
  if (!cc.has_value() || !make.has_value()) {
    native.problem = fmt::format("no {} in {}; {}",
                                 !cc.has_value() && !make.has_value() ? "cc and no make"
                                 : !cc.has_value()                    ? "cc"
                                                                      : "make",
                                 search_path, platform::InstallAdvice({"build-essential", "gcc gcc-c++ make"}));
    return native;
  }
  native.path = *cc;
  const auto answer = AskProgram({*cc, "--version"}, search_path);
  if (!answer.ok() || answer->exit_code != 0) {
    native.problem = answer.ok() ? fmt::format("{} --version failed with exit code {}: {}", *cc, answer->exit_code,
                                               ComplaintOf(*answer))
                                 : std::string(answer.status().message());
    return native;
  }
  native.version = answer->output.substr(0, answer->output.find('\n'));
  Fingerprint fingerprint;
  fingerprint.AddText("version", answer->output);
  for (const char* program : {"cc", "c++", "as", "ld"}) {
    fingerprint.AddFileIdentity(program, FindProgram(program, search_path).value_or(""));
  }
  // The C library that programs are linked to; its headers come in the same package.
  for (const char* library :
       {"/usr/lib/x86_64-linux-gnu/libc.so", "/usr/lib/aarch64-linux-gnu/libc.so", "/usr/lib64/libc.so"}) {
    fingerprint.AddFileIdentity("libc", library);
  }
  native.fingerprint = fingerprint.Hex();
  native.usable = true;
  return native;
}

}  // namespace wasmagent::pipeline
