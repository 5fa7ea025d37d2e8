// Build records and the queue's order, durable in SQLite.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "wasmagent/v1/build.pb.h"

struct sqlite3;
struct sqlite3_stmt;

namespace wasmagent::builds {

// One row a build: its id, when it was accepted, whether it has ended, and the whole Build message. A Put is on disk
// when it returns (WAL, synchronous=FULL: one fsync). Thread-safe; a few hundred KB of memory.
class RecordStore {
 public:
  static absl::StatusOr<std::unique_ptr<RecordStore>> Open(const std::string& path);
  ~RecordStore();

  // Inserts or replaces.
  absl::Status Put(const wasmagent::v1::Build& build);
  // NOT_FOUND.
  absl::StatusOr<wasmagent::v1::Build> Get(const std::string& id) const;
  // The one id that starts with `prefix`. NOT_FOUND; INVALID_ARGUMENT when several do.
  absl::StatusOr<std::string> Resolve(const std::string& prefix) const;
  // Newest first; `checkout_id` empty for all.
  absl::StatusOr<std::vector<wasmagent::v1::Build>> List(const std::string& checkout_id, bool active_only,
                                                         uint32_t limit) const;
  // Those that have not ended, oldest first: the queue after a restart.
  absl::StatusOr<std::vector<wasmagent::v1::Build>> Active() const;
  // Forgets ended builds beyond the newest `keep` and returns their ids.
  absl::StatusOr<std::vector<std::string>> Prune(uint32_t keep);

 private:
  explicit RecordStore(sqlite3* db) : db_(db) {}
  absl::StatusOr<std::vector<wasmagent::v1::Build>> Select(const std::string& sql,
                                                           const std::vector<std::string>& texts, int64_t limit) const;
  absl::Status Error(const std::string& what) const;

  mutable absl::Mutex mutex_;
  sqlite3* const db_;
};

}  // namespace wasmagent::builds
