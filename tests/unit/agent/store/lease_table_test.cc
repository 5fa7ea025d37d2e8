#include "agent/store/lease_table.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::store {
namespace {

using content::Digest;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// What is held stays in the list until the last copy of its handle is gone, whoever else holds the same.
TEST(LeaseTable, HoldsUntilTheLastCopyIsGone) {
  auto table = std::make_shared<LeaseTable>();
  Digest one = Digest::Of("one"), two = Digest::Of("two");
  std::shared_ptr<void> first = table->Hold({one, two});
  std::shared_ptr<void> copy = first;
  std::shared_ptr<void> other = table->Hold({one});
  EXPECT_THAT(table->Held(), UnorderedElementsAre(one, two, one));
  first.reset();
  EXPECT_THAT(table->Held(), UnorderedElementsAre(one, two, one));
  copy.reset();
  EXPECT_THAT(table->Held(), UnorderedElementsAre(one));
  other.reset();
  EXPECT_THAT(table->Held(), IsEmpty());
}

// A lease may outlive its store.
TEST(LeaseTable, OutlivesItsOwner) {
  auto table = std::make_shared<LeaseTable>();
  std::weak_ptr<LeaseTable> watched = table;
  std::shared_ptr<void> lease = table->Hold({Digest::Of("one")});
  table.reset();
  EXPECT_FALSE(watched.expired());
  lease.reset();
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace wasmagent::store
