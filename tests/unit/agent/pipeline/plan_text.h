// For tests: a plan as text that a person can read and a diff can show.
#pragma once

#include <string>

#include "agent/pipeline/plan.h"

namespace wasmagent::pipeline {

inline std::string PlanText(const Plan& plan) {
  std::string text;
  const auto line = [&](int indent, const std::string& words) { text += std::string(indent, ' ') + words + "\n"; };
  for (const PlannedTarget& target : plan.targets) {
    line(0, "target " + target.name + ": " + target.toolchain_kind + " in " + target.build_directory);
    for (const std::string& remark : target.remarks) line(2, "remark " + remark);
    for (const Step& step : target.steps) {
      const char* kinds[] = {"configure", "make", "run"};
      line(2, "step " + step.name + " (" + kinds[static_cast<int>(step.kind)] + ") in " + step.directory);
      for (const std::string& word : step.argv) line(4, word);
      for (const auto& [name, value] : step.env) line(4, name + "=" + value);
    }
    for (const TemporaryLink& link : target.links) line(2, "link " + link.path + " -> " + link.target);
    for (const std::string& glob : target.inputs) line(2, "input " + glob);
    for (const std::string& glob : target.artifacts) line(2, "artifact " + glob);
    if (target.runner.has_value()) {
      line(2, "runner " + target.runner->runtime + " " + target.runner->program);
      for (const auto& [name, value] : target.runner->env) line(4, name + "=" + value);
      for (const std::string& flag : target.runner->flags) line(4, flag);
      for (const auto& [guest, host] : target.runner->directories) line(4, guest + " -> '" + host + "'");
    }
  }
  for (size_t at = text.find(kSourceRootMark); at != std::string::npos; at = text.find(kSourceRootMark, at)) {
    text.replace(at, sizeof(kSourceRootMark) - 1, "$SRC");
  }
  return text;
}

}  // namespace wasmagent::pipeline
