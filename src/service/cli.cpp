#include "cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "commands.h"
#include "fortium/base/log.h"
#include "limits.h"
#include "settings.h"
#include "store/pg.h"

namespace fortium::service {

namespace {

constexpr Millis kShortestLife{1'000};

// The list of processes is anybody's to read, and a URL may hold a password.
void hide_database_urls(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::size_t begin = word.find("://");
    if (begin != word.npos && is_database_url(word.substr(word.starts_with("--") ? word.find('=') + 1 : 0)))
      std::fill(argv[i] + begin + 3, argv[i] + word.size(), '*');
  }
}

Millis duration_of(const std::string& option, const std::string& text) {
  const auto time = parse_duration(text);
  if (!time) throw CLI::ValidationError(option, time.error().what);
  return *time;
}

std::string type_name(const Setting& setting) {
  switch (setting.type) {
    case Setting::Type::number: return "NUMBER";
    case Setting::Type::duration: return "TIME";
    case Setting::Type::list: return "LIST";
    case Setting::Type::word: return "WORD";
    case Setting::Type::flag: return "true|false";
    case Setting::Type::text:
    case Setting::Type::secret:
    case Setting::Type::url: break;
  }
  return "TEXT";
}

// A word that is typed: `request_timeout` is --request-timeout.
std::string option_of(const Setting& setting) {
  std::string option = "--" + std::string(setting.key);
  std::ranges::replace(option, '_', '-');
  return option;
}

class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", "fortium-metrics-server " FORTIUM_VERSION);
    app_.footer(
        "Example: fortium-metrics-server serve --listen 127.0.0.1:8080\n\n"
        "What serve can be told is also set in the environment and in a file: see config show.");
    add_serve();
    add_config();
    add_tenant();
    add_key();
    add_user();
    add_token();
    add_audit();
    add_import();
    add_store();
  }

  int run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
      hide_database_urls(argc, argv);
      return static_cast<int>(run_(load_settings(overrides_, config_, process_environment())));
    } catch (const CLI::ParseError& error) {
      // Help and version are errors of code 0; all others are a matter of usage.
      return app_.exit(error) == 0 ? 0 : static_cast<int>(kUsage);
    }
  }

 private:
  CLI::App* command(CLI::App* above, const std::string& name, const std::string& doc, const std::string& example) {
    CLI::App* sub = above->add_subcommand(name, doc);
    sub->footer("Example: fortium-metrics-server " + example);
    sub->add_option("--config", config_, "File of settings, a line each: log = \"info\" (also FORTIUM_SERVER_CONFIG)")
        ->type_name("FILE");
    CLI::Option* data = add_setting(sub, "data");
    data->type_name("DIR");
    add_setting(sub, "database_url")->type_name("URL")->excludes(data);
    return sub;
  }

  CLI::Option* add_setting(CLI::App* sub, std::string_view key) {
    const Setting& setting = *find_setting(settings_table(), key);
    std::string doc(setting.doc);
    for (const std::string_view variable : setting.environment)
      doc += (variable == setting.environment.front() ? " (" : ", ") + std::string(variable);
    doc += ")";
    return sub
        ->add_option_function<std::string>(
            option_of(setting), [this, key](const std::string& text) { overrides_[std::string(key)] = text; }, doc)
        ->type_name(type_name(setting))
        ->default_str(std::string(setting.fallback));
  }

  // An option for each setting that is no secret: those can be read by every program of the machine.
  void add_settings(CLI::App* sub) {
    for (const Setting& setting : settings_table())
      if (setting.type != Setting::Type::secret && setting.key != "data") add_setting(sub, setting.key);
  }

  // What `sub` does, with a store that is open; nothing is opened while a setting is wrong.
  template <class Command>
  void at_store(Exit (*work)(const Command&, Desk&), const Command& command) {
    run_ = [work, &command](const Settings& settings) {
      const Exit exit = tell_problems(settings);
      return exit != kDone ? exit : at_desk(settings, [&](Desk& desk) { return work(command, desk); });
    };
  }

  void add_serve() {
    CLI::App* serve =
        command(&app_, "serve", "Run the service", "serve --listen 127.0.0.1:8080 --data /var/lib/fortium");
    add_settings(serve);
    serve->callback([this] {
      run_ = [](const Settings& settings) {
        const Exit exit = tell_problems(settings);
        return exit != kDone ? exit : run_serve(settings);
      };
    });
  }

  void add_config() {
    CLI::App* config = app_.add_subcommand("config", "Settings of the service");
    config->require_subcommand(1);
    CLI::App* show = command(config, "show", "All settings, and where each came from", "config show --json");
    add_settings(show);
    show->add_flag("--json", json_, "One JSON document");
    show->callback([this] { run_ = [this](const Settings& settings) { return run_config(settings, json_); }; });
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
        at_store(&run_tenant, tenant_);
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
        at_store(&run_key, key_);
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
            "What it may do: ingest, read, admin, or several with commas; super_admin administers organizations")
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
    create->add_option("--rate", key_.units, "Its own limit, in requests a minute; that of the organization, if absent")
        ->type_name("N")
        ->check(CLI::Range(std::int64_t{1}, kMaxUnitsPerMinute));
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

  void add_user() {
    using Do = UserCommand::Do;
    CLI::App* user = app_.add_subcommand("user", "People of organizations");
    user->require_subcommand(1);
    const auto add = [&](const std::string& name, const std::string& doc, const std::string& example, Do what) {
      CLI::App* sub = command(user, name, doc, "user " + example);
      if (what != Do::list) sub->add_option("name", user_.name, "Name or id of the person")->required();
      sub->add_option("--tenant", user_.tenant, "Organization")->type_name("NAME")->required();
      sub->add_flag("--json", user_.json, "One JSON document");
      sub->callback([this, what] {
        user_.what = what;
        at_store(&run_user, user_);
      });
      return sub;
    };
    const auto add_role = [this](CLI::App* sub) {
      return sub
          ->add_option_function<std::string>(
              "--role",
              [this](const std::string& text) {
                const auto role = read_role(text);
                if (!role) throw CLI::ValidationError("--role", role.error().what);
                user_.role = *role;
              },
              "tenant_admin, manager, developer or viewer")
          ->type_name("ROLE");
    };
    CLI::App* create = add("create", "Add a person", "create ada --tenant acme --role developer", Do::create);
    add_role(create)->default_str("developer");
    create->add_option("--user-id", user_.label, "The user_id of their records; their name, if absent")
        ->type_name("LABEL");
    create->add_flag("--password", user_.password, "Read a password from standard input");
    add("list", "All people of an organization", "list --tenant acme --json", Do::list);
    CLI::App* set_role =
        add("set-role", "Give another role", "set-role ada --tenant acme --role manager", Do::set_role);
    add_role(set_role)->required();
    add("set-password", "Read a new password from standard input; ends their logins", "set-password ada --tenant acme",
        Do::set_password);
    add("delete", "Remove a person; their records stay", "delete ada --tenant acme", Do::remove);
  }

  void add_token() {
    using Do = TokenCommand::Do;
    CLI::App* token = app_.add_subcommand("token", "Short-lived tokens");
    token->require_subcommand(1);
    const auto finish = [this](CLI::App* sub, Do what) {
      sub->add_flag("--json", token_.json, "One JSON document");
      sub->callback([this, what] {
        if (what == Do::create && token_.user.empty() == token_.key.empty())
          throw CLI::ValidationError("token create", "takes --tenant and --user, or --key");
        if (what == Do::create && !token_.user.empty() && token_.tenant.empty())
          throw CLI::ValidationError("--user", "goes with --tenant");
        token_.what = what;
        at_store(&run_token, token_);
      });
    };
    CLI::App* create =
        command(token, "create", "Make a token that is valid for 15 minutes", "token create --tenant acme --user ada");
    create->add_option("--tenant", token_.tenant, "Organization")->type_name("NAME");
    create->add_option("--user", token_.user, "Name or id of a person")->type_name("NAME");
    create->add_option("--key", token_.key, "Id of an API key")->type_name("ID");
    finish(create, Do::create);
    CLI::App* rotate = command(token, "rotate-key", "Sign with a new key from now on", "token rotate-key");
    rotate->add_flag("--revoke", token_.revoke, "All tokens that were signed until now end: the old key has leaked");
    finish(rotate, Do::rotate);
  }

  void add_audit() {
    using Do = AuditCommand::Do;
    CLI::App* audit = app_.add_subcommand("audit", "The audit log");
    audit->require_subcommand(1);
    const auto finish = [this](CLI::App* sub, Do what) {
      sub->add_option("--tenant", audit_.tenant, "Organization")->type_name("NAME");
      sub->add_flag("--json", audit_.json, "One JSON document");
      sub->callback([this, what] {
        if (!audit_.known.empty() && audit_.tenant.empty()) throw CLI::ValidationError("--known", "goes with --tenant");
        audit_.what = what;
        at_store(&run_audit, audit_);
      });
    };
    CLI::App* list = command(audit, "list", "The newest lines of an organization, or of the service itself",
                             "audit list --tenant acme");
    list->add_option("--limit", audit_.limit, "How many")->check(CLI::Range(1, 1'000'000))->default_str("100");
    finish(list, Do::list);
    CLI::App* verify =
        command(audit, "verify", "Recompute the chain of hashes: was a line changed or removed", "audit verify");
    verify->add_option("--known", audit_.known, "Hash of a line that was kept elsewhere: it must be there")
        ->type_name("HASH");
    finish(verify, Do::verify);
  }

  void add_store() {
    using Do = StoreCommand::Do;
    const auto add = [&](const std::string& name, const std::string& doc, const std::string& example, Do what) {
      CLI::App* sub = command(&app_, name, doc, example);
      sub->add_option("--tenant", store_.tenant, "One organization alone")->type_name("NAME");
      sub->add_flag("--json", store_.json, "One JSON document");
      sub->callback([this, what] {
        store_.what = what;
        at_store(&run_store, store_);
      });
      return sub;
    };
    add("migrate", "Bring everything to this version, as the first use of each organization would", "migrate",
        Do::migrate);
    add("check", "Count all records again, and compare with every sum that is kept", "check --tenant acme", Do::check);
    add("backup", "Everything as one file, which is for its owner's eyes", "backup metrics.backup", Do::backup)
        ->add_option("file", store_.file, "The file")
        ->required();
    add("restore", "Take what is in a backup, to whatever engine", "restore metrics.backup", Do::restore)
        ->add_option("file", store_.file, "The file")
        ->required();
    add("copy", "Everything to another store, whatever its engine, and compare every row",
        "copy --data /var/lib/fortium --to postgresql://fortium@db.example.org/fortium", Do::copy)
        ->add_option("--to", store_.to, "Directory, or URL of a PostgreSQL database")
        ->type_name("STORE")
        ->required();
  }

  void add_import() {
    CLI::App* take = command(&app_, "import-batch", "Take a file that `fortium-metrics export --batch` wrote",
                             "import-batch laptop.fmb --receipts laptop.fmr");
    take->add_option("file", import_.file, "The file")->required();
    take->add_option("--receipts", import_.receipts, "Write the receipts there, to be carried back")->type_name("FILE");
    take->add_flag("--json", import_.json, "One JSON document");
    take->callback([this] { at_store(&run_import_batch, import_); });
  }

  CLI::App app_{"The service that keeps metrics of Claude Code for many organizations."};
  std::string config_;
  SettingTexts overrides_;
  bool json_ = false;
  TenantCommand tenant_;
  KeyCommand key_;
  ImportCommand import_;
  UserCommand user_;
  TokenCommand token_;
  AuditCommand audit_;
  StoreCommand store_;
  std::function<Exit(const Settings&)> run_;
};

}  // namespace

int run_command_line(int argc, char** argv) { return CommandLine().run(argc, argv); }

}  // namespace fortium::service
