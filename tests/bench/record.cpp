// Records one at a time, each durable, and how long each took: what the measure of slices starts, with them and
// without.
//
//   bench_record DIR CALLS     a line of milliseconds a call, then how many slices there are
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "fortium/base/files.h"
#include "store/database.h"
#include "store/sqlite_store.h"
#include "work.h"

using namespace fortium;

namespace {

int failed(const Error& error) { return std::fprintf(stderr, "%s\n", error.what.c_str()), 1; }

int record(const std::string& dir, std::int64_t calls) {
  if (auto made = make_private_dir(dir); !made) return failed(made.error());
  SystemEntropy entropy;
  auto database = store::Database::open({dir + "/metrics.db"}, entropy);
  if (!database) return failed(database.error());
  auto store = store::SqliteStore::open(**database);
  if (!store) return failed(store.error());
  test::Dice dice(1);
  const std::int64_t now = to_ms(SystemClock().now());
  for (std::int64_t i = 0; i < calls; ++i) {
    std::vector<metrics::Event> one{bench::record(dice, i, now + i)};
    const auto begun = std::chrono::steady_clock::now();
    if (auto done = (*store)->append(one); !done) return failed(done.error());
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun;
    std::printf("%f\n", took.count());
  }
  auto slices = (*database)->db().integer("SELECT count(*) FROM slice");
  if (!slices) return failed(slices.error());
  std::printf("%lld\n", static_cast<long long>(*slices));
  return 0;
}

}  // namespace

int main(int count, char** words) {
  ::umask(077);
  if (count != 3) return std::fprintf(stderr, "usage: bench_record DIR CALLS\n"), 2;
  return record(words[1], std::atoll(words[2]));
}
