#include "client/hosting/folder_listing.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/checkout/working_tree.h"

namespace wasmagent::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Listing(const WorkingTree& tree, const std::string& path) {
  return FolderListing(StaticFiles::Open(tree.path()).value().Find(path).value()).value();
}

// Folders come first, each name is a link that leads there and nothing else, and git's files are left out.
TEST(FolderListing, LinksEachEntry) {
  WorkingTree tree;
  tree.Write("a file.c");
  tree.Write("z/inner");
  tree.Write("<b>:x");
  tree.Write(".git/config");
  std::string page = Listing(tree, "/");
  EXPECT_THAT(page, HasSubstr("<title>/</title>"));
  EXPECT_THAT(page, HasSubstr("<li><a href=\"./z/\">z/</a></li>\n<li><a href=\"./%3Cb%3E%3Ax\">&lt;b&gt;:x</a></li>\n"
                              "<li><a href=\"./a%20file.c\">a file.c</a></li>\n</ul>"));
  EXPECT_THAT(page, Not(HasSubstr("git")));
  EXPECT_THAT(page, Not(HasSubstr("../")));
  EXPECT_THAT(Listing(tree, "/z/"), HasSubstr("<ul>\n<li><a href=\"../\">../</a></li>\n<li><a href=\"./inner\">"));
}

}  // namespace
}  // namespace wasmagent::client
