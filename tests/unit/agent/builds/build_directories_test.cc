#include "agent/builds/build_directories.h"

#include <unistd.h>

#include "gmock/gmock.h"
#include "tests/unit/agent/workspace/store_fixture.h"

namespace wasmagent::builds {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Builds of one checkout, each of which writes a file "<target>.out" into the build dir of each of its targets.
class BuildDirectoriesTest : public wasmagent::testing::StoreFixture {
 protected:
  using Targets = std::vector<pipeline::PlannedTarget>;

  static pipeline::PlannedTarget Target(const std::string& name, const std::string& directory,
                                        const std::vector<std::string>& needs = {}, const std::string& key = "k") {
    pipeline::PlannedTarget target;
    target.name = name;
    target.build_directory = directory;
    target.needs = needs;
    target.configure_key = key;
    return target;
  }

  void SetUp() override { pool_ = *workspace::WorkspacePool::Open(scratch_ + "/workspaces", 1, clock_); }

  // Which targets had to be configured. A target whose need's product is gone when it is built is told as broken.
  std::vector<std::string> Build(const Targets& targets, bool clean = false) {
    wasmagent::v1::Checkout checkout;
    checkout.set_id("checkout");
    auto workspace = *pool_->Acquire(checkout);
    source_ = workspace->source();
    content::Digest root = Put(files_);
    auto sync = [&] { return workspace->Sync(*store_, root, nullptr); };
    EXPECT_TRUE(sync().ok());
    pipeline::Plan plan{targets, {}};
    auto directories = BuildDirectories::Open(*workspace, plan, root, store_->DirectoryReader());
    EXPECT_TRUE(directories.ok()) << directories.status();
    EXPECT_TRUE(directories->Prepare(clean, sync).ok());
    std::vector<std::string> configured;
    for (const auto& target : plan.targets) {
      auto found = directories->Enter(target, sync);
      EXPECT_TRUE(found.ok()) << found.status();
      reason_ = found->reason;
      if (!found->reason.empty()) configured.push_back(target.name);
      EXPECT_TRUE(directories->SetBuilt(target, "").ok());
      if (target.name == failing_) break;
      EXPECT_TRUE(directories->SetConfigured(target).ok());
      for (const auto& need : target.needs) {
        for (const auto& other : plan.targets) {
          if (other.name == need && !Exists(Product(other))) configured.push_back(target.name + " is broken");
        }
      }
      EXPECT_TRUE(platform::WriteFileAtomically(Product(target), "made", 0644, false).ok());
      EXPECT_TRUE(directories->SetBuilt(target, "tree").ok());
      EXPECT_TRUE(directories->Built(target, "tree"));
      EXPECT_FALSE(directories->Built(target, "other tree"));
    }
    for (const auto& [path, text] : files_) {
      if (text.starts_with("l:")) continue;
      EXPECT_EQ(Read(source_ + "/" + path), text);
    }
    workspace->Keep();
    return configured;
  }
  std::string Product(const pipeline::PlannedTarget& target) const {
    return source_ + "/" + target.build_directory + "/" + target.name + ".out";
  }

  Files files_ = {{"main.c", "int main;"}, {"src/lib.c", "int lib;"}};
  std::unique_ptr<workspace::WorkspacePool> pool_;
  std::string source_;
  std::string reason_;
  std::string failing_;
};

// What is configured stays so until its key changes, each in its own build dir.
TEST_F(BuildDirectoriesTest, ConfiguredOnce) {
  Targets both = {Target("tool", "builddir/tool"), Target("app", "builddir/app", {"tool"})};
  EXPECT_THAT(Build(both), ElementsAre("tool", "app"));
  EXPECT_THAT(Build(both), IsEmpty());
  both[1].configure_key = "other";
  EXPECT_THAT(Build(both), ElementsAre("app"));
  EXPECT_THAT(reason_, HasSubstr("changed"));
  EXPECT_THAT(Build(both, /*clean=*/true), ElementsAre("tool", "app"));
  EXPECT_THAT(Build(both), IsEmpty());
}

// A configure step that failed leaves nothing to go on with.
TEST_F(BuildDirectoriesTest, AFailedConfigureStartsOver) {
  failing_ = "app";
  EXPECT_THAT(Build({Target("app", "builddir/app")}), ElementsAre("app"));
  EXPECT_TRUE(platform::WriteFileAtomically(source_ + "/builddir/app/half", "", 0644, false).ok());
  failing_.clear();
  EXPECT_THAT(Build({Target("app", "builddir/app")}), ElementsAre("app"));
  EXPECT_FALSE(Exists(source_ + "/builddir/app/half"));
}

// Two targets may have one build dir: neither is taken for the other, within a build and between builds.
TEST_F(BuildDirectoriesTest, ASharedBuildDirIsNotTakenForAnother) {
  for (const char* place : {"build", ".", "src"}) {
    auto debug = Target("debug", place, {}, "d");
    auto release = Target("release", place, {}, "r");
    EXPECT_THAT(Build({debug}), ElementsAre("debug")) << place;
    EXPECT_THAT(Build({release}), ElementsAre("release")) << place;
    EXPECT_FALSE(Exists(Product(debug))) << place;
    EXPECT_THAT(Build({debug}), ElementsAre("debug")) << place;
    EXPECT_FALSE(Exists(Product(release))) << place;
    EXPECT_THAT(Build({debug}), IsEmpty()) << place;
    EXPECT_THAT(Build({debug, release}), ElementsAre("release")) << place;
    EXPECT_FALSE(Exists(Product(debug))) << place;
  }
}

// A target that needs another one of the same build dir finds its products there, always.
TEST_F(BuildDirectoriesTest, NeedsMayShareABuildDir) {
  for (const char* place : {"build", ".", "src"}) {
    auto lib = Target("lib", place, {}, std::string("lib in ") + place);
    auto test = Target("test", place, {"lib"}, std::string("test in ") + place);
    EXPECT_THAT(Build({lib}), ElementsAre("lib")) << place;
    EXPECT_THAT(Build({lib, test}), ElementsAre("test")) << place;
    EXPECT_THAT(Build({lib, test}), IsEmpty()) << place;
    EXPECT_THAT(Build({lib}), IsEmpty()) << place;
    test.configure_key += " anew";
    EXPECT_THAT(Build({lib, test}), ElementsAre("lib", "test")) << place;
    EXPECT_THAT(Build({lib, test}, /*clean=*/true), ElementsAre("lib", "test")) << place;
  }
}

// A build in the source tree that starts over takes all build dirs with it: what it needs is made again, and before it.
TEST_F(BuildDirectoriesTest, WhatIsWipedAlongIsMadeAgain) {
  auto tool = Target("tool", "builddir/tool");
  auto lib = Target("lib", ".", {"tool"});
  EXPECT_THAT(Build({tool, lib}), ElementsAre("tool", "lib"));
  EXPECT_THAT(Build({tool, lib}), IsEmpty());
  lib.configure_key = "other";
  EXPECT_THAT(Build({tool, lib}), ElementsAre("tool", "lib"));
  EXPECT_THAT(Build({tool, lib}), IsEmpty());
  EXPECT_THAT(Build({tool, lib}, /*clean=*/true), ElementsAre("tool", "lib"));
  // The same for a build dir inside another one.
  auto inner = Target("inner", "out/app/inner");
  auto app = Target("app", "out/app", {"inner"});
  EXPECT_THAT(Build({inner, app}), ElementsAre("inner", "app"));
  app.configure_key = "other";
  EXPECT_THAT(Build({inner, app}), ElementsAre("inner", "app"));
  EXPECT_THAT(Build({inner, app}), IsEmpty());
}

// The first build in the source tree leaves the build dirs of others alone.
TEST_F(BuildDirectoriesTest, ANewBuildInTheTreeWipesNothing) {
  auto other = Target("other", "builddir/other");
  Build({other});
  EXPECT_THAT(Build({Target("lib", ".")}), ElementsAre("lib"));
  EXPECT_THAT(Build({other}), IsEmpty());
}

// A build dir may hold source files: they are there whenever it is wiped.
TEST_F(BuildDirectoriesTest, ABuildDirWithSourcesKeepsThem) {
  auto app = Target("app", "src");
  EXPECT_THAT(Build({app}), ElementsAre("app"));
  EXPECT_THAT(Build({app}), IsEmpty());
  app.configure_key = "other";
  EXPECT_THAT(Build({app}), ElementsAre("app"));
  EXPECT_THAT(Build({app}, /*clean=*/true), ElementsAre("app"));
}

// A build dir that holds source files only now cannot be wiped alone any more; what is in it is not forgotten.
TEST_F(BuildDirectoriesTest, SourcesMayComeLater) {
  auto debug = Target("debug", "build");
  Build({debug});
  files_["build/extra.mk"] = "#";
  EXPECT_THAT(Build({Target("release", "build")}), ElementsAre("release"));
  EXPECT_FALSE(Exists(Product(debug)));
}

// A link of the checkout in the way of a build dir is no build dir: each build starts from an empty one, and what the
// link points to is left alone.
TEST_F(BuildDirectoriesTest, ALinkInTheWayIsReplaced) {
  std::string victim = scratch_ + "/victim";
  ASSERT_TRUE(platform::MakeDirectories(victim + "/app").ok());
  ASSERT_TRUE(platform::WriteFileAtomically(victim + "/app/precious", "mine", 0644, false).ok());
  files_["builddir"] = "l:" + victim;
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Build({Target("app", "builddir/app")}), ElementsAre("app"));
    EXPECT_EQ(Read(victim + "/app/precious"), "mine");
    EXPECT_FALSE(Exists(victim + "/app/app.out"));
  }
}

// Nothing is believed of a workspace whose memory is lost or damaged.
TEST_F(BuildDirectoriesTest, WhatIsNotRememberedStartsOver) {
  auto lib = Target("lib", ".");
  for (const char* memory : {"", "rubbish\tlib\n"}) {
    Build({lib});
    EXPECT_TRUE(platform::WriteFileAtomically(source_ + "/stray.o", "", 0644, false).ok());
    std::string mark = source_ + "/../mark-build-dirs";
    ASSERT_EQ(::unlink(mark.c_str()), 0);
    if (*memory != '\0') {
      ASSERT_TRUE(platform::WriteFileAtomically(mark, memory, 0600, false).ok());
    }
    EXPECT_THAT(Build({lib}), ElementsAre("lib"));
    EXPECT_FALSE(Exists(source_ + "/stray.o"));
  }
}

}  // namespace
}  // namespace wasmagent::builds
