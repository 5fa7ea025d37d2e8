#include "agent/pipeline/dress_sdk.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <vector>

#include "agent/pipeline/install_commands.h"
#include "agent/pipeline/probe_command.h"
#include "agent/pipeline/toolchain.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::pipeline {
namespace {

// Goes up whenever the files written below change.
constexpr int kLayout = 1;
constexpr char kVersionMark[] = "distribution clang ";
constexpr int kNewestClang = 40;
constexpr int kOldestClang = 13;

// As share/cmake/wasi-sdk.cmake of the WASI SDK is used: -DCMAKE_TOOLCHAIN_FILE=…
constexpr char kToolchainFile[] = R"(# For CMake: a WASI program, by the tools of this SDK.
get_filename_component(WASI_SDK_PREFIX "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")
set(CMAKE_SYSTEM_NAME WASI)
set(CMAKE_SYSTEM_VERSION 1)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
foreach(language C CXX ASM)
  set(CMAKE_${language}_COMPILER_TARGET wasm32-wasi)
endforeach()
set(CMAKE_C_COMPILER "${WASI_SDK_PREFIX}/bin/clang")
set(CMAKE_CXX_COMPILER "${WASI_SDK_PREFIX}/bin/clang++")
set(CMAKE_ASM_COMPILER "${WASI_SDK_PREFIX}/bin/clang")
set(CMAKE_AR "${WASI_SDK_PREFIX}/bin/llvm-ar")
set(CMAKE_RANLIB "${WASI_SDK_PREFIX}/bin/llvm-ranlib")
set(CMAKE_FIND_ROOT_PATH "${WASI_SDK_PREFIX}/share/wasi-sysroot")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
)";
constexpr char kPlatformFile[] =
    "# CMake asks for a file of the system's name; WASI has nothing to say.\nset(WASI 1)\n";

bool IsFile(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

bool HasCompilerRuntime(const std::string& llvm) {
  const auto versions = platform::ListDirectory(llvm + "/lib/clang");
  if (!versions.ok()) return false;
  for (const platform::DirectoryEntry& entry : *versions) {
    if (IsFile(fmt::format("{}/lib/clang/{}/lib/wasi/libclang_rt.builtins-wasm32.a", llvm, entry.name))) return true;
  }
  return false;
}

// The Debian packages that a clang-N lacks to be a WASI SDK.
std::vector<std::string> MissingPackages(const DistributionClang& clang) {
  const int n = clang.version;
  std::vector<std::string> missing;
  if (clang.llvm.empty() || !IsFile(clang.llvm + "/bin/clang")) missing.push_back(fmt::format("clang-{}", n));
  if (!IsFile(clang.llvm + "/bin/wasm-ld")) missing.push_back(fmt::format("lld-{}", n));
  if (!IsFile(clang.llvm + "/bin/llvm-ar")) missing.push_back(fmt::format("llvm-{}", n));
  if (!IsFile(clang.libraries + "/libc.a")) missing.push_back("wasi-libc");
  if (!HasCompilerRuntime(clang.llvm)) missing.push_back(fmt::format("libclang-rt-{}-dev-wasm32", n));
  return missing;
}

absl::Status MissingError(int version, const std::vector<std::string>& missing) {
  // The C++ library is not missed here, and whoever installs the rest will want it.
  const std::string packages = fmt::format("{} libc++-{}-dev-wasm32", fmt::join(missing, " "), version);
  return absl::NotFoundError(fmt::format("no WASI SDK, and clang-{} cannot stand in: {} {} missing; {}", version,
                                         fmt::join(missing, ", "), missing.size() == 1 ? "is" : "are",
                                         platform::InstallAdvice({packages, "", WasiSdkCommand()})));
}

absl::Status WriteWrapper(const DistributionClang& clang, const std::string& folder, const std::string& destination,
                          const std::string& tool) {
  // /bin/sh and not bash: this runs once for each file that is compiled.
  const std::string text =
      fmt::format("#!/bin/sh\nexec {}/bin/{} --target=wasm32-wasi --sysroot={}/share/wasi-sysroot \"$@\"\n", clang.llvm,
                  tool, destination);
  return platform::WriteFileAtomically(fmt::format("{}/bin/{}", folder, tool), text, 0755, /*durable=*/false);
}

absl::Status Link(const std::string& target, const std::string& path) {
  if (::symlink(target.c_str(), path.c_str()) != 0) return platform::ErrnoStatus(errno, "link " + path);
  return absl::OkStatus();
}

absl::Status LinkTools(const DistributionClang& clang, const std::string& folder) {
  for (const char* tool : {"wasm-ld", "llvm-ar", "llvm-ranlib", "llvm-nm", "llvm-strip", "llvm-objcopy", "llvm-objdump",
                           "llvm-size", "llvm-readelf", "llvm-cxxfilt", "llvm-dwarfdump"}) {
    const std::string target = fmt::format("{}/bin/{}", clang.llvm, tool);
    if (IsFile(target)) RETURN_IF_ERROR(Link(target, fmt::format("{}/bin/{}", folder, tool)));
  }
  // The names without "llvm-" that the WASI SDK has as well.
  for (const char* tool : {"ar", "ranlib", "nm", "strip", "objcopy", "objdump", "size"}) {
    RETURN_IF_ERROR(Link(fmt::format("llvm-{}", tool), fmt::format("{}/bin/{}", folder, tool)));
  }
  return absl::OkStatus();
}

// Fills a fresh folder that is going to be `destination`.
absl::Status Fill(const DistributionClang& clang, const std::string& folder, const std::string& destination) {
  const std::string sysroot = folder + "/share/wasi-sysroot";
  RETURN_IF_ERROR(platform::MakeDirectories(folder + "/bin"));
  RETURN_IF_ERROR(platform::MakeDirectories(sysroot + "/lib"));
  RETURN_IF_ERROR(platform::MakeDirectories(folder + "/share/cmake/Platform"));
  for (const char* tool : {"clang", "clang++", "clang-cpp"})
    RETURN_IF_ERROR(WriteWrapper(clang, folder, destination, tool));
  RETURN_IF_ERROR(LinkTools(clang, folder));
  RETURN_IF_ERROR(Link(clang.headers, sysroot + "/include"));
  RETURN_IF_ERROR(Link(clang.libraries, sysroot + "/lib/wasm32-wasi"));
  RETURN_IF_ERROR(platform::WriteFileAtomically(folder + "/share/cmake/wasi-sdk.cmake", kToolchainFile, 0644, false));
  RETURN_IF_ERROR(
      platform::WriteFileAtomically(folder + "/share/cmake/Platform/WASI.cmake", kPlatformFile, 0644, false));
  return platform::WriteFileAtomically(folder + "/VERSION", DressedVersion(clang), 0644, false);
}

// OK when nothing that somebody else made is at `destination`.
absl::Status CheckReplaceable(const std::string& destination) {
  const auto entries = platform::ListDirectory(destination);
  if (absl::IsNotFound(entries.status()) || (entries.ok() && entries->empty())) return absl::OkStatus();
  const auto version = platform::ReadFile(destination + "/VERSION", 4096);
  if (version.ok() && version->rfind(kVersionMark, 0) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("{} is there and was not made by wasmagent; remove it or give another folder", destination));
}

bool IsDressed(const DistributionClang& clang, const std::string& destination) {
  const auto version = platform::ReadFile(destination + "/VERSION", 4096);
  return version.ok() && *version == DressedVersion(clang);
}

}  // namespace

absl::StatusOr<DistributionClang> FindDistributionClang(const std::string& search_path) {
  std::vector<std::string> missing_of_newest;
  int newest = 0;
  for (int version = kNewestClang; version >= kOldestClang; --version) {
    const auto program = FindProgram(fmt::format("clang-{}", version), search_path);
    char real[PATH_MAX];
    if (!program.has_value() || ::realpath(program->c_str(), real) == nullptr) continue;
    // "/usr/lib/llvm-14/bin/clang": the folder above bin, and the prefix above lib/llvm-14.
    DistributionClang clang;
    clang.version = version;
    const std::string path = real;
    const size_t bin = path.rfind("/bin/");
    const size_t lib = path.rfind("/lib/llvm-");
    if (bin == std::string::npos || lib == std::string::npos) continue;
    clang.llvm = path.substr(0, bin);
    clang.headers = path.substr(0, lib) + "/include/wasm32-wasi";
    clang.libraries = path.substr(0, lib) + "/lib/wasm32-wasi";
    std::vector<std::string> missing = MissingPackages(clang);
    if (missing.empty()) return clang;
    if (newest != 0) continue;
    newest = version;
    missing_of_newest = std::move(missing);
  }
  if (newest != 0) return MissingError(newest, missing_of_newest);
  return absl::NotFoundError(fmt::format("no WASI SDK on this machine; {}", platform::InstallAdvice(WasiSdkPackage())));
}

std::string DressedVersion(const DistributionClang& clang) {
  return fmt::format("{}{}\nlayout: {}\nllvm: {}\nwasi-libc: {}\n", kVersionMark, clang.version, kLayout, clang.llvm,
                     clang.libraries);
}

absl::Status DressSdkFrom(const DistributionClang& clang, const std::string& destination) {
  if (IsDressed(clang, destination)) return absl::OkStatus();
  const size_t slash = destination.rfind('/');
  if (slash == std::string::npos || slash == 0) {
    return absl::InvalidArgumentError(fmt::format("'{}' is no absolute path of a folder below the root", destination));
  }
  RETURN_IF_ERROR(CheckReplaceable(destination));
  const std::string parent = destination.substr(0, slash);
  RETURN_IF_ERROR_CTX(platform::MakeDirectories(parent), "dress a WASI SDK");
  ASSIGN_OR_RETURN(const std::string fresh, platform::MakeTemporaryDirectory(parent, ".wasi-sdk-"));
  absl::Status status = Fill(clang, fresh, destination);
  if (status.ok() && ::chmod(fresh.c_str(), 0755) != 0) status = platform::ErrnoStatus(errno, "chmod " + fresh);
  if (status.ok()) {
    // An outdated one makes room first; a rename onto a folder with something in it fails.
    const std::string old = fresh + ".old";
    if (::rename(destination.c_str(), old.c_str()) != 0 && errno != ENOENT) {
      status = platform::ErrnoStatus(errno, "replace " + destination);
    } else if (::rename(fresh.c_str(), destination.c_str()) != 0 && !IsDressed(clang, destination)) {
      // When it is dressed by now, another agent was quicker, which is as good.
      status = platform::ErrnoStatus(errno, "rename to " + destination);
    }
    platform::RemoveTree(old).IgnoreError();
  }
  platform::RemoveTree(fresh).IgnoreError();
  return platform::Annotate(status, fmt::format("dress a WASI SDK in {}", destination));
}

absl::Status DressSdk(const std::string& destination, const std::string& search_path) {
  ASSIGN_OR_RETURN(const DistributionClang clang, FindDistributionClang(search_path));
  return DressSdkFrom(clang, destination);
}

}  // namespace wasmagent::pipeline
