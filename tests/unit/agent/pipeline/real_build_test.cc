// The real thing: plans for the examples, their steps run as they are, and what comes out of them. CPython has its own
// test with the whole agent (tests/e2e).
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "agent/pipeline/glob.h"
#include "agent/pipeline/planner.h"
#include "agent/pipeline/probe_command.h"
#include "agent/pipeline/runner.h"
#include "gmock/gmock.h"
#include "tests/unit/agent/pipeline/folder_tree.h"
#include "tests/unit/agent/pipeline/plan_text.h"

namespace wasmagent::pipeline {
namespace {

// A folder on disk.
class DiskTree : public SourceTree {
 public:
  explicit DiskTree(std::string root) : root_(std::move(root)) {}
  absl::StatusOr<bool> HasFile(std::string_view path) const override {
    return std::filesystem::exists(root_ + "/" + std::string(path));
  }
  absl::StatusOr<std::string> ReadFile(std::string_view path) const override {
    return platform::ReadFile(root_ + "/" + std::string(path));
  }
  absl::StatusOr<std::string> DigestOf(const std::vector<std::string>& globs) const override {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_)) {
      const std::string path = entry.path().lexically_relative(root_).string();
      if (entry.is_regular_file() && GlobListMatch(globs, path)) files[path] = *platform::ReadFile(entry.path());
    }
    return MapTree(files).DigestOf(globs);
  }

 private:
  std::string root_;
};

std::string WithRoot(std::string text, const std::string& root) {
  for (size_t at = text.find(kSourceRootMark); at != std::string::npos; at = text.find(kSourceRootMark)) {
    text.replace(at, sizeof(kSourceRootMark) - 1, root);
  }
  return text;
}

// Runs argv in `folder`, output to a file there; returns the exit code.
int Execute(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env,
            const std::string& folder, const std::string& root, const std::string& log) {
  std::vector<std::string> texts;
  for (const auto& [name, value] : env) texts.push_back(WithRoot(name + "=" + value, root));
  std::vector<std::string> words;
  for (const std::string& word : argv) words.push_back(WithRoot(word, root));
  std::vector<char*> arguments, environment;
  for (std::string& word : words) arguments.push_back(word.data());
  for (std::string& text : texts) environment.push_back(text.data());
  arguments.push_back(nullptr);
  environment.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return 127;
  int state = 0;
  ::waitpid(pid, &state, 0);
  return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

// A copy of a source tree, planned and built as the plan says.
class RealBuild : public testing::Test {
 protected:
  // Builds `target` of a copy of `source`.
  void Build(const std::string& source, const std::string& target) {
    std::filesystem::copy(source, root_,
                          std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
    std::filesystem::permissions(root_, std::filesystem::perms::owner_all, std::filesystem::perm_options::add);
    const char* search_path = std::getenv("PATH");
    base_env_ = {
        {"PATH", search_path},
        {"HOME", scratch_ / "home"},
        {"LC_ALL", "C.UTF-8"},
        {"TZ", "UTC"},
        {"CCACHE_NOHASHDIR", "1"},
        {"CCACHE_DIR", std::getenv("CCACHE_DIR") != nullptr ? std::getenv("CCACHE_DIR") : scratch_ / "ccache"}};
    PlanOptions options;
    options.jobs = 2;
    const auto plan = Planner(inventory_, base_env_).MakePlan(DiskTree(root_), {target}, options);
    ASSERT_TRUE(plan.ok()) << plan.status();
    for (const PlannedTarget& planned : plan->targets) {
      std::filesystem::create_directories(root_ + "/" + planned.build_directory);
      for (const Step& step : planned.steps) {
        const std::string log = scratch_ / (planned.name + "-" + step.name + ".log");
        const int code = Execute(step.argv, step.env, root_ + "/" + step.directory, root_, log);
        const std::string text = *platform::ReadFile(log);
        ASSERT_EQ(code, 0) << PlanText(*plan) << text.substr(text.size() > 4000 ? text.size() - 4000 : 0);
      }
    }
    built_ = plan->targets.back();
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_ + "/" + built_.build_directory)) {
      const std::string path = entry.path().lexically_relative(root_ + "/" + built_.build_directory).string();
      if (!entry.is_directory() && GlobListMatch(built_.artifacts, path)) artifacts_.push_back(path);
    }
  }

  // Runs a WASI product; its output is in run.log.
  int RunProduct(const RunnerSpec& runner, const std::vector<std::string>& arguments) {
    const auto runtime = ChooseRuntime(inventory_.runtimes);
    EXPECT_TRUE(runtime.ok()) << runtime.status();
    if (!runtime.ok()) return -1;
    std::vector<std::string> argv = RuntimePrefix(*runtime, runner, root_);
    argv.push_back(root_ + "/" + runner.program);
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return Execute(argv, base_env_, "/", root_, scratch_ / "run.log");
  }

  void SetUp() override {
    const auto inventory = ProbeToolchains({"", scratch_ / "state", std::getenv("PATH")});
    ASSERT_TRUE(inventory.ok()) << inventory.status();
    inventory_ = *inventory;
    for (const Toolchain& toolchain : inventory_.toolchains) {
      // Emscripten's are built in the image.
      if (!toolchain.usable && toolchain.kind != "emscripten") GTEST_SKIP() << toolchain.problem;
    }
    const auto runtime = ChooseRuntime(inventory_.runtimes);
    if (!runtime.ok()) GTEST_SKIP() << runtime.status();
  }

  const ScratchFolder scratch_;
  const std::string root_ = scratch_ / "source";
  std::map<std::string, std::string> base_env_;
  ToolchainInventory inventory_;
  PlannedTarget built_;
  std::vector<std::string> artifacts_;
};

// Rule: a Makefile alone is enough for a WASI program.
TEST_F(RealBuild, MakefileDefaults) {
  Build(EXAMPLES_FOLDER "/makefile-hello", "wasi");
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_THAT(artifacts_, testing::Contains("hello.wasm"));
  EXPECT_EQ(RunProduct({"wasi", "hello.wasm", {}, {}}, {}), 0) << scratch_.Read("run.log");
  EXPECT_NE(scratch_.Read("run.log"), "");
}

// Rule: so is a CMakeLists.txt, for C++ too; the artifacts are the program, without what CMake keeps for itself.
TEST_F(RealBuild, CMakeDefaults) {
  if (!FindProgram("cmake", std::getenv("PATH")).has_value()) GTEST_SKIP() << "no cmake";
  if (!std::filesystem::exists(inventory_.toolchains[0].path + "/share/wasi-sysroot/include/c++"))
    GTEST_SKIP() << "no libc++ for wasm32";
  Build(EXAMPLES_FOLDER "/cmake-cpp", "wasi");
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_THAT(artifacts_, testing::ElementsAre("wordcount.wasm"));
  EXPECT_EQ(RunProduct({"wasi", "builddir/wasi/wordcount.wasm", {}, {}}, {}), 0) << scratch_.Read("run.log");
}

// Rule: CMake's defaults for this machine leave the program as well.
TEST_F(RealBuild, CMakeNative) {
  if (!FindProgram("cmake", std::getenv("PATH")).has_value()) GTEST_SKIP() << "no cmake";
  Build(EXAMPLES_FOLDER "/cmake-cpp", "native");
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_THAT(artifacts_, testing::ElementsAre("wordcount"));
}

// Rule: a project's own target file is followed: the autotools example builds a library and a program.
TEST_F(RealBuild, AutotoolsExample) {
  if (!FindProgram("autoreconf", std::getenv("PATH")).has_value() ||
      !FindProgram("libtoolize", std::getenv("PATH")).has_value()) {
    GTEST_SKIP() << "no autotools";
  }
  Build(EXAMPLES_FOLDER "/autotools-lib", "wasi");
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_THAT(artifacts_, testing::UnorderedElementsAre("src/greet.wasm", "lib/.libs/libgreet.a"));
  EXPECT_EQ(RunProduct(*built_.runner, {"world"}), 0) << scratch_.Read("run.log");
  EXPECT_NE(scratch_.Read("run.log"), "");
  // The same by the defaults, now that it has a configure script.
  std::filesystem::remove(root_ + "/wasmbuild.yaml");
  std::filesystem::remove_all(root_ + "/builddir");
  artifacts_.clear();
  const std::string prepared = scratch_ / "prepared";
  std::filesystem::rename(root_, prepared);
  Build(prepared, "wasi");
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_THAT(artifacts_, testing::IsSupersetOf({"src/greet.wasm", "lib/.libs/libgreet.a"}));
}

}  // namespace
}  // namespace wasmagent::pipeline
