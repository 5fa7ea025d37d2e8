#include "agent/store/lease_table.h"

namespace wasmagent::store {

struct LeaseTable::Entry {
  explicit Entry(std::shared_ptr<LeaseTable> owner) : table(std::move(owner)) {}
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  ~Entry() {
    absl::MutexLock lock(&table->mutex_);
    table->entries_.erase(this);
  }
  std::shared_ptr<LeaseTable> table;
};

std::shared_ptr<void> LeaseTable::Hold(std::vector<content::Digest> digests) {
  auto entry = std::make_shared<Entry>(shared_from_this());
  absl::MutexLock lock(&mutex_);
  entries_.emplace(entry.get(), std::move(digests));
  return entry;
}

std::vector<content::Digest> LeaseTable::Held() const {
  absl::MutexLock lock(&mutex_);
  std::vector<content::Digest> held;
  for (const auto& [entry, digests] : entries_) held.insert(held.end(), digests.begin(), digests.end());
  return held;
}

}  // namespace wasmagent::store
