// SPDX-License-Identifier: Apache-2.0
// admin:
//   address: 127.0.0.1:9901       # IP:PORT or unix:/PATH
//   tokens: {read: ["${ADMIN_READ_TOKEN:-}"], write: ["${ADMIN_WRITE_TOKEN:-}"]}
//   tls: {...}                    # as a listener's
//   insecure: false               # whether an address that isn't loopback may do without TLS
//
// An empty token is none, so that a variable may be left unset.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/proxy/listener_tls_config.h"
#include "source/server/sections.h"

namespace gatehouse::server {
namespace {

constexpr char kDefaultAddress[] = "127.0.0.1:9901";

// Messages never quote a token.
std::vector<std::string> LoadTokens(const std::vector<config::Value>& listed) {
  std::vector<std::string> out;
  for (const config::Value& value : listed) {
    std::string token = value.String();
    const bool visible =
        std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7f; });
    if (!visible) {
      value.Error("a token must not contain spaces, control characters or non-ASCII letters");
    } else if (std::find(out.begin(), out.end(), token) != out.end()) {
      value.Error("this token is listed twice");
    } else if (!token.empty()) {
      out.push_back(std::move(token));
    }
  }
  return out;
}

// Whether nobody gets in who has nothing to show.
bool AsksWho(const AdminSettings& settings) {
  return !settings.read_tokens.empty() || !settings.write_tokens.empty() ||
         (settings.listener.tls &&
          settings.listener.tls->client_auth.mode == tls::ClientAuthMode::kRequire);
}

void CheckExposure(const config::Object& in, const AdminSettings& settings) {
  if (!settings.enabled || settings.insecure || settings.listener.address.IsLoopback()) {
    return;
  }
  if (!in.Has("tls")) {
    in.Error("address",
             "an address that is not loopback needs `tls`, and tokens or client certificates "
             "(tls.client_auth.mode: require); or say `insecure: true`");
  } else if (!AsksWho(settings) && settings.tls != nullptr) {
    in.Error("address",
             "an address that is not loopback needs tokens, or client certificates "
             "(tls.client_auth.mode: require); or say `insecure: true`");
  }
}

}  // namespace

AdminSettings LoadAdmin(config::Object in, proxy::AddressBook& addresses) {
  AdminSettings out;
  out.enabled = in.present();
  out.listener.name = "admin";
  out.listener.address = *config::ParseAddress(kDefaultAddress);
  const config::Value address = in.Get(
      "address", config::About("IP:PORT or unix:/PATH of the admin endpoint; anything but loopback "
                               "or a unix socket needs `tls` and tokens.")
                     .Default(kDefaultAddress)
                     .Type("address to listen on"));
  std::optional<config::Address> usable = out.listener.address;
  if (address.present()) {
    usable = proxy::LoadListenAddress(address);
  }
  if (out.enabled && usable) {
    out.listener.address = *usable;
    addresses.Claim(address, *usable, "the admin endpoint");
  }
  config::Object tokens =
      in.Child("tokens", config::About("Bearer tokens by role; without any, no role needs one.")
                             .Example("{write: [\"${ADMIN_TOKEN}\"]}"));
  out.read_tokens = LoadTokens(
      tokens.List("read", config::About("Tokens that may look at everything; an empty one is none.")
                              .Type("token")
                              .Example("[\"${ADMIN_READ_TOKEN:-}\"]")));
  out.write_tokens = LoadTokens(tokens.List(
      "write", config::About("Tokens that may also reload, drain and quit; an empty one is none.")
                   .Type("token")
                   .Example("[\"${ADMIN_WRITE_TOKEN:-}\"]")));
  out.insecure = in.Bool("insecure", false,
                         "Whether an address that isn't loopback may do without TLS and tokens.");
  out.tls = proxy::LoadListenerTls(in, {"http/1.1"}, nullptr);
  if (out.tls != nullptr) {
    out.listener.tls = out.tls->settings();
  }
  CheckExposure(in, out);
  return out;
}

}  // namespace gatehouse::server
