// A settings file: the first line is "key=value" of an edit, the rest is the file.
#include "fortium/base/config_file.h"
#include "fuzz/target.h"

using namespace fortium;
using fuzz::must;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view text = fuzz::text_of(bytes, size);
  const auto end = text.find('\n');
  const std::string_view edit = text.substr(0, end);
  text = end == text.npos ? std::string_view() : text.substr(end + 1);
  const ConfigText before = parse_config(text);

  const auto equals = edit.find('=');
  const std::string value(equals == edit.npos ? std::string_view() : edit.substr(equals + 1));
  constexpr std::string_view kKey = "org_id";  // keys are of our own table
  const auto edited = edit_config(text, kKey, value);
  if (edited) {
    const ConfigText after = parse_config(*edited);
    const auto found = after.values.find(kKey);
    must(found != after.values.end() && found->second == value, "what was set reads back");
    for (const auto& [key, kept] : before.values)
      must(key == kKey || (after.values.contains(key) && after.values.at(key) == kept),
           "an edit leaves other settings");
  }
  const auto removed = edit_config(text, kKey, std::nullopt);
  must(removed.ok() && !parse_config(*removed).values.contains(kKey), "what was removed is gone");
  return 0;
}
