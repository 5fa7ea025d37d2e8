#include "agent/store/blob_index.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "gmock/gmock.h"
#include "tests/unit/agent/store/store_parts.h"

namespace wasmagent::store {
namespace {

using content::Digest;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

using BlobIndexTest = StoreParts;

// Opening lists names; size and last use are those of the file when they are first asked for.
TEST_F(BlobIndexTest, ReadsSizesWhenTheyAreAskedFor) {
  Digest blob = Write("four");
  const timespec times[2] = {{0, UTIME_OMIT}, {12345, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, PathOf(blob).c_str(), times, 0), 0);
  index_.Fill({blob.hash});
  EXPECT_FALSE(index_.Find(blob.hash)->sized);
  EXPECT_THAT(index_.Totals(), Pair(1U, 4U));
  EXPECT_TRUE(index_.Find(blob.hash)->sized);
  EXPECT_EQ(index_.Find(blob.hash)->last_use, 12345U);
}

// A blob counts as present only with the digest's size, and finding it is a use where Find is none.
TEST_F(BlobIndexTest, UseNeedsTheSizeAndIsNoted) {
  Digest blob = Put("four", 100);
  EXPECT_FALSE(index_.Use(Digest{blob.hash, 5}, 200));
  EXPECT_EQ(index_.Find(blob.hash)->last_use, 100U);
  EXPECT_TRUE(index_.Use(blob, 200));
  EXPECT_EQ(index_.Find(blob.hash)->last_use, 200U);
  EXPECT_TRUE(index_.Use(blob, 150));
  EXPECT_EQ(index_.Find(blob.hash)->last_use, 200U) << "a clock that goes back takes nothing away";
  EXPECT_FALSE(index_.Use(Digest::Of("absent"), 200));
}

// A use is handed out for saving once; a blob that has just been written needs no saving.
TEST_F(BlobIndexTest, UsesAreSavedOnce) {
  Digest used = Put("used", 100);
  Put("only written", 100);
  ASSERT_TRUE(index_.Use(used, 300));
  EXPECT_THAT(index_.TakeUnsaved(), ElementsAre(Pair(used.hash, 300U)));
  EXPECT_THAT(index_.TakeUnsaved(), IsEmpty());
}

// A blob that comes again is counted once.
TEST_F(BlobIndexTest, TotalsCountEachOnce) {
  Digest blob = Put("four", 1);
  index_.Add(blob, BlobKind::kUnknown, 2);
  EXPECT_THAT(index_.Totals(), Pair(1U, 4U));
  EXPECT_EQ(index_.Find(blob.hash)->kind, static_cast<uint64_t>(BlobKind::kLeaf)) << "what is known of it stays";
  Digest listed = Write("three");
  index_.Fill({listed.hash});
  index_.Add(listed, BlobKind::kLeaf, 3);
  EXPECT_THAT(index_.Totals(), Pair(2U, 9U));
}

// A file that is gone takes its entry along when that is noticed, whoever asks.
TEST_F(BlobIndexTest, AFileThatIsGoneIsForgotten) {
  index_.Fill({Digest::Of("one").hash, Digest::Of("two").hash});
  EXPECT_FALSE(index_.Use(Digest::Of("one"), 1));
  EXPECT_FALSE(index_.Find(Digest::Of("one").hash));
  EXPECT_THAT(index_.Snapshot(), IsEmpty());
  EXPECT_THAT(index_.Totals(), Pair(0U, 0U));
}

// One loss and no Directory counts as whole any more; the blob's bytes are no longer counted.
TEST_F(BlobIndexTest, ALossMakesNoDirectoryWhole) {
  Digest folder = Put("folder", 1);
  Digest leaf = Put("leaf", 1);
  index_.SetWhole({{folder.hash, 1}, {Digest::Of("absent").hash, 1}});
  ASSERT_TRUE(index_.Find(folder.hash)->whole);
  EXPECT_EQ(index_.Find(folder.hash)->kind, static_cast<uint64_t>(BlobKind::kDirectory));
  index_.Lose(Digest::Of("absent").hash);
  EXPECT_TRUE(index_.Find(folder.hash)->whole) << "nothing was lost";
  index_.Lose(leaf.hash);
  EXPECT_FALSE(index_.Find(folder.hash)->whole);
  EXPECT_THAT(index_.Totals(), Pair(1U, 6U));
}

// While a collection runs, uses and arrivals are told to it, but for what it keeps anyway; before and after, none is.
TEST_F(BlobIndexTest, TellsACollectionWhatIsUsed) {
  Digest early = Put("early", 1), used = Put("used", 1), kept = Put("kept", 1);
  ASSERT_TRUE(index_.Use(early, 2));
  index_.BeginCollection();
  index_.Keep({kept.hash});
  ASSERT_TRUE(index_.Use(used, 2));
  ASSERT_TRUE(index_.Use(kept, 2));
  Digest added = Put("added", 2);
  EXPECT_THAT(index_.TakeUsed(), UnorderedElementsAre(used.hash, added.hash));
  EXPECT_THAT(index_.TakeUsed(), IsEmpty());
  ASSERT_TRUE(index_.Use(used, 3));
  index_.EndCollection();
  index_.BeginCollection();
  EXPECT_THAT(index_.TakeUsed(), IsEmpty());
  index_.EndCollection();
}

// Nothing goes while there is a use that the collection has not seen; what is kept or pinned never goes.
TEST_F(BlobIndexTest, RemovesNothingBehindTheCollectionsBack) {
  Digest old = Put("old", 1), kept = Put("kept", 1), pinned = Put("pinned", 1), used = Put("used", 1);
  index_.BeginCollection();
  index_.Keep({kept.hash});
  index_.Pin(pinned.hash);
  ASSERT_TRUE(index_.Use(used, 2));
  std::vector<Hash> removed;
  EXPECT_FALSE(index_.Remove({old.hash}, removed));
  EXPECT_THAT(removed, IsEmpty());
  EXPECT_THAT(index_.TakeUsed(), UnorderedElementsAre(pinned.hash, used.hash));
  EXPECT_TRUE(index_.Remove({old.hash, kept.hash, pinned.hash, Digest::Of("absent").hash}, removed));
  EXPECT_THAT(removed, ElementsAre(old.hash));
  index_.Gone(removed);
  removed.clear();
  index_.Unpin(pinned.hash);
  EXPECT_TRUE(index_.Remove({pinned.hash}, removed));
  EXPECT_THAT(removed, ElementsAre(pinned.hash));
  index_.Gone(removed);
  index_.EndCollection();
  EXPECT_THAT(index_.Totals(), Pair(2U, 8U));
}

// A blob that two writers bring at once stays pinned until both are done.
TEST_F(BlobIndexTest, PinsAreCounted) {
  Digest blob = Put("blob", 1);
  index_.Pin(blob.hash);
  index_.Pin(blob.hash);
  index_.Unpin(blob.hash);
  std::vector<Hash> removed;
  EXPECT_TRUE(index_.Remove({blob.hash}, removed));
  EXPECT_THAT(removed, IsEmpty());
}

// A file that is being discarded is not replaced by a new one of its name until it is gone.
TEST_F(BlobIndexTest, PinWaitsForADiscard) {
  Digest blob = Put("blob", 1);
  std::vector<Hash> removed;
  ASSERT_TRUE(index_.Remove({blob.hash}, removed));
  std::atomic<bool> gone = false;
  std::thread writer([&] {
    index_.Pin(blob.hash);
    EXPECT_TRUE(gone);
    index_.Unpin(blob.hash);
  });
  gone = true;
  index_.Gone(removed);
  writer.join();
}

}  // namespace
}  // namespace wasmagent::store
