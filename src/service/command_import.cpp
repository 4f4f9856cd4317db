// `fortium-metrics-server import-batch`: batches that were carried here by hand, taken as if they had been posted.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "access/names.h"
#include "commands.h"
#include "fortium/base/files.h"
#include "fortium/sync/signed_file.h"
#include "http/gzip.h"
#include "ingest/ingest.h"

namespace fortium::service {

namespace {

using sync::ClaimedFile;

struct Counts {
  std::int64_t batches = 0, accepted = 0, duplicates = 0, rejected = 0, later = 0;
};

// Whose key signed it; or why the whole file is refused.
Result<Holder> signer_of(Control& control, const ClaimedFile& claimed, WallTime now) {
  FM_TRY(const auto holder, control.holder(claimed.file.key_id));
  // One answer for an unknown key and a wrong signature.
  if (!holder || !is_signed_by(claimed, holder->key.hash))
    return Error{Errc::unauthorized,
                 "the file is not signed by a key of this service, or was changed on the way: nothing was taken"};
  const auto no = [](std::string why) { return Error{Errc::unauthorized, std::move(why) + ": nothing was taken"}; };
  if (holder->key.revoked) return no("the key of the file was revoked");
  if (holder->key.expired(now)) return no("the key of the file has expired; export again with a new one");
  if ((holder->key.scopes & kIngest) == 0) return no("the key of the file lacks the scope ingest");
  if (holder->tenant.suspended) return no("the organization is suspended");
  const std::string& organization = claimed.file.organization_id;
  if (!organization.empty() && folded(organization) != holder->tenant.id &&
      folded(organization) != folded(holder->tenant.name))
    return no("the file is of another organization than its key");
  return *holder;
}

Result<std::string> payload_of(const ClaimedFile& claimed) {
  if (claimed.file.encoding == "identity") return claimed.file.payload;
  if (claimed.file.encoding == "gzip") return gunzip(claimed.file.payload, sync::kMostSignedBytes);
  return Error{Errc::invalid, "the file is packed in a way that this program does not know: update it"};
}

void count(Counts& counts, const Json& receipt) {
  ++counts.batches;
  for (const Json& line : receipt.value("results", Json::array())) {
    const std::string status = line.value("status", "");
    ++(status == "accepted"    ? counts.accepted
       : status == "duplicate" ? counts.duplicates
       : status == "rejected"  ? counts.rejected
                               : counts.later);
  }
}

// Every batch by the way of a posted one; the receipts, a line each.
Result<std::string> take(const std::string& payload, const Holder& holder, Desk& desk, Counts& counts) {
  RateLimit limit({.units = kMaxUnitsPerMinute}, desk.clock);
  Figures figures({});
  const Ingest ingest(*desk.backend.depot, *desk.backend.answers, limit, figures, desk.clock);
  const Credential who{holder.tenant.id, holder.tenant.name, holder.tenant.place, holder.key.scopes,
                       permissions_of(holder.key.scopes)};
  std::string receipts;
  std::string_view left = payload;
  while (!left.empty()) {
    const auto end = std::min(left.find('\n'), left.size());
    Request post{.id = "import", .method = "POST", .path = "/api/v1/metrics/batch"};
    post.body = std::string(left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
    const Response response = ingest.batch(post, who);
    const auto receipt = parse_json(response.body);
    if (response.status != 200 || !receipt)
      return Error{response.status == 507   ? Errc::full
                   : response.status >= 500 ? Errc::unavailable
                                            : Errc::conflict,
                   "a batch was not taken: " + (receipt ? receipt->value("message", "") : response.body) +
                       "; what was taken before it is counted once, however often the file is imported"};
    count(counts, *receipt);
    receipts += response.body + "\n";
  }
  return receipts;
}

Exit report(const ImportCommand& command, const Holder& holder, const Counts& counts) {
  if (command.json) {
    tell({{"tenant", holder.tenant.name},
          {"batches", counts.batches},
          {"accepted", counts.accepted},
          {"duplicates", counts.duplicates},
          {"rejected", counts.rejected},
          {"later", counts.later},
          {"receipts", command.receipts.empty() ? Json() : Json(command.receipts)}});
  } else {
    std::printf("%s: %lld accepted, %lld known before, %lld refused, %lld to be sent again later\n",
                holder.tenant.name.c_str(), static_cast<long long>(counts.accepted),
                static_cast<long long>(counts.duplicates), static_cast<long long>(counts.rejected),
                static_cast<long long>(counts.later));
    if (!command.receipts.empty())
      std::printf("carry %s back, and there: fortium-metrics queue settle FILE\n", command.receipts.c_str());
  }
  return counts.rejected + counts.later > 0 ? kPartly : kDone;
}

}  // namespace

Exit run_import_batch(const ImportCommand& command, Desk& desk) {
  const auto text = read_file(command.file, sync::kMostSignedBytes);
  if (!text) return fail(kFailed, text.error().what);
  const auto claimed = sync::read_signed(*text, sync::kBatchFile);
  if (!claimed) return fail(kFailed, command.file + ": " + claimed.error().what + ": nothing was taken");

  const auto holder = signer_of(desk.control, *claimed, desk.clock.now());
  if (!holder) return fail(holder.error());
  const auto payload = payload_of(*claimed);
  if (!payload) return fail(kFailed, payload.error().what);
  Counts counts;
  const auto receipts = take(*payload, *holder, desk, counts);
  if (!receipts) return fail(receipts.error());
  if (!command.receipts.empty()) {
    sync::SignedFile file = claimed->file;
    file.format = sync::kReceiptFile;
    file.created_at = to_rfc3339(desk.clock.now());
    file.encoding = "identity";
    file.payload = *receipts;
    if (auto done = write_file(command.receipts, write_signed(file, holder->key.hash)); !done)
      return fail(kFailed, done.error().what);
  }
  return report(command, *holder, counts);
}

}  // namespace fortium::service
