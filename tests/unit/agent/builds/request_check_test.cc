#include "agent/builds/request_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "content/digest.h"

namespace wasmagent::builds {
namespace {

using ::testing::HasSubstr;
using wasmagent::v1::BuildRequest;

BuildRequest Good() {
  BuildRequest request;
  request.set_build_id("01234567-89ab-4cde-8f01-23456789abcd");
  *request.mutable_root() = content::Digest::Of("root").ToProto();
  request.mutable_checkout()->set_id("checkout");
  request.add_targets("wasi");
  return request;
}

void ExpectRefused(const BuildRequest& request, const std::string& field) {
  absl::Status status = CheckRequest(request);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(field));
}

TEST(RequestCheckTest, AGoodRequestPasses) { EXPECT_TRUE(CheckRequest(Good()).ok()); }

// Ids become file names: nothing that could be a path gets through.
TEST(RequestCheckTest, IdsAreHeldToTheirAlphabet) {
  for (const char* id : {"", "short", "../../etc/passwd", "UPPERCASE-ID", "has space in it", "nul"}) {
    BuildRequest request = Good();
    request.set_build_id(id);
    ExpectRefused(request, "build_id");
  }
  BuildRequest request = Good();
  request.mutable_checkout()->set_id("a/b");
  ExpectRefused(request, "checkout.id");
}

// Bad input is named by its field.
TEST(RequestCheckTest, EveryFieldIsChecked) {
  BuildRequest request = Good();
  request.mutable_root()->set_hash("xyz");
  ExpectRefused(request, "build.root");
  request = Good();
  request.clear_targets();
  ExpectRefused(request, "targets");
  request = Good();
  request.set_targets(0, "a b");
  ExpectRefused(request, "a b");
  request.set_targets(0, "wasi-[a-z]*");
  EXPECT_TRUE(CheckRequest(request).ok());
  request = Good();
  (*request.mutable_options()->mutable_env())["A=B"] = "x";
  ExpectRefused(request, "options.env");
  request = Good();
  request.mutable_options()->add_make_args(std::string("a\0b", 3));
  ExpectRefused(request, "make_args");
  request = Good();
  request.mutable_options()->mutable_timeout()->set_seconds(0);
  ExpectRefused(request, "timeout");
  request = Good();
  request.mutable_options()->set_jobs(100000);
  ExpectRefused(request, "jobs");
}

// Each value may be long, all of them together may not: they are kept in every record and told with every step.
TEST(RequestCheckTest, TheWholeIsLimited) {
  BuildRequest request = Good();
  for (int i = 0; i < 31; ++i) request.mutable_options()->add_make_args(std::string(32768, 'a'));
  EXPECT_TRUE(CheckRequest(request).ok());
  request.mutable_options()->add_make_args(std::string(32768, 'a'));
  ExpectRefused(request, "in all");
}

// What a plan writes for the workspace's path can be nobody's own word.
TEST(RequestCheckTest, TheMarkOfTheSourceRootIsRefused) {
  BuildRequest request = Good();
  request.mutable_options()->add_configure_args("--prefix=\x01SRC\x01/x");
  ExpectRefused(request, "configure_args");
}

}  // namespace
}  // namespace wasmagent::builds
