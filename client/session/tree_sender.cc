#include "client/session/tree_sender.h"

#include <fcntl.h>
#include <stdlib.h>

#include <algorithm>
#include <memory>

#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "client/session/agent_calls.h"
#include "client/session/agent_stubs.h"
#include "content/transfer/blob_transfer.h"
#include "content/utf8.h"
#include "fmt/format.h"
#include "platform/file.h"
#include "platform/parallel.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

using content::Digest;
using Stage = SendProgress::Stage;

// Files of one ImportBlobs call: enough that the calls cost nothing, few enough that progress shows. The agent takes
// 20,000.
constexpr size_t kImportBatch = 2000;
// Calls at the same time. The agent spreads each over its CPUs already; a second keeps them busy between calls.
constexpr size_t kImportCalls = 2;

std::string RealPath(const std::string& path) {
  std::unique_ptr<char, decltype(&::free)> real(::realpath(path.c_str(), nullptr), &::free);
  return real ? real.get() : "";
}

bool IsBelow(const std::string& path, std::string root) {
  while (root.size() > 1 && root.ends_with('/')) root.pop_back();
  return path == root || root == "/" || (path.starts_with(root) && path[root.size()] == '/');
}

uint64_t BytesOf(const auto& files) {
  uint64_t bytes = 0;
  for (const auto& file : files) bytes += file.digest.size;
  return bytes;
}

}  // namespace

absl::StatusOr<std::vector<Digest>> TreeSender::FindMissing(Extent extent) {
  const auto& folders = tree_.blobs->directories;
  std::vector<Digest> digests;
  digests.reserve(folders.size());
  for (const auto& [digest, bytes] : folders) digests.push_back(digest);
  ASSIGN_OR_RETURN_CTX(auto missing, connection_.blobs().FindMissing(digests), "ask which folders the agent lacks");
  if (extent == Extent::kFoldersOnly) return missing;

  absl::flat_hash_set<Digest> missing_folders(missing.begin(), missing.end());
  absl::flat_hash_set<Digest> asked;
  std::vector<Digest> files;
  for (const auto& [digest, bytes] : folders) {
    if (!missing_folders.contains(digest)) continue;
    ASSIGN_OR_RETURN_CTX(auto folder, content::ParseDirectory(bytes), "the scanned tree");
    for (const auto& file : folder.files()) {
      ASSIGN_OR_RETURN(Digest of_file, Digest::FromProto(file.digest()));
      if (asked.insert(of_file).second) files.push_back(of_file);
    }
  }
  ASSIGN_OR_RETURN_CTX(auto missing_files, connection_.blobs().FindMissing(files), "ask which files the agent lacks");
  missing.insert(missing.end(), missing_files.begin(), missing_files.end());
  return missing;
}

absl::StatusOr<TreeSender::Batch> TreeSender::Sort(const std::vector<Digest>& missing) const {
  absl::flat_hash_set<Digest> wanted(missing.begin(), missing.end());
  Batch batch;
  for (const auto& folder : tree_.blobs->directories) {
    if (wanted.erase(folder.first) > 0) batch.folders.push_back(&folder);
  }
  if (!wanted.empty() && tree_.for_each_file) {
    tree_.for_each_file([&](const std::string& path, const Digest& digest) {
      if (wanted.erase(digest) > 0) batch.files.push_back({path, digest});
    });
  }
  wanted.erase(Digest::Empty());  // everybody has it, and no file of ours may
  if (wanted.empty()) return batch;
  return absl::DataLossError(
      fmt::format("the agent asks for blob {}, which is not of this checkout", wanted.begin()->ToString()));
}

absl::StatusOr<std::string> TreeSender::FolderThatAgentSees() {
  if (seen_folder_) return *seen_folder_;
  seen_folder_ = "";
  auto info = GetAgentInfo(connection_);
  if (!info.ok()) {
    // An agent that does not tell sees nothing; one that is gone is gone.
    if (absl::IsUnavailable(info.status())) return info.status();
    return *seen_folder_;
  }
  std::string real = RealPath(tree_.folder);
  // A path that a message cannot hold is one that the agent cannot be told.
  if (!content::IsUtf8(real)) return *seen_folder_;
  for (const std::string& root : info->bind_roots()) {
    if (!real.empty() && IsBelow(real, root)) seen_folder_ = real;
  }
  return *seen_folder_;
}

absl::StatusOr<std::vector<TreeSender::File>> TreeSender::ImportSome(const std::string& folder,
                                                                     const std::vector<File>& files, size_t from,
                                                                     size_t to) {
  wasmagent::v1::ImportBlobsRequest request;
  request.set_folder(folder);
  for (size_t i = from; i < to; ++i) {
    auto& file = *request.add_files();
    file.set_path(files[i].path);
    *file.mutable_digest() = files[i].digest.ToProto();
  }
  auto response = UnaryCall<wasmagent::v1::ImportBlobsResponse>(
      connection_, *connection_.stubs().agent, &wasmagent::v1::AgentService::Stub::ImportBlobs, request, kDiskCall);
  std::vector<File> left;
  if (!response.ok()) {
    if (absl::IsUnavailable(response.status())) return response.status();
    // Whatever keeps the agent from reading them, sending them does not need it.
    left.assign(files.begin() + static_cast<ptrdiff_t>(from), files.begin() + static_cast<ptrdiff_t>(to));
    return left;
  }
  for (const auto& failure : response->failures()) {
    if (failure.index() < to - from) left.push_back(files[from + failure.index()]);
  }
  return left;
}

absl::Status TreeSender::Import(const std::string& folder, std::vector<File>& files) {
  std::vector<File> left;
  absl::Mutex mutex;
  uint64_t blobs = 0, bytes = 0;
  size_t calls = (files.size() + kImportBatch - 1) / kImportBatch;
  Report(Stage::kImporting, 0, 0);
  RETURN_IF_ERROR(platform::ParallelFor(calls, kImportCalls, 1, [&](size_t call) -> absl::Status {
    size_t from = call * kImportBatch, to = std::min(from + kImportBatch, files.size());
    ASSIGN_OR_RETURN(auto refused, ImportSome(folder, files, from, to));
    uint64_t taken = 0;
    for (size_t i = from; i < to; ++i) taken += files[i].digest.size;
    absl::MutexLock lock(&mutex);
    blobs += to - from - std::min(refused.size(), to - from);
    bytes += taken - std::min(BytesOf(refused), taken);
    left.insert(left.end(), refused.begin(), refused.end());
    Report(Stage::kImporting, blobs, bytes);
    return absl::OkStatus();
  }));
  so_far_.blobs_done += blobs;
  so_far_.bytes_done += bytes;
  files = std::move(left);
  return absl::OkStatus();
}

absl::Status TreeSender::UploadFiles(const std::vector<File>& files) {
  if (files.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN_CTX(auto root, platform::OpenAt(AT_FDCWD, tree_.folder, O_RDONLY | O_DIRECTORY),
                       "open the checkout");
  std::vector<content::BlobSource> sources;
  sources.reserve(files.size());
  for (const File& file : files) {
    content::BlobSource source;
    source.digest = file.digest;
    source.name = file.path;
    source.open = [fd = root.get(), &path = file.path]() -> absl::StatusOr<int> {
      // O_NONBLOCK: a path that is a fifo by now must not hold the transfer.
      ASSIGN_OR_RETURN(auto opened, platform::OpenBeneath(fd, path, O_RDONLY | O_NONBLOCK));
      return opened.release();
    };
    sources.push_back(std::move(source));
  }
  Report(Stage::kSending, 0, 0);
  RETURN_IF_ERROR_CTX(
      connection_.blobs().Upload(std::move(sources),
                                 [this](uint64_t blobs, uint64_t bytes) { Report(Stage::kSending, blobs, bytes); }),
      "send files");
  so_far_.blobs_done += files.size();
  so_far_.bytes_done += BytesOf(files);
  return absl::OkStatus();
}

absl::Status TreeSender::UploadFolders(const Batch& batch) {
  if (batch.folders.empty()) return absl::OkStatus();
  std::vector<content::BlobSource> sources;
  sources.reserve(batch.folders.size());
  for (const auto* folder : batch.folders) {
    content::BlobSource source;
    source.digest = folder->first;
    source.bytes = folder->second;
    source.name = "a folder of the checkout";
    sources.push_back(std::move(source));
  }
  RETURN_IF_ERROR_CTX(
      connection_.blobs().Upload(std::move(sources),
                                 [this](uint64_t blobs, uint64_t bytes) { Report(Stage::kSending, blobs, bytes); }),
      "send folders");
  return absl::OkStatus();
}

void TreeSender::Begin(const Batch& batch) {
  so_far_ = {};
  so_far_.blobs_total = batch.files.size() + batch.folders.size();
  so_far_.bytes_total = BytesOf(batch.files);
  for (const auto* folder : batch.folders) so_far_.bytes_total += folder->second.size();
}

void TreeSender::Report(Stage stage, uint64_t blobs, uint64_t bytes) const {
  if (!report_) return;
  SendProgress progress = so_far_;
  progress.stage = stage;
  progress.blobs_done += blobs;
  progress.bytes_done += bytes;
  report_(progress);
}

absl::Status TreeSender::Send(const std::vector<Digest>& missing) {
  ASSIGN_OR_RETURN(Batch batch, Sort(missing));
  Begin(batch);
  if (!batch.files.empty()) {
    ASSIGN_OR_RETURN(std::string folder, FolderThatAgentSees());
    if (!folder.empty()) RETURN_IF_ERROR_CTX(Import(folder, batch.files), "let the agent read the checkout");
  }
  RETURN_IF_ERROR(UploadFiles(batch.files));
  return UploadFolders(batch);
}

}  // namespace wasmagent::client
