// Texts of target files with ${variables} in them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace wasmagent::pipeline {

// Gives a variable's value, or nothing when there is no such variable here.
using VariableLookup = std::function<std::optional<std::string>(std::string_view name)>;

// Replaces each "${name}" by its value. "$${" is a literal "${"; any other "$" is itself, so that make's $(VAR) and a
// shell's $1 need no care. An empty value takes the one blank after it along: "${ccache} gcc" is "gcc" where there is
// no ccache. INVALID_ARGUMENT for an unknown variable and for a "${" without its "}".
absl::StatusOr<std::string> ExpandText(std::string_view text, const VariableLookup& lookup);

}  // namespace wasmagent::pipeline
