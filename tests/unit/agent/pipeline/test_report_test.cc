#include "agent/pipeline/test_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wasmagent::pipeline {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

// The form of CPython's regrtest: the name holds module, class and method; a skipped case is "completed".
constexpr char kRegrtest[] = R"(<?xml version="1.0"?>
<testsuites tests="4" errors="0" failures="1">
<testsuite start="2026-01-01 00:00:00" tests="4" errors="0" failures="1">
<testcase name="test.test_json.TestA.test_one" status="run" result="completed" time="0.500000" />
<testcase name="test.test_json.TestA.test_two" status="run" result="skipped" time="0.000001"><skipped message="no"/></testcase>
<testcase name="test.test_json.TestA.test_three" status="run" result="completed" time="1.000000">
<failure type="AssertionError" message="1 != 2">Traceback
AssertionError: 1 != 2
</failure></testcase>
<testcase name="test.test_list.TestB.test_four" status="run" result="completed" time="nan"/>
</testsuite></testsuites>)";

TEST(TestReportTest, CountsCasesAndNamesFailures) {
  auto report = ReadTestReport(kRegrtest);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->tests, 4u);
  EXPECT_EQ(report->failed, 1u);
  EXPECT_EQ(report->skipped, 1u);
  ASSERT_EQ(report->failures.size(), 1u);
  EXPECT_EQ(report->failures[0].name, "test.test_json.TestA.test_three");
  EXPECT_THAT(report->failures[0].message, EndsWith("AssertionError: 1 != 2"));
  EXPECT_EQ(report->Summary(), "1 of 4 tests failed, 1 skipped, in 1.5s");
}

// Others nest suites, leave the root out, name the class apart, and tell errors from failures.
TEST(TestReportTest, ReadsOtherWritersToo) {
  auto report = ReadTestReport(R"(<testsuite name="s"><testsuite>
    <testcase classname="Suite" name="case"><error message="boom"/></testcase>
    <testcase classname="Suite" name="other"/></testsuite></testsuite>)");
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->failures[0].name, "Suite.case");
  EXPECT_EQ(report->failures[0].message, "boom");
  EXPECT_EQ(ReadTestReport("<testsuite><testcase/></testsuite>")->Summary(), "1 test passed, in 0");
}

TEST(TestReportTest, WhatIsNoReportIsAnError) {
  EXPECT_THAT(std::string(ReadTestReport("<a>").status().message()), HasSubstr("no XML"));
  EXPECT_THAT(std::string(ReadTestReport("").status().message()), HasSubstr("no XML"));
  EXPECT_THAT(std::string(ReadTestReport("<html/>").status().message()), HasSubstr("<html>"));
}

// A broken build fails every test: they are counted all, and so many are named. Long messages keep their end.
TEST(TestReportTest, HoldsNoMoreThanItSays) {
  std::string xml = "<testsuite>";
  for (int i = 0; i < 500; ++i)
    xml += "<testcase name='t'><failure>" + std::string(5000, 'x') + "\nend</failure></testcase>";
  auto report = ReadTestReport(xml + "</testsuite>");
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->failed, 500u);
  EXPECT_EQ(report->failures.size(), kMostFailures);
  EXPECT_EQ(report->failures[0].message, "end");
}

}  // namespace
}  // namespace wasmagent::pipeline
