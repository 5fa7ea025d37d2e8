// Runs LLVMFuzzerTestOneInput over the target's seeds and mutations of them: the same ones in every run.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
std::vector<std::string> Seeds();

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 1000;
  const std::vector<std::string> seeds = Seeds();
  std::mt19937 random(1);
  auto run = [](const std::string& input) {
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  };
  for (const std::string& seed : seeds) run(seed);
  for (int i = 0; i < rounds; ++i) {
    std::string input = seeds[random() % seeds.size()];
    for (unsigned edits = random() % 4 + 1; edits > 0; --edits) {
      size_t at = input.empty() ? 0 : random() % input.size();
      switch (random() % 4) {
        case 0:
          input.insert(at, 1, static_cast<char>(random()));
          break;
        case 1:
          input.erase(at, random() % 5);
          break;
        case 2:
          input.insert(at, input.substr(random() % (input.size() + 1), random() % 40));
          break;
        default:
          if (!input.empty()) input[at] = static_cast<char>(input[at] ^ (1 << random() % 8));
      }
    }
    run(input);
  }
  std::printf("%d inputs\n", rounds);
}
