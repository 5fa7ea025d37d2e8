#include "agent/store/tree_check.h"

#include "gmock/gmock.h"
#include "tests/unit/agent/store/store_parts.h"

namespace wasmagent::store {
namespace {

using content::Digest;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class TreeCheckTest : public StoreParts {
 protected:
  TreeCheck Check(size_t limit = SIZE_MAX) { return TreeCheck(index_, Reader(), /*now=*/2, limit); }
};

// A whole tree is remembered: the next question reads nothing.
TEST_F(TreeCheckTest, AWholeTreeIsRemembered) {
  Digest root = PutTree({FileEntry("a", Put("a", 1)), FileEntry("d/b", Put("b", 1))}, 1);
  TreeCheck first = Check();
  EXPECT_TRUE(first.IsWhole(root).value());
  EXPECT_THAT(first.missing(), IsEmpty());
  EXPECT_EQ(reads_, 2);
  EXPECT_TRUE(Check().IsWhole(root).value());
  EXPECT_EQ(reads_, 2);
}

// After a loss, what was whole is walked again, and the lost blob is named.
TEST_F(TreeCheckTest, ALossIsNoticed) {
  Digest leaf = Put("b", 1);
  Digest root = PutTree({FileEntry("d/b", leaf)}, 1);
  ASSERT_TRUE(Check().IsWhole(root).value());
  index_.Lose(leaf.hash);
  TreeCheck again = Check();
  EXPECT_FALSE(again.IsWhole(root).value());
  EXPECT_THAT(again.missing(), UnorderedElementsAre(leaf));
}

// A broken tree lists all that is missing, files and folders, each once; its whole parts count as whole.
TEST_F(TreeCheckTest, ListsWhatIsMissing) {
  Digest here = Put("here", 1), absent = Digest::Of("absent");
  auto lost = content::BuildTree({FileEntry("x", here)}).value();
  auto whole = content::BuildTree({FileEntry("y", here)}).value();
  Digest root = PutTree({FileEntry("a", absent), FileEntry("b", absent), FileEntry("lost/x", here),
                         FileEntry("again/x", here), FileEntry("whole/y", here)},
                        1);
  index_.Lose(lost.root.hash);
  TreeCheck check = Check();
  EXPECT_FALSE(check.IsWhole(root).value());
  EXPECT_THAT(check.missing(), UnorderedElementsAre(absent, lost.root));
  EXPECT_TRUE(index_.Find(whole.root.hash)->whole);
  EXPECT_FALSE(index_.Find(root.hash)->whole);
}

// A folder that is missing, and nothing else, makes everything above it broken.
TEST_F(TreeCheckTest, AMissingFolderAloneIsNoticed) {
  auto lost = content::BuildTree({FileEntry("x", Put("here", 1))}).value();
  Digest root = PutTree({FileEntry("above/lost/x", Put("here", 1))}, 1);
  index_.Lose(lost.root.hash);
  TreeCheck check = Check();
  EXPECT_FALSE(check.IsWhole(root).value());
  EXPECT_THAT(check.missing(), UnorderedElementsAre(lost.root));
  EXPECT_FALSE(index_.Find(root.hash)->whole);
}

// A root that is not there is what is missing; the empty blob is an empty Directory that always is there.
TEST_F(TreeCheckTest, AnAbsentRootIsMissing) {
  TreeCheck check = Check();
  EXPECT_FALSE(check.IsWhole(Digest::Of("absent")).value());
  EXPECT_THAT(check.missing(), UnorderedElementsAre(Digest::Of("absent")));
  EXPECT_TRUE(check.IsWhole(Digest::Empty()).value());
  EXPECT_TRUE(Check().IsWhole(PutTree({FileEntry("empty", Digest::Empty())}, 1)).value());
}

// The list ends at the limit, and a walk that was cut by it finds nothing whole that it has not seen.
TEST_F(TreeCheckTest, TheLimitEndsTheWalk) {
  std::vector<content::TreeEntry> entries;
  for (int i = 0; i < 100; ++i) {
    std::string name = std::to_string(100 + i);
    entries.push_back(FileEntry(name + "/f", Digest::Of(name)));
  }
  Digest root = PutTree(std::move(entries), 1);
  TreeCheck check = Check(3);
  EXPECT_FALSE(check.IsWhole(root).value());
  EXPECT_THAT(check.missing(), SizeIs(3));
  EXPECT_LE(reads_, 4);
  EXPECT_FALSE(check.IsWhole(root).value());
  EXPECT_FALSE(index_.Find(root.hash)->whole);
}

// Looking at a tree is a use of all of it.
TEST_F(TreeCheckTest, LookingIsAUse) {
  Digest leaf = Put("leaf", 1);
  ASSERT_TRUE(Check().IsWhole(PutTree({FileEntry("d/leaf", leaf)}, 1)).value());
  for (const auto& [hash, info] : index_.Snapshot()) EXPECT_EQ(info.last_use, 2U);
}

// A folder's blob that is no Directory is the sender's mistake, and named.
TEST_F(TreeCheckTest, ABlobThatIsNoDirectoryIsRefused) {
  Digest text = Put("text", 1);
  absl::Status status = Check().IsWhole(text).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(text.ToString()));
}

// Few Directories can have more paths than anybody can list: whoever walks paths must never meet them. What is known
// whole counts, too, so that no detour leads around it.
TEST_F(TreeCheckTest, PathsHaveABound) {
  Digest below = Digest::Empty();
  absl::Status status;
  int levels = 0;
  for (; status.ok() && levels < 40; ++levels) {
    content::reapi::Directory folder;
    for (const char* name : {"a", "b"}) {
      auto* node = folder.add_directories();
      node->set_name(name);
      *node->mutable_digest() = below.ToProto();
    }
    below = Put(content::SerializeDirectory(folder), 1, BlobKind::kDirectory);
    // Asked level by level, each question finds all below it answered; asked at the end, none.
    if (levels < 10 || levels > 15) status = Check().IsWhole(below).status();
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("files and folders"));
  EXPECT_EQ(levels, 23);  // 2 + 4 + … + 2^23 are more than ten million
  EXPECT_LT(reads_, 100);
}

// Depth has a bound, and the thread's stack is not what it costs.
TEST_F(TreeCheckTest, DepthHasABound) {
  auto chain = [this](int levels) {
    Digest below = Digest::Empty();
    for (int i = 0; i < levels; ++i) {
      content::reapi::Directory folder;
      auto* node = folder.add_directories();
      node->set_name("d");
      *node->mutable_digest() = below.ToProto();
      below = Put(content::SerializeDirectory(folder), 1, BlobKind::kDirectory);
    }
    return below;
  };
  absl::Status deeper = Check().IsWhole(chain(content::kMaxTreeDepth + 2)).status();
  EXPECT_EQ(deeper.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(deeper.message()), ::testing::HasSubstr("levels deep"));
  EXPECT_TRUE(Check().IsWhole(chain(content::kMaxTreeDepth)).value());
}

}  // namespace
}  // namespace wasmagent::store
