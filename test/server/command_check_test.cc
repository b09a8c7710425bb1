// SPDX-License-Identifier: Apache-2.0
// validate, config, route and version, by what they print and return.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "source/server/commands.h"
#include "source/server/diagnostic_report.h"

namespace gatehouse::server {
namespace {

constexpr char kValid[] = R"(listeners:
  - {name: web, address: 127.0.0.1:8080}
clusters:
  users: {endpoints: [10.0.0.1:9000]}
routes:
  - {name: users, match: {path_prefix: /users}, cluster: users}
)";

class CommandCheck : public ::testing::Test {
 protected:
  std::string Write(const std::string& text) {
    const std::string path = testing::TempDir() + "command_check_test.yaml";
    std::ofstream(path) << text;
    return path;
  }
  template <typename Command>
  int Run(Command command) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = command();
    std::fflush(stdout);
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return code;
  }
  int Validate(const std::string& text, bool strict = false) {
    const std::string path = Write(text);
    return Run([&] { return ValidateCommand({path, strict}); });
  }
  bool ErrHas(const std::string& what) const { return err_.find(what) != err_.npos; }
  bool OutHas(const std::string& what) const { return out_.find(what) != out_.npos; }

  std::string out_;
  std::string err_;
};

TEST_F(CommandCheck, ValidateOfAValidFile) {
  EXPECT_EQ(Validate(kValid), 0);
  EXPECT_TRUE(ErrHas("command_check_test.yaml: ok (1 listener, 1 cluster, 1 route)\n")) << err_;
  EXPECT_EQ(out_, "");
}

TEST_F(CommandCheck, ValidateAsJson) {
  const std::string path = Write(std::string(kValid) + "rutnime: {}\n");
  EXPECT_EQ(Run([&] { return ValidateCommand({path, false, ReportFormat::kJson}); }), 1);
  EXPECT_EQ(err_, "");
  EXPECT_EQ(out_, "[\n  {\n    \"file\": \"" + path + "\",\n" +
                      R"(    "line": 7,
    "column": 1,
    "path": "rutnime",
    "severity": "error",
    "message": "unknown key",
    "suggestion": "runtime"
  }
]
)");
  EXPECT_EQ(Run([&] { return ValidateCommand({"/nowhere", false, ReportFormat::kJson}); }), 1);
  EXPECT_TRUE(
      OutHas("\"file\": \"/nowhere\",\n    \"line\": null,\n    \"column\": null,\n"
             "    \"path\": null,\n    \"severity\": \"error\",\n"))
      << out_;
  EXPECT_TRUE(OutHas("\"suggestion\": null")) << out_;
  const std::string valid = Write(kValid);
  EXPECT_EQ(Run([&] { return ValidateCommand({valid, true, ReportFormat::kJson}); }), 0);
  EXPECT_EQ(out_, "[]\n");
}

TEST_F(CommandCheck, ValidateInColours) {
  const std::string path = Write("listeners:\n  - {name: \"w\u00e9b\", adress: \":80\"}\t\x07\n");
  const auto validate = [&](UseColor color) {
    return Run([&] { return ValidateCommand({path, false, ReportFormat::kText, color}); });
  };
  EXPECT_EQ(validate(UseColor::kAuto), 1);  // Not a terminal.
  EXPECT_FALSE(ErrHas("\033[")) << err_;
  EXPECT_FALSE(ErrHas(" | ")) << err_;
  EXPECT_EQ(validate(UseColor::kNever), 1);
  EXPECT_FALSE(ErrHas("\033[")) << err_;
  EXPECT_EQ(validate(UseColor::kAlways), 1);
  EXPECT_TRUE(ErrHas("\033[1;31m")) << err_;
  EXPECT_FALSE(ErrHas("\x07")) << err_;
}

TEST_F(CommandCheck, ExcerptsPointAtTheWord) {
  config::Diagnostics diagnostics;
  const uint32_t file = diagnostics.AddFile("f.yaml");
  diagnostics.Error({file, 2, 6}, "a", "wrong");
  diagnostics.Error({file, 2, 10}, "a", "wrong, too");
  diagnostics.Warning({file, 3, 2}, "", "odd");
  diagnostics.Error({file, 9, 1}, "", "not there");
  const std::string text = "one\n  n: \"w\u00e9b\"  \n\t- x\r\n";
  EXPECT_EQ(DiagnosticsToExcerpts(diagnostics, text, /*colour=*/false),
            "f.yaml:2:6: a: wrong\n"
            "     2 |   n: \"w\u00e9b\"\n"
            "       |      ^~~~~\n"
            "f.yaml:2:10: a: wrong, too\n"
            "     2 |   n: \"w\u00e9b\"\n"
            "       |         ^~\n"
            "f.yaml:3:2: warning: odd\n"
            "     3 |  - x\n"
            "       |  ^\n"
            "f.yaml:9:1: not there\n");
}

TEST_F(CommandCheck, LongLinesAreCut) {
  config::Diagnostics diagnostics;
  diagnostics.Error({diagnostics.AddFile("f.yaml"), 1, 5001}, "", "wrong");
  const std::string text = std::string(5000, 'x') + "[word, " + std::string(5000, 'y');
  const std::string out = DiagnosticsToExcerpts(diagnostics, text, /*colour=*/false);
  EXPECT_LT(out.size(), 400u);
  EXPECT_NE(out.find("...xxx"), out.npos) << out;
  EXPECT_NE(out.find("[word, y"), out.npos) << out;
}

TEST_F(CommandCheck, ValidateOfAWrongOne) {
  EXPECT_EQ(Validate(std::string(kValid) + "rotes: []\nrutnime: {}\n"), 1);
  EXPECT_TRUE(ErrHas(":7:1: rotes: unknown key\n")) << err_;
  EXPECT_TRUE(ErrHas(":8:1: rutnime: unknown key (did you mean \"runtime\"?)\n")) << err_;
  EXPECT_TRUE(ErrHas("command_check_test.yaml: 2 errors\n")) << err_;
}

TEST_F(CommandCheck, WarningsFailOnlyWhenStrict) {
  const std::string text = std::string(kValid) + "filters: {access_log: {path: stdout}}\n";
  EXPECT_EQ(Validate(text), 0);
  EXPECT_TRUE(ErrHas("ok, 1 warning (1 listener")) << err_;
  EXPECT_EQ(Validate(text, /*strict=*/true), 1);
  EXPECT_TRUE(ErrHas(": 1 warning, and --strict allows none\n")) << err_;
}

TEST_F(CommandCheck, FilesThatCantBeRead) {
  const std::string missing = testing::TempDir() + "there/is/none.yaml";
  EXPECT_EQ(Run([&] { return ValidateCommand({missing, false}); }), 1);
  EXPECT_TRUE(ErrHas("gatehouse: can't read")) << err_;
  EXPECT_EQ(Run([&] { return ConfigCommand(missing, true); }), 1);
  EXPECT_EQ(Run([&] { return RouteCommand({missing, "GET", "/", {}, "", "", {}, false}); }), 1);
}

TEST_F(CommandCheck, Config) {
  const std::string path = Write(kValid);
  EXPECT_EQ(Run([&] { return ConfigCommand(path, true); }), 0);
  EXPECT_TRUE(OutHas("max_header_bytes: 64KiB")) << out_;
  EXPECT_EQ(Run([&] { return ConfigCommand(path, false); }), 1);
  EXPECT_TRUE(ErrHas("--effective")) << err_;
  const std::string wrong = Write("listeners: []\n");
  EXPECT_EQ(Run([&] { return ConfigCommand(wrong, true); }), 1);
  EXPECT_TRUE(ErrHas("needs at least one listener")) << err_;
  EXPECT_EQ(out_, "");
}

TEST_F(CommandCheck, Route) {
  const std::string path = Write(kValid);
  const auto route = [&](const std::string& url, bool json) {
    return Run([&] { return RouteCommand({path, "GET", url, {}, "", "", {}, json}); });
  };
  EXPECT_EQ(route("http://x.example/users/7", false), 0);
  EXPECT_TRUE(OutHas("  cluster   users (1 endpoint)\n")) << out_;
  EXPECT_EQ(route("http://x.example/users/7", true), 0);
  EXPECT_TRUE(OutHas("\"cluster\": \"users\"")) << out_;
  EXPECT_EQ(route("http://x.example/nothing", false), 1);
  EXPECT_TRUE(OutHas("404: no route matches")) << out_;
  EXPECT_EQ(route("nonsense", false), 1);
  EXPECT_TRUE(ErrHas("a URL begins with http://")) << err_;
}

TEST_F(CommandCheck, RouteForWhoIsCalling) {
  const std::string path =
      Write(R"(listeners: [{name: web, address: 127.0.0.1:8080, filters: [jwt, gate]}]
filters:
  jwt: {issuer: idp, audiences: [api], jwks: {url: "http://127.0.0.1:1/keys"}}
  gate:
    type: rbac
    rules:
      - {name: local, action: allow, client_ip: [127.0.0.1], methods: [POST]}
      - {name: ops, action: allow, groups: [ops], claims: {tenant: acme}}
clusters: {users: {endpoints: [127.0.0.1:9000]}}
routes: [{name: all, cluster: users}]
)");
  const auto route = [&](const std::string& method, std::vector<std::string> identity, bool json) {
    return Run(
        [&] { return RouteCommand({path, method, "http://a.test/", {}, "", "", identity, json}); });
  };
  EXPECT_EQ(route("POST", {}, false), 0);
  EXPECT_TRUE(
      OutHas("            gate: rule \"local\" allows: method is POST, client_ip is in "
             "127.0.0.1\n"))
      << out_;
  EXPECT_EQ(route("GET", {"groups=ops", "claims.tenant=acme"}, false), 0);
  EXPECT_TRUE(OutHas("  identity  somebody (jwt), groups: ops\n")) << out_;
  EXPECT_TRUE(
      OutHas("            gate: rule \"ops\" allows: groups has ops, claims.tenant is acme\n"))
      << out_;
  EXPECT_EQ(route("GET", {"groups=ops"}, true), 0);
  EXPECT_TRUE(OutHas("\"explanation\": \"no rule applies, so it denies; rule \\\"local\\\""))
      << out_;
  EXPECT_EQ(route("GET", {"groups"}, true), 1);
  EXPECT_TRUE(ErrHas("FIELD=VALUE")) << err_;
}

TEST_F(CommandCheck, Version) {
  EXPECT_EQ(Run([] { return VersionCommand(); }), 0);
  EXPECT_EQ(out_, "gatehouse " + std::string(kVersion) + "\n");
}

}  // namespace
}  // namespace gatehouse::server
