#include "transfer.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "backup_file.h"
#include "fortium/base/hash.h"
#include "fortium/sync/ledger.h"

namespace fortium::service {

namespace {

using schema::Row;
using schema::Value;

constexpr std::size_t kRowsAtOnce = 500;

using Sums = std::map<std::string, sync::Tally>;  // by table; of the texts of its rows

std::string hex_of(const std::string& bytes) {
  return to_hex(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

Json json_of(const Value& value, bool bytes) {
  if (const auto* text = std::get_if<std::string>(&value)) return bytes ? hex_of(*text) : *text;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return *whole;
  if (const auto* real = std::get_if<double>(&value)) return *real;
  return {};
}

Json json_of(const Table& table, const Row& row) {
  Json out = Json::array();
  for (std::size_t i = 0; i < row.size(); ++i)
    out.push_back(json_of(row[i], table.columns[i].type == Column::Type::bytes));
  return out;
}

void add(Sums& sums, const Table& table, const Row& row) { sums[table.name].add(dump_json(json_of(table, row))); }

std::int64_t records_in(const Sums& sums) {
  std::int64_t records = 0;
  for (const metrics::Kind& kind : metrics::kinds())
    if (const auto at = sums.find(std::string(kind.name)); at != sums.end()) records += at->second.count;
  return records;
}

// Where it goes to.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual Result<void> control(const SqlTable& table, std::vector<Row> rows) = 0;
  virtual Result<void> begin(const std::string& id, const std::string& name) = 0;
  virtual Result<void> rows(const Table& table, std::span<const Row> rows) = 0;
  virtual Result<void> end(const Sums& sums) = 0;
  virtual Result<void> done() = 0;
};

class FileSink final : public Sink {
 public:
  explicit FileSink(BackupWriter& file) : file_(file) {}

  Result<void> control(const SqlTable& table, std::vector<Row> rows) override {
    Json all = Json::array();
    for (const Row& row : rows) {
      Json& one = all.emplace_back(Json::array());
      for (const Value& value : row) one.push_back(json_of(value, /*bytes=*/false));
    }
    return file_.line({{"control", table.name}, {"columns", table.columns}, {"rows", std::move(all)}});
  }
  Result<void> begin(const std::string& id, const std::string& name) override {
    return file_.line({{"tenant", id}, {"name", name}});
  }
  Result<void> rows(const Table& table, std::span<const Row> rows) override {
    Json all = Json::array();
    for (const Row& row : rows) all.push_back(json_of(table, row));
    return file_.line({{"table", table.name}, {"rows", std::move(all)}});
  }
  Result<void> end(const Sums& sums) override {
    Json all = Json::object();
    for (const auto& [table, sum] : sums) all[table] = {{"count", sum.count}, {"digest", sum.digest.hex()}};
    return file_.line({{"sums", std::move(all)}});
  }
  Result<void> done() override {
    FM_TRY_(file_.line({{"complete", true}}));
    return file_.done();
  }

 private:
  BackupWriter& file_;
};

// Places first; who there is becomes visible at the end, in one transaction.
class StoreSink final : public Sink {
 public:
  explicit StoreSink(Backend& to) : to_(to) {}

  Result<void> control(const SqlTable& table, std::vector<Row> rows) override {
    auto& all = control_.emplace_back(table, std::vector<Row>()).second;
    for (Row& row : rows) {
      if (table.name == "tenants") {
        const std::string& id = std::get<std::string>(row[table.at("id")]);
        FM_TRY(const Rows taken, to_.sql->run("SELECT id FROM tenants WHERE id = $1 OR folded = $2", id,
                                              std::get<std::string>(row[table.at("folded")])));
        if (!taken.empty())
          return Error{Errc::conflict, "the organization \"" + std::get<std::string>(row[table.at("name")]) +
                                           "\" is there already: nothing was changed"};
        row[table.at("place")] = to_.depot->place_for(id);
      }
      all.push_back(std::move(row));
    }
    return {};
  }
  Result<void> begin(const std::string& id, const std::string& name) override {
    name_ = name;
    const std::string place = to_.depot->place_for(id);
    FM_TRY_(to_.depot->remove(place));  // what an interrupted copy has left
    FM_TRY_(to_.depot->create(place));
    FM_TRY(records_, to_.depot->find(place));
    return {};
  }
  Result<void> rows(const Table& table, std::span<const Row> rows) override { return records_->put_rows(table, rows); }
  Result<void> end(const Sums& sums) override {
    Sums arrived;
    FM_TRY_(records_->at_one_moment([&](Snapshot& now) -> Result<void> {
      for (const Table& table : place_tables())
        FM_TRY_(now.each_row(table, [&](const Row& row) { add(arrived, table, row); }));
      return {};
    }));
    if (arrived == sums) return {};
    return Error{Errc::corrupt, "what has arrived of \"" + name_ + "\" is not what was sent"};
  }
  Result<void> done() override {
    return to_.sql->write([&]() -> Result<void> {
      for (const auto& [table, rows] : control_) {
        std::string columns, marks;
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
          columns += (i == 0 ? "" : ", ") + table.columns[i];
          marks += (i == 0 ? "$" : ", $") + std::to_string(i + 1);
        }
        // What is of the whole service and there already stays: organizations were compared before.
        for (const Row& row : rows)
          FM_TRY_(to_.sql->run(
              "INSERT INTO " + table.name + " (" + columns + ") VALUES (" + marks + ") ON CONFLICT DO NOTHING",
              std::span(row)));
      }
      return {};
    });
  }

 private:
  Backend& to_;
  std::vector<std::pair<SqlTable, std::vector<Row>>> control_;
  std::shared_ptr<Records> records_;
  std::string name_;
};

// Whether a row of the service's own tables belongs to an organization.
bool belongs(const SqlTable& table, const Row& row, const std::string& tenant) {
  for (const char* column : {"tenant", "who", table.name == "tenants" ? "id" : ""})
    if (const std::size_t at = table.at(column); at < row.size() && row[at] == Value(tenant)) return true;
  return false;
}

Result<Sums> send(Snapshot& now, Sink& sink) {
  Sums sums;
  for (const Table& table : place_tables()) {
    std::vector<Row> rows;
    Result<void> sent;
    const auto flush = [&] {
      if (sent && !rows.empty()) sent = sink.rows(table, rows);
      rows.clear();
    };
    FM_TRY_(now.each_row(table, [&](const Row& row) {
      add(sums, table, row);
      rows.push_back(row);
      if (rows.size() == kRowsAtOnce) flush();
    }));
    flush();
    FM_TRY_(sent);
  }
  return sums;
}

Transfer send_all(Backend& from, Sink& sink, const std::string& only) {
  std::vector<Tenant> tenants;
  if (only.empty()) {
    FM_TRY(tenants, from.control->tenants());
  } else {
    FM_TRY(Tenant one, from.control->tenant(only));
    tenants.push_back(std::move(one));
  }
  FM_TRY(const std::vector<SqlTable> tables, from.sql->tables());
  for (const SqlTable& table : tables) {
    FM_TRY(Rows found, from.sql->run("SELECT " + table.list() + " FROM " + table.name));
    if (!only.empty())
      std::erase_if(found.rows, [&](const Row& row) { return !belongs(table, row, tenants.front().id); });
    FM_TRY_(sink.control(table, std::move(found.rows)));
  }
  std::vector<Transferred> done;
  for (const Tenant& tenant : tenants) {
    FM_TRY_(sink.begin(tenant.id, tenant.name));
    FM_TRY(const auto records, from.depot->find(tenant.place));
    Sums sums;
    FM_TRY_(records->at_one_moment([&](Snapshot& now) -> Result<void> {
      FM_TRY(sums, send(now, sink));
      return {};
    }));
    FM_TRY_(sink.end(sums));
    done.push_back({tenant.name, records_in(sums)});
  }
  FM_TRY_(sink.done());
  return done;
}

// ---- from a file ----

Error damaged(const std::string& why) { return {Errc::corrupt, "the backup is damaged: " + why}; }

Value value_of(const Json& json) {
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  return {};
}

Result<std::string> bytes_of(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    const auto digit = [&](char c) { return std::string_view("0123456789abcdef").find(c); };
    const std::size_t high = digit(hex[i]), low = digit(hex[i + 1]);
    if (high > 15 || low > 15) return damaged("bytes that are none");
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

Result<Value> value_of(const Json& json, Column::Type type) {
  Value value = value_of(json);
  if (type == Column::Type::real)
    if (const auto* whole = std::get_if<std::int64_t>(&value)) return Value(static_cast<double>(*whole));
  if (type != Column::Type::bytes || value.index() == 0) return value;
  const auto* hex = std::get_if<std::string>(&value);
  if (hex == nullptr) return damaged("bytes that are none");
  FM_TRY(std::string bytes, bytes_of(*hex));
  return Value(std::move(bytes));
}

// Reads line after line into a store.
class Restore {
 public:
  Restore(StoreSink& sink, std::string only, std::size_t control_version)
      : sink_(sink), only_(std::move(only)), control_version_(control_version) {}

  Result<void> take(const Json& line) {
    if (complete_) return damaged("it goes on after its end");
    if (!begun_) return take_head(line);
    if (line.contains("control")) return take_control(line);
    if (line.contains("tenant")) return take_tenant(line);
    if (line.contains("table")) return wanted_ ? take_rows(line) : Result<void>();
    if (line.contains("sums")) return wanted_ ? take_sums(line) : Result<void>();
    complete_ = line.contains("complete");
    return complete_ ? Result<void>() : Result<void>(damaged("a line of it is not known"));
  }
  Transfer end() {
    if (!complete_) return damaged("it ends early");
    if (!only_.empty() && done_.empty()) return Error{Errc::not_found, "there is no such organization in the backup"};
    FM_TRY_(sink_.done());
    return done_;
  }

 private:
  Result<void> take_head(const Json& line) {
    if (line.value("fortium_backup", 0) != 1) return damaged("it does not begin as one");
    if (line.value("control", std::size_t{0}) != control_version_)
      return Error{Errc::corrupt,
                   "the backup was made by another version of fortium-metrics-server: restore it with that"};
    begun_ = true;
    return {};
  }
  Result<void> take_control(const Json& line) {
    const SqlTable table{line["control"].get<std::string>(), line["columns"].get<std::vector<std::string>>()};
    std::vector<Row> rows;
    for (const Json& one : line["rows"]) {
      Row& row = rows.emplace_back();
      for (const Json& value : one) row.push_back(value_of(value));
      if (row.size() != table.columns.size()) return damaged("a row of " + table.name);
    }
    tables_.emplace_back(table, std::move(rows));
    return {};
  }
  // All tables of control have come when the first organization comes.
  Result<void> pass_control_on() {
    std::string id;
    for (const auto& [table, rows] : tables_)
      for (const Row& row : rows)
        if (table.name == "tenants" && !only_.empty() &&
            (row[table.at("name")] == Value(only_) || row[table.at("id")] == Value(only_)))
          id = std::get<std::string>(row[table.at("id")]);
    only_id_ = id;
    for (auto& [table, rows] : std::exchange(tables_, {})) {
      if (!only_.empty()) std::erase_if(rows, [&, &table = table](const Row& row) { return !belongs(table, row, id); });
      FM_TRY_(sink_.control(table, std::move(rows)));
    }
    return {};
  }
  Result<void> take_tenant(const Json& line) {
    FM_TRY_(pass_control_on());
    const auto id = line["tenant"].get<std::string>();
    wanted_ = only_.empty() || id == only_id_;
    name_ = line.value("name", "");
    return wanted_ ? sink_.begin(id, name_) : Result<void>();
  }
  Result<void> take_rows(const Json& line) {
    const auto tables = place_tables();
    const auto table = std::ranges::find(tables, line["table"].get<std::string>(), &Table::name);
    if (table == tables.end()) return damaged("a table of it is not known");
    std::vector<Row> rows;
    for (const Json& one : line["rows"]) {
      if (one.size() != table->columns.size()) return damaged("a row of " + table->name);
      Row& row = rows.emplace_back();
      for (std::size_t i = 0; i < one.size(); ++i) {
        FM_TRY(Value value, value_of(one[i], table->columns[i].type));
        row.push_back(std::move(value));
      }
    }
    return sink_.rows(*table, rows);
  }
  Result<void> take_sums(const Json& line) {
    Sums sums;
    for (const auto& [table, sum] : line["sums"].items())
      sums[table] = {sum.value("count", std::int64_t{0}), LedgerDigest::from_hex(sum.value("digest", ""))};
    done_.push_back({name_, records_in(sums)});
    return sink_.end(sums);
  }

  StoreSink& sink_;
  const std::string only_;
  const std::size_t control_version_;
  std::vector<std::pair<SqlTable, std::vector<Row>>> tables_;
  std::string only_id_, name_;
  bool begun_ = false, wanted_ = false, complete_ = false;
  std::vector<Transferred> done_;
};

}  // namespace

Transfer copy_to(Backend& from, Backend& to, const std::string& only) {
  StoreSink sink(to);
  return send_all(from, sink, only);
}

Transfer write_backup(Backend& from, const std::string& file, const std::string& only) {
  FM_TRY(const auto writer, BackupWriter::create(file));
  FM_TRY_(writer->line({{"fortium_backup", 1}, {"control", Control::steps().size()}}));
  FileSink sink(*writer);
  return send_all(from, sink, only);
}

Transfer read_backup(const std::string& file, Backend& to, const std::string& only) {
  StoreSink sink(to);
  Restore restore(sink, only, Control::steps().size());
  try {
    FM_TRY_(read_backup_lines(file, [&](const Json& line) { return restore.take(line); }));
  } catch (const Json::exception&) {
    return damaged("a line of it is made otherwise");
  }
  return restore.end();
}

}  // namespace fortium::service
