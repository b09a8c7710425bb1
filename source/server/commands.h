// SPDX-License-Identifier: Apache-2.0
// The commands of the command line. Each returns the process's exit code: 0 ok, 1 could not start
// or invalid, 2 forced quit, 3 drain timed out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatehouse::server {

inline constexpr std::string_view kVersion = "0.1.0";
inline constexpr std::string_view kVersionDate = "2026-11-22";

struct RunOptions {
  std::string config_path;  // "-" is standard input.
  std::string log_level;    // Overrides runtime.log_level when not empty.
};
int RunCommand(const RunOptions& options);

// One route from `listen` to `to`, without a file. Addresses as in CONFIG.md, ":9000" allowed.
int ProxyCommand(const std::string& listen, const std::string& to);

enum class ReportFormat : uint8_t { kText, kJson };
enum class UseColor : uint8_t { kAuto, kAlways, kNever };

struct ValidateOptions {
  std::string config_path;
  bool strict = false;  // Warnings are errors.
  ReportFormat format = ReportFormat::kText;
  UseColor color = UseColor::kAuto;
};
int ValidateCommand(const ValidateOptions& options);

int ConfigCommand(const std::string& config_path, bool effective);

struct RouteOptions {
  std::string config_path;
  std::string method;
  std::string url;
  std::vector<std::string> headers;   // "name: value"
  std::string client_ip;              // Empty: 127.0.0.1.
  std::string listener;               // Empty: the first that the URL fits.
  std::vector<std::string> identity;  // "claims.tenant=acme"; none: nobody is authenticated.
  bool json = false;
};
int RouteCommand(const RouteOptions& options);

// Prints the JSON Schema of configurations; `format` "markdown": the reference of their keys;
// "example": one in which every key appears.
int SchemaCommand(const std::string& format);

struct InitOptions {
  std::string output = "gatehouse.yaml";  // "-" is standard output.
  bool schema = true;  // Also the schema beside it, and a line that tells editors of it.
};
// Writes a configuration to start from. What is there already is never touched.
int InitCommand(const InitOptions& options);

int VersionCommand();
// `text`, as it is, to standard output.
int PrintCommand(const std::string& text);

// Where a running gateway's admin endpoint is: an address, or the configuration that names it.
struct AdminTarget {
  std::string address;  // Empty: from the configuration, else 127.0.0.1:9901.
  std::string config_path;
  std::string token;
  bool tls = false;       // As the address begins with https://, or the configuration has it.
  std::string ca_file;    // Whom to believe; empty: whom the system trusts.
  std::string cert_file;  // What to show, and its key.
  std::string key_file;
};
int ReloadCommand(const AdminTarget& target);
int DrainCommand(const AdminTarget& target);
int StatusCommand(const AdminTarget& target);

}  // namespace gatehouse::server
