#include "fortium/metrics/slice.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "bytes.h"

namespace fortium::metrics {

namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr int kBitsInBin = 7;  // 128 bins a power of two
constexpr std::int64_t kBinsInPower = std::int64_t{1} << kBitsInBin;
constexpr std::size_t kMostFewBins = 256;  // more are added up faster by their place than by a search
constexpr Millis kHour = std::chrono::hours(1);

std::int64_t whole(double value, double scale) { return std::llround(std::clamp(value * scale, 0.0, 9e18)); }

std::int32_t bin_of(std::int64_t us) {
  if (us < kBinsInPower) return static_cast<std::int32_t>(us);
  const int shift = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(us))) - 1 - kBitsInBin;
  return static_cast<std::int32_t>(shift * kBinsInPower + (us >> shift));
}

// The first bin of the same power of two.
std::int32_t power_of(std::int32_t bin) { return bin - bin % static_cast<std::int32_t>(kBinsInPower); }

constexpr std::int32_t kMostBin = (64 - kBitsInBin) * kBinsInPower - 1;
constexpr std::int64_t kFew = 8;  // fewer in a bin are told in the same number as the step to it
constexpr std::int64_t kMostCount = std::int64_t{1} << 48;  // of what is read: sums of it stay far from kMost

double middle_of(std::int32_t bin) {
  if (bin < kBinsInPower) return bin;
  const std::int64_t shift = bin / kBinsInPower - 1;
  const std::int64_t begin = (bin - shift * kBinsInPower) << shift;
  return static_cast<double>(begin) + static_cast<double>((std::int64_t{1} << shift) - 1) / 2;
}

// Where a kind keeps what figures are made of; kNowhere where it does not.
constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();
struct Places {
  std::size_t status, duration, input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, cost;
};

std::size_t place_of(const Kind& kind, std::string_view field) {
  const auto at = std::ranges::find(kind.shape, field, &schema::Field::name);
  return at != kind.shape.end() ? static_cast<std::size_t>(at - kind.shape.begin()) : kNowhere;
}

Places places_in(const Kind& kind) {
  const std::size_t execution = place_of(kind, "execution_time_ms");
  return {
      .status = execution != kNowhere ? place_of(kind, "status") : kNowhere,  // that of a session is no outcome
      .duration = execution != kNowhere ? execution : place_of(kind, "duration_ms"),
      .input_tokens = place_of(kind, "input_tokens"),
      .output_tokens = place_of(kind, "output_tokens"),
      .cache_read_tokens = place_of(kind, "cache_read_tokens"),
      .cache_creation_tokens = place_of(kind, "cache_creation_tokens"),
      .cost = place_of(kind, "cost_usd"),
  };
}

const Places& places_of(std::size_t kind) {
  static const std::vector<Places> all = [] {
    std::vector<Places> places;
    for (const Kind& one : kinds()) places.push_back(places_in(one));
    return places;
  }();
  return all[kind];
}

template <class T>
const T* value_at(const Event& event, std::size_t place) {
  return place != kNowhere ? std::get_if<T>(&event.row[place]) : nullptr;
}

}  // namespace

bool has_outcome(std::size_t kind) { return places_of(kind).status != kNowhere; }

bool is_sliced(const Kind& kind, std::size_t field) {
  const Places& at = places_of(index_of(kind));
  for (const std::size_t place :
       {std::size_t{kTimestamp}, std::size_t{kSessionId}, std::size_t{kUserId}, std::size_t{kProject},
        std::size_t{kSource}, std::size_t{kEnvelopeSize}, at.status, at.duration, at.input_tokens, at.output_tokens,
        at.cache_read_tokens, at.cache_creation_tokens, at.cost})
    if (place == field) return true;
  return false;
}

void grow(std::int64_t& sum, std::int64_t by) {
  if (__builtin_add_overflow(sum, by, &sum)) sum = kMost;
}

void Durations::add(double ms) {
  const std::int64_t us = whole(ms, 1'000);
  if (count_ < static_cast<std::int64_t>(kExact)) {
    exact_.insert(std::ranges::upper_bound(exact_, us), us);
  } else {
    spread();
    count(bin_of(us), 1);
  }
  ++count_;
}

void Durations::merge(const Durations& other) { merge(other, {}); }

void Durations::merge(const Durations& other, const Durations& common) {
  if (common.count_ > other.count_) return;  // damaged
  count_ += other.count_ - common.count_;
  if (count_ <= static_cast<std::int64_t>(kExact)) {
    const auto before = static_cast<std::ptrdiff_t>(exact_.size());
    std::ranges::set_difference(other.exact_, common.exact_, std::back_inserter(exact_));
    std::inplace_merge(exact_.begin(), exact_.begin() + before, exact_.end());
    return;
  }
  spread();
  count_into_bins(other, 1);
  if (common.count_ == 0) return;
  count_into_bins(common, -1);
  drop_empty_bins();
}

// From values to bins.
void Durations::spread() {
  Durations values;
  std::swap(values.exact_, exact_);
  count_into_bins(values, 1);
}

void Durations::count(std::int32_t bin, std::int64_t times) {
  if (!all_.empty()) {
    make_room(bin, bin);
    all_[static_cast<std::size_t>(bin - first_)] += times;
    return;
  }
  auto at = std::ranges::lower_bound(bins_, bin, {}, &Bin::first);
  if (at == bins_.end() || at->first != bin) at = bins_.insert(at, {bin, 0});
  at->second += times;
  keep_few();
}

// The same for bins in order, each at most once.
void Durations::count_sorted(const std::vector<Bin>& more, std::int64_t times) {
  if (more.empty()) return;
  if (!all_.empty()) {
    make_room(more.front().first, more.back().first);
    for (const auto& [bin, there] : more) all_[static_cast<std::size_t>(bin - first_)] += times * there;
    return;
  }
  std::vector<Bin> both;
  both.reserve(bins_.size() + more.size());
  auto at = bins_.begin();
  for (const auto& [bin, there] : more) {
    for (; at != bins_.end() && at->first < bin; ++at) both.push_back(*at);
    const bool known = at != bins_.end() && at->first == bin;
    both.emplace_back(bin, times * there + (known ? (at++)->second : 0));
  }
  both.insert(both.end(), at, bins_.end());
  bins_ = std::move(both);
  keep_few();
}

// Beyond a number of bins their place is faster than a search.
void Durations::keep_few() {
  if (bins_.size() > kMostFewBins) give_places();
}

void Durations::give_places() {
  const std::vector<Bin> few = std::exchange(bins_, {});
  if (few.empty()) return;
  make_room(few.front().first, few.back().first);
  for (const auto& [bin, times] : few) all_[static_cast<std::size_t>(bin - first_)] = times;
}

// So that all_ has the bins of these numbers, and those between.
void Durations::make_room(std::int32_t first, std::int32_t last) {
  if (all_.empty()) first_ = power_of(first);
  if (first < first_) {
    all_.insert(all_.begin(), static_cast<std::size_t>(first_ - power_of(first)), 0);
    first_ = power_of(first);
  }
  const auto end = static_cast<std::size_t>(power_of(last) - first_ + kBinsInPower);
  if (end > all_.size()) all_.resize(end);
}

void Durations::count_into_bins(const Durations& other, std::int64_t times) {
  std::vector<Bin> values;
  values.reserve(other.exact_.size());
  for (const std::int64_t us : other.exact_) {
    if (values.empty() || values.back().first != bin_of(us)) values.emplace_back(bin_of(us), 0);
    ++values.back().second;
  }
  count_sorted(values, times);
  count_sorted(other.bins_, times);
  if (!other.all_.empty()) {
    give_places();
    make_room(other.first_, other.first_ + static_cast<std::int32_t>(other.all_.size()) - 1);
    std::int64_t* at = &all_[static_cast<std::size_t>(other.first_ - first_)];
    for (const std::int64_t count_in_it : other.all_) *at++ += times * count_in_it;
  }
}

template <class Take>
void Durations::each_bin(Take&& take) const {
  for (const auto& [bin, count] : bins_) take(bin, count);
  for (std::size_t i = 0; i < all_.size(); ++i)
    if (all_[i] != 0) take(static_cast<std::int32_t>(first_ + static_cast<std::int32_t>(i)), all_[i]);
}

// After some were taken away.
void Durations::drop_empty_bins() {
  Durations left;
  each_bin([&](std::int32_t bin, std::int64_t times) {
    if (times > 0) left.count(bin, times);
  });
  left.count_ = count_;
  *this = std::move(left);
}

double Durations::percentile(int percent) const {
  if (count_ == 0) return 0;
  std::int64_t rank = std::max<std::int64_t>(count_ / 100 * percent + (count_ % 100 * percent + 99) / 100, 1);
  if (!exact_.empty()) return static_cast<double>(exact_[static_cast<std::size_t>(rank) - 1]) / 1'000;
  for (const auto& [bin, there] : bins_)
    if ((rank -= there) <= 0) return middle_of(bin) / 1'000;
  std::int32_t bin = first_;
  for (const std::int64_t there : all_) {
    if ((rank -= there) <= 0) break;
    ++bin;
  }
  return middle_of(bin) / 1'000;
}

// Their number, then steps from one value to the next, or from one bin to the next. With a step between bins goes how
// many are in the bin, mostly in one byte: the step times 8, plus 1 to 7 of them, or plus 0 and then how many beyond 8.
// Nothing for none.
std::string Durations::bytes() const {
  std::string out;
  if (count_ == 0) return out;
  append_number(out, count_);
  std::int64_t before = 0;
  for (const std::int64_t us : exact_) {
    append_number(out, us - before);
    before = us;
  }
  each_bin([&](std::int32_t bin, std::int64_t there) {
    append_number(out, kFew * (bin - before) + (there < kFew ? there : 0));
    if (there >= kFew) append_number(out, there - kFew);
    before = bin;
  });
  return out;
}

Result<Durations> Durations::from_bytes(std::string_view bytes) {
  Durations out;
  if (out.read(bytes)) return out;
  return Error{Errc::corrupt, "durations of " + std::to_string(bytes.size()) + " bytes make no sense"};
}

// All there is: bins in order, with as many values in them. False: it is something else.
template <class Take>
bool Durations::take_bins(std::string_view bytes, std::int64_t count, Take&& take) {
  std::int64_t bin = 0;
  bool first = true;
  while (count > 0) {
    const auto told = take_number(bytes);
    if (!told) return false;
    const std::int64_t step = *told / kFew;
    std::int64_t there = *told % kFew;
    if (there == 0) {
      if (!take_number(bytes, there) || there > kMostCount) return false;
      there += kFew;
    }
    if (step > kMostBin - bin || (step == 0 && !first) || there > count) return false;
    first = false;
    bin += step;
    take(static_cast<std::int32_t>(bin), there);
    count -= there;
  }
  return bytes.empty();
}

bool Durations::read(std::string_view bytes) {
  count_ = 0;
  exact_.clear();
  bins_.clear();
  all_.clear();
  if (bytes.empty()) return true;
  if (!take_number(bytes, count_) || count_ == 0 || count_ > kMostCount) return false;
  if (count_ > static_cast<std::int64_t>(kExact)) {
    if (!take_bins(bytes, count_, [this](std::int32_t bin, std::int64_t there) { bins_.emplace_back(bin, there); }))
      return false;
    keep_few();
    return true;
  }
  std::int64_t value = 0, step = 0;
  for (std::int64_t i = 0; i < count_; ++i) {
    if (!take_number(bytes, step) || step > kMost - value) return false;
    exact_.push_back(value += step);
  }
  return bytes.empty();
}

bool Durations::merge_bytes(std::string_view bytes) {
  std::string_view rest = bytes;
  const auto count_told = take_number(rest);
  if (all_.empty() || !count_told || *count_told <= static_cast<std::int64_t>(kExact) || *count_told > kMostCount) {
    Durations other;
    if (!other.read(bytes)) return false;
    merge(other);
    return true;
  }
  count_ += *count_told;
  return take_bins(rest, *count_told, [this](std::int32_t bin, std::int64_t there) {
    if (bin < first_ || bin - first_ >= static_cast<std::int32_t>(all_.size())) make_room(bin, bin);
    all_[static_cast<std::size_t>(bin - first_)] += there;
  });
}

void Figures::add(const Event& event, Millis phase) {
  const Places& at = places_of(index_of(*event.kind));
  if (const auto* status = value_at<std::string>(event, at.status)) {
    const auto* const which = std::ranges::find(kStatuses, *status);
    if (which != std::end(kStatuses)) ++by_status[static_cast<std::size_t>(which - std::begin(kStatuses))];
  }
  if (const auto* ms = value_at<double>(event, at.duration)) {
    const std::int64_t us = whole(*ms, 1'000);
    min_us = timed == 0 ? us : std::min(min_us, us);
    max_us = std::max(max_us, us);
    grow(total_us, us);
    ++timed;
    durations.add(*ms);
  }
  for (const auto& [sum, place] : {std::pair{&input_tokens, at.input_tokens},
                                   {&output_tokens, at.output_tokens},
                                   {&cache_read_tokens, at.cache_read_tokens},
                                   {&cache_creation_tokens, at.cache_creation_tokens}})
    if (const auto* tokens = value_at<std::int64_t>(event, place)) grow(*sum, *tokens);
  if (const auto* usd = value_at<double>(event, at.cost)) {
    grow(cost_nano_usd, whole(*usd, 1e9));
    ++priced;
  }
  const WallTime time = event.timestamp();
  const auto in_hour = time - begin_of(hour_of(time, phase), phase);
  minutes |= std::uint64_t{1} << std::chrono::floor<std::chrono::minutes>(in_hour).count();
  first = count == 0 ? time : std::min(first, time);
  last = count == 0 ? time : std::max(last, time);
  ++count;
}

void Figures::merge(const Figures& other) { merge(other, {}); }

void Figures::merge(const Figures& other, const Figures& common) {
  if (other.count == 0) return;
  durations.merge(other.durations, common.durations);
  merge_sums(other, common);
}

void Figures::merge_sums(const Figures& other) {
  static const Figures none;
  merge_sums(other, none);
}

void Figures::merge_sums(const Figures& other, const Figures& common) {
  if (other.count == 0) return;
  first = count == 0 ? other.first : std::min(first, other.first);
  last = count == 0 ? other.last : std::max(last, other.last);
  if (other.timed > 0) min_us = timed == 0 ? other.min_us : std::min(min_us, other.min_us);
  max_us = std::max(max_us, other.max_us);
  minutes |= other.minutes;
  for (const auto sum :
       {&Figures::count, &Figures::timed, &Figures::total_us, &Figures::input_tokens, &Figures::output_tokens,
        &Figures::cache_read_tokens, &Figures::cache_creation_tokens, &Figures::priced, &Figures::cost_nano_usd})
    grow(this->*sum, other.*sum - common.*sum);
  for (std::size_t i = 0; i < by_status.size(); ++i) grow(by_status[i], other.by_status[i] - common.by_status[i]);
}

std::int64_t hour_of(WallTime time, Millis phase) {
  return std::chrono::floor<std::chrono::hours>(time.time_since_epoch() - phase).count();
}

WallTime begin_of(std::int64_t hour, Millis phase) { return WallTime(hour * kHour + phase); }

SliceKey SliceKey::of(const Event& event, Millis phase) {
  const auto* name = std::get_if<std::string>(&event.row[kEnvelopeSize]);
  return {.hour = hour_of(event.timestamp(), phase),
          .kind = index_of(*event.kind),
          .name = name != nullptr ? *name : "",
          .session_id = std::string(event.text(kSessionId)),
          .user_id = std::string(event.text(kUserId)),
          .project = std::string(event.text(kProject)),
          .source = std::string(event.text(kSource))};
}

}  // namespace fortium::metrics
