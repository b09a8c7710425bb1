// SPDX-License-Identifier: Apache-2.0
// `gatehouse run` and `gatehouse proxy`: the commands that serve.
#include <cstdio>
#include <string>
#include <utility>

#include "source/base/log.h"
#include "source/base/text.h"
#include "source/config/document.h"
#include "source/event/signals.h"
#include "source/server/commands.h"
#include "source/server/server.h"

namespace gatehouse::server {
namespace {

int CouldNotStart(const std::string& why) {
  std::fprintf(stderr, "gatehouse: %s\n", why.c_str());
  return kExitCouldNotStart;
}

int Serve(ServerOptions options) {
  event::Signals::Block();
  log::StartWriter();
  return Server(std::move(options)).Run();
}

// A scalar that is nothing but `text`: quoted, and no variable in it.
std::string YamlText(const std::string& text) {
  std::string out = "\"";
  std::string escaped;
  AppendJsonEscaped(escaped, text);
  for (size_t i = 0; i < escaped.size(); ++i) {
    out.append(escaped.compare(i, 2, "${") == 0 ? "$$" : escaped.substr(i, 1));
  }
  return out + "\"";
}

}  // namespace

int RunCommand(const RunOptions& options) {
  ServerOptions server;
  server.log_level = options.log_level;
  if (options.config_path == "-") {
    Result<std::string> text = config::ReadSource("-");
    if (!text) {
      return CouldNotStart(text.error().message);
    }
    server.source = {.path = "", .name = "<stdin>", .text = std::move(*text)};
  } else {
    server.source = {.path = options.config_path, .name = options.config_path, .text = ""};
  }
  return Serve(std::move(server));
}

int ProxyCommand(const std::string& listen, const std::string& to) {
  const Result<config::Address> from = config::ParseAddress(listen);
  if (!from) {
    return CouldNotStart("--listen: " + from.error().message);
  }
  // ":9000" is every address of this machine to listen on, and this machine to connect to.
  const Result<config::Address> target =
      config::ParseAddress(to.starts_with(':') ? "127.0.0.1" + to : to);
  if (!target) {
    return CouldNotStart("--to: " + target.error().message);
  }
  ServerOptions server;
  server.source.name = "<command line>";
  server.source.text =
      "version: 1\nlisteners: [{name: proxy, address: " + YamlText(from->ToString()) +
      "}]\nclusters: {target: {endpoints: [" + YamlText(target->ToString()) +
      "]}}\nroutes: [{name: all, match: {path_prefix: /}, cluster: target}]\n";
  return Serve(std::move(server));
}

}  // namespace gatehouse::server
