// Sending the blobs of a checkout that an agent does not have.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/session/agent_connection.h"
#include "content/tree.h"

namespace wasmagent::client {

// A scanned checkout, borrowed. Wrap a ScannedTree:
//   SourceTree{&scanned.tree, checkout.path, [&](auto visit) { for (auto& f : scanned.files) visit(f.path, f.digest);
//   }}
struct SourceTree {
  using FileVisitor = std::function<void(const std::string& path, const content::Digest& digest)>;
  const content::TreeBlobs* blobs = nullptr;
  std::string folder;  // absolute path of the checkout
  // Calls the visitor for every file; called only when the agent lacks something.
  std::function<void(const FileVisitor&)> for_each_file;
};

// How far the sending is. From any thread, one call at a time.
struct SendProgress {
  enum class Stage { kImporting, kSending };  // read by the agent itself, or over the wire
  Stage stage = Stage::kSending;
  uint64_t blobs_done = 0, blobs_total = 0;
  uint64_t bytes_done = 0, bytes_total = 0;
};
using SendProgressCallback = std::function<void(const SendProgress&)>;

// Sends blobs of one tree to one agent: lets the agent read files itself where it has the checkout mounted, uploads the
// others, and folders last, children before parents. Not thread-safe. Borrows the connection and the tree. Costs
// nothing until it is used, and then a path for each file that is sent.
class TreeSender {
 public:
  TreeSender(AgentConnection& connection, const SourceTree& tree, SendProgressCallback progress)
      : connection_(connection), tree_(tree), report_(std::move(progress)) {}

  enum class Extent { kFoldersOnly, kWholeTree };
  // Which blobs of the tree the agent lacks, when it lacks the root and so cannot say itself. Asks for folders first
  // and then for the files of those that are missing: whoever has a folder has what is in it.
  absl::StatusOr<std::vector<content::Digest>> FindMissing(Extent extent);

  // Sends these. FAILED_PRECONDITION for one that is not of the tree; ABORTED names a file that changed.
  absl::Status Send(const std::vector<content::Digest>& missing);

 private:
  struct File {
    std::string path;
    content::Digest digest;
  };
  struct Batch {
    std::vector<File> files;
    std::vector<const std::pair<content::Digest, std::string>*> folders;  // of tree_, in its order
  };
  absl::StatusOr<Batch> Sort(const std::vector<content::Digest>& missing) const;
  // The checkout's path as the agent may read it; empty when it may not.
  absl::StatusOr<std::string> FolderThatAgentSees();
  // Lets the agent take the files; leaves those that it could not.
  absl::Status Import(const std::string& folder, std::vector<File>& files);
  absl::StatusOr<std::vector<File>> ImportSome(const std::string& folder, const std::vector<File>& files, size_t from,
                                               size_t to);
  absl::Status UploadFiles(const std::vector<File>& files);
  absl::Status UploadFolders(const Batch& batch);
  void Begin(const Batch& batch);
  void Report(SendProgress::Stage stage, uint64_t blobs, uint64_t bytes) const;

  AgentConnection& connection_;
  const SourceTree& tree_;
  const SendProgressCallback report_;
  std::optional<std::string> seen_folder_;
  // Of the present Send: totals, and what earlier parts of it have done.
  SendProgress so_far_;
};

}  // namespace wasmagent::client
