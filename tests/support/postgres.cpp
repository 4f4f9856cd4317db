#include "support/postgres.h"

#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <vector>

namespace fortium::test {

namespace {

namespace fs = std::filesystem;

constexpr auto kService = "fortium";  // the user, who is no superuser
constexpr std::chrono::seconds kPatience{30};

std::string find_program(const std::string& name) {
  std::string newest;
  std::error_code none;
  for (const fs::directory_entry& version : fs::directory_iterator("/usr/lib/postgresql", none))
    if (const fs::path path = version.path() / "bin" / name; fs::exists(path)) newest = std::max(newest, path.string());
  if (newest.empty()) throw std::runtime_error("PostgreSQL is not installed");
  return newest;
}

// PostgreSQL does not run as root.
const passwd* other_user() {
  if (getuid() != 0) return nullptr;
  const passwd* user = getpwnam("postgres");  // NOLINT(concurrency-mt-unsafe): before any other thread
  if (user == nullptr) throw std::runtime_error("there is no user postgres");
  return user;
}

// Started, and gone at the latest with this program.
pid_t start_program(const std::vector<std::string>& words, const std::string& log) {
  const passwd* const user = other_user();
  const pid_t parent = getpid();
  std::fflush(nullptr);  // or the child would say it again
  const pid_t child = fork();
  if (child != 0) return child;
  if (freopen(log.c_str(), "a", stdout) == nullptr || dup2(1, 2) < 0) _exit(126);
  if (user != nullptr && (setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)) _exit(126);
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (getppid() != parent) _exit(126);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execv(arguments.front(), arguments.data());
  _exit(127);
}

void run_program(const std::vector<std::string>& words, const std::string& log) {
  int status = 0;
  if (waitpid(start_program(words, log), &status, 0) < 0 || status != 0)
    throw std::runtime_error(words.front() + " failed, see " + log);
}

bool tell(const std::string& url, const std::string& sql) {
  PGconn* const connection = PQconnectdb(url.c_str());
  PGresult* const result = PQexec(connection, sql.c_str());
  const bool done = PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK;
  PQclear(result);
  PQfinish(connection);
  return done;
}

std::string url_of(const std::string& dir, const std::string& user, const std::string& database) {
  return "postgresql://" + user + "@/" + database + "?host=" + dir;
}

}  // namespace

Postgres& Postgres::of_program() {
  static Postgres one;
  return one;
}

Postgres::Postgres() {
  dir_ = (fs::temp_directory_path() / "fortium-test-pg-XXXXXX").string();
  if (mkdtemp(dir_.data()) == nullptr) throw std::runtime_error("cannot make a directory for PostgreSQL");
  if (const passwd* user = other_user(); user != nullptr && chown(dir_.c_str(), user->pw_uid, user->pw_gid) != 0)
    throw std::runtime_error("cannot give a directory to PostgreSQL");
  run_program({find_program("initdb"), "-D", dir_ + "/data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
               "--locale=C.UTF-8", "--no-sync"},
              dir_ + "/log");
  start();
  if (!tell(url_of(dir_, "postgres", "postgres"), "CREATE ROLE " + std::string(kService) + " LOGIN CREATEROLE"))
    throw std::runtime_error("cannot make a user of PostgreSQL");
}

Postgres::~Postgres() {
  kill();
  std::error_code ignored;
  fs::remove_all(dir_, ignored);
}

void Postgres::start() {
  process_ =
      start_program({find_program("postgres"), "-D", dir_ + "/data", "-k", dir_, "-c", "listen_addresses=", "-c",
                     "shared_buffers=16MB", "-c", "max_connections=60", "-c", "max_wal_size=128MB", "-c", "fsync=off"},
                    dir_ + "/log");
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (PQping(url_of(dir_, "postgres", "postgres").c_str()) != PQPING_OK) {
    if (std::chrono::steady_clock::now() > give_up) throw std::runtime_error("PostgreSQL does not start");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void Postgres::kill() {
  if (process_ < 0) return;
  ::kill(process_, SIGQUIT);  // no checkpoint: the next start recovers from the log
  waitpid(process_, nullptr, 0);
  process_ = -1;
}

std::string Postgres::new_database() {
  const std::string name = "test" + std::to_string(++databases_);
  if (!tell(url_of(dir_, "postgres", "postgres"), "CREATE DATABASE " + name + " OWNER " + kService))
    throw std::runtime_error("cannot make a database");
  return url_of(dir_, kService, name);
}

std::string Postgres::as_superuser(const std::string& url) const {
  const std::string from = "://" + std::string(kService) + "@";
  return "postgresql://postgres@" + url.substr(url.find(from) + from.size());
}

}  // namespace fortium::test
