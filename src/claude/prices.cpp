#include "prices.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fortium/base/files.h"
#include "fortium/base/json.h"

namespace fortium::claude {

extern const std::string_view kPricesText;  // packaging/prices.json, made into a source by CMake

namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr double kMillion = 1e6;

struct Member {
  const char* name;
  double Price::*place;
};
constexpr Member kMembers[] = {{"input", &Price::input},
                               {"output", &Price::output},
                               {"cache_read", &Price::cache_read},
                               {"cache_write_5m", &Price::cache_write_5m},
                               {"cache_write_1h", &Price::cache_write_1h}};

Result<double> price_of(const Json& entry, const char* name, const std::string& where) {
  const auto member = entry.find(name);
  if (member == entry.end() || !member->is_number() || member->get<double>() < 0)
    return Error{Errc::invalid, where + "/" + name + ": must be a number of 0 or more"};
  return member->get<double>();
}

bool ends_in_day(std::string_view model) {
  constexpr std::size_t kDay = 9;  // "-20250929"
  return model.size() > kDay && model[model.size() - kDay] == '-' &&
         std::ranges::all_of(model.substr(model.size() - kDay + 1), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Result<Prices> Prices::built_in() {
  Prices prices;
  FM_TRY_(prices.add(kPricesText));
  return prices;
}

Result<Prices> Prices::with_file(const std::string& path) {
  FM_TRY(Prices prices, built_in());
  auto text = read_file(path, kMostBytes);
  if (!text && text.error().code == Errc::not_found) return prices;
  if (!text) return std::move(text).error();
  if (auto added = prices.add(*text); !added) return Error{Errc::invalid, path + ": " + added.error().what};
  return prices;
}

Result<void> Prices::add(std::string_view text) {
  FM_TRY(const Json table, parse_json(text));
  const auto models = table.is_object() ? table.find("models") : table.end();
  if (!table.is_object() || models == table.end() || !models->is_array())
    return Error{Errc::invalid, "/models: must be a list of prices"};
  for (std::size_t i = 0; i < models->size(); ++i) {
    const Json& entry = (*models)[i];
    const std::string where = "/models/" + std::to_string(i);
    if (!entry.is_object() || !entry.contains("model") || !entry["model"].is_string())
      return Error{Errc::invalid, where + "/model: must be the name of a model"};
    Price price;
    for (const Member& member : kMembers) {
      FM_TRY(price.*member.place, price_of(entry, member.name, where));
    }
    models_[entry["model"].get<std::string>()] = price;
  }
  if (table.contains("web_search")) {
    FM_TRY(web_search_, price_of(table, "web_search", ""));
  }
  return {};
}

const Price* Prices::find(std::string_view model) const {
  auto at = models_.find(model);
  if (at == models_.end() && ends_in_day(model)) at = models_.find(model.substr(0, model.size() - 9));
  return at == models_.end() ? nullptr : &at->second;
}

std::optional<double> Prices::cost(std::string_view model, const Usage& usage) const {
  const Price* price = usage.fast ? find(std::string(model) + "-fast") : find(model);
  if (price == nullptr) return std::nullopt;
  const auto of = [](std::int64_t tokens, double each) { return static_cast<double>(tokens) * each; };
  const std::int64_t hour = std::min(usage.cache_creation_1h, usage.cache_creation);
  return (of(usage.input, price->input) + of(usage.output, price->output) + of(usage.cache_read, price->cache_read) +
          of(usage.cache_creation - hour, price->cache_write_5m) + of(hour, price->cache_write_1h)) /
             kMillion +
         of(usage.web_searches, web_search_);
}

}  // namespace fortium::claude
