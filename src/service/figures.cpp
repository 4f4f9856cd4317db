#include "figures.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "route.h"

namespace fortium::service {

namespace {

constexpr std::size_t kMostTenants = 10'000;  // with figures of their own
constexpr const char* kOthers = "other";

std::string number(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}
std::string number(std::int64_t value) { return std::to_string(value); }

// Lines of the text format.
class Page {
 public:
  // What follows is of this name.
  void about(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text += "# HELP fortium_" + name_ + " " + std::string(help) + "\n# TYPE fortium_" + name_ + " " +
            std::string(type) + "\n";
  }
  template <class N>
  void value(N value, const std::string& labels = "", std::string_view suffix = "") {
    text += "fortium_" + name_ + std::string(suffix) + (labels.empty() ? "" : "{" + labels + "}") + " " +
            number(value) + "\n";
  }
  void gauge(std::string_view name, std::string_view help, std::int64_t now) {
    about(name, "gauge", help);
    value(now);
  }
  void counter(std::string_view name, std::string_view help, std::int64_t count) {
    about(name, "counter", help);
    value(count);
  }
  void times(const Times& times, const std::string& labels = "") {
    const std::string comma = labels.empty() ? "" : labels + ",";
    std::int64_t count = 0;
    for (std::size_t bin = 0; bin < Times::kSeconds.size(); ++bin) {
      count += times.in_bin(bin);
      value(count, comma + "le=\"" + number(Times::kSeconds[bin]) + "\"", "_bucket");
    }
    count += times.in_bin(Times::kSeconds.size());
    value(count, comma + "le=\"+Inf\"", "_bucket");
    value(times.sum(), labels, "_sum");
    value(count, labels, "_count");
  }

  std::string text;

 private:
  std::string name_;
};

std::string label(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + std::string(value) + "\"";
}

std::int64_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  long size = 0, resident = 0;
  const bool read = std::fscanf(file, "%ld %ld", &size, &resident) == 2;
  std::fclose(file);
  return read ? resident * ::sysconf(_SC_PAGESIZE) : 0;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

}  // namespace

Figures::Figures(std::span<const std::span<const Route>> tables) {
  for (const std::span<const Route> table : tables)
    for (const Route& route : table) {
      routes_.push_back(std::make_unique<OfRoute>());
      routes_.back()->route = &route;
      by_route_[&route] = routes_.back().get();
    }
  routes_.push_back(std::make_unique<OfRoute>());
}

void Figures::answered(const Route* route, int status, std::chrono::nanoseconds took) {
  const auto at = by_route_.find(route);
  OfRoute& counts = at != by_route_.end() ? *at->second : *routes_.back();
  counts.times.add(took);
  ++counts.statuses[std::min(static_cast<std::size_t>(status / 100), kClasses - 1)];
  if (status == 429) ++rate_limited_;
}

Figures::OfTenant& Figures::of(Tenants& tenants, const std::string& tenant) const {
  return tenants[tenants.size() < kMostTenants || tenants.contains(tenant) ? tenant : kOthers];
}

void Figures::stored(const std::string& tenant, const std::vector<metrics::Stored>& stored,
                     std::chrono::nanoseconds took) {
  stored_.add(took);
  tenants_.with([&](Tenants& tenants) {
    OfTenant& counts = of(tenants, tenant);
    for (const metrics::Stored one : stored) {
      counts.accepted += one == metrics::Stored::fresh;
      counts.duplicate += one == metrics::Stored::duplicate;
      counts.rejected += one == metrics::Stored::conflict;
    }
  });
}

void Figures::rejected(const std::string& tenant, std::size_t records) {
  if (records == 0) return;
  tenants_.with([&](Tenants& tenants) { of(tenants, tenant).rejected += static_cast<std::int64_t>(records); });
}

std::string Figures::text() {
  Page page;
  page.about("build_info", "gauge", "The version that runs.");
  page.value(std::int64_t{1}, label("version", FORTIUM_VERSION));

  page.about("request_seconds", "histogram",
             "From the whole request to its answer, by row of the table of end points.");
  for (const auto& one : routes_)
    if (one->route != nullptr)
      page.times(one->times, label("method", one->route->method) + "," + label("route", one->route->path));
  page.about("requests_total", "counter", "Answers by row and class of status; route \"none\": no row fitted.");
  for (const auto& one : routes_) {
    const std::string where = one->route == nullptr
                                  ? label("method", "") + "," + label("route", "none")
                                  : label("method", one->route->method) + "," + label("route", one->route->path);
    for (std::size_t status = 1; status < kClasses; ++status)
      if (const std::int64_t count = one->statuses[status]; count > 0)
        page.value(count, where + "," + label("status", std::to_string(status) + "xx"));
  }
  page.counter("rate_limited_total", "Answers 429.", rate_limited_);

  page.gauge("connections", "Open now.", edge_.connections);
  page.counter("connections_total", "Accepted.", edge_.accepted);
  page.counter("connections_turned_away_total", "There were too many.", edge_.turned_away);
  page.counter("requests_begun_total", "Heads of requests that began to come.", edge_.requests);
  page.counter("requests_broken_total", "No HTTP, too large or too slow.", edge_.rejected);
  page.gauge("streams", "Event streams and WebSockets, open now.", edge_.streams);
  page.gauge("workers_busy", "Workers at work now.", edge_.working);
  page.gauge("queue_length", "Requests that wait for a worker now.", edge_.waiting);
  page.about("queue_seconds", "histogram", "How long requests waited for a worker.");
  page.times(edge_.waits);

  page.about("store_write_seconds", "histogram", "One durable transaction of records, with its wait for others.");
  page.times(stored_);
  page.counter("store_failures_total", "What the store could not do.", store_failures_);

  const Tenants tenants = tenants_.with([](Tenants& all) { return all; });
  page.about("records_total", "counter", "Records by organization (its id) and what became of them, since the start.");
  for (const auto& [id, counts] : tenants) {
    page.value(counts.accepted, label("tenant", id) + "," + label("outcome", "accepted"));
    page.value(counts.duplicate, label("tenant", id) + "," + label("outcome", "duplicate"));
    page.value(counts.rejected, label("tenant", id) + "," + label("outcome", "rejected"));
  }

  page.gauge("resident_bytes", "Memory of this process.", resident_bytes());
  page.about("cpu_seconds_total", "counter", "Processor time of this process.");
  page.value(cpu_seconds());
  return std::move(page.text);
}

}  // namespace fortium::service
