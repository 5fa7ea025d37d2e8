#include "agent/pipeline/test_report.h"

#include <cmath>
#include <pugixml.hpp>

#include "fmt/format.h"

namespace wasmagent::pipeline {
namespace {

// Of a failed case's message: a traceback ends with what it is about, and the excerpt of a failure has some 20 lines.
constexpr size_t kMessageBytes = 2000;

// The text from a line's begin on, so that the end, which says most, is kept.
std::string Tail(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  if (text.size() <= kMessageBytes) return std::string(text);
  text.remove_prefix(text.size() - kMessageBytes);
  size_t line = text.find('\n');
  return std::string(line == std::string_view::npos ? text : text.substr(line + 1));
}

std::string NameOf(const pugi::xml_node& test) {
  const std::string_view name = test.attribute("name").value();
  const std::string_view group = test.attribute("classname").value();
  return group.empty() ? std::string(name) : fmt::format("{}.{}", group, name);
}

// Counts cases at any depth: suites may hold suites.
class Counter : public pugi::xml_tree_walker {
 public:
  explicit Counter(TestReport& report) : report_(report) {}

  bool for_each(pugi::xml_node& node) override {
    if (std::string_view(node.name()) != "testcase") return true;
    ++report_.tests;
    // "nan" and words are no time.
    const double seconds = node.attribute("time").as_double();
    if (std::isfinite(seconds) && seconds > 0) report_.time += absl::Seconds(seconds);
    if (node.child("skipped")) ++report_.skipped;
    pugi::xml_node failure = node.child("failure");
    if (!failure) failure = node.child("error");
    if (!failure) return true;
    ++report_.failed;
    if (report_.failures.size() == kMostFailures) return true;
    std::string_view message = failure.text().get();
    if (message.empty()) message = failure.attribute("message").value();
    report_.failures.push_back({NameOf(node), Tail(message)});
    return true;
  }

 private:
  TestReport& report_;
};

}  // namespace

std::string TestReport::Summary() const {
  std::string text = failed == 0 ? fmt::format("{} {} passed", tests - skipped, tests - skipped == 1 ? "test" : "tests")
                                 : fmt::format("{} of {} tests failed", failed, tests);
  if (skipped != 0) text += fmt::format(", {} skipped", skipped);
  return text + fmt::format(", in {}", absl::FormatDuration(absl::Trunc(time, absl::Milliseconds(100))));
}

absl::StatusOr<TestReport> ReadTestReport(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_buffer(xml.data(), xml.size());
  if (!parsed) {
    return absl::InvalidArgumentError(fmt::format("no XML: {} at byte {}", parsed.description(), parsed.offset));
  }
  const std::string_view root = document.document_element().name();
  if (root != "testsuites" && root != "testsuite") {
    return absl::InvalidArgumentError(fmt::format("no JUnit report: its root is <{}>", root));
  }
  TestReport report;
  Counter counter(report);
  document.traverse(counter);
  return report;
}

}  // namespace wasmagent::pipeline
