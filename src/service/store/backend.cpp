#include "backend.h"

#include "fortium/base/files.h"
#include "service/limits.h"
#include "sqlite_records.h"
#include "sqlite_sql.h"

namespace fortium::service {

Result<Backend> open_backend(const std::string& where, const Clock& clock, Entropy& entropy) {
  Backend backend;
  FM_TRY_(make_private_dir(where));
  FM_TRY(backend.depot, SqliteDepot::open(where + "/tenants", clock, kMostOpenTenants));
  FM_TRY(backend.sql, SqliteSql::open(where + "/control.db", store::Durability::full, Control::steps()));
  FM_TRY(std::unique_ptr<Sql> answers,
         SqliteSql::open(where + "/answers.db", store::Durability::normal, Answers::steps()));
  backend.answers = std::make_unique<Answers>(std::move(answers));
  backend.control = std::make_unique<Control>(*backend.sql, *backend.depot, clock, entropy);
  return backend;
}

}  // namespace fortium::service
