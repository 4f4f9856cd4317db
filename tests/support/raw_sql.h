// A store's file as another program sees it: by SQL, past our own code.
#pragma once

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <string>

namespace fortium {

// Runs `text` on the file. Its rows as "1|2 3|- ", - for null; or what SQLite says is wrong.
inline std::string raw_sql(const std::string& file, const std::string& text) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  std::string out;
  const auto row = [](void* to, int count, char** values, char**) {
    for (int i = 0; i < count; ++i)
      static_cast<std::string*>(to)->append(values[i] ? values[i] : "-").append(i + 1 < count ? "|" : " ");
    return 0;
  };
  const int code = sqlite3_exec(db, text.c_str(), row, &out, nullptr);
  if (code != SQLITE_OK) out = sqlite3_errmsg(db);
  sqlite3_close(db);
  return out;
}

}  // namespace fortium
