#include "agent/pipeline/compile_count.h"

#include <algorithm>
#include <array>
#include <vector>

namespace wasmagent::pipeline {
namespace {

using Words = std::vector<std::string_view>;

constexpr std::array<std::string_view, 8> kCompilers = {"cc", "gcc", "g++", "c++", "clang", "clang++", "emcc", "em++"};
constexpr std::array<std::string_view, 9> kSources = {".c", ".cc", ".cpp", ".cxx", ".C", ".m", ".mm", ".s", ".S"};
constexpr std::array<std::string_view, 4> kObjects = {".o", ".obj", ".lo", ".bc"};

template <size_t size>
bool EndsWithOneOf(std::string_view word, const std::array<std::string_view, size>& ends) {
  return std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return word.ends_with(end); });
}

// "/opt/sdk/bin/wasm32-wasi-clang-18" is "clang" with a prefix and a version.
bool IsProgram(std::string_view word, std::string_view name) {
  if (!word.ends_with(name)) return false;
  word.remove_suffix(name.size());
  return word.empty() || word.back() == '-';
}

std::string_view BaseName(std::string_view path) {
  if (size_t slash = path.rfind('/'); slash != std::string_view::npos) path.remove_prefix(slash + 1);
  return path;
}

bool IsCompiler(std::string_view word) {
  word = BaseName(word);
  if (word.ends_with(".py")) word.remove_suffix(3);
  if (size_t end = word.find_last_not_of("0123456789."); end != std::string_view::npos && word[end] == '-') {
    word = word.substr(0, end);
  }
  return std::any_of(kCompilers.begin(), kCompilers.end(),
                     [&](std::string_view name) { return IsProgram(word, name); });
}

bool IsLinker(std::string_view word) {
  word = BaseName(word);
  return IsProgram(word, "ld") || word == "ld.lld" || word == "wasm-ld";
}

// The program that a command runs, past variables and programs that only start another one; the number of words when
// there is none.
size_t ProgramOf(const Words& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    std::string_view word = BaseName(words[i]);
    const size_t equals = words[i].find('=');
    const bool variable = equals != std::string_view::npos && equals < words[i].find('/');
    // "libtool: compile:  gcc …" shows what it runs.
    bool skipped = variable || word == "ccache" || word == "env" || word == "time" || words[i].ends_with(':');
    if (!skipped) return i;
  }
  return words.size();
}

Words WordsOf(std::string_view line) {
  Words words;
  constexpr std::string_view kBlanks = " \t";
  for (size_t begin = line.find_first_not_of(kBlanks); begin != std::string_view::npos;) {
    size_t end = std::min(line.find_first_of(kBlanks, begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(kBlanks, end);
  }
  return words;
}

// Words of a line that belong together: up to "&&", "||", ";" and "|".
std::vector<Words> CommandsOf(std::string_view line) {
  std::vector<Words> commands(1);
  for (std::string_view word : WordsOf(line)) {
    bool ends = word == "&&" || word == "||" || word == ";" || word == "|";
    if (ends) {
      commands.emplace_back();
    } else if (word.ends_with(';')) {
      word.remove_suffix(1);
      commands.back().push_back(word);
      commands.emplace_back();
    } else {
      commands.back().push_back(word);
    }
  }
  return commands;
}

// Takes "[ 33%] " or "[12/345] " off the front; true when it was there.
bool TakeNumbers(std::string_view& line) {
  if (!line.starts_with('[')) return false;
  size_t end = line.find("] ");
  if (end == std::string_view::npos || line.find_first_not_of("0123456789/% ", 1) != end) return false;
  line.remove_prefix(end + 2);
  return true;
}

}  // namespace

void CompileCount::Take(std::string_view line) {
  const bool numbered = TakeNumbers(line);
  if (TakeProgress(numbered, line)) return;
  // Few lines of output are commands of a compiler; these words tell most others apart at once.
  if (line.find(" -c") != std::string_view::npos || line.find(" -o") != std::string_view::npos) TakeCommands(line);
}

void CompileCount::TakeCommands(std::string_view line) {
  for (const Words& words : CommandsOf(line)) {
    size_t program = ProgramOf(words);
    if (program == words.size()) continue;
    if (!IsLinker(words[program]) && !IsCompiler(words[program])) continue;
    Count(Words(words.begin() + static_cast<long>(program) + 1, words.end()));
  }
}

// `arguments` are a compiler's or linker's.
void CompileCount::Count(const std::vector<std::string_view>& arguments) {
  bool compiles = false;
  bool links = true;
  uint64_t sources = 0;
  std::string_view output;
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string_view word = arguments[i];
    compiles = compiles || word == "-c";
    links = links && word != "-c" && word != "-E" && word != "-S" && word != "-M" && word != "-MM";
    if (word == "-o" && i + 1 < arguments.size()) {
      output = arguments[++i];
    } else if (word == "-MT" || word == "-MF" || word == "-MQ" || word == "-include" || word == "-x") {
      ++i;
    } else if (!word.starts_with('-') && EndsWithOneOf(word, kSources)) {
      ++sources;
    }
  }
  if (compiles && output.empty()) commands_.compiled += sources;
  if (compiles && EndsWithOneOf(output, kObjects)) ++commands_.compiled;
  if (!links || output.empty()) return;
  commands_.compiled += sources;  // compiled and linked in one go
  ++commands_.linked;
}

// True when the line is progress, and no command.
bool CompileCount::TakeProgress(bool numbered, std::string_view line) {
  if (!numbered && !line.starts_with("  ")) return false;
  if (line.starts_with("Building ") && line.find(" object ") != std::string_view::npos) {
    ++progress_.compiled;
    return true;
  }
  if (line.starts_with("Linking ")) {
    ++progress_.linked;
    return true;
  }
  // "  CC       a.o", "  CXXLD    prog", and ninja's "CC obj/a.o".
  Words words = WordsOf(line);
  if (words.size() != 2) return false;
  std::string_view kind = words[0];
  if (kind == "CCLD" || kind == "CXXLD" || kind == "LD" || kind == "LINK") {
    ++progress_.linked;
    return true;
  }
  if ((kind != "CC" && kind != "CXX" && kind != "OBJC" && kind != "CPPAS" && kind != "AS") ||
      !EndsWithOneOf(words[1], kObjects)) {
    return false;
  }
  ++progress_.compiled;
  return true;
}

uint64_t CompileCount::compiled() const { return std::max(commands_.compiled, progress_.compiled); }
uint64_t CompileCount::linked() const { return std::max(commands_.linked, progress_.linked); }

}  // namespace wasmagent::pipeline
