// The least that an answer of a given size can cost: a line in, the same bytes out, whatever the line said.
#include <cstdio>
#include <string>

#include "lines.h"

namespace {

bool read_file(const char* path, std::string& out) {
  std::FILE* file = std::fopen(path, "rb");
  if (file == nullptr) return false;
  char chunk[16 * 1024];
  for (std::size_t got; (got = std::fread(chunk, 1, sizeof chunk, file)) > 0;) out.append(chunk, got);
  const bool whole = std::ferror(file) == 0;
  std::fclose(file);
  return whole;
}

}  // namespace

int main(int argc, char** argv) {
  std::string blob;
  if (argc != 2 || !read_file(argv[1], blob)) {
    std::fputs("usage: bench_echo FILE\n", stderr);
    return 2;
  }
  if (!blob.ends_with('\n')) blob += '\n';

  bench::Lines lines;
  std::string_view line;
  while (lines.fill())
    while (lines.next(line))
      if (!bench::write_all(blob)) return 1;
  return 0;
}
