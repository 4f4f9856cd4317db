#include "fortium/report/words.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

namespace fortium::report {

namespace {

struct Range {
  char32_t first, last;
};

// East Asian Width W and F, and emoji that terminals draw two columns wide.
constexpr Range kWide[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23EC},   {0x25FD, 0x25FE},   {0x2614, 0x2615},  {0x2648, 0x2653},
    {0x26AA, 0x26AB},   {0x26BD, 0x26BE},   {0x2705, 0x2705},   {0x270A, 0x270B},   {0x274C, 0x274C},  {0x2753, 0x2755},
    {0x2795, 0x2797},   {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},  {0xA000, 0xA4CF},
    {0xA960, 0xA97F},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6},
    {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD}};
// Marks that are drawn over what comes before them.
constexpr Range kCombining[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},  {0x093C, 0x093C},
    {0x0941, 0x0948}, {0x094D, 0x094D}, {0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E},  {0x1AB0, 0x1AFF},
    {0x1DC0, 0x1DFF}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xE0100, 0xE01EF}};
// Control characters, and what is not seen but changes how the rest is read.
constexpr Range kSteering[] = {{0x0000, 0x001F}, {0x007F, 0x009F},  {0x00AD, 0x00AD}, {0x061C, 0x061C},
                               {0x200B, 0x200F}, {0x2028, 0x202E},  {0x2060, 0x2069}, {0xFEFF, 0xFEFF},
                               {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F}};
constexpr char32_t kInstead = 0xFFFD;

template <std::size_t n>
bool is_in(const Range (&ranges)[n], char32_t c) {
  return std::ranges::any_of(ranges, [c](const Range& range) { return c >= range.first && c <= range.last; });
}

// Takes one character from the front; U+FFFD for what is none.
char32_t take(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80                   ? 1
                           : lead >= 0xF0 && lead < 0xF5 ? 4
                           : lead >= 0xE0 && lead < 0xF0 ? 3
                           : lead >= 0xC2 && lead < 0xE0 ? 2
                                                         : 0;
  char32_t c = size == 1 ? lead : size == 2 ? lead & 0x1FU : size == 3 ? lead & 0x0FU : lead & 0x07U;
  for (std::size_t i = 1; i < size; ++i) {
    if (i >= text.size() || (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80) {
      text.remove_prefix(1);
      return kInstead;
    }
    c = c << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  text.remove_prefix(std::max<std::size_t>(size, 1));
  const bool whole =
      size > 0 && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF) && (size < 3 || c >= 0x800) && (size < 4 || c >= 0x10000);
  return whole ? c : kInstead;
}

void append(std::string& out, char32_t c) {
  const auto put = [&out](char32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) return put(0xC0U | c >> 6U), put(0x80U | (c & 0x3FU));
  if (c < 0x10000) return put(0xE0U | c >> 12U), put(0x80U | (c >> 6U & 0x3FU)), put(0x80U | (c & 0x3FU));
  put(0xF0U | c >> 18U), put(0x80U | (c >> 12U & 0x3FU)), put(0x80U | (c >> 6U & 0x3FU)), put(0x80U | (c & 0x3FU));
}

std::size_t width_of(char32_t c) { return is_in(kCombining, c) ? 0 : is_in(kWide, c) ? 2 : 1; }

std::string format(const char* pattern, double value, const char* unit) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, value, unit);
  return text;
}

}  // namespace

std::string with_thousands(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string human_bytes(std::int64_t bytes) {
  constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit < 3; ++unit) value /= 1024;
  return format(unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
}

std::string human_ms(double ms) {
  if (ms < 1000) return format(ms < 10 ? "%.1f %s" : "%.0f %s", ms, "ms");
  if (ms < 120'000) return format("%.1f %s", ms / 1000, "s");
  const auto minutes = static_cast<std::int64_t>(ms / 60'000);
  if (minutes < 120) return std::to_string(minutes) + " min";
  char text[48];
  std::snprintf(text, sizeof text, "%lld h %02lld min", static_cast<long long>(minutes / 60),
                static_cast<long long>(minutes % 60));
  return text;
}

std::string human_tokens(std::int64_t tokens) {
  if (tokens < 10'000) return with_thousands(tokens);
  constexpr const char* kUnits[] = {"k", "M", "G", "T"};
  auto value = static_cast<double>(tokens) / 1000;
  std::size_t unit = 0;
  for (; value >= 999.95 && unit < std::size(kUnits) - 1; ++unit) value /= 1000;
  return format("%.1f%s", value, kUnits[unit]);
}

std::size_t width_of(std::string_view utf8) {
  std::size_t width = 0;
  while (!utf8.empty()) width += width_of(take(utf8));
  return width;
}

std::string shortened(std::string_view utf8, std::size_t width) {
  if (width_of(utf8) <= width) return std::string(utf8);
  std::string out;
  std::size_t taken = 1;  // by the …
  while (!utf8.empty()) {
    const char32_t c = take(utf8);
    taken += width_of(c);
    if (taken > width) break;
    append(out, c);
  }
  return out + "…";
}

std::string harmless(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const char32_t c = take(text);
    append(out, is_in(kSteering, c) ? kInstead : c);
  }
  return out;
}

std::string to_ascii(std::string_view utf8) {
  struct Pair {
    char32_t from;
    char to;
  };
  constexpr Pair kPairs[] = {{U'–', '-'}, {U'—', '-'}, {U'·', '-'}, {U'…', '~'}, {U'×', 'x'}, {U'─', '-'},
                             {U'▁', '_'}, {U'▂', '.'}, {U'▃', '-'}, {U'▄', '='}, {U'▅', '+'}, {U'▆', '*'},
                             {U'▇', '%'}, {U'█', '#'}, {U'░', '-'}, {U'▒', '+'}, {U'▓', '*'}};
  std::string out;
  while (!utf8.empty()) {
    const char32_t c = take(utf8);
    const auto* const pair = std::ranges::find(kPairs, c, &Pair::from);
    if (c < 0x80)
      out += static_cast<char>(c);
    else
      out.append(width_of(c), pair != std::end(kPairs) ? pair->to : '?');
  }
  return out;
}

}  // namespace fortium::report
