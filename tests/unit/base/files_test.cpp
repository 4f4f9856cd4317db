// Files that only their owner may read.
#include "fortium/base/files.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/temp_dir.h"

using namespace fortium;
using namespace fortium::test;
namespace fs = std::filesystem;

namespace {

unsigned mode(const std::string& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777;
}

// A relative path is one that starts here.
class In {
 public:
  explicit In(const std::string& dir) : before_(fs::current_path()) { fs::current_path(dir); }
  In(const In&) = delete;
  In& operator=(const In&) = delete;
  ~In() { fs::current_path(before_); }

 private:
  const fs::path before_;
};

}  // namespace

TEST_CASE("directories are made with those above them, for their owner") {
  TempDir dir;
  const std::string deep = dir.file("a/b/c");
  REQUIRE(make_private_dir(deep).ok());
  CHECK(mode(dir.file("a")) == 0700);
  CHECK(mode(deep) == 0700);
  REQUIRE(make_private_dir(deep).ok());
}

TEST_CASE("a directory that is there is taken as it is") {
  TempDir dir;
  REQUIRE(::mkdir(dir.file("open").c_str(), 0755) == 0);
  ::chmod(dir.file("open").c_str(), 0755);
  REQUIRE(make_private_dir(dir.file("open")).ok());
  CHECK(mode(dir.file("open")) == 0755);
  fs::create_directory_symlink(dir.file("open"), dir.file("link"));
  CHECK(make_private_dir(dir.file("link")).ok());
}

TEST_CASE("what is in the way of a directory is said") {
  TempDir dir;
  std::ofstream(dir.file("file")) << "x";
  for (const std::string& path : {dir.file("file"), dir.file("file/below")}) {
    const auto made = make_private_dir(path);
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().what.find("file") != std::string::npos);
  }
  fs::create_symlink(dir.file("nowhere"), dir.file("dangling"));
  CHECK_FALSE(make_private_dir(dir.file("dangling")).ok());
  CHECK_FALSE(fs::exists(dir.file("nowhere")));
}

TEST_CASE("the directory of a file without one is where we are") {
  TempDir dir;
  const In here(dir.path());
  CHECK(make_private_dir("").ok());
  CHECK(make_private_dir("sub").ok());
  CHECK(write_file("plain", "text").ok());
  CHECK(*read_file("plain", 10) == "text");
}

TEST_CASE("a file is replaced in one step, and nothing is left beside it") {
  TempDir dir;
  const std::string path = dir.file("settings");
  REQUIRE(write_file(path, "one").ok());
  CHECK(mode(path) == 0600);
  REQUIRE(write_file(path, "two").ok());
  CHECK(*read_file(path, 100) == "two");
  CHECK(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("a file that cannot be replaced stays as it was") {
  TempDir dir;
  REQUIRE(::mkdir(dir.file("taken").c_str(), 0700) == 0);
  std::ofstream(dir.file("taken/x")) << "x";
  CHECK_FALSE(write_file(dir.file("taken"), "text").ok());
  CHECK_FALSE(write_file(dir.file("no/such/dir"), "text").ok());
  CHECK(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("a file is read up to its limit, and not one byte more") {
  TempDir dir;
  const std::string path = dir.file("file");
  REQUIRE(write_file(path, std::string(100'000, 'x')).ok());
  CHECK(read_file(path, 100'000)->size() == 100'000);
  const auto too_large = read_file(path, 99'999);
  REQUIRE_FALSE(too_large.ok());
  CHECK(too_large.error().code == Errc::invalid);
  REQUIRE(write_file(path, "").ok());
  CHECK(read_file(path, 0)->empty());
}

TEST_CASE("a file that is not there is not found; a directory is no file") {
  TempDir dir;
  CHECK(read_file(dir.file("none"), 10).error().code == Errc::not_found);
  CHECK(read_file(dir.path(), 10).error().code == Errc::unavailable);
}
