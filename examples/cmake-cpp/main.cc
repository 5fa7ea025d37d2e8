// Counts the words of its arguments, or of standard input when there are none.
#include <iostream>
#include <sstream>

#include "word_count.h"

int main(int argc, char** argv) {
  std::ostringstream arguments;
  for (int i = 1; i < argc; ++i) arguments << argv[i] << '\n';
  std::istringstream given(arguments.str());
  std::istream& text = argc > 1 ? static_cast<std::istream&>(given) : std::cin;
  for (const auto& [word, count] : CountWords(text)) std::cout << count << ' ' << word << '\n';
  return 0;
}
