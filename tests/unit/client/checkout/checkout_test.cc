#include "client/checkout/checkout.h"

#include "gtest/gtest.h"
#include "tests/unit/client/checkout/working_tree.h"

namespace wasmagent::client {
namespace {

// The id is the same for the same tree, however it is named, and another for another tree; it has the characters an id
// may have.
TEST(Checkout, IdIsStable) {
  WorkingTree tree;
  tree.MakeFolder("a b");
  tree.Link("link", "a b");
  auto one = OpenCheckout(tree.Path("a b"));
  auto two = OpenCheckout(tree.Path("link/"));
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_EQ(one->id, two->id);
  EXPECT_EQ(one->path, tree.Path("a b"));
  EXPECT_EQ(one->id.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"),
            std::string::npos);
  EXPECT_NE(OpenCheckout(tree.path())->id, one->id);
}

// Without a folder, the project is found from the working directory upwards.
TEST(Checkout, FoundUpwards) {
  WorkingTree tree;
  tree.Write("wasmbuild.yaml");
  tree.MakeFolder("deep/er");
  std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(tree.Path("deep/er"));
  auto found = OpenCheckout("");
  auto given = OpenCheckout(".");
  std::filesystem::current_path(before);
  EXPECT_EQ(found->path, tree.path());
  EXPECT_EQ(given->path, tree.Path("deep/er"));
}

// A file is no checkout, and what is not there is named.
TEST(Checkout, MistakesAreNamed) {
  WorkingTree tree;
  tree.Write("file");
  EXPECT_FALSE(OpenCheckout(tree.Path("file")).ok());
  EXPECT_NE(std::string(OpenCheckout(tree.Path("gone")).status().message()).find("gone"), std::string::npos);
}

}  // namespace
}  // namespace wasmagent::client
