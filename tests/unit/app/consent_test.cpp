#include "app/consent.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "support/temp_dir.h"

using namespace fortium;
using namespace fortium::app;
namespace fs = std::filesystem;

TEST_CASE("a project is opted out by a file in its directory or above, up to the home directory") {
  const test::TempDir dir;
  const fs::path home = fs::path(dir.path()) / "home", project = home / "work" / "shop";
  fs::create_directories(project / "deep");
  const Environment environment = [&](const char* name) {
    return std::string_view(name) == "HOME" ? std::optional(home.string()) : std::nullopt;
  };
  const auto out = [&](const fs::path& at) { return opted_out(at.string(), environment); };
  CHECK_FALSE(out(project / "deep"));
  for (const fs::path& at : {project, home / "work", home}) {
    std::ofstream(at / kOffFile).flush();
    CHECK(out(project / "deep"));
    CHECK(out(project / "not there yet"));
    fs::remove(at / kOffFile);
  }
  // Above the home directory it says nothing about what is inside.
  std::ofstream(fs::path(dir.path()) / kOffFile).flush();
  CHECK_FALSE(out(project));
  CHECK(out(fs::path(dir.path()) / "elsewhere"));
  CHECK_FALSE(out(""));
  CHECK_FALSE(out("relative/path"));
}
