#include "word_count.h"

std::map<std::string, int> CountWords(std::istream& text) {
  std::map<std::string, int> counts;
  for (std::string word; text >> word;) ++counts[word];
  return counts;
}
