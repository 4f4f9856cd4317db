#include "conversation.h"

#include <optional>
#include <utility>

#include "catalogs.h"
#include "fortium/base/log.h"
#include "service/read/filtered_reader.h"

namespace fortium::service {

namespace {

using metrics::Kind;
using metrics::Period;

// What is wrong with a store is for its keeper; a client hears what it can do about it.
Error told(const Error& error) {
  if (error.code == Errc::cancelled || error.code == Errc::not_found || error.code == Errc::invalid) return error;
  log_error("mcp: " + error.what);
  if (error.code == Errc::full) return {error.code, "no space left to keep records"};
  return {error.code, "the store is not available"};
}

}  // namespace

// The records of the organization, or what of them its bearer may see, as the core knows them: a store and a reader.
// Each call opens them anew, so a conversation that rests holds nothing.
class Conversation::Home final : public metrics::EventStore, public metrics::Reader {
 public:
  Home(Depot& depot, Figures& figures, const Clock& clock, const Credential& who)
      : depot_(depot),
        figures_(figures),
        clock_(clock),
        tenant_(who.tenant),
        place_(who.place),
        shown_(allowed(who, {})) {}

  bool may_read() const { return shown_.has_value(); }

  Result<std::vector<metrics::Stored>> append(std::span<metrics::Event> events) override {
    const SteadyTime begin = clock_.steady();
    auto records = depot_.find(place_);
    if (!records) return told(records.error());
    auto stored = (*records)->append(events, std::vector<bool>(events.size(), false));
    if (stored) {
      figures_.stored(tenant_, *stored, clock_.steady() - begin);
      return stored;
    }
    figures_.store_failed();
    if (stored.error().code != Errc::busy && stored.error().code != Errc::invalid) depot_.forget(place_);
    return told(stored.error());
  }

  void while_reading(const std::function<bool()>& go_on) override { go_on_ = go_on; }
  Result<void> slices(const Period& period, Millis phase, const metrics::Wanted& wanted,
                      const std::function<bool(const metrics::Slice&)>& take) override {
    return ask<void>([&](metrics::Reader& reader) { return reader.slices(period, phase, wanted, take); });
  }
  Result<void> session_hours(const Period& period, Millis phase, const metrics::Within& within,
                             const std::function<bool(const metrics::SessionHour&)>& take) override {
    return ask<void>([&](metrics::Reader& reader) { return reader.session_hours(period, phase, within, take); });
  }
  Result<metrics::Summary> summary(const Period& period) override {
    return ask<metrics::Summary>([&](metrics::Reader& reader) { return reader.summary(period); });
  }
  Result<std::vector<metrics::Usage>> usage(const Kind& kind, const Period& period, std::string_view only,
                                            std::int64_t limit) override {
    return ask<std::vector<metrics::Usage>>(
        [&](metrics::Reader& reader) { return reader.usage(kind, period, only, limit); });
  }
  Result<std::vector<metrics::Session>> sessions(const Period& period, std::int64_t limit) override {
    return ask<std::vector<metrics::Session>>([&](metrics::Reader& reader) { return reader.sessions(period, limit); });
  }
  Result<std::optional<metrics::Session>> session(std::string_view id) override {
    return ask<std::optional<metrics::Session>>([&](metrics::Reader& reader) { return reader.session(id); });
  }
  Result<std::vector<metrics::Recent>> recent(const Kind& kind, const Period& period, std::string_view session,
                                              std::int64_t limit) override {
    return ask<std::vector<metrics::Recent>>(
        [&](metrics::Reader& reader) { return reader.recent(kind, period, session, limit); });
  }
  Result<std::vector<metrics::Person>> people(const Period& period) override {
    return ask<std::vector<metrics::Person>>([&](metrics::Reader& reader) { return reader.people(period); });
  }
  Result<std::optional<double>> average_metric(std::string_view type, const Period& period) override {
    return ask<std::optional<double>>([&](metrics::Reader& reader) { return reader.average_metric(type, period); });
  }
  Result<std::vector<metrics::Day>> days(const Period& period) override {
    return ask<std::vector<metrics::Day>>([&](metrics::Reader& reader) { return reader.days(period); });
  }
  Result<std::vector<std::string>> words(std::string_view field, const Period& period, std::int64_t limit) override {
    return ask<std::vector<std::string>>([&](metrics::Reader& reader) { return reader.words(field, period, limit); });
  }
  // Of everybody: it tells no more than that somebody recorded, and is asked once a second.
  Result<std::vector<std::int64_t>> counts() override {
    auto records = depot_.find(place_);
    if (!records) return told(records.error());
    return ask_of<std::vector<std::int64_t>>(**records, [&](metrics::Reader& reader) { return reader.counts(); });
  }

 private:
  template <class T, class Question>
  Result<T> ask(const Question& question) {
    auto records = depot_.find(place_);
    if (!records) return told(records.error());
    if (*shown_ == Filter()) return ask_of<T>(**records, question);
    FilteredReader reader(**records, *shown_);
    reader.while_reading(go_on_);
    auto answer = question(reader);
    if (!answer) return told(answer.error());
    return answer;
  }

  template <class T, class Question>
  Result<T> ask_of(Records& records, const Question& question) {
    std::optional<Result<T>> answer;
    const auto done = records.ask([&](metrics::Reader& reader) -> Result<void> {
      reader.while_reading(go_on_);
      answer = question(reader);
      reader.while_reading({});
      return {};
    });
    if (!done) return told(done.error());
    if (!*answer) return told(answer->error());
    return std::move(*answer);
  }

  Depot& depot_;
  Figures& figures_;
  const Clock& clock_;
  const std::string tenant_, place_;
  const std::optional<Filter> shown_;
  std::function<bool()> go_on_;
};

Conversation::Conversation(Depot& depot, Figures& figures, const Clock& clock, const Credential& who,
                           std::string session)
    : who_(who),
      home_(std::make_unique<Home>(depot, figures, clock, who_)),
      recorder_(*home_, clock, entropy_, {.source = "mcp", .session_id = std::move(session), .user_id = who.person}),
      server_(catalog_for(who.may),
              mcp::Context{clock,
                           recorder_,
                           {},
                           [this]() -> Result<metrics::Reader*> {
                             if (!home_->may_read()) return Error{Errc::unauthorized, "this credential may not read"};
                             return home_.get();
                           },
                           who_.tenant},
              FORTIUM_VERSION) {}

Conversation::~Conversation() = default;

}  // namespace fortium::service
