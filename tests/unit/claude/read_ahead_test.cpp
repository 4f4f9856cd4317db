// Lots come in the order of their streams, whichever thread was faster.
#include "claude/read_ahead.h"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace fortium;  // NOLINT(google-build-using-namespace)
using claude::Lot;
using claude::LotStream;
using claude::ReadAhead;

namespace {

metrics::EventPack records(std::size_t count) {
  metrics::Event event{metrics::find_kind("tool_usage")};
  event.row.resize(event.kind->shape.size());
  metrics::EventPack pack;
  for (std::size_t i = 0; i < count; ++i) pack.add(event);
  return pack;
}

// Gives so many lots, named after it and numbered, each of so many records.
class Counted final : public LotStream {
 public:
  Counted(std::string name, int lots, std::size_t of_records = 1)
      : name_(std::move(name)), lots_(lots), records_(of_records) {}
  Result<Lot> next() override { return Lot{.records = records(records_), .session = name_ + std::to_string(given_++)}; }
  bool done() const override { return given_ == lots_; }

 private:
  const std::string name_;
  const int lots_;
  const std::size_t records_;
  int given_ = 0;
};

class Failing final : public LotStream {
 public:
  explicit Failing(bool throws) : throws_(throws) {}
  Result<Lot> next() override {
    if (throws_) throw std::runtime_error("thrown");
    return Error{Errc::unavailable, "cannot be read"};
  }
  bool done() const override { return false; }

 private:
  const bool throws_;
};

template <class... Streams>
std::vector<std::unique_ptr<LotStream>> all(std::unique_ptr<Streams>... streams) {
  std::vector<std::unique_ptr<LotStream>> list;
  (list.push_back(std::move(streams)), ...);
  return list;
}

std::string names(ReadAhead& lots) {
  std::string out;
  while (true) {
    auto lot = lots.next();
    if (!lot) return out + "error: " + lot.error().what;
    if (!*lot) return out;
    out += (*lot)->session + " ";
  }
}

}  // namespace

TEST_CASE("lots come stream by stream, with any number of threads") {
  for (const std::size_t threads : {1U, 2U, 4U, 9U}) {
    ReadAhead lots(all(std::make_unique<Counted>("a", 3), std::make_unique<Counted>("b", 0),
                       std::make_unique<Counted>("c", 1), std::make_unique<Counted>("d", 2)),
                   threads);
    CHECK(names(lots) == "a0 a1 a2 c0 d0 d1 ");
  }
}

TEST_CASE("more records than may wait come all the same, as the stream whose turn it is goes on") {
  constexpr std::size_t kMany = 20'000;  // more than may wait
  for (const std::size_t threads : {1U, 2U, 3U}) {
    ReadAhead lots(all(std::make_unique<Counted>("a", 3, kMany), std::make_unique<Counted>("b", 2, kMany),
                       std::make_unique<Counted>("c", 3, kMany)),
                   threads);
    CHECK(names(lots) == "a0 a1 a2 b0 b1 c0 c1 c2 ");
  }
}

TEST_CASE("an error comes in its turn, and ends what is read") {
  ReadAhead lots(all(std::make_unique<Counted>("a", 2), std::make_unique<Failing>(/*throws=*/false)), 2);
  CHECK(names(lots) == "a0 a1 error: cannot be read");
}

TEST_CASE("what a thread throws is thrown where lots are taken") {
  ReadAhead lots(all(std::make_unique<Failing>(/*throws=*/true)), 2);
  CHECK_THROWS_AS(lots.next(), std::runtime_error);
}

TEST_CASE("who does not want the rest may leave") {
  ReadAhead lots(all(std::make_unique<Counted>("a", 1'000'000), std::make_unique<Counted>("b", 1'000'000)), 2);
  REQUIRE(lots.next().ok());
}
