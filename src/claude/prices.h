// What tokens cost: a table with the date and the source of each price, compiled in from packaging/prices.json.
//
// A file of the same form in the data directory adds models, or replaces what is known of one. A model that is in
// neither has no price: its tokens count, its cost stays unknown. Immutable once made; any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "fortium/base/result.h"
#include "line.h"

namespace fortium::claude {

// US dollars for a million tokens.
struct Price {
  double input = 0, output = 0, cache_read = 0, cache_write_5m = 0, cache_write_1h = 0;
};

class Prices {
 public:
  // invalid: names the entry, the member and what is allowed.
  static Result<Prices> built_in();
  // The built-in table and, where there is one, the file over it.
  static Result<Prices> with_file(const std::string& path);

  // The day that a model's name ends in ("-20250929") does not matter. Requests in fast mode are priced under
  // "<model>-fast" only.
  std::optional<double> cost(std::string_view model, const Usage& usage) const;

 private:
  Result<void> add(std::string_view text);
  const Price* find(std::string_view model) const;

  std::map<std::string, Price, std::less<>> models_;
  double web_search_ = 0;  // US dollars for one
};

}  // namespace fortium::claude
