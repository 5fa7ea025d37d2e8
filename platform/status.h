// Errors: absl::Status made from errno, and context added on the way up.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wasmagent::platform {

// Returns the status for an errno value, its message being "<what>: <strerror>". ENOSPC and EDQUOT become
// RESOURCE_EXHAUSTED, ENOENT NOT_FOUND, EACCES and EPERM PERMISSION_DENIED, EEXIST ALREADY_EXISTS.
absl::Status ErrnoStatus(int error, std::string_view what);

// Returns `status` with "<context>: " in front of its message; payloads are kept. OK stays OK.
absl::Status Annotate(const absl::Status& status, std::string_view context);

}  // namespace wasmagent::platform

#define WASMAGENT_CONCAT_INNER(a, b) a##b
#define WASMAGENT_CONCAT(a, b) WASMAGENT_CONCAT_INNER(a, b)

// Returns from the function when `expression` is an error.
#define RETURN_IF_ERROR(expression)                                                \
  do {                                                                             \
    if (const absl::Status& status_ = (expression); !status_.ok()) return status_; \
  } while (false)

// The same, with context: RETURN_IF_ERROR_CTX(Write(x), "save the manifest").
#define RETURN_IF_ERROR_CTX(expression, context)                         \
  do {                                                                   \
    if (const absl::Status& annotated_ = (expression); !annotated_.ok()) \
      return ::wasmagent::platform::Annotate(annotated_, (context));     \
  } while (false)

// `result` is a name and `target` a declaration: neither can stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define ASSIGN_OR_RETURN_IMPL(result, target, expression) \
  auto result = (expression);                             \
  if (!result.ok()) return result.status();               \
  target = std::move(result).value()

// ASSIGN_OR_RETURN(auto x, F()): the value, or returns from the function with the error.
#define ASSIGN_OR_RETURN(target, expression) \
  ASSIGN_OR_RETURN_IMPL(WASMAGENT_CONCAT(result_, __LINE__), target, expression)

#define ASSIGN_OR_RETURN_CTX_IMPL(result, target, expression, context)                  \
  auto result = (expression);                                                           \
  if (!result.ok()) return ::wasmagent::platform::Annotate(result.status(), (context)); \
  target = std::move(result).value()

// The same, with context.
#define ASSIGN_OR_RETURN_CTX(target, expression, context) \
  ASSIGN_OR_RETURN_CTX_IMPL(WASMAGENT_CONCAT(result_, __LINE__), target, expression, context)
// NOLINTEND(bugprone-macro-parentheses)
