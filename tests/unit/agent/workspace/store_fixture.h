// A store and a scratch folder for tests of what works on them.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/store/blob_store.h"
#include "content/tree.h"
#include "platform/clock.h"
#include "platform/directory.h"
#include "platform/file.h"

namespace wasmagent::testing {

// Each test gets a folder of its own, removed after it.
class StoreFixture : public ::testing::Test {
 protected:
  StoreFixture() {
    scratch_ = *platform::MakeTemporaryDirectory(::testing::TempDir(), "wasmagent-");
    store::BlobStoreOptions options;
    options.directory = scratch_ + "/store";
    options.min_free_bytes = 0;
    auto store = store::BlobStore::Open(options, clock_);
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  ~StoreFixture() override {
    store_.reset();
    (void)platform::RemoveTree(scratch_);
  }

  // A file's content, with "x:" in front for an executable, "l:" for a link's target, "d:" for an empty folder.
  using Files = std::map<std::string, std::string>;

  content::Digest Put(const Files& files) {
    std::vector<content::TreeEntry> entries;
    for (const auto& [path, text] : files) {
      content::TreeEntry entry{path, content::EntryKind::kFile, {}, ""};
      std::string bytes = text;
      if (text.starts_with("l:")) {
        entry.kind = content::EntryKind::kSymlink;
        entry.target = text.substr(2);
      } else if (text.starts_with("d:")) {
        entry.kind = content::EntryKind::kDirectory;
      } else {
        if (text.starts_with("x:")) entry.kind = content::EntryKind::kExecutable;
        entry.digest = content::Digest::Of(bytes);
        EXPECT_TRUE(store_->PutOne(entry.digest, bytes).ok());
      }
      entries.push_back(entry);
    }
    auto tree = content::BuildTree(entries);
    EXPECT_TRUE(tree.ok()) << tree.status();
    for (const auto& [digest, bytes] : tree->directories) EXPECT_TRUE(store_->PutOne(digest, bytes).ok());
    return tree->root;
  }

  static struct stat Stat(const std::string& path) {
    struct stat info = {};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info;
  }
  static bool Exists(const std::string& path) {
    struct stat info;
    return ::lstat(path.c_str(), &info) == 0;
  }
  static std::string Read(const std::string& path) {
    auto bytes = platform::ReadFile(path);
    return bytes.ok() ? *bytes : std::string(bytes.status().message());
  }
  static int64_t MtimeOf(const std::string& path) {
    struct stat info = Stat(path);
    return static_cast<int64_t>(info.st_mtim.tv_sec) * 1000000000 + info.st_mtim.tv_nsec;
  }

  platform::SystemClock clock_;
  std::string scratch_;
  std::unique_ptr<store::BlobStore> store_;
};

}  // namespace wasmagent::testing
