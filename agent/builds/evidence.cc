#include "agent/builds/evidence.h"

#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "agent/pipeline/glob.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "platform/status.h"

namespace wasmagent::builds {
namespace {

constexpr char kConfigLog[] = "config.log";

// CPython's config.log has 1 MB; one beyond this is not autoconf's, or not for people.
constexpr int64_t kLargestEvidence = 16 << 20;

std::string Below(const std::string& build_directory, const std::string& path) {
  return build_directory == "." ? path : build_directory + "/" + path;
}

}  // namespace

absl::StatusOr<std::optional<Evidence>> KeepConfigLog(const workspace::Workspace& workspace, const std::string& target,
                                                      const std::string& build_directory, store::BlobStore& store) {
  const std::string path = Below(build_directory, kConfigLog);
  auto file = workspace.OpenFile(path);
  if (!file.ok()) return std::nullopt;
  struct stat info;
  if (::fstat(file->get(), &info) != 0) return platform::ErrnoStatus(errno, path);
  if (info.st_size == 0 || info.st_size > kLargestEvidence) return std::nullopt;
  ASSIGN_OR_RETURN_CTX(content::Digest digest, content::DigestOfFile(file->get()), path);
  Evidence evidence;
  evidence.lease = store.LeaseBlobs({digest});
  auto stored = store.PutFiles({{digest, [&] { return workspace.OpenFile(path); }}}, 1);
  RETURN_IF_ERROR_CTX(stored.front(), fmt::format("store {}", path));
  evidence.file.set_target(target);
  evidence.file.set_path(kConfigLog);
  *evidence.file.mutable_digest() = digest.ToProto();
  return evidence;
}

absl::StatusOr<std::string> TargetOfBuildDirectory(const wasmagent::v1::Build& build, const std::string& wanted) {
  const std::string id = build.request().build_id().substr(0, 8);
  if (build.state() != wasmagent::v1::BUILD_STATE_ENDED) {
    return absl::FailedPreconditionError(fmt::format("build {} has not ended: its build dir is in use", id));
  }
  std::vector<std::string> known;
  for (const auto& [name, directory] : build.build_directories()) known.push_back(name);
  if (known.empty()) return absl::FailedPreconditionError(fmt::format("build {} never got a workspace", id));
  std::string target = wanted.empty() ? build.cause().target() : wanted;
  if (target.empty() && known.size() == 1) target = known.front();
  if (build.build_directories().contains(target)) return target;
  std::sort(known.begin(), known.end());
  return absl::InvalidArgumentError(
      fmt::format("{}; build {} has: {}",
                  target.empty() ? "say which target's build dir is meant" : fmt::format("no target '{}'", target), id,
                  fmt::join(known, ", ")));
}

absl::StatusOr<workspace::Collected> KeepBuildDirectory(const wasmagent::v1::Build& build, const std::string& target,
                                                        workspace::WorkspacePool& workspaces, store::BlobStore& store) {
  const std::string& directory = build.build_directories().at(target);
  ASSIGN_OR_RETURN_CTX(auto workspace, workspaces.Reopen(build.workspace(), build.request().build_id()),
                       fmt::format("the build dir of {}", target));
  // A build may have left a link in its place: what lies behind it is not ours to give away.
  if (directory != "." && !workspace->HasFolder(directory)) {
    return absl::NotFoundError(fmt::format("the build left no build dir {} of {}", directory, target));
  }
  const std::string path = directory == "." ? workspace->source() : workspace->source() + "/" + directory;
  return workspace::CollectArtifacts(path, {"**"}, pipeline::GlobListMatch, {}, store);
}

}  // namespace wasmagent::builds
