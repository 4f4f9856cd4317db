// What hooks leave: each line once, in order, whoever takes it and whatever else lies in the file.
#include "store/inbox.h"

#include <doctest/doctest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "fortium/base/files.h"
#include "store/local_store.h"
#include "store/open_calls.h"
#include "store/write_lock.h"
#include "support/store_fixture.h"

using namespace fortium;
using namespace fortium::store;
using namespace fortium::test;
using metrics::Change;

namespace {

const Destination kAcme{"https://metrics.example.com", "acme", ""};

// A note says `begin` or `end` of a call, which is a record when it ends: its duration tells whether it was seen to
// begin.
metrics::Note note(const std::string& what, int number) {
  return {"s1", dump_json({{"what", what}, {"number", number}})};
}

metrics::Meaning understand(const metrics::Note& note, std::span<const metrics::OpenCall> open) {
  const Json said = *parse_json(note.text);
  const std::string key = "t" + std::to_string(said["number"].get<int>());
  const metrics::OpenCall call{.session_id = note.session_id, .what = "tool_usage", .key = key, .detail = "{}"};
  if (said["what"] == "begin") return {{}, {{Change::Do::begin, call}}};
  if (said["what"] == "count")
    return {{}, {{Change::Do::count, {.session_id = "s1", .what = "event", .key = "e", .state = key, .detail = "{}"}}}};
  const bool begun = std::ranges::any_of(open, [&](const auto& one) { return one.key == key; });
  metrics::Event event = event_of("tool_usage", "id-" + key, note.session_id);
  value_of(event, "execution_time_ms") = said["number"].get<double>();
  event.row[metrics::kUserId] = std::string(begun ? "begun" : "unseen");
  return {{event}, {{Change::Do::end, call}}};
}

struct House {
  TempDir dir;
  FakeClock clock;
  SpreadEntropy entropy;
  LocalOptions options{.data_dir = dir.file("data"),
                       .durability = Durability::full,
                       .lock_wait = Millis(0),
                       .destination = kAcme,
                       .understand = understand};
  std::string path = options.data_dir + "/metrics.db.inbox";

  House() {
    LocalStore first(options, clock, entropy);
    must(first.database());
  }

  // A hook's life.
  Result<void> tell(const metrics::Note& what) { return LocalStore(options, clock, entropy).take(what); }
  std::int64_t number(const std::string& sql) {
    LocalStore store(options, clock, entropy);
    return must(must(store.database())->db().integer(sql));
  }
  std::int64_t records() { return number("SELECT count(*) FROM tool_usage"); }
  std::int64_t begun() { return number("SELECT count(*) FROM tool_usage WHERE user_id = 'begun'"); }
  // What the file says without anybody taking from the inbox.
  std::int64_t kept() {
    auto database = must(Database::open({options.data_dir + "/metrics.db"}, entropy));
    return must(database->db().integer("SELECT count(*) FROM tool_usage"));
  }
  void append(const std::string& text) { std::ofstream(path, std::ios::app | std::ios::binary) << text; }
};

}  // namespace

TEST_CASE("what is told lies in the inbox until somebody opens the store, and then counts once") {
  House it;
  for (int n = 0; n < 3; ++n) {
    must(it.tell(note("begin", n)));
    must(it.tell(note("end", n)));
  }
  CHECK(it.kept() == 0);
  CHECK(it.records() == 3);
  CHECK(it.begun() == 3);
  CHECK(it.kept() == 3);
  CHECK(it.records() == 3);
  CHECK(it.number("SELECT count(*) FROM open_call") == 0);
  CHECK(it.number("SELECT count(*) FROM outbox") == 3);
}

TEST_CASE("who has the store open writes to it, behind what was left before") {
  House it;
  LocalStore open(it.options, it.clock, it.entropy);
  must(open.database());
  must(it.tell(note("begin", 1)));
  must(open.take(note("end", 1)));
  CHECK(it.kept() == 1);
  CHECK(it.begun() == 1);
}

TEST_CASE("who has the store open and reads, or rests, takes what was left since") {
  House it;
  LocalStore open(it.options, it.clock, it.entropy);
  must(open.database());
  must(it.tell(note("end", 1)));
  CHECK(must(must(open.database())->db().integer("SELECT count(*) FROM tool_usage")) == 1);
  must(it.tell(note("end", 2)));
  open.tidy(/*busy=*/false);
  CHECK(it.kept() == 2);
}

TEST_CASE("the first hook of all makes the store, and the inbox for the others") {
  House it;
  it.options.data_dir = it.dir.file("fresh");
  must(it.tell(note("end", 1)));
  CHECK(it.kept() == 1);
  must(it.tell(note("end", 2)));
  CHECK(it.kept() == 1);
  CHECK(it.records() == 2);
}

TEST_CASE("a torn line is passed over, and one that is being written waits") {
  House it;
  must(it.tell(note("end", 1)));
  it.append("\n0123456789abcdef {\"to\":");  // its writer was killed
  must(it.tell(note("end", 2)));
  it.append("\n" + std::string(40, '\0') + "\nnonsense\n\n");
  must(it.tell(note("end", 3)));
  const std::string whole = must(read_file(it.path, 1 << 20));
  must(it.tell(note("end", 4)));
  const std::string line = must(read_file(it.path, 1 << 20)).substr(whole.size());
  std::filesystem::resize_file(it.path, whole.size());
  it.append(line.substr(0, line.size() / 2));
  CHECK(it.records() == 3);
  it.append(line.substr(line.size() / 2));
  CHECK(it.records() == 4);
}

TEST_CASE("a line whose bytes were changed is not taken for what it says") {
  House it;
  must(it.tell(note("end", 1)));
  std::string text = must(read_file(it.path, 1 << 20));
  text[text.find("number") + 8] = '7';
  std::ofstream(it.path, std::ios::binary) << text;
  CHECK(it.records() == 0);
}

TEST_CASE("what is counted counts once, also when the inbox is read by a store that knows nothing of it") {
  House it;
  for (int n = 0; n < 5; ++n) must(it.tell(note("count", n)));
  for (int n = 0; n < 5; ++n) must(it.tell(note("end", n)));
  CHECK(it.number("SELECT count FROM open_call WHERE key = 'e'") == 5);
  CHECK(it.number("SELECT count FROM open_call WHERE key = 'e'") == 5);
  it.number("DELETE FROM meta WHERE name = 'inbox'");
  CHECK(it.records() == 5);  // by their ids
}

TEST_CASE("a hook that finds too much takes it all, and the inbox begins anew") {
  House it;
  const std::string first = must(read_file(it.path, 1 << 20));
  int told = 0;
  while (std::filesystem::file_size(it.path) < static_cast<std::uintmax_t>(kMostLeft))
    must(it.tell(note("end", ++told)));
  CHECK(it.kept() == 0);
  must(it.tell(note("end", ++told)));
  CHECK(it.kept() == told);
  const std::string begun = must(read_file(it.path, 1 << 20));
  CHECK(begun.size() == first.size());
  CHECK(begun != first);
  must(it.tell(note("end", ++told)));
  CHECK(it.records() == told);
}

TEST_CASE("a torn line at its end does not keep the inbox from being emptied") {
  House it;
  it.append("\n" + std::string(kMostLeft, 'x'));
  must(it.tell(note("end", 1)));
  CHECK(it.kept() == 1);
  CHECK(std::filesystem::file_size(it.path) < 100);
}

TEST_CASE("an inbox that is shorter than what was taken of it is read from its begin") {
  House it;
  for (int n = 1; n <= 3; ++n) must(it.tell(note("end", n)));
  const std::string early = must(read_file(it.path, 1 << 20));
  for (int n = 4; n <= 6; ++n) must(it.tell(note("end", n)));
  CHECK(it.records() == 6);
  std::ofstream(it.path, std::ios::binary) << early;
  CHECK(it.records() == 6);
  must(it.tell(note("end", 7)));
  CHECK(it.records() == 7);
}

TEST_CASE("where another writes just then, nobody waits, however much lies there") {
  House it;
  WriteLock other = must(WriteLock::open(it.options.data_dir + "/metrics.db.lock"));
  must(other.take(Millis(0)));
  int told = 0;
  while (std::filesystem::file_size(it.path) < static_cast<std::uintmax_t>(2 * kMostLeft))
    must(it.tell(note("end", ++told)));
  other.give_back();
  CHECK(it.records() == told);
}

TEST_CASE("who has the store open, and finds that another holds it, leaves a line as well") {
  House it;
  LocalStore open(it.options, it.clock, it.entropy);
  must(open.database());
  WriteLock other = must(WriteLock::open(it.options.data_dir + "/metrics.db.lock"));
  must(other.take(Millis(0)));
  must(open.take(note("begin", 1)));
  must(open.take(note("end", 1)));
  other.give_back();
  CHECK(it.begun() == 1);
}

TEST_CASE("nobody empties it while somebody leaves a line") {
  House it;
  const int fd = ::open(it.path.c_str(), O_RDWR);
  REQUIRE(::flock(fd, LOCK_SH) == 0);
  int told = 0;
  while (std::filesystem::file_size(it.path) < static_cast<std::uintmax_t>(kMostLeft))
    must(it.tell(note("end", ++told)));
  const std::string before = must(read_file(it.path, 1 << 20));
  must(it.tell(note("end", ++told)));
  CHECK(it.kept() == told);
  CHECK(must(read_file(it.path, 1 << 20)) == before);
  ::close(fd);
  must(it.tell(note("end", ++told)));
  CHECK(must(read_file(it.path, 1 << 20)).size() < before.size());
  CHECK(it.records() == told);
}

TEST_CASE("what was left for one destination goes to no other") {
  House it;
  must(it.tell(note("end", 1)));
  it.options.destination.organization = "other";
  must(it.tell(note("end", 2)));
  it.options.destination = kAcme;
  must(it.tell(note("end", 3)));
  CHECK(it.records() == 3);
  CHECK(it.number("SELECT count(*) FROM outbox JOIN lane USING (lane) WHERE organization = 'acme'") == 2);
  CHECK(it.number("SELECT count(*) FROM outbox JOIN lane USING (lane) WHERE organization = 'other'") == 1);
}

TEST_CASE("what the tables do not take holds up nothing") {
  House it;
  it.number(
      "CREATE TRIGGER no BEFORE INSERT ON tool_usage WHEN new.execution_time_ms = 2 BEGIN SELECT raise(ABORT, 'no'); "
      "END");
  for (int n = 1; n <= 3; ++n) must(it.tell(note("end", n)));
  CHECK(it.records() == 2);
  CHECK(it.kept() == 2);
}

TEST_CASE("an inbox whose begin was damaged is read to its end, and begun anew") {
  House it;
  for (int n = 1; n <= 3; ++n) must(it.tell(note("end", n)));
  std::string text = must(read_file(it.path, 1 << 20));
  text[3] = 'X';
  std::ofstream(it.path, std::ios::binary) << text;
  CHECK(it.records() == 3);
  must(it.tell(note("end", 4)));
  CHECK(it.kept() == 3);
  CHECK(it.records() == 4);
  std::filesystem::remove(it.path);
  must(it.tell(note("end", 5)));
  CHECK(it.kept() == 5);
}

TEST_CASE("a line that finds no room is told through the store") {
  House it;
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  std::ofstream(it.path, std::ios::app) << std::string(kMostLeft / 2, '\n');
  rlimit small{static_cast<rlim_t>(kMostLeft / 2 + 40), before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const Result<void> told = it.tell(note("end", 1));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, ignored);
  must(told);
  CHECK(it.records() == 1);
}

TEST_CASE("many tell and many take at once: each line once") {
  House it;
  constexpr int kThreads = 6, kEach = 60;
  std::vector<std::thread> crowd;
  for (int thread = 0; thread < kThreads; ++thread)
    crowd.emplace_back([&, thread] {
      SystemEntropy unlike;
      LocalOptions options = it.options;
      options.durability = Durability::normal;
      options.lock_wait = Millis(10'000);
      for (int n = 0; n < kEach; ++n) {
        const int number = thread * 1'000 + n;
        LocalStore store(options, it.clock, unlike);
        const bool opens = n % 7 == thread;
        if (opens && !store.database()) FAIL("cannot be opened");
        for (const char* what : {"begin", "count", "end"})
          if (!store.take(note(what, number))) FAIL("not told");
      }
    });
  for (std::thread& one : crowd) one.join();
  CHECK(it.records() == kThreads * kEach);
  CHECK(it.begun() == kThreads * kEach);
  CHECK(it.number("SELECT count FROM open_call WHERE key = 'e'") == kThreads * kEach);
}
