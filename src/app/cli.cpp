#include "cli.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>

#include "commands.h"
#include "completion.h"
#include "fortium/base/log.h"
#include "fortium/metrics/kind.h"
#include "fortium/report/questions.h"
#include "fortium/report/render.h"

namespace fortium::app {

namespace {

// One command line: what was said, and what is to run.
struct Said {
  Options options;
  bool json = false;
  std::string url, timeout = "60s";
  RecordCommand record;
  ImportCommand import;
  SyncCommand sync;
  VerifyCommand verify;
  DoctorCommand doctor;
  InstallCommand install;
  std::vector<std::string> statusline;
  ExportCommand export_;
  QueueCommand queue;
  ConfigCommand config;
  ReportCommand report;
  PrivacyCommand privacy;
  std::string schema_dir = "schemas", shell;
  std::function<int(const Settings&)> run;
};

std::string example_of(const char* line) { return std::string("Example:\n  ") + line; }

// A command of commands.
CLI::App* group(CLI::App& app, const char* name, const char* doc, const char* example) {
  CLI::App* sub = app.add_subcommand(name, doc);
  sub->require_subcommand(1);
  sub->fallthrough();
  sub->footer(example_of(example));
  return sub;
}

CLI::App* command(CLI::App& app, Said& said, const char* name, const char* doc, const char* example,
                  std::function<int(const Settings&)> run) {
  CLI::App* sub = app.add_subcommand(name, doc);
  sub->footer(example_of(example));
  sub->fallthrough();
  sub->callback([&said, run = std::move(run)] { said.run = run; });
  return sub;
}

void add_json(CLI::App* sub, Said& said) { sub->add_flag("--json", said.json, "one JSON document on standard output"); }

void add_record(CLI::App& app, Said& said) {
  CLI::App* sub = command(app, said, "record", "record by hand or from a script",
                          "fortium-metrics record tool_usage tool_name=Read execution_time_ms=12 status=success",
                          [&said](const Settings& settings) {
                            said.record.json = said.json;
                            // `--json -` is taken as `--json --input -`.
                            if (said.record.kind == "-") said.record.kind.clear(), said.record.input = "-";
                            if (said.record.fields.size() == 1 && said.record.fields[0] == "-")
                              said.record.fields.clear(), said.record.input = "-";
                            return run_record(settings, said.record);
                          });
  sub->add_option("kind", said.record.kind, "kind of record, such as tool_usage");
  sub->add_option("fields", said.record.fields, "field=value");
  sub->add_option("--input", said.record.input, "file of JSON lines, or - for standard input");
  add_json(sub, said);
}

void add_import(CLI::App& app, Said& said) {
  CLI::App* sub = command(app, said, "import", "bring in the history that is there already, each thing once",
                          "fortium-metrics import --dry-run", [&said](const Settings& settings) {
                            said.import.json = said.json;
                            return run_import(settings, said.import);
                          });
  sub->add_option("paths", said.import.paths,
                  "folders and files; where Claude Code and earlier tools keep theirs, if absent");
  sub->add_option("--from", said.import.from, "what they hold: auto, claude, legacy, csv or jsonl")
      ->check(CLI::IsMember({"auto", "claude", "legacy", "csv", "jsonl"}));
  sub->add_flag("--dry-run", said.import.dry_run, "only say what would be imported, and what not and why");
  sub->add_flag("--explain", said.import.explain,
                "say what was counted once and why, and what Claude Code's totals say");
  add_json(sub, said);
}

void add_sync(CLI::App& app, Said& said) {
  for (const char* name : {"sync", "flush"}) {
    CLI::App* sub =
        command(app, said, name, name[0] == 's' ? "deliver the backlog now" : "the same as sync",
                name[0] == 's' ? "fortium-metrics sync --timeout 60s" : "fortium-metrics flush --timeout 60s",
                [&said](const Settings& settings) {
                  auto timeout = parse_duration(said.timeout);
                  if (!timeout) return fail(kUsage, "--timeout: " + timeout.error().what);
                  said.sync.timeout = *timeout;
                  said.sync.json = said.json;
                  return run_sync(settings, said.sync);
                });
    sub->add_option("--timeout", said.timeout, "how long to try, 60s if absent");
    sub->add_flag("--adopt", said.sync.adopt, "send records too that were made before there was an account");
    add_json(sub, said);
  }
}

void add_verify(CLI::App& app, Said& said) {
  CLI::App* sub = command(app, said, "verify", "is everything that was recorded here counted there, once?",
                          "fortium-metrics verify --since 30d --repair", [&said](const Settings& settings) {
                            auto timeout = parse_duration(said.timeout);
                            if (!timeout) return fail(kUsage, "--timeout: " + timeout.error().what);
                            said.verify.timeout = *timeout;
                            said.verify.json = said.json;
                            return run_verify(settings, said.verify);
                          });
  sub->add_option("--since", said.verify.since, "first day: 7d, a day, or a date and time; the first of all if absent");
  sub->add_option("--until", said.verify.until, "last day, which is compared too; the last of all if absent");
  sub->add_flag("--repair", said.verify.repair, "send what is missing there again");
  sub->add_option("--timeout", said.timeout, "how long to try sending, 60s if absent");
  add_json(sub, said);
}

void add_export(CLI::App& app, Said& said) {
  CLI::App* sub = command(app, said, "export", "every record, or the queue as files for the service",
                          "fortium-metrics export --since 30d > records.jsonl", [&said](const Settings& settings) {
                            said.export_.json = said.json;
                            return run_export(settings, said.export_);
                          });
  CLI::Option* since = sub->add_option("--since", said.export_.since, "7d, a day, or a date and time; all if absent");
  CLI::Option* until = sub->add_option("--until", said.export_.until, "the same");
  CLI::Option* format =
      sub->add_option("--format", said.export_.format, "jsonl (lossless: `record --json -` takes it back), csv or json")
          ->check(CLI::IsMember({"jsonl", "csv", "json"}));
  sub->add_option("--batch", said.export_.batch,
                  "write what waits to this file, signed, for a machine without a network")
      ->excludes(since)
      ->excludes(until)
      ->excludes(format);
  add_json(sub, said);
}

void add_install(CLI::App& app, Said& said) {
  for (const bool undo : {false, true}) {
    const char* name = undo ? "uninstall" : "install";
    CLI::App* group_ = group(app, name, undo ? "take it out of Claude Code" : "wire it into Claude Code",
                             undo ? "fortium-metrics uninstall claude-code" : "fortium-metrics install claude-code");
    CLI::App* sub = command(
        *group_, said, "claude-code",
        undo ? "remove hooks and server, and nothing else" : "register the server and the hooks",
        undo ? "fortium-metrics uninstall claude-code --dry-run" : "fortium-metrics install claude-code --dry-run",
        [&said, undo](const Settings& settings) {
          said.install.undo = undo;
          said.install.json = said.json;
          return run_install(settings, said.install);
        });
    sub->add_option("--scope", said.install.scope, "user (all your projects), project (for all who share it) or local")
        ->check(CLI::IsMember({"user", "project", "local"}));
    if (!undo)
      sub->add_flag("--hooks,!--no-hooks", said.install.hooks, "record as it happens; without: the server only");
    if (!undo)
      sub->add_flag("--server-hooks", said.install.by_server,
                    "the running server takes the ends of tool calls: no process for each (Claude Code 2.1.118)");
    sub->add_flag("--dry-run", said.install.dry_run, "show what would change, and change nothing");
    add_json(sub, said);
  }
}

void add_doctor(CLI::App& app, Said& said) {
  CLI::App* sub = command(app, said, "doctor", "the local side, check by check, and what to do",
                          "fortium-metrics doctor", [&said](const Settings& settings) {
                            said.doctor.json = said.json;
                            return run_doctor(settings, said.doctor);
                          });
  sub->add_flag("--repair", said.doctor.repair, "replace a damaged store, and bring over what can be read");
  add_json(sub, said);
}

void add_queue(CLI::App& app, Said& said) {
  using Do = QueueCommand::Do;
  CLI::App* queue = group(app, "queue", "what waits, what was refused and why", "fortium-metrics queue list --failed");
  const auto add = [&](const char* name, const char* doc, const char* example, Do what) {
    CLI::App* sub = command(*queue, said, name, doc, example, [&said, what](const Settings& settings) {
      said.queue.what = what;
      said.queue.json = said.json;
      return run_queue(settings, said.queue);
    });
    add_json(sub, said);
    return sub;
  };
  CLI::App* list = add("list", "records that wait, oldest first", "fortium-metrics queue list --failed", Do::list);
  list->add_flag("--failed", said.queue.failed, "only what the service refused");
  list->add_option("--limit", said.queue.limit, "records at most, 100 if absent")->check(CLI::Range(1, 10'000));
  list->add_option("--cursor", said.queue.cursor, "go on where the last page ended");
  add("show", "one record, as it is sent", "fortium-metrics queue show ID", Do::show)
      ->add_option("id", said.queue.ids, "id of the record")
      ->required()
      ->expected(1);
  CLI::App* retry = add("retry", "queue refused records again", "fortium-metrics queue retry --all", Do::retry);
  retry->add_option("ids", said.queue.ids, "ids of refused records");
  retry->add_flag("--all", said.queue.all, "all of them");
  CLI::App* drop = add("drop", "never send these records", "fortium-metrics queue drop ID --yes", Do::drop);
  drop->add_option("ids", said.queue.ids, "ids of queued records")->required();
  drop->add_flag("--yes", said.queue.yes, "I mean it");
  add("settle", "take receipts that came back by hand", "fortium-metrics queue settle receipts.fmr", Do::settle)
      ->add_option("file", said.queue.file, "file that `fortium-metrics-server import-batch --receipts` wrote")
      ->required();
}

void add_config(CLI::App& app, Said& said) {
  using Do = ConfigCommand::Do;
  CLI::App* config = group(app, "config", "settings, and where each came from", "fortium-metrics config show");
  const auto add = [&](const char* name, const char* doc, const char* example, Do what, int words) {
    CLI::App* sub = command(*config, said, name, doc, example, [&said, what](const Settings& settings) {
      said.config.what = what;
      said.config.json = said.json;
      return run_config(settings, said.config);
    });
    add_json(sub, said);
    if (words > 0) sub->add_option("key", said.config.key, "setting")->required();
    if (words > 1) sub->add_option("value", said.config.value, "value")->required();
  };
  add("show", "all settings", "fortium-metrics config show", Do::show, 0);
  add("get", "one setting", "fortium-metrics config get url", Do::get, 1);
  add("set", "write one setting to the file", "fortium-metrics config set url https://metrics.example.com", Do::set, 2);
  add("unset", "remove one setting from the file", "fortium-metrics config unset url", Do::unset, 1);
  add("path", "where the file is", "fortium-metrics config path", Do::path, 0);
}

void add_privacy(CLI::App& app, Said& said) {
  CLI::App* privacy =
      group(app, "privacy", "what is kept of what you type, and what would leave", "fortium-metrics privacy show");
  CLI::App* sub = command(*privacy, said, "show", "the newest records, exactly as they would leave this machine",
                          "fortium-metrics privacy show", [&said](const Settings& settings) {
                            said.privacy.json = said.json;
                            return run_privacy(settings, said.privacy);
                          });
  sub->add_option("--limit", said.privacy.limit, "records at most, 10 if absent")->check(CLI::Range(1, 1'000));
  add_json(sub, said);
}

// The names of a table's rows, as choices and as words.
template <class Rows>
std::vector<std::string> names_of(const Rows& rows) {
  std::vector<std::string> out;
  for (const auto& row : rows) out.emplace_back(row.name);
  return out;
}

std::string words_of(const std::vector<std::string>& names, const char* between) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : between) + name;
  return out;
}

void add_report(CLI::App& app, Said& said) {
  CLI::App* sub =
      command(app, said, "report", "answers from what was recorded",
              "fortium-metrics report tools --since 30d --format markdown", [&said](const Settings& settings) {
                if (said.json) said.report.format = "json";
                return run_report(settings, said.report);
              });
  ReportCommand& asked = said.report;
  const std::vector<std::string> questions = names_of(report::questions()), forms = names_of(report::forms());
  std::string answers = "Questions:\n";
  for (const report::Question& question : report::questions())
    answers += "  " + std::string(question.name) + std::string(10 - question.name.size(), ' ') +
               std::string(question.doc) + "\n";
  sub->footer(answers + "\n" + sub->get_footer());
  sub->add_option("question", asked.question, "what is asked, see below; summary if absent")
      ->check(CLI::IsMember(questions));
  sub->add_option("--since", asked.since,
                  "7d, a day, or a date and time; 7d if absent, 30 days for days and hours, a year for year");
  sub->add_option("--until", asked.until, "the same, a day with all of it; now if absent");
  sub->add_option("--by", asked.by, "day, week or month, of days")->check(CLI::IsMember({"day", "week", "month"}));
  sub->add_option("--project", asked.project, "only this project");
  sub->add_option("--source", asked.source, "only what came in this way, such as hook or import")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(metrics::kSources), std::end(metrics::kSources))));
  sub->add_option("--limit", asked.limit, "rows at most, 0 for all; all for programs, 25 for people if absent")
      ->check(CLI::Range(0, 1'000'000));
  sub->add_option("--format", asked.format, words_of(forms, ", "))->check(CLI::IsMember(forms));
  sub->add_flag("--explain", asked.explain, "how the score of the summary comes about");
  add_json(sub, said);
}

void add_commands(CLI::App& app, Said& said) {
  command(app, said, "mcp", "speak MCP over standard input and output: what Claude Code runs",
          "claude mcp add fortium-metrics -- fortium-metrics mcp", run_mcp);
  command(app, said, "hook", "record one event of Claude Code, given as JSON on standard input",
          "fortium-metrics hook < event.json", run_hook);
  add_record(app, said);
  add_import(app, said);
  add_report(app, said);
  command(app, said, "watch", "what happens, live, on the whole screen", "fortium-metrics watch", run_watch);
  add_json(command(app, said, "status", "store, queue and sync at a glance", "fortium-metrics status",
                   [&said](const Settings& settings) { return run_status(settings, said.json); }),
           said);
  add_sync(app, said);
  add_verify(app, said);
  add_export(app, said);
  add_doctor(app, said);
  add_install(app, said);
  command(app, said, "statusline", "record cost, context and limits beside your own status line",
          "fortium-metrics statusline -- ~/.claude/statusline.sh",
          [&said](const Settings&) { return run_statusline(said.options, said.statusline); })
      ->add_option("command", said.statusline, "your own status line, after --; without it, one line of ours");
  add_queue(app, said);
  add_json(command(app, said, "test-connection", "each step to the service, and what to do about the first that fails",
                   "fortium-metrics test-connection",
                   [&said](const Settings& settings) { return run_test_connection(settings, said.json); }),
           said);
  add_config(app, said);
  add_privacy(app, said);
  CLI::App* schema = group(app, "schema", "the kinds of record, as schemas", "fortium-metrics schema export schemas");
  command(*schema, said, "export", "write JSON Schemas, tools and tables", "fortium-metrics schema export schemas",
          [&said](const Settings&) { return run_schema_export(said.schema_dir); })
      ->add_option("dir", said.schema_dir, "folder, schemas if absent");
  CLI::App* completion =
      command(app, said, "completion", "completion for your shell",
              "fortium-metrics completion bash > ~/.local/share/bash-completion/completions/fortium-metrics",
              [&app, &said](const Settings&) {
                std::string kinds;
                for (const metrics::Kind& kind : metrics::kinds()) kinds += std::string(kind.name) + " ";
                std::string keys;
                for (const Setting& setting : settings_table()) keys += std::string(setting.key) + " ";
                std::cout << completion_script(app, said.shell,
                                               {{"completion", "bash zsh fish "},
                                                {"record", kinds},
                                                {"report", words_of(names_of(report::questions()), " ") + " "},
                                                {"config get", keys},
                                                {"config set", keys},
                                                {"config unset", keys}});
                return static_cast<int>(kDone);
              });
  completion->add_option("shell", said.shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
}

}  // namespace

int run_cli(int argc, char** argv) {
  CLI::App app("How you work with Claude Code: recorded on this machine, counted exactly once wherever you send it.",
               "fortium-metrics");
  Said said;
  app.set_version_flag("--version", "fortium-metrics " FORTIUM_VERSION);
  app.add_option("--data-dir", said.options.data_dir, "data directory");
  app.add_option("--config", said.options.config_path, "configuration file");
  app.add_option("--url", said.url, "base URL of the service");
  app.add_flag("--allow-insecure-http", said.options.allow_insecure_http, "http to other than a loopback address");
  app.require_subcommand(1);
  app.footer("Example:\n  fortium-metrics status");
  add_commands(app, said);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::Error& wrong) {
    app.exit(wrong);
    return kUsage;
  }
  if (!said.url.empty()) said.options.overrides["url"] = said.url;
  const Settings settings = load_settings(said.options, process_environment());
  if (settings.flag("debug"))
    open_log({LogLevel::debug, settings.data_dir + "/log/fortium-metrics.log"});
  else
    open_log({.level = LogLevel::warn, .prefix = "fortium-metrics: "});
  return said.run(settings);
}

}  // namespace fortium::app
