#pragma once

#include <istream>
#include <map>
#include <string>

// How often each word of a text occurs; words are separated by white space.
std::map<std::string, int> CountWords(std::istream& text);
