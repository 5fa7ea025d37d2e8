// How much a step compiled and linked, counted in what it prints.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace wasmagent::pipeline {

// Counts compile and link commands, and lines that stand for them: automake's "  CC  a.o", ninja's and CMake's
// "[1/2] Building C object …". Where a build prints both, commands and progress, they are not added up. A build that
// prints neither counts nothing. One for each step; used by one thread.
class CompileCount {
 public:
  // Takes one plain line.
  void Take(std::string_view line);

  uint64_t compiled() const;
  uint64_t linked() const;

 private:
  struct Counts {
    uint64_t compiled = 0;
    uint64_t linked = 0;
  };
  void TakeCommands(std::string_view line);
  void Count(const std::vector<std::string_view>& arguments);
  bool TakeProgress(bool numbered, std::string_view line);

  Counts commands_;
  Counts progress_;
};

}  // namespace wasmagent::pipeline
