// SPDX-License-Identifier: Apache-2.0
#include "source/server/cli.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/text.h"
#include "source/server/cli_describe.h"
#include "source/server/cli_help.h"

namespace gatehouse::server {
namespace {

constexpr int kParsed = -1;
constexpr char kTokenVariable[] = "GATEHOUSE_ADMIN_TOKEN";

// What the options were read into.
struct Options {
  bool test = false;
  bool version = false;
  ValidateOptions validate;
  RunOptions run;
  std::string listen;
  std::string to;
  std::string config_path;
  bool effective = false;
  RouteOptions route;
  std::vector<std::string> request;  // [METHOD] URL
  AdminTarget admin;
  std::string shell;
  std::string schema_format = "json";
  InitOptions init;
  bool no_schema = false;
};

void AddFile(CLI::App& command, std::string& path) {
  command.add_option("-c,--config", path)->required()->type_name("FILE");
}

// An option whose value is one of `choices`, by name.
template <typename E>
void AddChoice(CLI::App& command, const char* name, E& out, const std::string& type,
               const std::vector<std::pair<std::string, E>>& choices) {
  std::vector<std::string> names;
  for (const auto& [choice, value] : choices) {
    names.push_back(choice);
  }
  const auto take = [&out, choices](const std::string& text) {
    for (const auto& [choice, value] : choices) {
      out = choice == text ? value : out;
    }
  };
  command.add_option_function<std::string>(name, take)
      ->check(CLI::IsMember(names))
      ->type_name(type);
}

void AddServingCommands(CLI::App& app, Options& options) {
  CLI::App& run = *app.add_subcommand("run");
  AddFile(run, options.run.config_path);
  run.add_option("--log-level", options.run.log_level)
      ->check(CLI::IsMember({"debug", "info", "warning", "error", "off"}))
      ->type_name("LEVEL");
  CLI::App& proxy = *app.add_subcommand("proxy");
  proxy.add_option("--listen", options.listen)->required()->type_name("ADDRESS");
  proxy.add_option("--to", options.to)->required()->type_name("ADDRESS");
}

void AddCheckingCommands(CLI::App& app, Options& options) {
  CLI::App& validate = *app.add_subcommand("validate");
  AddFile(validate, options.validate.config_path);
  validate.add_flag("--strict", options.validate.strict);
  AddChoice<ReportFormat>(validate, "--format", options.validate.format, "FORMAT",
                          {{"text", ReportFormat::kText}, {"json", ReportFormat::kJson}});
  AddChoice<UseColor>(
      validate, "--color", options.validate.color, "WHEN",
      {{"auto", UseColor::kAuto}, {"always", UseColor::kAlways}, {"never", UseColor::kNever}});
  CLI::App& config = *app.add_subcommand("config");
  AddFile(config, options.config_path);
  config.add_flag("--effective", options.effective);
  CLI::App& route = *app.add_subcommand("route");
  AddFile(route, options.route.config_path);
  route.add_option("request", options.request)->required()->expected(1, -1)->type_name("URL");
  route.add_option("-H,--header", options.route.headers)->allow_extra_args(false);
  route.add_option("--client-ip", options.route.client_ip);
  route.add_option("--listener", options.route.listener);
  route.add_option("--identity", options.route.identity)->allow_extra_args(false)->type_name("F=V");
  route.add_flag("--json", options.route.json);
}

void AddAdminCommands(CLI::App& app, Options& options) {
  for (const char* name : {"reload", "drain", "status"}) {
    CLI::App& command = *app.add_subcommand(name);
    command.add_option("--address", options.admin.address)->type_name("ADDRESS");
    command.add_option("-c,--config", options.admin.config_path)->type_name("FILE");
    command.add_option("--token", options.admin.token)->envname(kTokenVariable);
    command.add_option("--ca-file", options.admin.ca_file)->type_name("FILE");
    command.add_option("--cert-file", options.admin.cert_file)->type_name("FILE");
    command.add_option("--key-file", options.admin.key_file)->type_name("FILE");
  }
  app.add_subcommand("version");
}

// Of no use to people, so in no list: an empty group hides them.
void AddHiddenCommands(CLI::App& app, Options& options) {
  CLI::App& completion = *app.add_subcommand("completion")->group("");
  completion.add_option("shell", options.shell)
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->type_name("SHELL");
  app.add_subcommand("manpage")->group("");
}

void AddAuthorCommands(CLI::App& app, Options& options) {
  app.add_subcommand("schema")
      ->add_option("--format", options.schema_format)
      ->check(CLI::IsMember({"json", "markdown", "example"}));
  CLI::App& init = *app.add_subcommand("init");
  init.add_option("-o,--output", options.init.output)->type_name("FILE");
  init.add_flag("--no-schema", options.no_schema);
}

void AddAll(CLI::App& app, Options& options) {
  app.formatter_fn([](const CLI::App* one, const std::string&, CLI::AppFormatMode) {
    return std::string(HelpFor(one->get_parent() == nullptr ? "" : one->get_name()));
  });
  app.add_flag("-t", options.test);
  app.add_option("-c,--config", options.validate.config_path)->type_name("FILE");
  app.add_flag("-V,--version", options.version);
  app.require_subcommand(0, 1);
  AddServingCommands(app, options);
  AddCheckingCommands(app, options);
  AddAdminCommands(app, options);
  AddHiddenCommands(app, options);
  AddAuthorCommands(app, options);
}

// The command under which parsing ended, or "".
std::string ChosenCommand(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? std::string() : chosen.front()->get_name();
}

// The option that was probably meant, of the command or of the top.
std::string NearestOption(const CLI::App& app, const std::string& word) {
  const auto chosen = app.get_subcommands();
  const CLI::App& command = chosen.empty() ? app : *chosen.front();
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  return std::string(Nearest(word, names));
}

// What is wrong, in one sentence.
std::string Complaint(const CLI::App& app, const CLI::Error& error) {
  const std::vector<std::string> extra = app.remaining(/*recurse=*/true);
  if (extra.empty()) {
    return error.what();
  }
  const std::string& word = extra.front();
  std::string meant;
  std::string out;
  if (word.starts_with('-')) {
    meant = NearestOption(app, word);
    out = "there is no option " + word;
  } else if (ChosenCommand(app).empty()) {
    meant = std::string(Nearest(word, kCommandNames));
    out = "there is no command " + word;
  } else {
    out = word + " is one argument too many";
  }
  return meant.empty() ? out : out + " (did you mean \"" + meant + "\"?)";
}

std::string Hint(const CLI::App& app, const CLI::Error& error) {
  const std::string command = ChosenCommand(app);
  const std::string name = command.empty() ? "gatehouse" : "gatehouse " + command;
  std::string out = name + ": " + Complaint(app, error) + "\n";
  if (!command.empty()) {
    out.append("for example: ").append(ExampleOf(command)).append("\n");
  }
  return out + "see " + name + " --help\n";
}

int Refuse(const std::string& message) {
  std::cerr << "gatehouse: " << message << "\nsee gatehouse --help\n";
  return 1;
}

// The macro keeps the library's exceptions inside.
int Parse(CLI::App& app, int argc, const char* const* argv) {
  CLI11_PARSE(app, argc, argv);
  return kParsed;
}

int CallWithoutCommand(const Options& options, const Commands& commands) {
  if (options.version) {
    return commands.version();
  }
  const std::string& path = options.validate.config_path;
  if (options.test) {
    return path.empty() ? Refuse("-t needs a file: gatehouse -t -c FILE")
                        : commands.validate(options.validate);
  }
  if (!path.empty()) {
    return Refuse("what should be done with " + path + "? to serve it: gatehouse run -c " + path);
  }
  std::cerr << HelpFor("");
  return 1;
}

int CallRoute(Options& options, const Commands& commands) {
  if (options.request.size() > 2) {
    return Refuse("route takes one request: [METHOD] URL");
  }
  options.route.method = options.request.size() == 2 ? options.request.front() : "GET";
  options.route.url = options.request.back();
  return commands.route(options.route);
}

int CallCommand(const std::string& name, Options& options, const Commands& commands) {
  if (name == "run") {
    return commands.run(options.run);
  }
  if (name == "proxy") {
    return commands.proxy(options.listen, options.to);
  }
  if (name == "validate") {
    return commands.validate(options.validate);
  }
  if (name == "config") {
    return commands.config(options.config_path, options.effective);
  }
  if (name == "route") {
    return CallRoute(options, commands);
  }
  if (name == "schema") {
    return commands.schema(options.schema_format);
  }
  if (name == "init") {
    options.init.schema = !options.no_schema;
    return commands.init(options.init);
  }
  if (name == "reload") {
    return commands.reload(options.admin);
  }
  if (name == "drain") {
    return commands.drain(options.admin);
  }
  return name == "status" ? commands.status(options.admin) : commands.version();
}

}  // namespace

int RunCommandLine(int argc, const char* const* argv, const Commands& commands) {
  Options options;
  CLI::App app;
  AddAll(app, options);
  app.failure_message(
      [&app](const CLI::App*, const CLI::Error& error) { return Hint(app, error); });
  const int parsed = Parse(app, argc, argv);
  if (parsed != kParsed) {
    return parsed == 0 ? 0 : 1;
  }
  const std::string command = ChosenCommand(app);
  if (command.empty()) {
    return CallWithoutCommand(options, commands);
  }
  if (options.test) {
    return Refuse("-t is a command of its own: gatehouse -t -c FILE");
  }
  if (command == "completion") {
    return commands.print(CompletionScript(DescribeCommands(app), options.shell));
  }
  if (command == "manpage") {
    return commands.print(ManualPage(DescribeCommands(app), {kVersion, kVersionDate}));
  }
  return CallCommand(command, options, commands);
}

}  // namespace gatehouse::server
