// A PostgreSQL of the test program's own: made at the first use, on a socket in a directory of its own, gone with the
// program. Each database is new. It does not wait for the disk: what is tested survives the end of its processes, not
// of the machine.
#pragma once

#include <string>

namespace fortium::test {

class Postgres {
 public:
  // The one of this program. Throws where PostgreSQL is not installed.
  static Postgres& of_program();

  // The URL of a new database, for a user who is no superuser.
  std::string new_database();
  // The same database, for a superuser.
  std::string as_superuser(const std::string& url) const;
  // Ends it without a word to anybody, and begins it again: it recovers from its log.
  void kill();
  void start();

  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;

 private:
  Postgres();
  ~Postgres();

  std::string dir_;
  int process_ = -1;
  int databases_ = 0;
};

}  // namespace fortium::test
