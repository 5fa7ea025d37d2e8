// What a test run says of itself in JUnit's XML, the form that CPython's regrtest, CTest, pytest and most others write.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace wasmagent::pipeline {

// A test case that failed, or that ended with an error.
struct FailedTest {
  std::string name;     // "suite.case" where the report tells the two apart
  std::string message;  // its first lines; may be empty
};

// A whole report, counted from its cases: the totals that writers give as attributes are left out or wrong too often.
struct TestReport {
  uint64_t tests = 0;
  uint64_t failed = 0;  // failures and errors
  uint64_t skipped = 0;
  absl::Duration time;               // of all cases together
  std::vector<FailedTest> failures;  // the first kMostFailures of them

  // "3 of 412 tests failed, 20 skipped, in 2m14s"
  std::string Summary() const;
};

// How many failed cases are named: a broken build fails thousands.
inline constexpr size_t kMostFailures = 100;

// Reads a report. INVALID_ARGUMENT when it is no XML or has neither <testsuites> nor <testsuite> at its root. External
// entities are not followed. Costs some four times the text's size while it runs.
absl::StatusOr<TestReport> ReadTestReport(std::string_view xml);

}  // namespace wasmagent::pipeline
