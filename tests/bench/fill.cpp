// A store as years of work leave it, made in minutes: for measures of what reads it. Not part of the driver, which
// makes what it needs by the program itself.
//
//   bench_fill DIR RECORDS DAYS     DIR/metrics.db, until now
//
// Eleven hours a day, five days a week.
#include <sys/stat.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "fortium/base/files.h"
#include "store/database.h"
#include "store/sqlite_store.h"
#include "work.h"

using namespace fortium;
using bench::kDayMs;
using bench::kHourMs;

namespace {

constexpr std::size_t kBatch = 1'000;
constexpr int kMostFrames = 8'000;
// The working time of `days`, from its begin (0) to its end (1), as a time before now.
std::int64_t when(double part, std::int64_t days, std::int64_t now) {
  const double hours = part * static_cast<double>(days / 7 * 5 + days % 7) * 11;
  const auto day = static_cast<std::int64_t>(hours / 11);
  const std::int64_t week_day = day / 5 * 7 + day % 5;
  return now - days * kDayMs + week_day * kDayMs + static_cast<std::int64_t>(std::fmod(hours, 11) * kHourMs);
}

int fill(const std::string& dir, std::int64_t records, std::int64_t days) {
  if (!make_private_dir(dir)) return 1;
  SystemEntropy entropy;
  auto database = store::Database::open({dir + "/metrics.db", store::Durability::normal}, entropy);
  if (!database) return std::fprintf(stderr, "%s\n", database.error().what.c_str()), 1;
  auto store = store::SqliteStore::open(**database);
  if (!store) return std::fprintf(stderr, "%s\n", store.error().what.c_str()), 1;
  test::Dice dice(1);
  const std::int64_t now = to_ms(SystemClock().now());
  const auto begun = std::chrono::steady_clock::now();
  std::vector<metrics::Event> batch;
  for (std::int64_t i = 0; i < records; ++i) {
    batch.push_back(bench::record(dice, i, when(static_cast<double>(i) / static_cast<double>(records), days, now)));
    if (batch.size() < kBatch && i + 1 < records) continue;
    if (auto done = (*store)->append(batch); !done) return std::fprintf(stderr, "%s\n", done.error().what.c_str()), 1;
    batch.clear();
    if (auto done = (*database)->tidy(kMostFrames); !done) return 1;
  }
  (void)(*database)->leave(0);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf("%lld records, %.0f a second\n", static_cast<long long>(records),
              static_cast<double>(records) / took.count());
  return 0;
}

}  // namespace

int main(int count, char** words) {
  ::umask(077);
  if (count != 4) return std::fprintf(stderr, "usage: bench_fill DIR RECORDS DAYS\n"), 2;
  return fill(words[1], std::atoll(words[2]), std::atoll(words[3]));
}
