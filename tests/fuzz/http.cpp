// What a connection may bring: bytes as they come over the socket, any number of requests. KEY stands for a good one.
#include <boost/beast/core/flat_buffer.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "fortium/base/json.h"
#include "fuzz/target.h"
#include "service/http/read_request.h"
#include "service/service.h"
#include "service/store/backend.h"
#include "support/fakes.h"
#include "support/temp_dir.h"

using namespace fortium;
using namespace fortium::service;
using fuzz::must;

namespace {

// The whole service but its sockets, of all inputs.
struct World {
  World() : backend(std::move(*open_backend(dir.path(), clock, entropy))), control(std::move(backend.control)) {
    control.with([this](auto& open) {
      const Tenant tenant = *open->create_tenant("acme");
      key = open->create_key(tenant, kIngest | kRead | kAdmin, std::nullopt)->text.reveal();
    });
    service.emplace(control, *backend.depot, *backend.answers, *backend.sessions, clock,
                    ServiceOptions{.units_per_minute = kMaxUnitsPerMinute});
  }

  test::TempDir dir;
  test::FakeClock clock;
  SystemEntropy entropy;
  Backend backend;
  SharedControl control;
  std::string key;
  std::optional<Service> service;
};

class ShortTalk final : public Pipe {
 public:
  bool send(std::string message) override { return must(parse_json(message).ok(), "what is said is JSON"), true; }
  std::vector<std::string> take() override { return {}; }
  bool is_open() const override { return true; }
  bool is_ending() const override { return true; }
  void close() override {}
};

void check(const Response& response, const std::string& key) {
  must(response.status >= 101 && response.status <= 599, "a status is one of HTTP");
  must(response.status != 101 || response.talk != nullptr, "who becomes a WebSocket has something to say");
  for (const auto& [name, value] : response.headers) {
    for (const char c : value) must(c >= 0x20 && c != 0x7F, "no header has a control character");
    must(value.find(key) == value.npos, "the key is not shown");
  }
  must(response.body.find(key) == response.body.npos, "the key is not shown");
  const std::string_view type = response.header("Content-Type");
  if (!response.body.empty() && type.empty()) must(parse_json(response.body).ok(), "an answer is JSON");
  if (response.talk == nullptr) return;
  ShortTalk pipe;
  response.talk->work(pipe);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static World& world = *new World;  // for ever: what is left at exit is no leak
  std::string text(fuzz::text_of(bytes, size));
  if (const auto at = text.find("KEY"); at != text.npos) text.replace(at, 3, world.key);
  const AddressRanges trusted({"127.0.0.1"});
  std::string_view left = text;
  while (!left.empty()) {
    RequestParser parser;
    prepare(parser, kMaxBodyBytes);
    parser.eager(true);
    boost::beast::error_code status;
    const std::size_t used = parser.put(boost::asio::buffer(left.data(), left.size()), status);
    if (status || !parser.is_done() || used == 0) return 0;
    left.remove_prefix(used);
    Request request{.id = "fuzz-1"};
    if (auto refused = read_request_head(parser, "127.0.0.1", trusted, request)) return check(*refused, world.key), 0;
    if (auto refused = world.service->refuse(request)) {
      check(*refused, world.key);
    } else {
      request.body = std::move(parser.get().body());
      check(world.service->answer(request), world.key);
    }
    world.clock.advance(Millis(100));
  }
  return 0;
}
