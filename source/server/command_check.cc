// SPDX-License-Identifier: Apache-2.0
// The commands that read a configuration and serve nothing: validate, config, route; and version.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "source/server/checked_config.h"
#include "source/server/commands.h"
#include "source/server/diagnostic_report.h"
#include "source/server/route_explain.h"

namespace gatehouse::server {
namespace {

void Print(std::FILE* to, const std::string& text) { std::fwrite(text.data(), 1, text.size(), to); }

int Fail(const std::string& message) {
  Print(stderr, "gatehouse: " + message + "\n");
  return 1;
}

// How to write for whoever reads standard error: people see the lines that are blamed.
struct Style {
  bool excerpts = false;
  bool colour = false;
};

// NO_COLOR, when it is set and not empty, takes the colour away (no-color.org).
Style StyleFor(UseColor color) {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const char* no_color = std::getenv("NO_COLOR");
  const bool wanted = no_color == nullptr || *no_color == '\0';
  Style out;
  out.excerpts = terminal || color == UseColor::kAlways;
  out.colour = color == UseColor::kAlways || (color == UseColor::kAuto && terminal && wanted);
  return out;
}

// The configuration at `path`, or null when it can't be used; then that has been said.
std::unique_ptr<CheckedConfig> CheckValid(const std::string& path) {
  auto checked = CheckFile(path);
  if (!checked) {
    Fail(checked.error().message);
    return nullptr;
  }
  if (!(*checked)->valid()) {
    Print(stderr, (*checked)->Report());
    return nullptr;
  }
  return *std::move(checked);
}

}  // namespace

int ValidateCommand(const ValidateOptions& options) {
  const auto checked = CheckFile(options.config_path);
  if (!checked) {
    if (options.format == ReportFormat::kJson) {
      config::Diagnostics unread;
      unread.Error({unread.AddFile(SourceName(options.config_path)), 0, 0}, "",
                   checked.error().message);
      Print(stdout, DiagnosticsToJson(unread));
      return 1;
    }
    return Fail(checked.error().message);
  }
  const CheckedConfig& config = **checked;
  if (options.format == ReportFormat::kJson) {
    Print(stdout, DiagnosticsToJson(config->diagnostics));
  } else if (const Style style = StyleFor(options.color); style.excerpts) {
    Print(stderr, DiagnosticsToExcerpts(config->diagnostics, config.text(), style.colour) +
                      config.Summary(options.strict));
  } else {
    Print(stderr, config.Report(options.strict));
  }
  return config.valid(options.strict) ? 0 : 1;
}

int ConfigCommand(const std::string& config_path, bool effective) {
  if (!effective) {
    return Fail("config prints the effective configuration only: add --effective");
  }
  const auto checked = CheckValid(config_path);
  if (checked == nullptr) {
    return 1;
  }
  Print(stdout, (*checked)->effective);
  return 0;
}

int RouteCommand(const RouteOptions& options) {
  const auto checked = CheckValid(options.config_path);
  if (checked == nullptr) {
    return 1;
  }
  const auto answer = ExplainRequest(*(*checked)->snapshot,
                                     {options.method, options.url, options.headers,
                                      options.client_ip, options.listener, options.identity},
                                     SourceName(options.config_path));
  if (!answer) {
    return Fail(answer.error().message);
  }
  Print(stdout, options.json ? ExplanationJson(*answer) : ExplanationText(*answer));
  return answer->at("route").is_null() ? 1 : 0;
}

int VersionCommand() {
  Print(stdout, "gatehouse " + std::string(kVersion) + "\n");
  return 0;
}

int PrintCommand(const std::string& text) {
  Print(stdout, text);
  return 0;
}

}  // namespace gatehouse::server
