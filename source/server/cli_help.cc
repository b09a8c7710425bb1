// SPDX-License-Identifier: Apache-2.0
#include "source/server/cli_help.h"

#include <algorithm>

namespace gatehouse::server {
namespace {

struct CommandHelp {
  std::string_view name;
  std::string_view example;
  std::string_view text;
};

constexpr CommandHelp kHelp[] = {
    {"", "",
     R"(Gatehouse, an L7 gateway: routes, filters and load balancing from one YAML file.

Start here:
  gatehouse proxy --listen :8080 --to :9000
      no file: all that comes to port 8080 goes to port 9000
  gatehouse validate -c gatehouse.yaml
      every mistake in a file, each with its line (also: gatehouse -t -c FILE)
  gatehouse run -c gatehouse.yaml
      serve
  gatehouse route -c gatehouse.yaml GET http://localhost:8080/users/7
      which listener, route, filters and cluster would take a request, and why
  gatehouse reload
      have a running gateway load its file again; one with mistakes changes nothing

More commands:
  init       write a file to start from
  schema     print the JSON Schema of files, for editors
  config     print a file with all defaults written out
  status     what a running gateway is doing
  drain      have a running gateway finish what is under way, then end
  version    print the version

  -t                    as the command validate: gatehouse -t -c FILE
  -c, --config FILE     the configuration, for -t
  -V, --version         print the version

gatehouse COMMAND --help explains one command.
Exit codes: 0 ok, 1 could not start or invalid, 2 forced to quit, 3 draining took too long.
)"},
    {"run", "gatehouse run -c gatehouse.yaml",
     R"(Serves what a configuration says, until SIGTERM or SIGINT: then it drains and ends.

  gatehouse run -c FILE [--log-level LEVEL]

  -c, --config FILE     the configuration; - is standard input
  --log-level LEVEL     debug, info, warning, error or off, instead of runtime.log_level

The file is watched, and loaded again when it changes or at SIGHUP. One with mistakes changes
nothing: its mistakes are logged, and what was loaded before goes on. A second SIGTERM or SIGINT
forces the end.

Examples:
  gatehouse run -c gatehouse.yaml
  gatehouse run -c gatehouse.yaml --log-level debug
)"},
    {"proxy", "gatehouse proxy --listen :8080 --to :9000",
     R"(Passes everything from one address to another, without a configuration.

  gatehouse proxy --listen ADDRESS --to ADDRESS

  --listen ADDRESS      IP:PORT, :PORT for every address of this machine, or unix:/PATH
  --to ADDRESS          HOST:PORT, :PORT for this machine, or unix:/PATH

Examples:
  gatehouse proxy --listen :8080 --to :9000
  gatehouse proxy --listen 127.0.0.1:8080 --to api.internal:80
)"},
    {"validate", "gatehouse validate -c gatehouse.yaml",
     R"(Reports every mistake in a configuration, each with file, line, column, and what was
probably meant. Nothing is opened or started.

  gatehouse validate -c FILE [--strict] [--format FORMAT] [--color WHEN]
  gatehouse -t -c FILE

  -c, --config FILE     the configuration; - is standard input
  --strict              warnings fail, too
  --format FORMAT       text, on standard error; or json, an array on standard output
  --color WHEN          auto, always or never; auto is for terminals, unless NO_COLOR is set

On a terminal, each mistake is shown with its line of the file. Exits with 0 when the
configuration is valid, else with 1.

Examples:
  gatehouse validate -c gatehouse.yaml
  generate-config | gatehouse validate --strict -c -
)"},
    {"config", "gatehouse config -c gatehouse.yaml --effective",
     R"(Prints a configuration as it takes effect: with all defaults written out, variables and
aliases expanded, and secrets left out. The output is a configuration itself.

  gatehouse config -c FILE --effective

  -c, --config FILE     the configuration; - is standard input
  --effective           the only form there is so far

Examples:
  gatehouse config -c gatehouse.yaml --effective
  diff <(gatehouse config -c old.yaml --effective) <(gatehouse config -c new.yaml --effective)
)"},
    {"route", "gatehouse route -c gatehouse.yaml GET http://localhost:8080/users/7",
     R"(Tells which listener, route, filters and cluster would take a request, and which routes
came near, and why they did not match; and what filters such as rbac make of it. Nothing is
sent.

  gatehouse route -c FILE [METHOD] URL [-H 'NAME: VALUE']... [options]

  -c, --config FILE     the configuration; - is standard input
  METHOD                GET when left out
  URL                   http://HOST[:PORT]/PATH; or /PATH, with the host in -H 'host: HOST'
  -H, --header LINE     a header, 'name: value'; as many as needed
  --client-ip IP        where the request comes from; 127.0.0.1 when left out
  --listener NAME       which listener takes it; the first that fits the URL when left out
  --identity F=V        who is calling, field by field: subject=alice, groups=admins,ops,
                        claims.tenant=acme, attributes.plan=gold, kind=jwt, filter=NAME;
                        nobody when left out
  --json                for machines

Exits with 0 when a route takes the request, else with 1.

Examples:
  gatehouse route -c gatehouse.yaml GET http://localhost:8080/users/7
  gatehouse route -c gatehouse.yaml https://api.example.com/users -H 'x-release: canary'
  gatehouse route -c gatehouse.yaml /admin --identity subject=alice --identity groups=ops
)"},
    {"init", "gatehouse init",
     R"(Writes a commented configuration to start from, and beside it the schema that editors check
it against. A file that is there already is never touched.

  gatehouse init [--output FILE] [--no-schema]

  -o, --output FILE     gatehouse.yaml when left out; - is standard output
  --no-schema           no gatehouse.schema.json, and no line in the file that names it

Examples:
  gatehouse init
  gatehouse init --output - | gatehouse validate -c -
)"},
    {"schema", "gatehouse schema",
     R"(Prints the JSON Schema (draft 7) of configurations, made from the code that reads them.
Editors with YAML support take it from a file whose first line is

  # yaml-language-server: $schema=gatehouse.schema.json

  gatehouse schema [--format FORMAT]

  --format FORMAT       json; markdown, a page with every key; or example, a configuration
                        in which every key appears

Examples:
  gatehouse schema > gatehouse.schema.json
  gatehouse schema --format markdown > config.md
)"},
    {"reload", "gatehouse reload",
     R"(Has a running gateway load its configuration again, and reports what came of it. A file
with mistakes changes nothing.

  gatehouse reload [options]

  --address ADDRESS     the admin endpoint, https://HOST:PORT when it has TLS; 127.0.0.1:9901 when
                        nothing says otherwise
  -c, --config FILE     take the address and the token from this configuration
  --token TOKEN         a write token; better in the variable GATEHOUSE_ADMIN_TOKEN
  --ca-file FILE        whom to believe over https; else whom the system trusts
  --cert-file FILE      the certificate to show there, PEM
  --key-file FILE       and its key

Examples:
  gatehouse reload
  gatehouse reload -c gatehouse.yaml
)"},
    {"drain", "gatehouse drain",
     R"(Has a running gateway finish what is under way, take nothing new, and end.

  gatehouse drain [options]

  --address ADDRESS     the admin endpoint, https://HOST:PORT when it has TLS; 127.0.0.1:9901 when
                        nothing says otherwise
  -c, --config FILE     take the address and the token from this configuration
  --token TOKEN         a write token; better in the variable GATEHOUSE_ADMIN_TOKEN
  --ca-file FILE        whom to believe over https; else whom the system trusts
  --cert-file FILE      the certificate to show there, PEM
  --key-file FILE       and its key

Examples:
  gatehouse drain
  gatehouse drain --address 127.0.0.1:9901
)"},
    {"status", "gatehouse status",
     R"(Shows what a running gateway is doing: listeners, workers, the configuration it serves and
the result of the last reload.

  gatehouse status [options]

  --address ADDRESS     the admin endpoint, https://HOST:PORT when it has TLS; 127.0.0.1:9901 when
                        nothing says otherwise
  -c, --config FILE     take the address and the token from this configuration
  --token TOKEN         a read token; better in the variable GATEHOUSE_ADMIN_TOKEN
  --ca-file FILE        whom to believe over https; else whom the system trusts
  --cert-file FILE      the certificate to show there, PEM
  --key-file FILE       and its key

Examples:
  gatehouse status
  gatehouse status -c gatehouse.yaml
)"},
    {"version", "gatehouse version",
     R"(Prints the version.

  gatehouse version

Example:
  gatehouse version
)"},
    {"completion", "gatehouse completion bash",
     R"help(Prints a script with which a shell completes commands, options and their values.

  gatehouse completion SHELL

  SHELL                 bash, zsh or fish

Examples:
  eval "$(gatehouse completion bash)"
  gatehouse completion fish >~/.config/fish/completions/gatehouse.fish
)help"},
    {"manpage", "gatehouse manpage",
     R"(Prints the manual page.

  gatehouse manpage

Examples:
  gatehouse manpage | man -l -
  gatehouse manpage >/usr/local/share/man/man1/gatehouse.1
)"},
};

const CommandHelp* Find(std::string_view command) {
  const auto found = std::find_if(std::begin(kHelp), std::end(kHelp),
                                  [&](const CommandHelp& one) { return one.name == command; });
  return found == std::end(kHelp) ? nullptr : found;
}

}  // namespace

std::string_view HelpFor(std::string_view command) {
  const CommandHelp* help = Find(command);
  return help == nullptr ? std::string_view() : help->text;
}

std::string_view ExampleOf(std::string_view command) {
  const CommandHelp* help = Find(command);
  return help == nullptr ? std::string_view() : help->example;
}

}  // namespace gatehouse::server
