// A shape as a table.
#include "fortium/schema/sql.h"

#include <doctest/doctest.h>

using namespace fortium::schema;

namespace {

constexpr std::string_view kWords[] = {"a"};
constexpr Field kShape[] = {
    {.name = "id", .type = Text{}, .doc = "D.", .need = Need::optional, .given = Given::record},
    {.name = "n", .type = Integer{.max = 9}, .doc = "D."},
    {.name = "x", .type = Number{.max = 9}, .doc = "D.", .need = Need::measured},
    {.name = "flag", .type = Boolean{}, .doc = "D.", .need = Need::optional},
    {.name = "word", .type = OneOf{kWords}, .doc = "D."},
    {.name = "at", .type = Timestamp{}, .doc = "D.", .need = Need::optional},
    {.name = "detail", .type = Object{}, .doc = "D.", .need = Need::optional},
    {.name = "seq", .type = Integer{.max = 9}, .doc = "D.", .given = Given::record},
};

}  // namespace

TEST_CASE("the first field is the key; what every caller must give is never null") {
  CHECK(create_table("t", kShape, kSqlite, "lane INTEGER NOT NULL") ==
        "CREATE TABLE t (\n"
        "  id TEXT PRIMARY KEY NOT NULL,\n"
        "  n INTEGER NOT NULL,\n"
        "  x REAL,\n"
        "  flag INTEGER,\n"
        "  word TEXT NOT NULL,\n"
        "  at INTEGER,\n"
        "  detail TEXT,\n"
        "  seq INTEGER,\n"
        "  lane INTEGER NOT NULL\n"
        ") WITHOUT ROWID, STRICT;\n");
}

TEST_CASE("another database is other words") {
  constexpr Dialect kOther{"BIGINT", "DOUBLE PRECISION", "VARCHAR", ""};
  const std::string sql = create_table("t", kShape, kOther, "y INT");
  CHECK(sql.find("n BIGINT NOT NULL") != sql.npos);
  CHECK(sql.find("x DOUBLE PRECISION,") != sql.npos);
  CHECK(sql.ends_with("\n);\n"));
}

TEST_CASE("rows go in and out by all columns, in order") {
  CHECK(insert_into("t", kShape, "lane") ==
        "INSERT INTO t (id, n, x, flag, word, at, detail, seq, lane) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING");
  CHECK(select_from("t", kShape) == "SELECT id, n, x, flag, word, at, detail, seq FROM t");
}
