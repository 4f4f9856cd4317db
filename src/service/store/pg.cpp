#include "pg.h"

#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "service/limits.h"
#include "store/sqlite.h"

namespace fortium::service {

namespace {

constexpr int kLook = 5;                      // milliseconds between two questions whether to go on
constexpr std::size_t kMostPrepared = 1'000;  // statements of one connection
constexpr int kRowsAPage = 500;
constexpr std::string_view kSchemes[] = {"postgresql://", "postgres://"};

template <class Number>
void append_number(std::string& out, Number number) {
  for (int shift = static_cast<int>(sizeof number) * 8 - 8; shift >= 0; shift -= 8)
    out += static_cast<char>(static_cast<std::uint64_t>(number) >> shift & 0xFF);
}

std::uint64_t read_number(const char* bytes, int size) {
  std::uint64_t number = 0;
  for (int i = 0; i < size; ++i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

std::string number_bytes(std::int64_t number) {
  std::string out;
  append_number(out, number);
  return out;
}

PgParam param_of(PgType type, std::optional<std::string> bytes) {
  return {static_cast<std::uint32_t>(type), std::move(bytes)};
}

std::uint32_t array_of(PgType type) {
  switch (type) {
    case PgType::bytes: return 1001;
    case PgType::integer: return 1016;
    case PgType::text: return 1009;
    case PgType::real: return 1022;
    case PgType::unknown: break;
  }
  return 0;
}

// What a SQLSTATE means to us.
Errc code_of(std::string_view state) {
  constexpr std::pair<std::string_view, Errc> kStates[] = {
      {"53300", Errc::busy},         // too many connections
      {"53", Errc::full},            // no space, no memory
      {"57014", Errc::busy},         // took longer than it may
      {"57", Errc::unavailable},     // shut down, or starting
      {"55P03", Errc::busy},         // locked for longer than we wait
      {"40", Errc::busy},            // two transactions in each other's way
      {"08", Errc::unavailable},     // the connection
      {"25006", Errc::unavailable},  // a standby
      {"28", Errc::unauthorized},    // password, or no such user
      {"42501", Errc::unauthorized},
      {"3D000", Errc::unavailable},  // no such database
      {"3F000", Errc::not_found},    // no such schema,
      {"42P01", Errc::not_found},    // table,
      {"22023", Errc::not_found},    // or role
      {"22", Errc::invalid},
      {"23502", Errc::invalid},  // a value is missing
      {"23", Errc::conflict},
      {"XX001", Errc::corrupt},
      {"XX002", Errc::corrupt},
      {"58", Errc::unavailable},  // the system below it
  };
  for (const auto& [prefix, code] : kStates)
    if (state.starts_with(prefix)) return code;
  return Errc::internal;
}

// Two classes of errors may quote what was sent.
bool may_quote(std::string_view state) { return state.starts_with("22") || state.starts_with("23"); }

std::string first_line(std::string_view text) {
  return store::printable(text.substr(0, std::min(text.find('\n'), text.size())));
}

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

Options parse_url(const std::string& url) {
  char* words = nullptr;  // may quote the URL, and with it a password
  Options options(PQconninfoParse(url.c_str(), &words));
  PQfreemem(words);
  return options;
}

Error malformed() {
  return {Errc::invalid, "the database URL is malformed: it is like postgresql://user:password@host:5432/database"};
}

// Only what comes from the other end is shown: other words may quote a URL that was taken apart at the wrong place.
Error refused(const PGconn* connection) {
  const std::string words = first_line(PQerrorMessage(connection));
  if (words.starts_with("could not translate host name"))
    return {Errc::unavailable, "database: the name of its host is not known"};
  if (!words.starts_with("connection to server")) return malformed();
  const bool wrong = PQconnectionNeedsPassword(connection) != 0 || PQconnectionUsedPassword(connection) != 0;
  return {wrong ? Errc::unauthorized : Errc::unavailable, "database: " + words};
}

}  // namespace

bool is_database_url(std::string_view where) {
  for (const std::string_view scheme : kSchemes)
    if (where.starts_with(scheme)) return true;
  return false;
}

std::string without_password(std::string_view url) {
  const Options options = parse_url(std::string(url));
  if (!options) return "postgresql://";
  const auto value = [&](std::string_view name, std::string_view otherwise) {
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option)
      if (name == option->keyword && option->val != nullptr) return std::string(option->val);
    return std::string(otherwise);
  };
  return "postgresql://" + value("host", value("hostaddr", "")) + "/" + value("dbname", "");
}

PgParam param(std::string_view text) { return param_of(PgType::text, std::string(text)); }
PgParam param(std::int64_t number) { return param_of(PgType::integer, number_bytes(number)); }
PgParam param(double number) { return param_of(PgType::real, number_bytes(std::bit_cast<std::int64_t>(number))); }
PgParam bytes_param(std::string_view bytes) { return param_of(PgType::bytes, std::string(bytes)); }
PgParam value_param(const schema::Value& value) {
  struct Pick {
    PgParam operator()(std::monostate) const { return param_of(PgType::unknown, std::nullopt); }
    PgParam operator()(std::int64_t number) const { return param(number); }
    PgParam operator()(double number) const { return param(number); }
    PgParam operator()(const std::string& text) const { return param(std::string_view(text)); }
  };
  return std::visit(Pick(), value);
}

void PgArray::append(std::string_view bytes) {
  append_number(elements_, static_cast<std::int32_t>(bytes.size()));
  elements_ += bytes;
  ++count_;
}

PgArray& PgArray::add(std::string_view text) { return append(text), *this; }
PgArray& PgArray::add(std::int64_t number) { return append(number_bytes(number)), *this; }
PgArray& PgArray::add(double number) { return append(number_bytes(std::bit_cast<std::int64_t>(number))), *this; }
PgArray& PgArray::add_value(const schema::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return add(std::string_view(*text));
  if (const auto* real = std::get_if<double>(&value)) return add(*real);
  if (const auto* whole = std::get_if<std::int64_t>(&value))
    return type_ == PgType::real ? add(static_cast<double>(*whole)) : add(*whole);
  append_number(elements_, std::int32_t{-1});
  ++count_;
  any_null_ = true;
  return *this;
}

PgParam PgArray::param() const {
  std::string out;
  append_number(out, std::int32_t{count_ > 0 ? 1 : 0});  // dimensions
  append_number(out, std::int32_t{any_null_ ? 1 : 0});
  append_number(out, static_cast<std::int32_t>(type_));
  if (count_ > 0) {
    append_number(out, count_);
    append_number(out, std::int32_t{1});  // where it begins
  }
  return {array_of(type_), out + elements_};
}

void PgRows::Free::operator()(pg_result* result) const { PQclear(result); }
int PgRows::size() const { return result_ ? PQntuples(result_.get()) : 0; }
int PgRows::columns() const { return result_ ? PQnfields(result_.get()) : 0; }
std::int64_t PgRows::changed() const { return result_ ? std::atoll(PQcmdTuples(result_.get())) : 0; }
bool PgRows::is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }

std::string_view PgRows::text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column), static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::int64_t PgRows::integer(int row, int column) const {
  const int size = PQgetlength(result_.get(), row, column);
  const std::uint64_t number = read_number(PQgetvalue(result_.get(), row, column), size);
  return size == 4 ? static_cast<std::int32_t>(number) : static_cast<std::int64_t>(number);
}

double PgRows::real(int row, int column) const { return std::bit_cast<double>(integer(row, column)); }

schema::Value PgRows::value(int row, int column) const {
  if (is_null(row, column)) return {};
  switch (static_cast<PgType>(PQftype(result_.get(), column))) {
    case PgType::real: return real(row, column);
    case PgType::text:
    case PgType::bytes: return std::string(text(row, column));
    case PgType::integer:
    case PgType::unknown: break;
  }
  return integer(row, column);
}

void Pg::Close::operator()(pg_conn* connection) const { PQfinish(connection); }
Pg::~Pg() = default;

Result<std::unique_ptr<Pg>> Pg::open(const std::string& url) {
  if (!parse_url(url)) return malformed();
  // What stands in the URL comes later, and wins.
  constexpr std::array<const char*, 9> kNames = {"connect_timeout",
                                                 "application_name",
                                                 "keepalives_idle",
                                                 "keepalives_interval",
                                                 "keepalives_count",
                                                 "tcp_user_timeout",
                                                 "dbname",
                                                 "client_encoding",
                                                 nullptr};
  const std::array<const char*, 9> values = {
      "5", "fortium-metrics-server", "30", "10", "3", "60000", url.c_str(), "UTF8", nullptr};
  Connection connection(PQconnectdbParams(kNames.data(), values.data(), /*expand_dbname=*/1));
  if (!connection) return Error{Errc::unavailable, "no memory for a connection to the database"};
  if (PQstatus(connection.get()) != CONNECTION_OK) return refused(connection.get());
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  const char* encoding = PQparameterStatus(connection.get(), "server_encoding");
  if (encoding == nullptr || std::string_view(encoding) != "UTF8")
    return Error{Errc::invalid, "the database is not in UTF-8: make one with ENCODING 'UTF8'"};
  return std::unique_ptr<Pg>(new Pg(std::move(connection)));
}

Result<std::string> Pg::prepared(const PgQuery& query) {
  std::string key = query.sql;
  std::vector<Oid> types;
  for (const PgParam& one : query.params) {
    types.push_back(one.type);
    key += "\x1F" + std::to_string(one.type);
  }
  if (const auto at = prepared_.find(key); at != prepared_.end()) return at->second;
  std::string name = "s" + std::to_string(++names_);
  if (PQsendPrepare(connection_.get(), name.c_str(), query.sql.c_str(), static_cast<int>(types.size()), types.data()) ==
      0)
    return broken();
  preparing_.push_back(key);
  prepared_.emplace(std::move(key), name);
  return name;
}

Result<void> Pg::send(const PgQuery& query) {
  const auto count = static_cast<int>(query.params.size());
  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<Oid> types;
  for (const PgParam& one : query.params) {
    values.push_back(one.bytes ? one.bytes->data() : nullptr);
    lengths.push_back(one.bytes ? static_cast<int>(one.bytes->size()) : 0);
    types.push_back(one.type);
  }
  const std::vector<int> binary(query.params.size(), 1);
  int sent = 0;
  if (query.once) {
    sent = PQsendQueryParams(connection_.get(), query.sql.c_str(), count, types.data(), values.data(), lengths.data(),
                             binary.data(), /*resultFormat=*/1);
  } else {
    FM_TRY(const std::string name, prepared(query));
    sent = PQsendQueryPrepared(connection_.get(), name.c_str(), count, values.data(), lengths.data(), binary.data(),
                               /*resultFormat=*/1);
  }
  if (sent == 0) return broken();
  return {};
}

Result<std::vector<PgRows>> Pg::run(std::span<const PgQuery> queries) {
  pg_conn* const connection = connection_.get();
  if (!healthy()) return broken();
  if (prepared_.size() > kMostPrepared && PQtransactionStatus(connection) == PQTRANS_IDLE) {
    FM_TRY_(exec("DEALLOCATE ALL"));
    prepared_.clear();
  }
  if (PQenterPipelineMode(connection) == 0) return broken();
  std::vector<std::size_t> prepares;  // how many results come before that of each query
  for (const PgQuery& query : queries) {
    const std::size_t before = preparing_.size();
    FM_TRY_(send(query));
    prepares.push_back(preparing_.size() - before);
  }
  if (PQpipelineSync(connection) == 0) return broken();

  std::vector<PgRows> rows;
  Result<void> done;
  const auto take = [&](Result<PgRows> result) {
    if (result) return done ? rows.push_back(std::move(*result)) : void();
    if (done) done = std::move(result).error();
  };
  std::size_t preparing = 0;
  for (const std::size_t count : prepares) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::string key = preparing_[preparing++];
      auto made = next();
      if (made) continue;
      prepared_.erase(key);
      take(std::move(made));
      if (broken_) break;
    }
    if (!broken_) take(next());
    if (broken_) break;
  }
  preparing_.clear();
  if (broken_) return done ? broken() : std::move(done).error();
  FM_TRY_(next());  // the end of the round trip
  if (PQexitPipelineMode(connection) == 0) return broken();
  cancelled_ = false;
  if (!done) return std::move(done).error();
  return rows;
}

Result<PgRows> Pg::run(std::string sql, std::vector<PgParam> params) {
  const PgQuery query{std::move(sql), std::move(params)};
  FM_TRY(std::vector<PgRows> rows, run({&query, 1}));
  return std::move(rows.front());
}

Result<void> Pg::exec(const std::string& sql) {
  if (!healthy()) return broken();
  pg_result* const result = PQexec(connection_.get(), sql.c_str());
  const PgRows rows(result);
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY) return {};
  return error_of(result);
}

Result<bool> Pg::each(const std::string& select, std::vector<PgParam> params,
                      const std::function<Result<bool>(const PgRows& rows, int row)>& take) {
  const std::string cursor = "c" + std::to_string(++names_);
  const PgQuery fetch{"FETCH " + std::to_string(kRowsAPage) + " FROM " + cursor, {}, /*once=*/true};
  const PgQuery first[] = {{"DECLARE " + cursor + " NO SCROLL CURSOR FOR " + select, std::move(params), /*once=*/true},
                           fetch};
  FM_TRY(std::vector<PgRows> opened, run(first));
  PgRows page = std::move(opened.back());
  bool more = true;
  while (true) {
    for (int row = 0; more && row < page.size(); ++row) {
      FM_TRY(more, take(page, row));
    }
    if (!more || page.size() < kRowsAPage) break;
    FM_TRY(std::vector<PgRows> pages, run({&fetch, 1}));
    page = std::move(pages.front());
  }
  FM_TRY_(exec("CLOSE " + cursor));
  return more;
}

Result<void> Pg::transaction(std::span<const PgQuery> begin, const std::function<Result<void>()>& work) {
  const auto begun = run(begin);
  Result<void> done = begun ? work() : begun.error();
  if (done && PQtransactionStatus(connection_.get()) != PQTRANS_INTRANS)
    done = Error{Errc::internal, "database: the transaction has ended before its work"};
  if (done)
    if (const auto committed = run("COMMIT"); !committed) done = committed.error();
  if (!done) undo();
  return done;
}

void Pg::undo() {
  if (healthy() && in_transaction()) (void)exec("ROLLBACK");
}

bool Pg::in_transaction() const { return PQtransactionStatus(connection_.get()) != PQTRANS_IDLE; }

// One result, and the mark that ends it.
Result<PgRows> Pg::next() {
  FM_TRY(pg_result* const result, wait_for_result());
  PgRows rows(result);
  if (result == nullptr) return broken();
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_PIPELINE_SYNC) return rows;
  FM_TRY(pg_result* const end, wait_for_result());
  if (end != nullptr) {
    PQclear(end);
    return broken();
  }
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return rows;
  return error_of(result);
}

Result<pg_result*> Pg::wait_for_result() {
  while (PQisBusy(connection_.get()) != 0) {
    FM_TRY_(wait_for_input());
    if (PQconsumeInput(connection_.get()) == 0) return broken();
  }
  return PQgetResult(connection_.get());
}

Result<void> Pg::wait_for_input() {
  pollfd waited{.fd = PQsocket(connection_.get()), .events = POLLIN, .revents = 0};
  while (true) {
    const int ready = ::poll(&waited, 1, go_on_ ? kLook : -1);
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return broken();
    if (ready == 0 && !cancelled_ && !go_on_()) cancel();
  }
}

void Pg::cancel() {
  cancelled_ = true;
  if (PGcancel* cancel = PQgetCancel(connection_.get())) {
    std::array<char, 256> words{};
    (void)PQcancel(cancel, words.data(), static_cast<int>(words.size()));
    PQfreeCancel(cancel);
  }
}

Error Pg::error_of(const pg_result* result) {
  if (PQstatus(connection_.get()) != CONNECTION_OK) return broken();
  const char* found = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string state = found != nullptr ? found : "";
  const char* words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  if (cancelled_ && state == "57014") return {Errc::cancelled, "given up"};
  return {code_of(state),
          "database: " + (words == nullptr || may_quote(state) ? "it does not take a value" : first_line(words)) +
              " (" + state + ")"};
}

Error Pg::broken() {
  broken_ = true;
  return {Errc::unavailable, "database: the connection is lost"};
}

bool Pg::healthy() {
  if (broken_ || PQstatus(connection_.get()) != CONNECTION_OK) return false;
  pollfd look{.fd = PQsocket(connection_.get()), .events = POLLIN, .revents = 0};
  // Nothing is to come now: what has come is a notice, or a word of farewell and the end behind it.
  while (!broken_ && ::poll(&look, 1, 0) > 0) broken_ = PQconsumeInput(connection_.get()) == 0;
  return !broken_ && PQstatus(connection_.get()) == CONNECTION_OK;
}

}  // namespace fortium::service
