#include "agent/builds/synced_event.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::builds {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

workspace::SyncStats Stats() {
  workspace::SyncStats stats;
  stats.files = 200;
  stats.restored = 1;
  stats.restored_paths = {"back.c"};
  stats.changes.changed = 70;
  stats.changes.added = 1;
  stats.changes.added_paths = {"new.c"};
  for (size_t i = 1; i < workspace::kMostListedPaths; ++i)
    stats.changes.changed_paths.push_back("changed-" + std::to_string(i));
  return stats;
}

// Counts are whole, and all lists together hold no more paths than one may.
TEST(SyncedEvent, ListsTogetherAreBounded) {
  wasmagent::v1::Synced synced = SyncedEvent(Stats(), true, "");
  EXPECT_TRUE(synced.warm());
  EXPECT_EQ(synced.files(), 200U);
  EXPECT_EQ(synced.changed(), 70U);
  EXPECT_EQ(synced.restored(), 1U);
  EXPECT_EQ(synced.changed_paths_size(), 49);
  EXPECT_THAT(synced.added_paths(), ElementsAre("new.c"));
  EXPECT_THAT(synced.restored_paths(), IsEmpty());
}

// A new workspace says why it is one, and lists nothing.
TEST(SyncedEvent, ANewWorkspaceListsNothing) {
  wasmagent::v1::Synced synced = SyncedEvent(Stats(), false, "the first one");
  EXPECT_FALSE(synced.warm());
  EXPECT_EQ(synced.reason(), "the first one");
  EXPECT_EQ(synced.changed_paths_size() + synced.added_paths_size(), 0);
}

// A warm one that was damaged is a new one.
TEST(SyncedEvent, ADamagedWorkspaceIsANewOne) {
  workspace::SyncStats stats = Stats();
  stats.renewed = true;
  wasmagent::v1::Synced synced = SyncedEvent(stats, true, "");
  EXPECT_FALSE(synced.warm());
  EXPECT_NE(synced.reason(), "");
}

}  // namespace
}  // namespace wasmagent::builds
