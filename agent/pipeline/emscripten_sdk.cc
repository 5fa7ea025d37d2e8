#include "agent/pipeline/emscripten_sdk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string_view>

#include "absl/strings/strip.h"
#include "agent/pipeline/emscripten_config.h"
#include "agent/pipeline/fingerprint.h"
#include "agent/pipeline/install_commands.h"
#include "agent/pipeline/node_flags.h"
#include "agent/pipeline/plan.h"
#include "agent/pipeline/probe_command.h"
#include "agent/pipeline/sdk_folders.h"
#include "fmt/format.h"
#include "platform/file.h"
#include "platform/parallel.h"
#include "platform/version_number.h"

namespace wasmagent::pipeline {
namespace {

constexpr char kOldestRelease[] = "3.1.19";
constexpr char kOldestReason[] =
    "CPython recommends it (its Tools/wasm/README.md); programs of releases before 3.1.8 corrupt memory";

struct BadRelease {
  const char* version;
  const char* reason;
};
constexpr BadRelease kBadReleases[] = {
    {"3.1.14",
     "programs on a thread of their own get no arguments "
     "(https://github.com/emscripten-core/emscripten/issues/17338)"},
    {"3.1.16", "utime() misreads 64-bit times (https://github.com/emscripten-core/emscripten/issues/17393)"},
    {"3.1.20", "argv is broken (https://github.com/emscripten-core/emscripten/issues/17720)"},
};

// Where emsdk's documentation, CPython and the images put it.
constexpr const char* kUsualPlaces[] = {"/opt/emsdk", "/emsdk"};

std::string Remedy() { return EmsdkCommand() + ", or let EMSDK name another"; }

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

bool IsFolder(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string FirstLine(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

// The parts of an SDK, as its configuration names them.
struct Parts {
  std::string root;      // emcc's folder
  std::string clang;     // path of the compiler
  std::string binaryen;  // path of wasm-opt
  std::string node;
  std::string cache;  // libraries and headers are in cache/sysroot
  bool frozen = false;
  std::string config_text;
};

// A quoted version, "-git" behind it in builds of a checkout.
std::string VersionOf(const std::string& root) {
  const auto text = platform::ReadFile(root + "/emscripten-version.txt", 4096);
  if (!text.ok()) return "";
  std::string line = FirstLine(*text);
  line.erase(std::remove_if(line.begin(), line.end(), [](char c) { return c == '"' || c == '\'' || c == ' '; }),
             line.end());
  return std::string(absl::StripSuffix(line, "-git"));
}

absl::StatusOr<Parts> ReadParts(const std::string& path, const std::string& search_path) {
  const auto text = platform::ReadFile(path + "/.emscripten", 1 << 16);
  if (!text.ok()) {
    return absl::FailedPreconditionError(
        fmt::format("the Emscripten SDK in {} is not activated: it has no .emscripten; {}", path, Remedy()));
  }
  const std::map<std::string, std::string> config = ParseEmscriptenConfig(*text, path);
  const auto value = [&](const std::string& name, const std::string& otherwise) {
    const auto found = config.find(name);
    return found == config.end() || found->second == "None" ? otherwise : found->second;
  };
  Parts parts;
  parts.config_text = *text;
  parts.root = value("EMSCRIPTEN_ROOT", path + "/upstream/emscripten");
  parts.clang = value("LLVM_ROOT", path + "/upstream/bin") + "/clang";
  const std::string suffix = value("CLANG_ADD_VERSION", "");
  if (!suffix.empty()) parts.clang += "-" + suffix;
  parts.binaryen = value("BINARYEN_ROOT", path + "/upstream") + "/bin/wasm-opt";
  parts.node = value("NODE_JS", FindProgram("node", search_path).value_or(""));
  parts.cache = value("CACHE", parts.root + "/cache");
  parts.frozen = value("FROZEN_CACHE", "False") == "True";
  for (const std::string& part : {parts.root + "/emcc", parts.clang, parts.binaryen}) {
    if (Exists(part)) continue;
    return absl::FailedPreconditionError(
        fmt::format("the Emscripten SDK in {} is not whole: {} is missing; {}", path, part, Remedy()));
  }
  if (parts.node.empty() || !Exists(parts.node)) {
    return absl::FailedPreconditionError(
        fmt::format("the Emscripten SDK in {} has no node{}; {}, or ./emsdk install latest", path,
                    parts.node.empty() ? "" : fmt::format(" ({} is not there)", parts.node),
                    platform::InstallAdvice({"nodejs", "nodejs"})));
  }
  if (!FindProgram("python3", search_path).has_value()) {
    return absl::FailedPreconditionError(
        fmt::format("the Emscripten SDK in {} is written in Python, and there is no python3; {}", path,
                    platform::InstallAdvice({"python3", "python3"})));
  }
  return parts;
}

// Empty, or why this release must not be used by any target.
std::string ReleaseProblem(const std::string& path, const std::string& version) {
  if (!platform::IsVersionNumber(version)) {
    return fmt::format("the Emscripten SDK in {} does not tell its version (emscripten-version.txt says '{}'); {}",
                       path, version, Remedy());
  }
  for (const BadRelease& bad : kBadReleases) {
    if (version != bad.version) continue;
    return fmt::format("Emscripten {}, which is in {}, must not be used: {}; {}", version, path, bad.reason, Remedy());
  }
  if (platform::VersionPrecedes(version, kOldestRelease)) {
    return fmt::format("the Emscripten SDK in {} is version {}; at least {} is needed: {}; {}", path, version,
                       kOldestRelease, kOldestReason, Remedy());
  }
  return "";
}

// What the SDK's programs said of themselves.
struct Answers {
  absl::StatusOr<ProbeAnswer> clang, node;
  std::vector<std::string> node_flags;
};

Answers Ask(const Parts& parts, const std::string& search_path) {
  Answers answers;
  platform::ParallelFor(3, 3, 1, [&](size_t i) {
    if (i == 0) answers.clang = AskProgram({parts.clang, "--version"}, search_path);
    if (i == 1) answers.node = AskProgram({parts.node, "-p", "process.versions.node"}, search_path);
    if (i == 2) answers.node_flags = ProbeNodeFlags(parts.node, search_path);
    return absl::OkStatus();
  }).IgnoreError();
  return answers;
}

std::string ProblemOf(const std::string& program, const absl::StatusOr<ProbeAnswer>& answer) {
  if (!answer.ok()) return std::string(answer.status().message());
  if (answer->exit_code == 0) return "";
  return fmt::format("{} does not run (exit code {}: {})", program, answer->exit_code, ComplaintOf(*answer));
}

std::string FingerprintOf(const std::string& version, const Parts& parts, const Answers& answers) {
  Fingerprint fingerprint;
  fingerprint.AddText("version", version);
  fingerprint.AddText("config", parts.config_text);
  fingerprint.AddText("clang", answers.clang->output);
  fingerprint.AddText("node", answers.node->output);
  fingerprint.AddFileContent("revision", parts.root + "/emscripten-revision.txt");
  fingerprint.AddFileContent("settings", parts.root + "/src/settings.js");
  fingerprint.AddFileIdentity("emcc", parts.root + "/emcc.py");
  fingerprint.AddFileIdentity("syscalls", parts.root + "/src/library_syscall.js");
  fingerprint.AddFileIdentity("compiler", parts.clang);
  fingerprint.AddFileIdentity("optimizer", parts.binaryen);
  fingerprint.AddFileIdentity("libc", parts.cache + "/sysroot/lib/wasm32-emscripten/libc.a");
  return fingerprint.Hex();
}

// emcc writes beside its libraries: lists of symbols, and locks, for which builds wait on each other. Where the
// libraries are warmed and cannot be written, each workspace gets a cache of its own, in which they are links. Where
// they can be written, the one cache with its lock is what keeps two builds from making the same library at once.
void GiveOwnCache(const Parts& parts, Toolchain& sdk) {
  constexpr char kStamp[] = "sysroot_install.stamp";
  if (!IsFolder(sdk.sysroot) || !Exists(parts.cache + "/" + kStamp)) return;
  if (::faccessat(AT_FDCWD, sdk.sysroot.c_str(), W_OK, AT_EACCESS) == 0) return;
  const std::string folder = "emscripten-" + sdk.fingerprint.substr(0, 12);
  sdk.links = {{folder + "/sysroot", sdk.sysroot}, {folder + "/" + kStamp, parts.cache + "/" + kStamp}};
  // In a new cache emcc would first check what was checked here, and say so in the midst of configure's questions.
  sdk.env["EMCC_SKIP_SANITY_CHECK"] = "1";
  sdk.env["EM_CACHE"] = fmt::format("{}/{}", kTemporaryFolder, folder);
  // The compiler is told where the cache is; what it makes must not depend on it.
  sdk.env["CCACHE_BASEDIR"] = std::string(kSourceRootMark) + "/..";
  if (parts.frozen) sdk.env["EM_FROZEN_CACHE"] = "0";
}

std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

void Describe(const Parts& parts, const Answers& answers, const EmscriptenSurroundings& surroundings, Toolchain& sdk) {
  sdk.sysroot = parts.cache + "/sysroot";
  sdk.node.name = "node";
  sdk.node.path = parts.node;
  sdk.node.version = FirstVersion(answers.node->output);
  sdk.node.command = {parts.node};
  sdk.node_flags = answers.node_flags;
  sdk.search_folders = {parts.root};
  // A distribution's node is on the path already, and its folder must not go before the others.
  if (FindProgram("node", surroundings.search_path) != parts.node) sdk.search_folders.push_back(FolderOf(parts.node));
  sdk.env = {{"EMSDK", sdk.path}, {"EM_CONFIG", sdk.path + "/.emscripten"}, {"TZ", "UTC"}};
  // An absolute path: releases from 3.1.51 on start it without a search.
  if (!surroundings.ccache.empty()) sdk.env["EM_COMPILER_WRAPPER"] = surroundings.ccache;
  GiveOwnCache(parts, sdk);
}

Toolchain Missing(std::string problem) {
  Toolchain sdk;
  sdk.kind = "emscripten";
  sdk.problem = std::move(problem);
  return sdk;
}

// A folder that somebody named must be right: another SDK in its place would be a surprise.
Toolchain Named(const std::string& path, const std::string& who, const EmscriptenSurroundings& surroundings) {
  if (!IsFolder(path)) return Missing(fmt::format("{} names {}, which is no folder", who, path));
  return ProbeEmscriptenSdk(path, surroundings);
}

// The distribution's package is emcc and its libraries; what makes an SDK of it is beside it, in the image.
Toolchain DistributionPackage(const std::string& path) {
  Toolchain sdk = Missing("");
  sdk.path = path;
  const std::string version = VersionOf(path);
  sdk.version = "emscripten " + version;
  sdk.problem = ReleaseProblem(path, version);
  if (sdk.problem.empty()) {
    sdk.problem = fmt::format(
        "the distribution's Emscripten {} in {} will not do as it is: it has no ports, and its cache is frozen and "
        "root's; './dev image' makes an image that has it laid out as an SDK; or {}",
        version, path, Remedy());
  }
  return sdk;
}

}  // namespace

Toolchain ProbeEmscriptenSdk(const std::string& path, const EmscriptenSurroundings& surroundings) {
  Toolchain sdk = Missing("");
  sdk.path = path;
  const auto parts = ReadParts(path, surroundings.search_path);
  if (!parts.ok()) {
    sdk.problem = std::string(parts.status().message());
    return sdk;
  }
  const std::string version = VersionOf(parts->root);
  sdk.version = "emscripten " + version;
  sdk.problem = ReleaseProblem(path, version);
  if (!sdk.problem.empty()) return sdk;
  const Answers answers = Ask(*parts, surroundings.search_path);
  for (const std::string& problem : {ProblemOf(parts->clang, answers.clang), ProblemOf(parts->node, answers.node)}) {
    if (problem.empty()) continue;
    sdk.problem = fmt::format("the Emscripten SDK in {}: {}; {}", path, problem, Remedy());
    return sdk;
  }
  sdk.fingerprint = FingerprintOf(version, *parts, answers);
  Describe(*parts, answers, surroundings, sdk);
  sdk.usable = true;
  return sdk;
}

std::vector<Toolchain> FindEmscriptenSdks(const std::string& configured, const EmscriptenSurroundings& surroundings) {
  if (!configured.empty()) return {Named(configured, "the configuration (emscripten_sdk)", surroundings)};
  const char* variable = std::getenv("EMSDK");
  if (variable != nullptr && *variable != '\0') return {Named(variable, "EMSDK", surroundings)};
  std::vector<Toolchain> found;
  for (const char* place : kUsualPlaces) {
    for (const std::string& path : SdkFolders(place)) found.push_back(ProbeEmscriptenSdk(path, surroundings));
  }
  if (found.empty() && Exists(surroundings.package + "/emscripten-version.txt")) {
    found.push_back(DistributionPackage(surroundings.package));
  }
  if (found.empty()) found.push_back(Missing(fmt::format("no Emscripten SDK on this machine; {}", Remedy())));
  return found;
}

}  // namespace wasmagent::pipeline
