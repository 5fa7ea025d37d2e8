// google.bytestream.ByteStream over the blob store.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "agent/store/blob_store.h"
#include "google/bytestream/bytestream.grpc.pb.h"
#include "platform/clock.h"
#include "platform/worker_pool.h"

namespace wasmagent::service {

// Uploads that were cut, by their resource name: a staged file, a descriptor and a running hash each. They wait for a
// minute, then their file goes when DropOld is called next; when there are too many, the one that waits longest goes. A
// restart forgets them all. Thread-safe.
class CutUploads {
 public:
  // How long a cut upload waits for its client.
  static constexpr absl::Duration kIdleLimit = absl::Seconds(60);
  // Cut uploads that wait at the same time: a client sends a handful of large blobs side by side.
  static constexpr size_t kMost = 64;

  explicit CutUploads(const platform::Clock& clock) : clock_(clock) {}
  void Park(const std::string& name, std::unique_ptr<store::BlobWriter> writer);
  // Hands the upload over; null when there is none.
  std::unique_ptr<store::BlobWriter> Take(const std::string& name);
  uint64_t BytesOf(const std::string& name);
  // Gives up those that have waited too long.
  void DropOld();

 private:
  struct Waiting {
    std::unique_ptr<store::BlobWriter> writer;
    absl::Time since;
  };
  void DropOldLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const platform::Clock& clock_;
  absl::Mutex mutex_;
  std::map<std::string, Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
};

// Streams of blobs, plain and zstd, on the pool's threads; one message of each stream is in memory. Borrows store, pool
// and clock.
class ByteStreamService final : public google::bytestream::ByteStream::CallbackService {
 public:
  ByteStreamService(store::BlobStore& store, platform::WorkerPool& pool, const platform::Clock& clock)
      : store_(store), pool_(pool), uploads_(clock) {}

  grpc::ServerWriteReactor<google::bytestream::ReadResponse>* Read(
      grpc::CallbackServerContext* context, const google::bytestream::ReadRequest* request) override;
  grpc::ServerReadReactor<google::bytestream::WriteRequest>* Write(
      grpc::CallbackServerContext* context, google::bytestream::WriteResponse* response) override;
  grpc::ServerUnaryReactor* QueryWriteStatus(grpc::CallbackServerContext* context,
                                             const google::bytestream::QueryWriteStatusRequest* request,
                                             google::bytestream::QueryWriteStatusResponse* response) override;

  // For the housekeeper: nobody else may come for a long time.
  void DropOldUploads() { uploads_.DropOld(); }

 private:
  store::BlobStore& store_;
  platform::WorkerPool& pool_;
  CutUploads uploads_;
};

}  // namespace wasmagent::service
