// sync::RemoteLedger over HTTP: GET /api/v1/metrics/ledger, page by page, for one installation; POST asks for ids of
// whatever installation.
//
// One instance belongs to one thread; the client is kept alive by the caller.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/json.h"
#include "fortium/net/http.h"
#include "fortium/sync/ledger.h"
#include "http_uplink.h"

namespace fortium::net {

constexpr std::int64_t kMostLedgerBytes = 16 << 20;  // an answer of 10 000 rows or ids, and ample room
constexpr std::size_t kMostAskedIds = 1'000;         // in one request
constexpr int kMostLedgerPages = 100'000;            // a service that never comes to an end has gone wrong

class HttpLedger final : public sync::RemoteLedger {
 public:
  HttpLedger(HttpClient& client, UplinkOptions options) : client_(client), options_(std::move(options)) {}

  Result<sync::Ledger> tallies(const sync::Days& days) override;
  Result<std::vector<std::string>> ids(const sync::LedgerKey& key) override;
  Result<std::vector<bool>> counted(std::size_t kind, std::span<const std::string> ids) override;
  Result<std::string> kept_as(std::string_view id) override;

 private:
  struct Page;
  Result<Page> page(const std::string& query, const std::string& cursor);
  Result<Json> get(const std::string& path);
  Result<Json> perform(HttpRequest request);

  HttpClient& client_;
  const UplinkOptions options_;
  std::string organization_;  // its id, asked for when it is first needed
};

}  // namespace fortium::net
