#include "agent/store/garbage_collector.h"

#include "gmock/gmock.h"
#include "tests/unit/agent/store/store_parts.h"

namespace wasmagent::store {
namespace {

using content::Digest;

// No use is recent enough to protect.
constexpr uint32_t kNoGrace = UINT32_MAX;

class GarbageCollectorTest : public StoreParts {
 protected:
  CollectResult Collect(uint64_t budget, const std::vector<Digest>& roots = {}, uint32_t keep_since = kNoGrace) {
    return Collect(budget, Reader(), roots, keep_since);
  }
  CollectResult Collect(uint64_t budget, content::DirectoryReader read, const std::vector<Digest>& roots = {},
                        uint32_t keep_since = kNoGrace) {
    auto result = GarbageCollector(*layout_, index_, *leases_, std::move(read)).Run(budget, roots, keep_since);
    EXPECT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(FilesIn("trash"), 0U);
    return *result;
  }
  // In the index and on the disk; the two must agree.
  bool IsThere(const Digest& digest) {
    EXPECT_EQ(index_.Find(digest.hash).has_value(), OnDisk(digest));
    return OnDisk(digest);
  }

  std::shared_ptr<LeaseTable> leases_ = std::make_shared<LeaseTable>();
};

// Within the budget nothing is read and nothing goes.
TEST_F(GarbageCollectorTest, LeavesAStoreWithinItsBudget) {
  PutTree({FileEntry("a", Put("aaaa", 1))}, 1);
  EXPECT_EQ(Collect(index_.Totals().second).removed_blobs, 0U);
  EXPECT_EQ(reads_, 0);
}

// The least recently used goes first, and no more of it than is needed.
TEST_F(GarbageCollectorTest, TakesTheLeastRecentlyUsed) {
  Digest newest = Put("cccc", 30), oldest = Put("aaaa", 10), middle = Put("bbbb", 20);
  CollectResult result = Collect(9);
  EXPECT_EQ(result.removed_blobs, 1U);
  EXPECT_EQ(result.freed_bytes, 4U);
  EXPECT_FALSE(IsThere(oldest));
  EXPECT_EQ(Collect(7).removed_blobs, 1U);
  EXPECT_FALSE(IsThere(middle));
  EXPECT_TRUE(IsThere(newest));
}

// More than one step's worth goes, too.
TEST_F(GarbageCollectorTest, TakesMany) {
  for (int i = 0; i < 200; ++i) Put(std::to_string(1000 + i), static_cast<uint32_t>(i));
  CollectResult result = Collect(40);
  EXPECT_EQ(result.removed_blobs, 190U);
  EXPECT_EQ(result.freed_bytes, 760U);
  EXPECT_TRUE(IsThere(Digest::Of("1199")));
  EXPECT_FALSE(IsThere(Digest::Of("1000")));
}

// A leased root keeps all below it, a leased blob itself; without its lease it may go.
TEST_F(GarbageCollectorTest, KeepsWhatIsLeased) {
  Digest leaf = Put("leaf", 1), loose = Put("loose", 1), other = Put("other", 99);
  Digest root = PutTree({FileEntry("deep/er/leaf", leaf)}, 1);
  std::shared_ptr<void> lease = leases_->Hold({root, loose});
  EXPECT_EQ(Collect(0).removed_blobs, 1U);
  EXPECT_FALSE(IsThere(other));
  EXPECT_TRUE(IsThere(leaf));
  EXPECT_TRUE(IsThere(loose));
  lease.reset();
  EXPECT_EQ(Collect(0).removed_blobs, 5U);
}

// A wanted root keeps all below it; one that is not there is no error.
TEST_F(GarbageCollectorTest, KeepsWhatIsBelowRoots) {
  Digest leaf = Put("leaf", 1), other = Put("other", 99);
  Digest root = PutTree({FileEntry("d/leaf", leaf)}, 1);
  EXPECT_EQ(Collect(0, {Digest::Of("never was"), root}).removed_blobs, 1U);
  EXPECT_FALSE(IsThere(other));
  EXPECT_TRUE(IsThere(leaf));
  EXPECT_TRUE(IsThere(root));
}

// Blobs used at or after the given second stay, with all below them.
TEST_F(GarbageCollectorTest, KeepsWhatWasUsedRecently) {
  Digest leaf = Put("leaf", 1), before = Put("before", 49), at = Put("at", 50);
  Digest root = PutTree({FileEntry("leaf", leaf)}, 60);
  EXPECT_EQ(Collect(0, {}, 50).removed_blobs, 1U);
  EXPECT_FALSE(IsThere(before));
  EXPECT_TRUE(IsThere(at));
  EXPECT_TRUE(IsThere(root));
  EXPECT_TRUE(IsThere(leaf));
}

// A file is as recently used as the tree that it is in, and a tree's parents go before its children, so that a root
// which is there is whole wherever the collection ends.
TEST_F(GarbageCollectorTest, ParentsGoBeforeChildren) {
  Digest leaf = Put("leaf", 1), loose = Put("loose", 20);
  auto inner = content::BuildTree({FileEntry("leaf", leaf)}).value();
  Digest root = PutTree({FileEntry("d/leaf", leaf)}, 30);
  uint64_t all = index_.Totals().second;
  Collect(all - 1);
  EXPECT_FALSE(IsThere(loose)) << "used later than the leaf, but earlier than the leaf's tree";
  Collect(all - loose.size - 1);
  EXPECT_FALSE(IsThere(root));
  EXPECT_TRUE(IsThere(inner.root));
  Collect(all - loose.size - root.size - 1);
  EXPECT_FALSE(IsThere(inner.root));
  EXPECT_TRUE(IsThere(leaf));
}

// What is used while the collection runs stays, with all below it, although it was old when it began.
TEST_F(GarbageCollectorTest, KeepsWhatIsUsedMeanwhile) {
  Digest leaf = Put("leaf", 1), old = Put("old", 1);
  Digest root = PutTree({FileEntry("leaf", leaf)}, 1);
  auto use_while_reading = [&](const Digest& digest) {
    EXPECT_TRUE(index_.Use(root, 2));
    return Reader()(digest);
  };
  EXPECT_EQ(Collect(0, use_while_reading).removed_blobs, 1U);
  EXPECT_FALSE(IsThere(old));
  EXPECT_TRUE(IsThere(root));
  EXPECT_TRUE(IsThere(leaf));
}

// A tree that arrives meanwhile keeps what was there of it already, also when nobody has said yet that it is one.
TEST_F(GarbageCollectorTest, KeepsWhatArrivesMeanwhile) {
  Digest leaf = Put("leaf", 1), old = Put("old", 1);
  Put("\n the first byte of a Directory", 1, BlobKind::kUnknown);
  auto tree = content::BuildTree({FileEntry("leaf", leaf)}).value();
  bool arrived = false;
  auto arrive_while_reading = [&](const Digest& digest) {
    if (!std::exchange(arrived, true)) Put(tree.directories[0].second, 2, BlobKind::kUnknown);
    return Reader()(digest);
  };
  EXPECT_EQ(Collect(0, arrive_while_reading).removed_blobs, 2U);
  EXPECT_FALSE(IsThere(old));
  EXPECT_TRUE(IsThere(tree.root));
  EXPECT_TRUE(IsThere(leaf));
}

// After a restart no kind is known: what a blob is, is told from its bytes, and then remembered.
TEST_F(GarbageCollectorTest, ReadsTheKindOfBlobs) {
  Digest text = Write("text");
  auto tree = content::BuildTree({FileEntry("text", text)}).value();
  Write(tree.directories[0].second);
  Digest like = Write("\nis no Directory");
  index_.Fill({text.hash, tree.root.hash, like.hash});
  EXPECT_EQ(Collect(0, {tree.root}).removed_blobs, 1U);
  EXPECT_FALSE(IsThere(like));
  EXPECT_TRUE(IsThere(text));
  EXPECT_EQ(index_.Find(text.hash)->kind, static_cast<uint64_t>(BlobKind::kLeaf));
  EXPECT_EQ(index_.Find(tree.root.hash)->kind, static_cast<uint64_t>(BlobKind::kDirectory));
}

TEST_F(GarbageCollectorTest, ReadKindLooksAtBytes) {
  auto tree = content::BuildTree({FileEntry("a", Digest::Of("a"))}).value();
  Digest folder = Write(tree.directories[0].second), text = Write("text"), like = Write("\nx");
  EXPECT_EQ(ReadKind(*layout_, Reader(), text), BlobKind::kLeaf);
  EXPECT_EQ(reads_, 0) << "one byte is enough";
  EXPECT_EQ(ReadKind(*layout_, Reader(), folder), BlobKind::kDirectory);
  EXPECT_EQ(ReadKind(*layout_, Reader(), like), BlobKind::kLeaf);
  EXPECT_EQ(ReadKind(*layout_, Reader(), Digest::Of("absent")), BlobKind::kUnknown);
  EXPECT_EQ(ReadKind(*layout_, Reader(), Digest::Empty()), BlobKind::kLeaf);
}

}  // namespace
}  // namespace wasmagent::store
