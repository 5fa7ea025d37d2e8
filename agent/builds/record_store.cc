#include "agent/builds/record_store.h"

#include <sqlite3.h>

#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::builds {
namespace {

using wasmagent::v1::Build;

// `number` is the order of acceptance: the clock may stand still or go back.
constexpr char kSchema[] = R"(
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS builds (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    checkout TEXT NOT NULL,
    ended INTEGER NOT NULL,
    record BLOB NOT NULL);
  CREATE INDEX IF NOT EXISTS builds_active ON builds (ended, number);
)";

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

Statement Prepare(sqlite3* db, const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  sqlite3_prepare_v2(db, sql.c_str(), static_cast<int>(sql.size()), &raw, nullptr);
  return Statement(raw);
}

void BindText(sqlite3_stmt* statement, int index, const std::string& text) {
  sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

std::string Column(sqlite3_stmt* statement, int index) {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, index));
  return std::string(bytes ? bytes : "", static_cast<size_t>(sqlite3_column_bytes(statement, index)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RecordStore>> RecordStore::Open(const std::string& path) {
  sqlite3* db = nullptr;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
  int result = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  std::unique_ptr<RecordStore> store(new RecordStore(db));
  if (result == SQLITE_OK) result = sqlite3_exec(db, kSchema, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return store->Error(fmt::format("open the build records {}", path));
  return store;
}

RecordStore::~RecordStore() { sqlite3_close_v2(db_); }

absl::Status RecordStore::Error(const std::string& what) const {
  std::string message = fmt::format("{}: {}", what, sqlite3_errmsg(db_));
  return sqlite3_errcode(db_) == SQLITE_FULL ? absl::ResourceExhaustedError(message) : absl::InternalError(message);
}

absl::Status RecordStore::Put(const Build& build) {
  absl::MutexLock lock(&mutex_);
  Statement statement = Prepare(db_,
                                "INSERT INTO builds (id, checkout, ended, record) VALUES (?1, ?2, ?3, ?4) "
                                "ON CONFLICT (id) DO UPDATE SET ended = ?3, record = ?4");
  if (!statement) return Error("save a build's record");
  BindText(statement.get(), 1, build.request().build_id());
  BindText(statement.get(), 2, build.request().checkout().id());
  sqlite3_bind_int(statement.get(), 3, build.state() == wasmagent::v1::BUILD_STATE_ENDED);
  std::string record = build.SerializeAsString();
  sqlite3_bind_blob(statement.get(), 4, record.data(), static_cast<int>(record.size()), SQLITE_STATIC);
  if (sqlite3_step(statement.get()) != SQLITE_DONE) return Error("save a build's record");
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Build>> RecordStore::Select(const std::string& sql, const std::vector<std::string>& texts,
                                                       int64_t limit) const {
  absl::MutexLock lock(&mutex_);
  Statement statement = Prepare(db_, sql);
  if (!statement) return Error("read build records");
  int index = 1;
  for (const std::string& text : texts) BindText(statement.get(), index++, text);
  if (limit > 0) sqlite3_bind_int64(statement.get(), index, limit);
  std::vector<Build> builds;
  int result;
  while ((result = sqlite3_step(statement.get())) == SQLITE_ROW) {
    if (!builds.emplace_back().ParseFromString(Column(statement.get(), 0))) {
      return absl::DataLossError("a build's record is damaged");
    }
  }
  if (result != SQLITE_DONE) return Error("read build records");
  return builds;
}

absl::StatusOr<Build> RecordStore::Get(const std::string& id) const {
  ASSIGN_OR_RETURN(auto builds, Select("SELECT record FROM builds WHERE id = ?", {id}, 0));
  if (builds.empty()) return absl::NotFoundError(fmt::format("no build {} is known to this agent", id));
  return builds.front();
}

absl::StatusOr<std::string> RecordStore::Resolve(const std::string& prefix) const {
  // An id that is another's beginning, too, comes first and is meant.
  ASSIGN_OR_RETURN(auto builds, Select("SELECT record FROM builds WHERE substr(id, 1, length(?1)) = ?1 "
                                       "ORDER BY id = ?1 DESC LIMIT 2",
                                       {prefix}, 0));
  if (builds.empty()) return absl::NotFoundError(fmt::format("no build {} is known to this agent", prefix));
  if (builds.front().request().build_id() == prefix) return prefix;
  if (builds.size() > 1)
    return absl::InvalidArgumentError(fmt::format("several builds start with {}: give more digits", prefix));
  return builds.front().request().build_id();
}

absl::StatusOr<std::vector<Build>> RecordStore::List(const std::string& checkout_id, bool active_only,
                                                     uint32_t limit) const {
  std::string sql = "SELECT record FROM builds WHERE (?1 = '' OR checkout = ?1)";
  if (active_only) sql += " AND ended = 0";
  return Select(sql + " ORDER BY number DESC LIMIT ?2", {checkout_id}, limit);
}

absl::StatusOr<std::vector<Build>> RecordStore::Active() const {
  return Select("SELECT record FROM builds WHERE ended = 0 ORDER BY number", {}, 0);
}

absl::StatusOr<std::vector<std::string>> RecordStore::Prune(uint32_t keep) {
  ASSIGN_OR_RETURN(auto builds,
                   Select("SELECT record FROM builds WHERE ended = 1 AND number <= (SELECT number FROM builds "
                          "WHERE ended = 1 ORDER BY number DESC LIMIT 1 OFFSET ?)",
                          {}, keep));
  std::vector<std::string> ids;
  absl::MutexLock lock(&mutex_);
  for (const Build& build : builds) {
    Statement statement = Prepare(db_, "DELETE FROM builds WHERE id = ?");
    if (!statement) return Error("forget a build");
    BindText(statement.get(), 1, build.request().build_id());
    if (sqlite3_step(statement.get()) != SQLITE_DONE) return Error("forget a build");
    ids.push_back(build.request().build_id());
  }
  return ids;
}

}  // namespace wasmagent::builds
