#include "text_diff.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace fortium::app {

namespace {

constexpr std::size_t kContext = 3;          // lines around a change, as everybody does
constexpr std::size_t kMostCells = 4 << 20;  // beyond it, what differs is shown as replaced whole

using Lines = std::vector<std::string_view>;

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

struct Line {
  char sign;
  std::string_view text;
};

// The longest common subsequence of the middles, as lines with their signs.
void compare(const Lines& a, const Lines& b, std::size_t from, std::size_t a_end, std::size_t b_end,
             std::vector<Line>& out) {
  const std::size_t n = a_end - from, m = b_end - from;
  std::size_t i = 0, j = 0;
  if (n > 0 && m > 0 && n * m <= kMostCells) {
    std::vector<std::uint32_t> common((n + 1) * (m + 1));
    const auto at = [&](std::size_t x, std::size_t y) -> std::uint32_t& { return common[x * (m + 1) + y]; };
    for (std::size_t x = n; x-- > 0;)
      for (std::size_t y = m; y-- > 0;)
        at(x, y) = a[from + x] == b[from + y] ? at(x + 1, y + 1) + 1 : std::max(at(x + 1, y), at(x, y + 1));
    while (i < n && j < m) {
      if (a[from + i] == b[from + j]) {
        out.push_back({' ', a[from + i]});
        ++i, ++j;
      } else if (at(i + 1, j) >= at(i, j + 1)) {
        out.push_back({'-', a[from + i++]});
      } else {
        out.push_back({'+', b[from + j++]});
      }
    }
  }
  while (i < n) out.push_back({'-', a[from + i++]});
  while (j < m) out.push_back({'+', b[from + j++]});
}

std::string range(std::size_t before, std::size_t count) {
  return std::to_string(count == 0 ? before : before + 1) + (count == 1 ? "" : "," + std::to_string(count));
}

}  // namespace

std::string unified_diff(std::string_view before, std::string_view after, const std::string& from,
                         const std::string& to) {
  if (before == after) return "";
  const Lines a = lines_of(before), b = lines_of(after);
  std::size_t head = 0, tail = 0;
  while (head < std::min(a.size(), b.size()) && a[head] == b[head]) ++head;
  while (tail < std::min(a.size(), b.size()) - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
  std::vector<Line> all;
  for (std::size_t i = 0; i < head; ++i) all.push_back({' ', a[i]});
  compare(a, b, head, a.size() - tail, b.size() - tail, all);
  for (std::size_t i = a.size() - tail; i < a.size(); ++i) all.push_back({' ', a[i]});

  std::string out = "--- " + from + "\n+++ " + to + "\n";
  std::size_t a_at = 0, b_at = 0;  // lines before `next`
  for (std::size_t next = 0; next < all.size();) {
    const auto is_change = [](const Line& line) { return line.sign != ' '; };
    const auto change = std::find_if(all.begin() + static_cast<std::ptrdiff_t>(next), all.end(), is_change);
    if (change == all.end()) break;
    const auto first = static_cast<std::size_t>(change - all.begin());
    const std::size_t begin = std::max(next, first - std::min(first, kContext));
    std::size_t end = first, quiet = 0;  // the hunk ends after as many unchanged lines as two contexts
    while (end < all.size() && quiet <= 2 * kContext) quiet = is_change(all[end++]) ? 0 : quiet + 1;
    end -= quiet > kContext ? quiet - kContext : 0;
    a_at += begin - next, b_at += begin - next;
    std::size_t removed = 0, added = 0;
    std::string body;
    for (std::size_t i = begin; i < end; ++i) {
      removed += all[i].sign != '+' ? 1U : 0U;
      added += all[i].sign != '-' ? 1U : 0U;
      body += all[i].sign;
      body += all[i].text;
      if (!all[i].text.ends_with('\n')) body += "\n\\ No newline at end of file\n";
    }
    out += "@@ -" + range(a_at, removed) + " +" + range(b_at, added) + " @@\n" + body;
    a_at += removed, b_at += added;
    next = end;
  }
  return out;
}

}  // namespace fortium::app
