// SPDX-License-Identifier: Apache-2.0
#include "source/server/admin_client.h"

#include <httplib.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "source/config/document.h"
#include "source/config/values.h"
#include "source/server/unix_client.h"

namespace gatehouse::server {
namespace {

constexpr char kDefaultAddress[] = "127.0.0.1:9901";
constexpr time_t kConnectSeconds = 3;

tl::unexpected<Error> Problem(std::string message) {
  return Fail(ErrorCode::kIo, ErrorSource::kInternal, std::move(message));
}

// Only the section that matters is looked at: the rest may be what the reload is to refuse.
Result<AdminTarget> ReadTarget(AdminTarget target) {
  const Result<std::string> text = config::ReadSource(target.config_path);
  if (!text) {
    return tl::unexpected(text.error());
  }
  config::Diagnostics ignored;
  const auto document =
      config::Document::Parse(target.config_path, *text, config::ProcessEnvironment(), ignored);
  if (!document->RootValue().IsMap()) {
    return Problem("no admin address is to be found in " + target.config_path +
                   "; give it with --address");
  }
  config::Object root = document->Root();
  const config::Value section = root.Get("admin", "");
  if (!section.IsMap()) {
    return Problem(target.config_path + " has no admin section, so there is nobody to ask");
  }
  config::Object admin = section.Map();
  if (target.address.empty()) {
    target.address = admin.String("address", kDefaultAddress, "");
  }
  target.tls = target.tls || admin.Has("tls");
  const config::Value tokens = admin.Get("tokens", "");
  if (target.token.empty() && tokens.IsMap()) {
    for (const std::string& token : tokens.Map().Get("write", "").Strings()) {
      if (!token.empty()) {
        target.token = token;
        break;
      }
    }
  }
  return target;
}

// Who listens everywhere is asked here.
std::string ReachableHost(const config::Address& address) {
  if (address.host == "0.0.0.0") {
    return "127.0.0.1";
  }
  return address.host == "::" ? "::1" : address.host;
}

std::string HostField(const config::Address& address) {
  if (address.kind == config::Address::Kind::kUnix) {
    return "localhost";
  }
  config::Address host = address;
  host.host = ReachableHost(address);
  return host.ToString();
}

std::string WhyNot(httplib::Error error, const std::string& address) {
  switch (error) {
    case httplib::Error::Connection:
    case httplib::Error::ConnectionTimeout:
      return "nobody listens on " + address +
             ": is the gateway running, and is that its admin address?";
    case httplib::Error::Read:
      return "no answer from " + address + ": what listens there closed, or took too long";
    case httplib::Error::SSLConnection:
      return address + " does not speak TLS, or refuses ours: it may want a --cert-file";
    case httplib::Error::SSLLoadingCerts:
      return "--ca-file, --cert-file or --key-file can't be used";
    case httplib::Error::SSLServerVerification:
      return "the certificate of " + address +
             " is not trusted, or is for another name: --ca-file says whom to believe, --address "
             "the name it is for";
    default:
      return "asking " + address + " failed: " + httplib::to_string(error);
  }
}

// Of an error's answer.
std::string MessageOf(const std::string& body) {
  const nlohmann::json json = nlohmann::json::parse(body, nullptr, false);
  const bool known = json.is_object() && json.contains("message") && json["message"].is_string();
  return known ? json["message"].get<std::string>() : "it gives no reason";
}

using Fields = std::vector<std::pair<std::string, std::string>>;

Result<AdminAnswer> AskUnix(const std::string& socket, const std::string& method,
                            const std::string& path, const Fields& fields, Duration limit) {
  std::string head = method + " " + path + " HTTP/1.1\r\nConnection: close\r\n";
  for (const auto& [name, value] : fields) {
    head.append(name).append(": ").append(value).append("\r\n");
  }
  if (method == "POST") {
    head.append("Content-Length: 0\r\n");
  }
  return AskUnixSocket(socket, head, limit);
}

template <typename Client>
Result<AdminAnswer> AskTcp(Client& client, const config::Address& address,
                           const std::string& method, const std::string& path, const Fields& fields,
                           Duration limit) {
  client.set_connection_timeout(kConnectSeconds);
  client.set_read_timeout(std::chrono::duration_cast<std::chrono::microseconds>(limit));
  const httplib::Headers headers(fields.begin(), fields.end());
  const httplib::Result result =
      method == "POST" ? client.Post(path, headers, "", "text/plain") : client.Get(path, headers);
  if (!result) {
    return Problem(WhyNot(result.error(), address.ToString()));
  }
  return AdminAnswer{result->status, result->body};
}

Result<AdminAnswer> AskTls(const AdminTarget& target, const config::Address& address,
                           const std::string& method, const std::string& path, const Fields& fields,
                           Duration limit) {
  httplib::SSLClient client(ReachableHost(address), address.port, target.cert_file,
                            target.key_file);
  if (!target.ca_file.empty()) {
    client.set_ca_cert_path(target.ca_file);
  }
  client.enable_server_certificate_verification(true);
  return AskTcp(client, address, method, path, fields, limit);
}

Result<AdminAnswer> AskClear(const config::Address& address, const std::string& method,
                             const std::string& path, const Fields& fields, Duration limit) {
  httplib::Client client(ReachableHost(address), address.port);
  return AskTcp(client, address, method, path, fields, limit);
}

}  // namespace

Result<AdminTarget> ResolveAdminTarget(const AdminTarget& target) {
  AdminTarget out = target;
  if (!out.config_path.empty() && (out.address.empty() || out.token.empty())) {
    Result<AdminTarget> read = ReadTarget(out);
    // With an address given, the configuration is only good for a token.
    if (!read && out.address.empty()) {
      return read;
    }
    out = read.value_or(out);
  }
  if (out.address.empty()) {
    out.address = kDefaultAddress;
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (out.address.starts_with(scheme)) {
      out.tls = scheme.starts_with("https");
      out.address = out.address.substr(scheme.size());
      out.address = out.address.substr(0, out.address.find('/'));
      break;
    }
  }
  if (out.address.starts_with(':')) {
    out.address = "127.0.0.1" + out.address;
  }
  return out;
}

Result<AdminAnswer> AskAdmin(const AdminTarget& target, const std::string& method,
                             const std::string& path, Duration limit) {
  const Result<config::Address> address = config::ParseAddress(target.address);
  if (!address) {
    return tl::unexpected(address.error());
  }
  Fields fields{{"Host", HostField(*address)}};
  if (!target.token.empty()) {
    fields.emplace_back("Authorization", "Bearer " + target.token);
  }
  Result<AdminAnswer> answer = address->kind == config::Address::Kind::kUnix
                                   ? AskUnix(address->host, method, path, fields, limit)
                               : target.tls ? AskTls(target, *address, method, path, fields, limit)
                                            : AskClear(*address, method, path, fields, limit);
  if (answer && answer->status == 401) {
    return Problem(target.address + " wants a token: GATEHOUSE_ADMIN_TOKEN, --token, or the " +
                   "configuration with -c");
  }
  if (answer && answer->status == 403) {
    return Problem(target.address + " refuses: " + MessageOf(answer->body));
  }
  return answer;
}

}  // namespace gatehouse::server
