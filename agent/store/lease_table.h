// Who needs what to stay.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "content/digest.h"

namespace wasmagent::store {

// Counts the roots and blobs that are leased now. Outlives its store when a lease does. Thread-safe.
class LeaseTable : public std::enable_shared_from_this<LeaseTable> {
 public:
  // Holds these until the returned handle and its copies are gone.
  std::shared_ptr<void> Hold(std::vector<content::Digest> digests);
  std::vector<content::Digest> Held() const;

 private:
  struct Entry;
  mutable absl::Mutex mutex_;
  std::map<const Entry*, std::vector<content::Digest>> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace wasmagent::store
