#include "platform/run_program.h"

#include <signal.h>

#include <cstdlib>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/directory.h"
#include "platform/file.h"

namespace wasmagent::platform {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ScriptFolder {
 public:
  ScriptFolder() : path_(*MakeTemporaryDirectory("/tmp", "run-program-")) {}
  ~ScriptFolder() { (void)RemoveTree(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

absl::StatusOr<ProgramResult> RunShell(const std::string& script, absl::Duration limit = absl::Minutes(1)) {
  return RunProgram({"/bin/sh", "-c", script}, {.limit = limit});
}

// Both outputs are read apart, and a failing program is a result, not an error.
TEST(RunProgram, ReadsWhatAProgramSays) {
  auto result = RunShell("echo out; echo err >&2; exit 3");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->out, "out\n");
  EXPECT_EQ(result->err, "err\n");
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(RunShell("kill -9 $$")->exit_code, 128 + 9);
}

// There is no input to wait for.
TEST(RunProgram, GivesNoInput) { EXPECT_EQ(RunShell("cat; echo end")->out, "end\n"); }

// The output ends when all that hold it have ended, and none of it is lost.
TEST(RunProgram, WaitsForTheEndOfTheOutput) {
  ScriptFolder folder;
  auto result = RunShell("mkfifo " + folder.path() + "/f; (read x < " + folder.path() + "/f; echo late) & echo go > " +
                         folder.path() + "/f; exit 5");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->out, "late\n");
  EXPECT_EQ(result->exit_code, 5);
}

// A program that prints without end costs bounded memory, and is not held up.
TEST(RunProgram, OutputIsBounded) {
  auto result = RunShell("head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 0);
  EXPECT_LT(result->out.size(), size_t{2} << 20);
  EXPECT_GE(result->err.size(), size_t{1} << 20);
}

// Whoever asks for more gets more; what is searched for is found on PATH; the environment is what was given.
TEST(RunProgram, TakesItsOptions) {
  const std::vector<std::string> environment = {"PATH=/usr/bin:/bin", "NAME=value"};
  auto result = RunProgram({"sh", "-c", "head -c 5000000 /dev/zero; env >&2"},
                           {.most_output = SIZE_MAX, .environment = &environment});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->out.size(), 5000000U);
  EXPECT_THAT(result->err, HasSubstr("NAME=value\n"));
  EXPECT_THAT(result->err, testing::Not(HasSubstr("HOME=")));
}

// After the limit the program is killed, and the error has its command line.
TEST(RunProgram, EndsAtTheLimit) {
  ScriptFolder folder;
  auto result = RunShell("echo $$ > " + folder.path() + "/pid; exec sleep 1000", absl::Milliseconds(300));
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("sleep 1000"));
  int pid = std::atoi(ReadFile(folder.path() + "/pid").value_or("").c_str());
  if (pid > 0) {
    EXPECT_NE(::kill(pid, 0), 0);
  }
}

// A program that is not there, or is none, is named.
TEST(RunProgram, WhatCannotRunIsNamed) {
  absl::Status absent = RunProgram({"/no/such/program"}).status();
  EXPECT_EQ(absent.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(absent.message()), HasSubstr("/no/such/program"));
  ScriptFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder.path() + "/text", "no program", 0644).ok());
  absl::Status text = RunProgram({folder.path() + "/text"}).status();
  EXPECT_EQ(text.code(), absl::StatusCode::kPermissionDenied);
}

// What it said, for an error: stderr first, the end of what is long, and the exit code when it said nothing.
TEST(ProgramResult, MessageIsTheEndOfWhatItSaid) {
  EXPECT_EQ((ProgramResult{1, "out\n", "err\r\n \n"}).Message(), "err");
  EXPECT_EQ((ProgramResult{1, "out\n", " \n"}).Message(), "out");
  EXPECT_EQ((ProgramResult{7, "", "\n"}).Message(), "exit code 7");
  std::string text = (ProgramResult{1, "", std::string(5000, 'x') + "the end"}).Message();
  EXPECT_THAT(text, StartsWith("…x"));
  EXPECT_THAT(text, EndsWith("the end"));
  EXPECT_LT(text.size(), 2100U);
}

}  // namespace
}  // namespace wasmagent::platform
