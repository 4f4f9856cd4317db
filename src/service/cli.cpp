#include "cli.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdlib>

#include "commands.h"
#include "fortium/base/log.h"
#include "store/pg.h"

namespace fortium::service {

namespace {

constexpr const char* kDataVariable = "FORTIUM_SERVER_DATA";
constexpr const char* kDatabaseVariable = "DATABASE_URL";
constexpr Millis kShortestLife{1'000};

const char* variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any other thread
  return value != nullptr ? value : "";
}

std::string default_data_dir() {
  if (const std::string data = variable(kDataVariable); !data.empty()) return data;
  if (const std::string xdg = variable("XDG_DATA_HOME"); !xdg.empty()) return xdg + "/fortium-metrics-server";
  return std::string(variable("HOME")) + "/.local/share/fortium-metrics-server";
}

// The list of processes is anybody's to read, and a URL may hold a password.
void hide_database_urls(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::size_t begin = word.find("://");
    if (begin != word.npos && is_database_url(word.substr(word.starts_with("--") ? word.find('=') + 1 : 0)))
      std::fill(argv[i] + begin + 3, argv[i] + word.size(), '*');
  }
}

// One problem of a setting: its name, where it came from, what it was, what is allowed.
std::string wrong(const std::string& name, const std::string& value, const std::string& rule) {
  return name + " (environment) is \"" + value + "\": " + rule;
}

Result<void> read_number(const char* name, std::int64_t least, std::int64_t most, std::int64_t& out) {
  const std::string text = variable(name);
  if (text.empty()) return {};
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || number < least || number > most)
    return Error{
        Errc::invalid,
        wrong(name, text, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most))};
  out = number;
  return {};
}

Result<void> read_time(const char* name, Millis& out) {
  const std::string text = variable(name);
  if (text.empty()) return {};
  const auto time = parse_duration(text);
  if (!time) return Error{Errc::invalid, wrong(name, text, time.error().what)};
  if (*time <= Millis(0)) return Error{Errc::invalid, wrong(name, text, "must be more than nothing")};
  out = *time;
  return {};
}

Result<void> read_log_level() {
  const std::string text = variable("FORTIUM_SERVER_LOG");
  constexpr std::pair<std::string_view, LogLevel> kLevels[] = {{"", LogLevel::warn},
                                                               {"warn", LogLevel::warn},
                                                               {"error", LogLevel::error},
                                                               {"info", LogLevel::info},
                                                               {"debug", LogLevel::debug}};
  for (const auto& [name, level] : kLevels)
    if (text == name) return open_log({.level = level}), Result<void>();
  return Error{Errc::invalid, wrong("FORTIUM_SERVER_LOG", text, "must be one of error, warn, info, debug")};
}

Result<void> read_environment(ServeCommand& command) {
  std::int64_t connections = static_cast<std::int64_t>(command.server.max_connections);
  FM_TRY_(read_log_level());
  FM_TRY_(read_number("RATE_LIMIT_MAX_REQUESTS", 1, kMaxUnitsPerMinute, command.units_per_minute));
  FM_TRY_(read_number("FORTIUM_SERVER_MAX_CONNECTIONS", 1, 1'000'000, connections));
  FM_TRY_(read_time("FORTIUM_SERVER_REQUEST_TIMEOUT", command.server.request_time));
  FM_TRY_(read_time("FORTIUM_SERVER_IDLE_TIMEOUT", command.server.idle_time));
  command.server.max_connections = static_cast<std::size_t>(connections);
  return {};
}

Millis duration_of(const std::string& option, const std::string& text) {
  const auto time = parse_duration(text);
  if (!time) throw CLI::ValidationError(option, time.error().what);
  return *time;
}

class CommandLine {
 public:
  CommandLine() : store_(default_data_dir()) {
    // What is typed goes before what is in the environment.
    if (const std::string url = variable(kDatabaseVariable); !url.empty()) store_ = url;
    app_.require_subcommand(1);
    app_.set_version_flag("--version", "fortium-metrics-server " FORTIUM_VERSION);
    app_.footer(
        "Example: fortium-metrics-server serve --listen 127.0.0.1:8080\n\n"
        "The environment sets FORTIUM_SERVER_DATA or DATABASE_URL, and for serve RATE_LIMIT_MAX_REQUESTS (units a "
        "minute of\n"
        "each organization; 20 records are one unit), FORTIUM_SERVER_MAX_CONNECTIONS,\n"
        "FORTIUM_SERVER_REQUEST_TIMEOUT, FORTIUM_SERVER_IDLE_TIMEOUT and FORTIUM_SERVER_LOG.");
    add_serve();
    add_tenant();
    add_key();
    add_import();
    add_store();
  }

  int run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
      hide_database_urls(argc, argv);
      if (store_.empty()) throw CLI::ValidationError("--data", "must not be empty");
      if (store_.find("://") != store_.npos && !is_database_url(store_))
        return fail(kConfiguration, std::string(kDatabaseVariable) + " (environment) must begin with postgresql://");
      return static_cast<int>(run_());
    } catch (const CLI::ParseError& error) {
      // Help and version are errors of code 0; all others are a matter of usage.
      return app_.exit(error) == 0 ? 0 : static_cast<int>(kUsage);
    }
  }

 private:
  CLI::App* command(CLI::App* above, const std::string& name, const std::string& doc, const std::string& example) {
    CLI::App* sub = above->add_subcommand(name, doc);
    sub->footer("Example: fortium-metrics-server " + example);
    CLI::Option* data =
        sub->add_option("--data", store_, "Directory of the store (also " + std::string(kDataVariable) + ")")
            ->type_name("DIR")
            ->default_str(default_data_dir());
    sub->add_option("--database-url", store_,
                    "Keep everything in PostgreSQL instead: postgresql://user:password@host/database (also " +
                        std::string(kDatabaseVariable) + ", which is not seen in the list of processes)")
        ->type_name("URL")
        ->check([](const std::string& url) { return is_database_url(url) ? "" : "must begin with postgresql://"; })
        ->excludes(data);
    return sub;
  }

  void add_serve() {
    CLI::App* serve =
        command(&app_, "serve", "Run the service", "serve --listen 127.0.0.1:8080 --data /var/lib/fortium");
    serve->add_option("--listen", listen_, "Address and port; port 0 takes any free one")
        ->type_name("ADDRESS:PORT")
        ->default_str(listen_);
    serve->callback([this] {
      run_ = [this] {
        ServeCommand serve_command{.store = store_};
        if (auto read = read_listen(listen_, serve_command.server); !read)
          return fail(kUsage, "--listen " + read.error().what);
        if (auto read = read_environment(serve_command); !read) return fail(kConfiguration, read.error().what);
        return run_serve(serve_command);
      };
    });
  }

  void add_tenant() {
    using Do = TenantCommand::Do;
    CLI::App* tenant = app_.add_subcommand("tenant", "Organizations");
    tenant->require_subcommand(1);
    const auto add = [&](const std::string& name, const std::string& doc, const std::string& example, Do what) {
      CLI::App* sub = command(tenant, name, doc, "tenant " + example);
      if (what != Do::list) sub->add_option("name", tenant_.name, "Name or id of the organization")->required();
      sub->add_flag("--json", tenant_.json, "One JSON document");
      sub->callback([this, what] {
        tenant_.what = what;
        run_ = [this] {
          tenant_.store = store_;
          return run_tenant(tenant_);
        };
      });
    };
    add("create", "Make an organization", "create acme", Do::create);
    add("list", "All organizations", "list --json", Do::list);
    add("show", "One organization, its keys and records counted", "show acme", Do::show);
    add("suspend", "Refuse all its requests", "suspend acme", Do::suspend);
    add("resume", "End a suspension", "resume acme", Do::resume);
    add("delete", "Remove it, its keys and all its records, at once and for good", "delete acme", Do::remove);
  }

  void add_key() {
    using Do = KeyCommand::Do;
    CLI::App* key = app_.add_subcommand("key", "API keys of organizations");
    key->require_subcommand(1);
    const auto finish = [this](CLI::App* sub, Do what) {
      sub->add_flag("--json", key_.json, "One JSON document");
      sub->callback([this, what] {
        key_.what = what;
        run_ = [this] {
          key_.store = store_;
          return run_key(key_);
        };
      });
    };

    CLI::App* create =
        command(key, "create", "Make a key; it is shown once", "key create --tenant acme --scope ingest --expires 90d");
    create->add_option("--tenant", key_.tenant, "Organization")->type_name("NAME")->required();
    create
        ->add_option_function<std::string>(
            "--scope",
            [this](const std::string& text) {
              const auto scopes = parse_scopes(text);
              if (!scopes) throw CLI::ValidationError("--scope", scopes.error().what);
              key_.scopes = *scopes;
            },
            "What it may do: ingest, read, admin, or several with commas")
        ->type_name("SCOPES")
        ->default_str("ingest");
    create
        ->add_option_function<std::string>(
            "--expires",
            [this](const std::string& text) {
              key_.life = duration_of("--expires", text);
              if (*key_.life < kShortestLife) throw CLI::ValidationError("--expires", "must be 1s or more");
            },
            "How long it is valid, such as 90d; for ever, if absent")
        ->type_name("TIME");
    finish(create, Do::create);

    CLI::App* list = command(key, "list", "All keys, without their secrets", "key list --tenant acme --json");
    list->add_option("--tenant", key_.tenant, "Organization")->type_name("NAME");
    finish(list, Do::list);

    CLI::App* rotate = command(key, "rotate", "Make a new key in the place of one, which ends after a while",
                               "key rotate 0123456789abcdef --overlap 24h");
    rotate->add_option("id", key_.id, "Id of the key")->required();
    rotate
        ->add_option_function<std::string>(
            "--overlap", [this](const std::string& text) { key_.overlap = duration_of("--overlap", text); },
            "How long the old one goes on; 0 ends it at once")
        ->type_name("TIME")
        ->default_str("24h");
    finish(rotate, Do::rotate);

    CLI::App* revoke = command(key, "revoke", "End a key, within seconds", "key revoke 0123456789abcdef");
    revoke->add_option("id", key_.id, "Id of the key")->required();
    finish(revoke, Do::revoke);
  }

  void add_store() {
    using Do = StoreCommand::Do;
    const auto add = [&](const std::string& name, const std::string& doc, const std::string& example, Do what) {
      CLI::App* sub = command(&app_, name, doc, example);
      sub->add_option("--tenant", store_command_.tenant, "One organization alone")->type_name("NAME");
      sub->add_flag("--json", store_command_.json, "One JSON document");
      sub->callback([this, what] {
        store_command_.what = what;
        run_ = [this] {
          store_command_.store = store_;
          return run_store(store_command_);
        };
      });
      return sub;
    };
    add("migrate", "Bring everything to this version, as the first use of each organization would", "migrate",
        Do::migrate);
    add("check", "Count all records again, and compare with every sum that is kept", "check --tenant acme", Do::check);
    add("backup", "Everything as one file, which is for its owner's eyes", "backup metrics.backup", Do::backup)
        ->add_option("file", store_command_.file, "The file")
        ->required();
    add("restore", "Take what is in a backup, to whatever engine", "restore metrics.backup", Do::restore)
        ->add_option("file", store_command_.file, "The file")
        ->required();
    add("copy", "Everything to another store, whatever its engine, and compare every row",
        "copy --data /var/lib/fortium --to postgresql://fortium@db.example.org/fortium", Do::copy)
        ->add_option("--to", store_command_.to, "Directory, or URL of a PostgreSQL database")
        ->type_name("STORE")
        ->required();
  }

  void add_import() {
    CLI::App* import = command(&app_, "import-batch", "Take a file that `fortium-metrics export --batch` wrote",
                               "import-batch laptop.fmb --receipts laptop.fmr");
    import->add_option("file", import_.file, "The file")->required();
    import->add_option("--receipts", import_.receipts, "Write the receipts there, to be carried back")
        ->type_name("FILE");
    import->add_flag("--json", import_.json, "One JSON document");
    import->callback([this] {
      run_ = [this] {
        import_.store = store_;
    return run_import_batch(import_);
  };
    });
    }  // namespace

    CLI::App app_{"The service that keeps metrics of Claude Code for many organizations."};
    std::string store_;
    std::string listen_ = "127.0.0.1:8080";
    TenantCommand tenant_;
    KeyCommand key_;
    ImportCommand import_;
    StoreCommand store_command_;
    std::function<Exit()> run_;
    };  // namespace fortium::service

    }  // namespace

    int run_command_line(int argc, char** argv) { return CommandLine().run(argc, argv); }

    }  // namespace fortium::service
