// Every limit of the service, with its unit. What is advertised to clients is what is enforced.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fortium/base/clock.h"

namespace fortium::service {

constexpr std::size_t kMaxHeaderBytes = 16 << 10;
constexpr std::size_t kMaxBodyBytes = 10 << 20;  // as it comes over the wire, unless body_limit is set
constexpr std::size_t kLeastBodyBytes = 1024, kMostBodyBytes = 64 << 20;  // that it may be set to
constexpr std::size_t kMaxPlainBytes = 64 << 20;                          // after decompression
constexpr std::size_t kMaxBatchRecords = 1000;
constexpr std::size_t kMaxTelemetryItems = 10'000;  // log records or data points of one OTLP request
constexpr std::size_t kMaxBatchIdChars = 255;
constexpr std::size_t kMaxDeviceIdChars = 128;
constexpr std::size_t kMaxIdempotencyKeyChars = 255;
constexpr std::size_t kMaxRefusalBytes = 500;   // of the words about one record: its field names may be anything
constexpr std::size_t kMaxErrors = 100;         // violations listed in one answer
constexpr std::size_t kMaxLedgerIds = 10'000;   // in one answer
constexpr std::size_t kMaxAskedIds = 1'000;     // in one question whether they are counted
constexpr std::size_t kMaxLedgerRows = 10'000;  // in one answer: four years of six kinds

constexpr std::int64_t kRecordsPerUnit = 20;           // of the rate limit: a documented batch is one unit
constexpr std::int64_t kDefaultUnitsPerMinute = 1000;  // as documented; tiers are in access/quotas.cpp
// What an organization may use at once beside its minute, for records beyond the first 20 of a batch: what it did not
// use in a day. A client that comes back with a long queue is not held up, and nobody sends more in the long run.
constexpr std::int64_t kBacklogMinutes = 1'440;
constexpr std::int64_t kStrangerUnitsPerMinute = 600;  // requests from one address without a valid credential
constexpr std::int64_t kMaxUnitsPerMinute = 1'000'000'000;
constexpr std::int64_t kLogins = 5;  // wrong passwords from one address, or for one name, in kLoginTime
constexpr Millis kLoginTime{15 * 60'000};
constexpr std::int64_t kRefreshes = 30;      // of one login in a minute
constexpr std::int64_t kNotedRefusals = 60;  // lines about refusals in the audit log of one organization in kNotedTime
constexpr Millis kNotedTime{3'600'000};
constexpr Millis kRetryWhenBusy{5'000};
constexpr Millis kRetryWhenNewer{3'600'000};  // a record of a version that this service does not know yet

constexpr Millis kAnswersKept{24 * 3'600'000};  // that an Idempotency-Key brings back
constexpr Millis kCredentialLife{2'000};        // a revocation is effective within 5 s
constexpr Millis kUseNoted{60'000};             // `last_used` of a key is that exact
constexpr Millis kExpireEvery{3'600'000};       // records that are kept no longer go
constexpr Millis kReadyLife{1'000};             // how long one proof of being able to commit lasts

constexpr Millis kRequestTime{30'000};  // from its first byte to its last; and of writing an answer
constexpr Millis kIdleTime{75'000};     // between two requests of one connection
constexpr Millis kStopTime{30'000};     // for finishing what was begun
constexpr std::size_t kMaxConnections = 16'384;
constexpr std::size_t kMostWaiting = 4'096;      // requests that no thread has begun: the next one is answered 503
constexpr std::size_t kMostWaitingInLane = 512;  // the same of one organization

constexpr std::size_t kMostDifferences = 20;  // that a check names

constexpr std::size_t kMostGroupRecords = 4'000;  // of several callers in one transaction: some 50 ms

constexpr std::size_t kMostDbConnections = 16;    // of one instance to PostgreSQL, beside two for its own tables
constexpr Millis kDbConnectionWait{2'000};        // for one of them; then 503
constexpr Millis kDbConnectionLife{15 * 60'000};  // what its backend remembers of many organizations goes with it
constexpr Millis kStatementTime{30'000};
constexpr Millis kLockTime{5'000};  // that a writer waits for the one before it

constexpr std::size_t kMaxMessageBytes = 4 << 20;        // of the model context protocol: as its line over stdio
constexpr std::size_t kMostLetters = 64;                 // that wait for a request at work
constexpr std::size_t kMostStreamsOfTenant = 200;        // event streams and WebSockets, of this process
constexpr std::size_t kMostSessionsOfTenant = 1'000;     // of the protocol; the one that was not used longest goes
constexpr Millis kSessionLife{24 * 3'600'000};           // without a request
constexpr std::size_t kMaxSessionStateBytes = 64 << 10;  // what a session subscribed to, mostly

constexpr std::size_t kMostOpenTenants = 128;
constexpr Millis kTenantIdle{5 * 60'000};  // then its file is closed
constexpr int kTidyAtOnce = 2'000;         // pages of a log that are moved to the database file in one go: some 5 ms
constexpr int kTidyFrames = 16'000;        // in a log (32 MiB) before all of them are

}  // namespace fortium::service
