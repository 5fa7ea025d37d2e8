// Texts that are compiled into the agent; see embed_text.cmake.
#pragma once

#include <map>
#include <string_view>

namespace wasmagent::pipeline {

// File name → text of the built-in target files (targets/*.yaml), of the tables of explanations ("libraries.yaml",
// "limitations.yaml") and of the node:wasi runner ("node-wasi.mjs").
const std::map<std::string_view, std::string_view>& EmbeddedTexts();

}  // namespace wasmagent::pipeline
