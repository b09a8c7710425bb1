// SPDX-License-Identifier: Apache-2.0
// - name: web
//   address: 0.0.0.0:8080              # "[::]:8080", :8080, unix:/run/gatehouse.sock
//   protocols: [http/1.1, h2]          # with TLS: [h2, http/1.1]
//   tls: {certificates: [...]}         # see listener_tls_config.cc
//   trusted_proxies: [10.0.0.0/8]      # whose X-Forwarded-For is believed
//   forwarded: {mode: append, real_ip: false, request_id: false}     # append, replace, off
//   path: {merge_slashes: true, encoded_slash: reject}               # reject, keep
//   limits: {max_connections: 20000, max_header_bytes: 64KiB, max_headers: 100, max_streams: 128,
//            max_requests_per_connection: 0}                         # 0: no limit
//   timeouts: {request_headers: 10s, request_body_idle: 30s, idle: 75s, tunnel_idle: 1h}
//   upgrades: [websocket]
//   filters: [access_log]
#include "source/proxy/listener_config.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "source/base/text.h"
#include "source/config/values.h"
#include "source/event/address.h"
#include "source/proxy/listener_tls_config.h"

namespace gatehouse::proxy {
namespace {

using config::About;
using config::Object;
using config::Value;

constexpr uint64_t kMaxConnections = 10'000'000;
constexpr uint64_t kMinHeaderBytes = 1024;
constexpr uint64_t kMaxHeaderBytes = 1 << 20;
constexpr uint64_t kMaxHeaders = 4096;
constexpr uint64_t kMaxStreams = 1'000'000;

enum class Protocol : uint8_t { kHttp1, kHttp2 };

// In the order of preference.
std::vector<Protocol> LoadProtocols(Object& in, ListenerSettings& out) {
  const Value value =
      in.Get("protocols", About("What is spoken here; at least one. With TLS, in the order of "
                                "preference, and h2 comes first by default; in the clear, h2 is "
                                "for clients that begin with it.")
                              .Default("[http/1.1, h2]"));
  const std::vector<Value> protocols = value.List();
  if (value.IsList() && protocols.empty()) {
    value.Error("needs at least one protocol", "[http/1.1]");
  }
  std::vector<Protocol> seen;
  for (const Value& one : protocols) {
    const auto protocol = one.Enum<Protocol>(
        {{"h2", Protocol::kHttp2}, {"http/1.1", Protocol::kHttp1}}, Protocol::kHttp1);
    if (std::find(seen.begin(), seen.end(), protocol) != seen.end()) {
      one.Error("is listed twice");
    }
    seen.push_back(protocol);
  }
  if (seen.empty()) {
    seen = {Protocol::kHttp2, Protocol::kHttp1};
  }
  const auto has = [&](Protocol one) {
    return std::find(seen.begin(), seen.end(), one) != seen.end();
  };
  out.http1 = has(Protocol::kHttp1);
  out.http2 = has(Protocol::kHttp2);
  return seen;
}

std::vector<std::string> AlpnOf(const std::vector<Protocol>& protocols) {
  std::vector<std::string> out;
  for (const Protocol one : protocols) {
    out.emplace_back(one == Protocol::kHttp2 ? "h2" : "http/1.1");
  }
  return out;
}

void LoadTrustedProxies(Object& in, ListenerSettings& out) {
  for (const Value& value :
       in.List("trusted_proxies", About("Who is believed when it names the client in "
                                        "X-Forwarded-For: addresses and blocks.")
                                      .Type("CIDR block"))) {
    const std::string text = value.String();
    if (!value.IsScalar()) {
      continue;
    }
    const Result<Cidr> block = ParseCidr(text);
    if (block) {
      out.trusted_proxies.push_back(*block);
    } else {
      value.Error(block.error().message);
    }
  }
}

void LoadForwarded(Object in, ListenerSettings& out) {
  out.forwarded = in.Enum<ForwardedMode>(
      "mode",
      {{"append", ForwardedMode::kAppend},
       {"replace", ForwardedMode::kReplace},
       {"off", ForwardedMode::kOff}},
      out.forwarded,
      "X-Forwarded-For, -Proto, -Host and Via: append adds to what is there, "
      "replace puts ours in its place, off leaves it alone.");
  out.forward_real_ip =
      in.Bool("real_ip", out.forward_real_ip, "Whether X-Real-IP is set to the client's address.");
  out.forward_request_id =
      in.Bool("request_id", out.forward_request_id,
              "Whether X-Request-Id is sent on; an id is made for errors and logs anyway.");
}

void LoadPath(Object in, ListenerSettings& out) {
  out.merge_slashes = in.Bool("merge_slashes", out.merge_slashes, "Whether `//` in a path is `/`.");
  out.encoded_slash = in.Enum<EncodedSlash>(
      "encoded_slash", {{"reject", EncodedSlash::kReject}, {"keep", EncodedSlash::kKeep}},
      out.encoded_slash,
      "Paths with %2F, %5C or a backslash: reject answers 400; keep leaves them "
      "as they are, and they never separate segments.");
}

void LoadLimits(Object in, ListenerSettings& out) {
  const auto count = [&](std::string_view key, uint32_t def, uint64_t max, std::string_view help) {
    return static_cast<uint32_t>(in.Uint(key, {def, 1, max}, help));
  };
  out.max_connections = count("max_connections", out.max_connections, kMaxConnections,
                              "Connections at a time, over all workers; more are closed at once.");
  out.codec.max_header_bytes = static_cast<uint32_t>(
      in.Size("max_header_bytes", {out.codec.max_header_bytes, kMinHeaderBytes, kMaxHeaderBytes},
              "Request line and header fields together; more is answered with 431, or 414."));
  out.codec.max_headers = count("max_headers", out.codec.max_headers, kMaxHeaders,
                                "Header fields of a request; more are answered with 431.");
  out.max_requests_per_connection =
      in.Uint("max_requests_per_connection", {out.max_requests_per_connection},
              "Requests after which a connection is closed; 0: no limit.");
  out.codec.http2.max_streams =
      count("max_streams", out.codec.http2.max_streams, kMaxStreams,
            "Requests at a time on one connection of HTTP/2; what exceeds them is refused.");
}

void LoadTimeouts(Object in, ListenerSettings& out) {
  constexpr Duration kMin = std::chrono::milliseconds(1);
  constexpr Duration kMax = std::chrono::hours(24);
  out.request_headers_timeout = in.Time(
      "request_headers", {out.request_headers_timeout, kMin, kMax},
      "From the first byte of a request to the end of its header; then it is answered with 408.");
  out.request_body_idle_timeout =
      in.Time("request_body_idle", {out.request_body_idle_timeout, kMin, kMax},
              "Between two pieces of a request's body; then it is answered with 408.");
  out.idle_timeout =
      in.Time("idle", {out.idle_timeout, kMin, kMax},
              "How long a connection may wait for its next request; then it is closed.");
  out.tunnel_idle_timeout = in.Time("tunnel_idle", {out.tunnel_idle_timeout, kMin, kMax},
                                    "Silence on both sides of a WebSocket; then it is closed.");
}

// The name and the value it stands at.
std::pair<std::string, Value> LoadName(Object& in) {
  Value value = in.Get(
      "name", About("What routes, logs and metrics call the listener; no spaces.").Required());
  if (!value.present()) {
    in.Error("name", "is required");
    return {{}, value};
  }
  std::string name = value.String();
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != 0x7f;
  });
  if (value.IsScalar() && name.empty()) {
    value.Error("must not be empty");
  } else if (!plain) {
    value.Error("must not contain spaces or control characters");
  }
  return {std::move(name), value};
}

void LoadUpgrades(Object& in, ListenerSettings& settings) {
  const Value list =
      in.Get("upgrades",
             "Protocols that clients may switch to; anything else asked for is not forwarded.");
  for (const Value& one : list.List()) {
    settings.codec.websocket =
        one.Enum<bool>({{"websocket", true}}, false) || settings.codec.websocket;
  }
}

LoadedListener LoadListener(Object in, AddressBook& addresses, const TlsBefore& before,
                            std::map<std::string, config::Position>& names) {
  LoadedListener out;
  auto settings = std::make_shared<ListenerSettings>();
  auto [name, name_value] = LoadName(in);
  settings->name = name;
  if (!name.empty()) {
    const auto [first, is_new] = names.emplace(name, name_value.position());
    if (!is_new) {
      name_value.Error("the name \"" + name + "\" is taken by the listener at " +
                       in.diagnostics().PlaceOf(first->second));
    }
  }
  const Value address = in.Get(
      "address", About("IP:PORT, :PORT for every address of this machine, or unix:/PATH; port 0 "
                       "lets the system choose.")
                     .Type("address to listen on")
                     .Required());
  if (!address.present()) {
    in.Error("address", "is required");
  } else if (const auto usable = LoadListenAddress(address)) {
    settings->address = *usable;
    addresses.Claim(address, *usable,
                    name.empty() ? "another listener" : "the listener \"" + name + "\"");
  }
  const std::vector<Protocol> protocols = LoadProtocols(in, *settings);
  out.tls = LoadListenerTls(in, AlpnOf(protocols), before ? before(name) : nullptr);
  if (out.tls != nullptr) {
    settings->tls = out.tls->settings();
  }
  LoadUpgrades(in, *settings);
  settings->proxy_protocol = in.Bool(
      "proxy_protocol", settings->proxy_protocol,
      "Whether connections begin with a PROXY header (version 1 or 2): the client it names is the "
      "peer. A connection without one is closed. For listeners that only a balancer can reach.");
  LoadTrustedProxies(in, *settings);
  LoadForwarded(in.Child("forwarded", "What the endpoints are told of the client."), *settings);
  LoadPath(in.Child("path", "How paths are made comparable before routes see them."), *settings);
  LoadLimits(in.Child("limits", "What one listener may take."), *settings);
  LoadTimeouts(in.Child("timeouts", "How long clients may take."), *settings);
  out.filters = in.List(
      "filters",
      "Filters for every request here, before those of its route: a name, `{use: NAME}` with keys "
      "that replace the filter's own, or `{any_of: [NAME, ...]}` for filters of which one must let "
      "the request in.");
  out.settings = std::move(settings);
  return out;
}

bool IsAnyAddress(const config::Address& address) {
  return address.host == "0.0.0.0" || address.host == "::";
}

// Of two with the same port. IPv4 and IPv6 are apart: sockets of [::] take IPv6 only.
bool Overlap(const config::Address& a, const config::Address& b) {
  return a.kind == b.kind && (a.host == b.host || IsAnyAddress(a) || IsAnyAddress(b));
}

}  // namespace

void AddressBook::Claim(const Value& value, const config::Address& address,
                        std::string_view owner) {
  const bool usable = address.kind == config::Address::Kind::kUnix || address.port != 0;
  if (!usable) {
    return;
  }
  std::vector<Claimed>& same_port = taken_[address.port];
  for (const Claimed& other : same_port) {
    if (!Overlap(address, other.address)) {
      continue;
    }
    const bool equal = address == other.address;
    value.Error(address.ToString() +
                (equal ? "" : " overlaps " + other.address.ToString() + ", which") +
                " is taken by " + other.owner + " at " + diagnostics_.PlaceOf(other.position));
    return;
  }
  same_port.push_back({address, std::string(owner), value.position()});
}

std::vector<LoadedListener> LoadListeners(const std::vector<Value>& section, AddressBook& addresses,
                                          const TlsBefore& before) {
  std::vector<LoadedListener> out;
  std::map<std::string, config::Position> names;
  out.reserve(section.size());
  for (const Value& value : section) {
    out.push_back(LoadListener(value.Map(), addresses, before, names));
  }
  return out;
}

std::optional<config::Address> LoadListenAddress(const Value& value) {
  const std::string text = value.String();
  if (!value.IsScalar()) {
    return std::nullopt;
  }
  const Result<config::Address> address = config::ParseAddress(text);
  if (!address) {
    value.Error(address.error().message, ParseUint(text) ? ":" + text : std::string());
    return std::nullopt;
  }
  if (address->kind == config::Address::Kind::kHostname) {
    const std::string port = std::to_string(address->port);
    value.Error("needs an IP address, :PORT or unix:/PATH to listen on, not a hostname",
                address->IsLoopback() ? "127.0.0.1:" + port : std::string());
    return std::nullopt;
  }
  if (address->kind == config::Address::Kind::kUnix) {
    if (const auto usable = event::SocketAddress::FromUnixPath(address->host); !usable) {
      value.Error(usable.error().message);
      return std::nullopt;
    }
  }
  return *address;
}

}  // namespace gatehouse::proxy
