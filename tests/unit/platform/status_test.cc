#include "platform/status.h"

#include "absl/strings/cord.h"
#include "gtest/gtest.h"

namespace wasmagent::platform {
namespace {

// errno becomes the code that callers act on, and the message says what and why.
TEST(Status, ComesFromErrno) {
  EXPECT_EQ(ErrnoStatus(ENOENT, "x").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrnoStatus(ENOSPC, "x").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrnoStatus(EDQUOT, "x").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrnoStatus(EACCES, "x").code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ErrnoStatus(EEXIST, "x").code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ErrnoStatus(EIO, "x").code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ErrnoStatus(ENOENT, "open a").message(), "open a: No such file or directory");
}

// Context goes in front, payloads stay, OK stays OK.
TEST(Status, TakesContext) {
  absl::Status status = absl::NotFoundError("b");
  status.SetPayload("url", absl::Cord("payload"));
  absl::Status annotated = Annotate(status, "a");
  EXPECT_EQ(annotated.message(), "a: b");
  EXPECT_EQ(annotated.GetPayload("url").value(), "payload");
  EXPECT_TRUE(Annotate(absl::OkStatus(), "a").ok());
}

}  // namespace
}  // namespace wasmagent::platform
