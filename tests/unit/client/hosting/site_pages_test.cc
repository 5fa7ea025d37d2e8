#include "client/hosting/site_pages.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/checkout/working_tree.h"

namespace wasmagent::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The pages of targets, those at the top of a target first, and not those of the sources or behind links.
TEST(SitePages, NearestFirst) {
  WorkingTree tree;
  EXPECT_THAT(FindPages(tree.path(), 9), IsEmpty());
  tree.Write("builddir/wasm/python.html");
  tree.Write("builddir/a/doc/help.html");
  tree.Write("builddir/z/index.html");
  tree.Write("builddir/stray.html");
  tree.Write("builddir/wasm/python.wasm");
  tree.Write("builddir/a/1/2/3/4/5/6/deep.html");
  tree.Write("Doc/page.html");
  tree.Link("builddir/linked", "../Doc");
  EXPECT_THAT(FindPages(tree.path(), 9),
              ElementsAre("builddir/wasm/python.html", "builddir/z/index.html", "builddir/a/doc/help.html"));
  EXPECT_THAT(FindPages(tree.path(), 1), ElementsAre("builddir/wasm/python.html"));
}

}  // namespace
}  // namespace wasmagent::client
