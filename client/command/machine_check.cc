#include "client/command/machine_check.h"

#include "client/command/local_runtime.h"
#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "platform/install_advice.h"
#include "platform/run_program.h"
#include "wasmagent/v1/agent_service.pb.h"

namespace wasmagent::client {
namespace {

using Level = Finding::Level;

// Compilers are asked for their versions; a loaded machine takes a while.
constexpr absl::Duration kProbeLimit = absl::Seconds(60);

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

Finding CheckGit(const LocatorInput& input) {
  const std::string program = FindOnPath("git", input.folders.path);
  if (program.empty()) {
    return {Level::kMissing, "git", "not installed; only checkouts of git need it",
            platform::InstallAdvice({"git", "git"})};
  }
  auto answer = platform::RunProgram({program, "--version"}, {.limit = kProbeLimit});
  if (!answer.ok() || answer->exit_code != 0) {
    return {Level::kWrong, "git", fmt::format("{} does not run", program), platform::InstallAdvice({"git", "git"})};
  }
  return {Level::kGood, "git", fmt::format("{} ({})", FirstLine(answer->out), program), ""};
}

// The engine and the image in it.
std::vector<Finding> CheckContainers(const ContainerAgent& container) {
  // Another engine than the first may have the image.
  auto engine = container.FindEngineWithImage();
  if (absl::IsNotFound(engine.status())) engine = container.FindEngine();
  if (!engine.ok()) {
    return {{Level::kMissing, "container engine", std::string(engine.status().message()),
             platform::InstallAdvice({"podman", "podman"})}};
  }
  std::vector<Finding> findings = {{Level::kGood, "container engine", *engine, ""}};
  const absl::Status image = container.CheckImage(*engine);
  if (image.ok()) {
    findings.push_back({Level::kGood, "agent's image", "there", ""});
  } else {
    findings.push_back({Level::kMissing, "agent's image", std::string(image.message()), "./dev image"});
  }
  return findings;
}

// An agent as a process of this machine, and the SDKs that it would find.
std::vector<Finding> CheckEmbedded(const EmbeddedAgent& embedded) {
  auto program = embedded.FindProgram();
  if (!program.ok()) {
    return {{Level::kMissing, "embedded agent", std::string(program.status().message()),
             "put wasmagent beside wasmctl or on PATH"}};
  }
  std::vector<Finding> findings = {{Level::kGood, "embedded agent", *program, ""}};
  auto answer =
      platform::RunProgram({*program, "--state-directory", embedded.StateFolder(), "probe"}, {.limit = kProbeLimit});
  if (!answer.ok() || answer->exit_code != 0) {
    findings[0].level = Level::kWrong;
    findings[0].found += " does not run: " + (answer.ok() ? answer->Message() : std::string(answer.status().message()));
    return findings;
  }
  for (Finding& finding : FindingsOfProbe(answer->out)) findings.push_back(std::move(finding));
  return findings;
}

Finding CheckLocalRuntime() {
  auto runtime = FindRuntime();
  if (runtime.ok()) return {Level::kGood, "wasmctl run", "programs for WASI run with " + runtime->program, ""};
  return {Level::kMissing, "wasmctl run", std::string(runtime.status().message()),
          platform::InstallAdvice({"nodejs", "nodejs"})};
}

bool Good(const std::vector<Finding>& findings, std::string_view subject) {
  for (const Finding& finding : findings) {
    if (finding.subject == subject && finding.level == Level::kGood) return true;
  }
  return false;
}

// An embedded agent can build something for WebAssembly with either; the machine's own compiler alone is no reason for
// one.
bool HasSdk(const std::vector<Finding>& findings) {
  return Good(findings, "wasi SDK") || Good(findings, "emscripten SDK");
}

// Which agent `wasmctl submit` would take. An address that is given is taken without a look, as submit does.
Finding CheckAgent(LocatorInput input, const std::vector<Finding>& findings) {
  input.may_start = false;
  const bool starts = Good(findings, "agent's image") || HasSdk(findings);
  const std::string given = input.flag.empty() ? input.environment : input.flag;
  if (given == kContainer || given == kEmbedded) {
    const bool can = given == kContainer ? Good(findings, "agent's image") : HasSdk(findings);
    return {can ? Level::kGood : Level::kWrong, "agent", fmt::format("{}, as was asked for", given),
            can ? "" : "see above, or leave it out to take what there is"};
  }
  auto address = LocateAgent(input);
  if (address.ok()) return {Level::kGood, "agent", address->description, ""};
  if (absl::IsInvalidArgument(address.status())) {
    return {Level::kWrong, "agent", std::string(address.status().message()), "wasmctl context list"};
  }
  if (starts) {
    return {Level::kGood, "agent",
            fmt::format("none runs; submit starts one {}",
                        Good(findings, "agent's image") ? "in a container" : "beside itself (embedded)"),
            ""};
  }
  return {Level::kWrong, "agent", "none runs, and none can be started here",
          "mend one of the above, or name an agent elsewhere: wasmctl context add NAME HOST:PORT"};
}

}  // namespace

std::vector<Finding> FindingsOfProbe(std::string_view json) {
  wasmagent::v1::GetAgentInfoResponse found;
  google::protobuf::util::JsonParseOptions options;
  // A newer agent may say more.
  options.ignore_unknown_fields = true;
  if (!google::protobuf::util::JsonStringToMessage(std::string(json), &found, options).ok()) {
    return {{Level::kWrong, "embedded agent", "wasmagent probe printed no description: another version?", ""}};
  }
  std::vector<Finding> findings;
  for (const auto& toolchain : found.toolchains()) {
    // What is wrong with a toolchain is told together with what mends it.
    const bool there = !toolchain.path().empty();
    findings.push_back(
        {toolchain.usable() ? Level::kGood
         : there            ? Level::kWrong
                            : Level::kMissing,
         toolchain.kind() + " SDK",
         toolchain.usable() ? fmt::format("{} in {}", toolchain.version(), toolchain.path()) : toolchain.problem(),
         ""});
  }
  for (const auto& runtime : found.runtimes()) {
    const bool good = runtime.problem().empty();
    findings.push_back({good ? Level::kGood : Level::kWrong, "runtime",
                        fmt::format("{} {} ({}){}", runtime.name(), runtime.version(), runtime.path(),
                                    good ? "" : ": " + runtime.problem()),
                        ""});
  }
  if (found.compiler_cache().empty()) {
    findings.push_back({Level::kMissing, "ccache", "not installed: clean builds compile everything",
                        platform::InstallAdvice({"ccache", "ccache"})});
  } else {
    findings.push_back({Level::kGood, "ccache", found.compiler_cache(), ""});
  }
  findings.push_back({Level::kGood, "parallel jobs", fmt::format("{} ({})", found.jobs(), found.jobs_reason()), ""});
  return findings;
}

MachineReport CheckMachine(const LocatorInput& input) {
  MachineReport report;
  auto add = [&report](std::vector<Finding> more) {
    for (Finding& finding : more) report.findings.push_back(std::move(finding));
  };
  add({CheckGit(input)});
  add(CheckContainers(ContainerAgentFor(input)));
  add(CheckEmbedded(EmbeddedAgentFor(input)));
  add({CheckLocalRuntime()});
  add({CheckAgent(input, report.findings)});
  report.has_agent = report.findings.back().level == Level::kGood;
  return report;
}

}  // namespace wasmagent::client
