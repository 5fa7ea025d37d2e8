// Showing a build's events. The only place that decides what a build looks like.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "wasmagent/v1/build_event.pb.h"

namespace wasmagent::client {

// Receives what happens; called from one thread at a time. Progress and logs go to stderr; only JSON events go to
// stdout.
class BuildView {
 public:
  virtual ~BuildView() = default;
  // Something before or beside the build: "sent 3 files", "the connection was lost".
  virtual void Note(const std::string& text) = 0;
  // What is being done before the build begins, in the words of now; the last one counts.
  virtual void Status(const std::string& /*text*/) {}
  virtual void Event(const wasmagent::v1::BuildEvent& event) = 0;
  // Called about ten times a second, for what moves by itself.
  virtual void Tick() {}
  // The build's end has been seen, or watching stops: nothing is drawn afterwards.
  virtual void Close() {}
};

enum class OutputMode { kLive, kPlain, kJson };

// A view of this mode on stderr (and stdout for JSON).
std::unique_ptr<BuildView> MakeView(OutputMode mode);

// "succeeded", "timed out", …; "failed" for what is none of the others.
const char* Verdict(wasmagent::v1::Outcome outcome);
// "3.2 s", "4 min 05 s".
std::string FormatElapsed(absl::Duration time);
// "12.3 MB".
std::string FormatBytes(uint64_t bytes);
// "[#####---------------] 1113/4450": twenty places, one for each twentieth that is done.
std::string ProgressBar(uint64_t done, uint64_t total);
// "1 file", "3 files".
std::string Count(uint64_t number, std::string_view noun);
// `text` without control characters, escape sequences above all, so that what a program prints cannot steer the
// terminal.
std::string Printable(const std::string& text);
// "wasi: 3 of 412 tests failed, 20 skipped, in 2m14s".
std::string DescribeTests(const wasmagent::v1::TestResults& results);

// How a build ended, for people: the cause first, what shows it, and the next commands to try. `evidence` is what the
// agent has stored of it.
std::string DescribeEnd(const std::string& build_id, const wasmagent::v1::Ended& ended,
                        const std::vector<wasmagent::v1::EvidenceFile>& evidence = {});
// "3 compiled, 1 linked, ccache served 2 of 3"; empty when the output showed neither.
std::string DescribeCounts(const wasmagent::v1::StepEnded& ended);
// "done in 3.2 s, 3 compiled, ccache served 2 of 3", "skipped: …", "failed with exit code 2 after 3.2 s".
std::string DescribeStepEnd(const wasmagent::v1::StepEnded& ended);
// "2 changed, 1 removed: a.c, b.h, c.c", "no source file changed", "5 files in a new workspace: …".
std::string DescribeSynced(const wasmagent::v1::Synced& synced);

}  // namespace wasmagent::client
