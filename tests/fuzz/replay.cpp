// Runs a fuzz target over files, without a fuzzer: the corpus is an ordinary test. Each file also comes in some broken
// forms, the same ones every time.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <string>

#include "fuzz/target.h"
#include "support/dice.h"

namespace {

constexpr int kBroken = 30;  // forms of each file

void run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

std::string broken(std::string bytes, fortium::test::Dice& dice) {
  for (std::size_t i = 1 + dice.below(4); i > 0 && !bytes.empty(); --i) {
    const std::size_t at = dice.below(bytes.size());
    switch (dice.below(4)) {
      case 0: bytes[at] = static_cast<char>(dice.next()); break;
      case 1: bytes.erase(at, 1 + dice.below(8)); break;
      case 2: bytes.insert(at, bytes.substr(dice.below(bytes.size()), dice.below(40))); break;
      default: bytes.insert(at, 1, "{}[]\",:0\\\n"[dice.below(10)]); break;
    }
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  std::set<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) continue;  // no corpus of its own yet
    for (const auto& entry : std::filesystem::directory_iterator(argv[i]))
      if (entry.is_regular_file()) files.insert(entry.path());
  }
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    run(text.str());
    fortium::test::Dice dice(text.str().size());
    for (int i = 0; i < kBroken; ++i) run(broken(text.str(), dice));
  }
  std::cout << files.size() << " files\n";
  return files.empty() ? 1 : 0;
}
