// Files of somebody else: what was looked at is what is replaced, in one step.
#include "app/careful_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "fortium/base/files.h"
#include "support/temp_dir.h"

using namespace fortium;
using namespace fortium::app;

namespace {

FileState looked(const std::string& path) {
  auto state = look_at(path);
  REQUIRE(state.ok());
  return *state;
}
void put(const std::string& path, std::string_view text) { REQUIRE(write_file(path, text).ok()); }
std::string got(const std::string& path) {
  auto text = read_file(path, 1 << 20);
  REQUIRE(text.ok());
  return *text;
}
std::size_t files_in(const std::string& dir) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) count += entry.exists() ? 1U : 0U;
  return count;
}

}  // namespace

TEST_CASE("a file is replaced, and keeps its mode") {
  test::TempDir dir;
  const std::string path = dir.path() + "/f";
  put(path, "old");
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  const FileState state = looked(path);
  CHECK(state.exists);
  CHECK(state.text == "old");
  REQUIRE(replace_file(state, "new").ok());
  CHECK(got(path) == "new");
  CHECK(looked(path).mode == 0640);
  CHECK(files_in(dir.path()) == 1);
}

TEST_CASE("a file that is not there is made, with the folders above it, and removed again") {
  test::TempDir dir;
  const std::string path = dir.path() + "/a/b/f";
  const FileState nothing = looked(path);
  CHECK_FALSE(nothing.exists);
  REQUIRE(replace_file(nothing, "new").ok());
  CHECK(got(path) == "new");
  REQUIRE(remove_file(looked(path)).ok());
  CHECK_FALSE(looked(path).exists);
}

TEST_CASE("what was changed meanwhile is left alone") {
  test::TempDir dir;
  const std::string path = dir.path() + "/f";
  const FileState nothing = looked(path);
  put(path, "somebody's");
  const FileState before = looked(path);
  CHECK(replace_file(nothing, "new").error().code == Errc::conflict);
  put(path, "somebody else's");
  for (const auto& done : {replace_file(before, "new"), remove_file(before)}) {
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().code == Errc::conflict);
    CHECK(done.error().what.find("changed meanwhile") != std::string::npos);
  }
  CHECK(got(path) == "somebody else's");
  const FileState again = looked(path);
  std::filesystem::remove(path);
  CHECK_FALSE(replace_file(again, "new").ok());
  CHECK(files_in(dir.path()) == 0);
}

TEST_CASE("a link leads to the new text") {
  test::TempDir dir;
  const std::string real = dir.path() + "/real", link = dir.path() + "/link";
  put(real, "old");
  std::filesystem::create_symlink("real", link);
  REQUIRE(replace_file(looked(link), "new").ok());
  CHECK(std::filesystem::is_symlink(link));
  CHECK(got(real) == "new");
  std::filesystem::create_symlink("nowhere", dir.path() + "/lost");
  CHECK_FALSE(look_at(dir.path() + "/lost").ok());
  CHECK_FALSE(look_at(dir.path()).ok());
}

TEST_CASE("who made a file read-only meant it") {
  test::TempDir dir;
  const std::string path = dir.path() + "/f";
  put(path, "x");
  CHECK_FALSE(looked(path).read_only);
  REQUIRE(::chmod(path.c_str(), 0444) == 0);
  CHECK(looked(path).read_only);
}

TEST_CASE("a backup knows the text before and after, for each file and purpose") {
  test::TempDir dir;
  const std::string path = dir.path() + "/f", data = dir.path() + "/data";
  put(path, "old");
  const FileState state = looked(path);
  Backup fresh(data, "user", state);
  CHECK_FALSE(fresh.was_made());
  CHECK_FALSE(fresh.is_after(""));
  REQUIRE(fresh.save("old", "new").ok());
  Backup kept(data, "user", state);
  CHECK(kept.was_made());
  CHECK(kept.is_after("new"));
  CHECK_FALSE(kept.is_after("newer"));
  CHECK(kept.before() == "old");
  CHECK_FALSE(Backup(data, "local", state).was_made());
  REQUIRE(kept.save(std::nullopt, "newer").ok());
  CHECK_FALSE(Backup(data, "user", state).before().has_value());
  kept.forget();
  CHECK_FALSE(Backup(data, "user", state).was_made());
}
