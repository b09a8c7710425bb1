// SPDX-License-Identifier: Apache-2.0
#include "source/server/cli.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "source/server/cli_help.h"

namespace gatehouse::server {
namespace {

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
  std::string called;
};

std::string Join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    out += (out.empty() ? "" : "|") + word;
  }
  return out;
}

std::string Describe(const std::string& name, const AdminTarget& target) {
  return Join({name, target.address, target.config_path, target.token});
}

// Commands that only say what they were called with, and return 7.
Outcome Type(std::vector<const char*> arguments) {
  Outcome out;
  const auto note = [&](std::string text) {
    out.called = std::move(text);
    return 7;
  };
  Commands commands;
  commands.run = [&](const RunOptions& o) {
    return note(Join({"run", o.config_path, o.log_level}));
  };
  commands.proxy = [&](const std::string& listen, const std::string& to) {
    return note(Join({"proxy", listen, to}));
  };
  commands.validate = [&](const ValidateOptions& o) {
    return note(Join({"validate", o.config_path, o.strict ? "strict" : ""}) +
                (o.format == ReportFormat::kJson ? "|json" : "") +
                (o.color == UseColor::kAlways  ? "|always"
                 : o.color == UseColor::kNever ? "|never"
                                               : ""));
  };
  commands.config = [&](const std::string& path, bool effective) {
    return note(Join({"config", path, effective ? "effective" : ""}));
  };
  commands.route = [&](const RouteOptions& o) {
    return note(Join({"route", o.config_path, o.method, o.url, Join(o.headers), o.client_ip,
                      o.listener, Join(o.identity), o.json ? "json" : ""}));
  };
  commands.reload = [&](const AdminTarget& o) { return note(Describe("reload", o)); };
  commands.drain = [&](const AdminTarget& o) { return note(Describe("drain", o)); };
  commands.status = [&](const AdminTarget& o) { return note(Describe("status", o)); };
  commands.version = [&] { return note("version"); };
  commands.print = [&](const std::string& text) { return note(text); };
  commands.schema = [&](const std::string& format) { return note(Join({"schema", format})); };
  commands.init = [&](const InitOptions& o) {
    return note(Join({"init", o.output, o.schema ? "schema" : ""}));
  };
  arguments.insert(arguments.begin(), "gatehouse");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  out.code = RunCommandLine(static_cast<int>(arguments.size()), arguments.data(), commands);
  out.out = testing::internal::GetCapturedStdout();
  out.err = testing::internal::GetCapturedStderr();
  return out;
}

bool Contains(const std::string& text, std::string_view what) {
  return text.find(what) != text.npos;
}

TEST(Cli, CallsCommandsWithTheirOptions) {
  EXPECT_EQ(Type({"run", "-c", "a.yaml"}).called, "run|a.yaml|");
  EXPECT_EQ(Type({"run", "--config", "-", "--log-level", "debug"}).called, "run|-|debug");
  EXPECT_EQ(Type({"proxy", "--listen", ":8080", "--to", ":9000"}).called, "proxy|:8080|:9000");
  EXPECT_EQ(Type({"validate", "-c", "-", "--strict"}).called, "validate|-|strict");
  EXPECT_EQ(Type({"-t", "-c", "a.yaml"}).called, "validate|a.yaml|");
  EXPECT_EQ(Type({"config", "-c", "a.yaml", "--effective"}).called, "config|a.yaml|effective");
  EXPECT_EQ(Type({"schema"}).called, "schema|json");
  EXPECT_EQ(Type({"schema", "--format", "markdown"}).called, "schema|markdown");
  EXPECT_EQ(Type({"init"}).called, "init|gatehouse.yaml|schema");
  EXPECT_EQ(Type({"init", "-o", "-", "--no-schema"}).called, "init|-|");
  EXPECT_EQ(Type({"version"}).called, "version");
  EXPECT_EQ(Type({"--version"}).called, "version");
  EXPECT_EQ(Type({"run", "-c", "a.yaml"}).code, 7);
}

TEST(Cli, ValidateTakesAFormatAndAColor) {
  EXPECT_EQ(Type({"validate", "-c", "-", "--format", "json"}).called, "validate|-||json");
  EXPECT_EQ(Type({"validate", "-c", "-", "--color", "always"}).called, "validate|-||always");
  EXPECT_EQ(Type({"validate", "-c", "-", "--color=never", "--format=text"}).called,
            "validate|-||never");
  EXPECT_EQ(Type({"validate", "-c", "-", "--format", "github"}).code, 1);
}

TEST(Cli, WritesItsOwnDocumentation) {
  EXPECT_TRUE(Contains(Type({"completion", "bash"}).called, "complete -F _gatehouse gatehouse"));
  EXPECT_TRUE(Contains(Type({"manpage"}).called, ".TH GATEHOUSE 1"));
  EXPECT_EQ(Type({"completion", "tcsh"}).code, 1);
  EXPECT_FALSE(Contains(Type({"--help"}).out, "manpage"));
}

TEST(Cli, RouteTakesAMethodOrNone) {
  EXPECT_EQ(Type({"route", "-c", "a", "POST", "http://x/"}).called, "route|a|POST|http://x/|||||");
  EXPECT_EQ(Type({"route", "http://x/", "-c", "a"}).called, "route|a|GET|http://x/|||||");
  EXPECT_EQ(Type({"route", "-H", "a: b", "-c", "a", "/x", "-H", "c: d", "--json"}).called,
            "route|a|GET|/x|a: b|c: d||||json");
  EXPECT_EQ(Type({"route", "-c", "a", "/x", "--client-ip", "10.0.0.1", "--listener", "web"}).called,
            "route|a|GET|/x||10.0.0.1|web||");
  EXPECT_EQ(Type({"route", "-c", "a", "--identity", "subject=a", "--identity", "groups=b,c", "/x"})
                .called,
            "route|a|GET|/x||||subject=a|groups=b,c|");
}

TEST(Cli, AdminCommandsTakeTheTokenFromTheEnvironment) {
  EXPECT_EQ(Type({"reload"}).called, "reload|||");
  setenv("GATEHOUSE_ADMIN_TOKEN", "t0", 1);
  EXPECT_EQ(Type({"drain", "--address", "127.0.0.1:1"}).called, "drain|127.0.0.1:1||t0");
  EXPECT_EQ(Type({"status", "-c", "a", "--token", "t1"}).called, "status||a|t1");
  unsetenv("GATEHOUSE_ADMIN_TOKEN");
}

TEST(Cli, HelpShowsTheFiveCommandsThatOneNeedsFirst) {
  const Outcome help = Type({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_EQ(help.called, "");
  EXPECT_EQ(help.err, "");
  const std::string start = help.out.substr(0, help.out.find("More commands:"));
  for (const char* command : {"proxy", "validate", "run", "route", "reload"}) {
    EXPECT_TRUE(Contains(start, std::string("  gatehouse ") + command)) << command;
  }
  for (const std::string_view command : kCommandNames) {
    EXPECT_TRUE(Contains(help.out, command)) << command;
  }
}

TEST(Cli, EachCommandTeaches) {
  for (const std::string_view command : kCommandNames) {
    const std::string name(command);
    const Outcome help = Type({name.c_str(), "--help"});
    EXPECT_EQ(help.code, 0) << name;
    EXPECT_EQ(help.out, HelpFor(command));
    EXPECT_TRUE(Contains(help.out, "Example")) << name;
    EXPECT_TRUE(Contains(help.out, ExampleOf(command))) << name;
  }
}

// Help says of each option what it is called, and tells of none that there isn't.
TEST(Cli, ExamplesAreUnderstood) {
  for (const std::string_view command : kCommandNames) {
    std::vector<std::string> words;
    std::string example(ExampleOf(command));
    while (!example.empty()) {
      const size_t space = std::min(example.find(' '), example.size());
      words.push_back(example.substr(0, space));
      example.erase(0, space + 1);
    }
    std::vector<const char*> arguments;
    for (size_t i = 1; i < words.size(); ++i) {
      arguments.push_back(words[i].c_str());
    }
    EXPECT_EQ(Type(arguments).code, 7) << ExampleOf(command);
  }
}

TEST(Cli, LinesFitAScreen) {
  for (std::string_view text : {HelpFor(""), HelpFor("run"), HelpFor("route"), HelpFor("reload")}) {
    while (!text.empty()) {
      const size_t end = text.find('\n');
      EXPECT_LE(end, 100u) << text.substr(0, end);
      text.remove_prefix(end + 1);
    }
  }
}

struct Wrong {
  std::vector<const char*> arguments;
  std::string_view says;
};

TEST(Cli, WrongUsageIsOneWithAHint) {
  const Wrong all[] = {
      {{}, "Start here:"},
      {{"vlidate", "-c", "a"}, "there is no command vlidate (did you mean \"validate\"?)"},
      {{"start"}, "there is no command start"},
      {{"run"}, "gatehouse run: --config is required\nfor example: gatehouse run -c"},
      {{"run", "-c"}, "gatehouse run:"},
      {{"run", "--confg", "a"}, "there is no option --confg (did you mean \"--config\"?)"},
      {{"run", "-c", "a", "b"}, "b is one argument too many"},
      {{"run", "-c", "a", "--log-level", "loud"}, "loud"},
      {{"proxy", "--listen", ":1"}, "--to is required\nfor example: gatehouse proxy --listen"},
      {{"route", "-c", "a"}, "for example: gatehouse route -c"},
      {{"route", "-c", "a", "GET", "/", "x"}, "route takes one request: [METHOD] URL"},
      {{"-t"}, "-t needs a file: gatehouse -t -c FILE"},
      {{"-c", "a.yaml"}, "gatehouse run -c a.yaml"},
      {{"--strict"}, "there is no option --strict"},
      {{"-t", "version"}, "-t is a command of its own"},
  };
  for (const Wrong& wrong : all) {
    const Outcome outcome = Type(wrong.arguments);
    EXPECT_EQ(outcome.code, 1) << wrong.says;
    EXPECT_EQ(outcome.called, "") << wrong.says;
    EXPECT_EQ(outcome.out, "") << wrong.says;
    EXPECT_TRUE(Contains(outcome.err, wrong.says)) << outcome.err;
    EXPECT_TRUE(Contains(outcome.err, "--help")) << outcome.err;
  }
}

}  // namespace
}  // namespace gatehouse::server
