#include "content/tree_builder.h"

#include "gtest/gtest.h"

namespace wasmagent::content {
namespace {

// Folder by folder gives the tree that full paths give.
TEST(TreeBuilder, AgreesWithBuildTree) {
  TreeBuilder builder;
  auto a = builder.AddFolder(TreeBuilder::kRoot, "a").value();
  auto b = builder.AddFolder(a, "b").value();
  ASSERT_TRUE(builder.AddFile(b, "f", Digest::Of("1"), false).ok());
  ASSERT_TRUE(builder.AddFile(TreeBuilder::kRoot, "x", Digest::Of("2"), true).ok());
  ASSERT_TRUE(builder.AddSymlink(a, "l", "b/f").ok());
  EXPECT_EQ(builder.PathOf(b), "a/b");
  auto built = BuildTree({{"a/b/f", EntryKind::kFile, Digest::Of("1"), ""},
                          {"a/l", EntryKind::kSymlink, {}, "b/f"},
                          {"x", EntryKind::kExecutable, Digest::Of("2"), ""}});
  EXPECT_EQ(std::move(builder).Finish().value().root, built.value().root);
}

// The bytes are what protobuf writes, an empty file's digest without its size included.
TEST(TreeBuilder, WritesWhatProtobufWrites) {
  TreeBuilder builder;
  auto folder = builder.AddFolder(TreeBuilder::kRoot, "folder").value();
  ASSERT_TRUE(builder.AddFile(folder, std::string(200, 'n'), Digest::Empty(), true).ok());
  ASSERT_TRUE(builder.AddFile(folder, "large", Digest{Digest::Of("x").hash, uint64_t{1} << 40}, false).ok());
  ASSERT_TRUE(builder.AddSymlink(folder, "link", std::string(4095, 't')).ok());
  auto tree = std::move(builder).Finish().value();
  for (const auto& [digest, bytes] : tree.directories) {
    reapi::Directory directory;
    ASSERT_TRUE(directory.ParseFromString(bytes));
    EXPECT_EQ(SerializeDirectory(directory), bytes);
  }
}

// Errors name the place.
TEST(TreeBuilder, NamesWhatItRefuses) {
  TreeBuilder builder;
  auto folder = builder.AddFolder(TreeBuilder::kRoot, "folder").value();
  EXPECT_NE(builder.AddFile(folder, "a/b", Digest(), false).message().find("folder"), std::string::npos);
  EXPECT_FALSE(builder.AddFile(99, "a", Digest(), false).ok());
  EXPECT_FALSE(builder.AddSymlink(folder, "l", std::string("a\0b", 3)).ok());
  ASSERT_TRUE(builder.AddFile(folder, "twice", Digest(), false).ok());
  ASSERT_TRUE(builder.AddFolder(folder, "twice").ok());
  EXPECT_NE(std::move(builder).Finish().status().message().find("folder/twice"), std::string::npos);
}

}  // namespace
}  // namespace wasmagent::content
