#include "client/session/user_folders.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>

#include "client/session/agent_address.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/session/scripts.h"

namespace wasmagent::client {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Sets variables of the environment, and puts back what was there.
class Variables {
 public:
  explicit Variables(const std::map<std::string, std::string>& values) {
    for (const char* name : {"XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "HOME", "PATH"}) {
      const char* before = std::getenv(name);
      before_[name] = before ? std::optional<std::string>(before) : std::nullopt;
      Set(name, values.contains(name) ? std::optional(values.at(name)) : std::nullopt);
    }
  }
  ~Variables() {
    for (const auto& [name, value] : before_) Set(name, value);
  }

 private:
  static void Set(const std::string& name, const std::optional<std::string>& value) {
    value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
  }
  std::map<std::string, std::optional<std::string>> before_;
};

mode_t ModeOf(const std::string& path) {
  struct stat info;
  return ::lstat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

// The XDG folders are taken where they are absolute and, the runtime folder, there; else those below HOME.
TEST(UserFolders, ComeFromTheEnvironment) {
  ScriptFolder folder;
  {
    Variables set({{"XDG_RUNTIME_DIR", folder.path()}, {"XDG_CACHE_HOME", "/c"}, {"HOME", "/h"}, {"PATH", "/a:/b"}});
    UserFolders folders = UserFolders::FromEnvironment();
    EXPECT_EQ(folders.runtime, folder.path());
    EXPECT_EQ(folders.cache, "/c");
    EXPECT_EQ(folders.path, "/a:/b");
  }
  {
    Variables set({{"XDG_RUNTIME_DIR", folder.path() + "/gone"}, {"XDG_CACHE_HOME", "relative"}, {"HOME", "/h"}});
    UserFolders folders = UserFolders::FromEnvironment();
    EXPECT_EQ(folders.runtime, "");
    EXPECT_EQ(folders.cache, "/h/.cache");
  }
  Variables nothing({});
  EXPECT_THAT(UserFolders::FromEnvironment().cache, StartsWith("/tmp/wasmagent-home-"));
}

// A login's runtime folder changes nothing. A socket's path always fits, with the longest name that goes into the
// folder.
TEST(UserFolders, SocketPathsFit) {
  EXPECT_EQ((UserFolders{"/run/user/7", "/h/.cache", ""}).SocketFolder(), "/h/.cache/wasmagent/run");
  EXPECT_EQ((UserFolders{"", "/h/.cache", ""}).SocketFolder(), "/h/.cache/wasmagent/run");
  for (size_t size = 1; size < 120; ++size) {
    std::string folder = (UserFolders{"", "/" + std::string(size, 'x'), ""}).SocketFolder();
    EXPECT_LE(folder.size() + 1 + 40 + sizeof("/agent.sock") - 1, kLongestSocketPath) << folder;
  }
  EXPECT_EQ((UserFolders{"", "/" + std::string(120, 'x'), ""}).SocketFolder(),
            "/tmp/wasmagent-" + std::to_string(::getuid()));
}

// The folder is the user's alone, made so or mended.
TEST(MakePrivateFolder, IsTheUsersAlone) {
  ScriptFolder folder;
  std::string path = folder.path() + "/above/private";
  ASSERT_TRUE(MakePrivateFolder(path).ok());
  EXPECT_EQ(ModeOf(path), 0700U);
  ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
  ASSERT_TRUE(MakePrivateFolder(path).ok());
  EXPECT_EQ(ModeOf(path), 0700U);
}

// What somebody else may have put in its place is refused: a link, a file, another user's folder.
TEST(MakePrivateFolder, RefusesWhatIsNotTheUsers) {
  ScriptFolder folder;
  std::string path = folder.path() + "/private";
  std::filesystem::create_symlink(folder.path() + "/cache", path);
  absl::Status link = MakePrivateFolder(path);
  EXPECT_EQ(link.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(link.message()), HasSubstr(path + ": is not a folder of yours"));
  std::filesystem::remove(path);
  ASSERT_TRUE(platform::WriteFileAtomically(path, "").ok());
  EXPECT_EQ(MakePrivateFolder(path).code(), absl::StatusCode::kPermissionDenied);
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make another user's folder";
  ASSERT_EQ(::chown((folder.path() + "/cache").c_str(), 65534, 65534), 0);
  EXPECT_EQ(MakePrivateFolder(folder.path() + "/cache").code(), absl::StatusCode::kPermissionDenied);
}

// A program is found as a shell finds it: the first that can be run; never by way of the working directory.
TEST(FindOnPath, FindsWhatCanBeRun) {
  ScriptFolder folder;
  std::string tool = folder.Add("tool", "true");
  ASSERT_TRUE(platform::MakeDirectories(folder.path() + "/other/folder").ok());
  ASSERT_TRUE(platform::WriteFileAtomically(folder.path() + "/other/tool", "", 0644).ok());
  std::string path = "/no/such:" + folder.path() + "/other:" + folder.bin() + ":" + folder.bin() + "/again";
  EXPECT_EQ(FindOnPath("tool", path), tool);
  EXPECT_EQ(FindOnPath("folder", path), "");
  EXPECT_EQ(FindOnPath("absent", path), "");
  EXPECT_EQ(FindOnPath("tool", ""), "");
  EXPECT_EQ(FindOnPath(tool, ""), tool);
  EXPECT_EQ(FindOnPath(folder.path() + "/other/tool", path), "");
  std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.bin());
  EXPECT_EQ(FindOnPath("tool", ":.:relative"), "");
  std::filesystem::current_path(before);
}

}  // namespace
}  // namespace wasmagent::client
