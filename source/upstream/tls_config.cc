// SPDX-License-Identifier: Apache-2.0
// tls:
//   ca_file: tls/upstream.pem              # else whom the system trusts
//   server_name: users.internal            # else the endpoint's own name
//   verify: true
//   pinned_spki: ["sha256//RUqq…="]
//   crl_file: tls/upstream.crl
//   cert_file: tls/gateway.crt             # what to show, and its key
//   key_file: tls/gateway.key
//   min_version: "1.2"
//   max_version: "1.3"
//   ciphers: [ECDHE-ECDSA-AES128-GCM-SHA256]
//
// That there is one, be it `{}`, is what turns TLS on.
#include "source/upstream/tls_config.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "source/base/text.h"
#include "source/tls/client_context.h"
#include "source/tls/spki_pin.h"

namespace gatehouse::upstream {
namespace {

using config::About;
using config::Object;
using config::Value;

constexpr size_t kMaxName = 253;
constexpr size_t kMaxLabel = 63;

// A name that a certificate can be for (RFC 1123 section 2.1; `_` is met in the wild).
bool IsHostname(std::string_view text) {
  if (text.empty() || text.size() > kMaxName) {
    return false;
  }
  for (;;) {
    const size_t dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (label.empty() || label.size() > kMaxLabel || label.front() == '-' || label.back() == '-' ||
        !std::all_of(label.begin(), label.end(), [](char c) {
          return IsDigit(c) || (ToLower(c) >= 'a' && ToLower(c) <= 'z') || c == '-' || c == '_';
        })) {
      return false;
    }
    if (dot == text.npos) {
      return true;
    }
    text.remove_prefix(dot + 1);
  }
}

void LoadServerName(Object& in, tls::ClientSettings& out) {
  const Value value = in.Get(
      "server_name",
      About("Name that the endpoints' certificates have to be for, and that they are asked for "
            "(SNI); left out, each endpoint's own hostname or IP address.")
          .Type("hostname or IP address"));
  if (!value.present()) {
    return;
  }
  out.server_name = Lowercase(value.String());
  if (value.IsScalar() && !IsHostname(out.server_name) && !ParseIp(out.server_name)) {
    value.Error("must be a hostname or an IP address, without a port or a wildcard, got \"" +
                out.server_name + "\"");
  }
}

void LoadPins(Object& in, tls::ClientSettings& out) {
  for (const Value& value : in.List(
           "pinned_spki",
           About("SHA-256 digests of public keys in base64, one of which must be in the chain that "
                 "was verified; with `verify: false`, that of the endpoint's own certificate.")
               .Type("base64 of 32 bytes"))) {
    const std::string text = value.String();
    if (const auto pin = tls::ParseSpkiPin(text)) {
      out.pins.push_back(*pin);
    } else if (value.IsScalar()) {
      value.Error(
          "must be the base64 of a SHA-256 digest, 44 characters that end in \"=\", after "
          "\"sha256//\" or nothing; got \"" +
          text + "\"");
    }
  }
}

void LoadVersions(Object& in, tls::ClientSettings& out) {
  constexpr int k12 = 0x0303;  // As on the wire, and as OpenSSL has them.
  constexpr int k13 = 0x0304;
  out.min_version = in.Enum<int>("min_version", {{"1.2", k12}, {"1.3", k13}}, out.min_version,
                                 "The oldest version of TLS to accept.");
  out.max_version = in.Enum<int>("max_version", {{"1.2", k12}, {"1.3", k13}}, out.max_version,
                                 "The newest version of TLS to offer.");
  if (out.min_version > out.max_version) {
    in.Error("max_version", "is older than min_version");
  }
}

// An endpoint whose certificate can't be checked would never be talked to.
void CheckNames(const Object& in, const ClusterSettings& cluster) {
  const tls::ClientSettings& tls = *cluster.tls;
  const bool nameless = std::any_of(cluster.endpoints.begin(), cluster.endpoints.end(),
                                    [](const EndpointSpec& spec) { return spec.unix_socket; });
  if (tls.verify && tls.server_name.empty() && nameless) {
    in.Error(
        "an endpoint at a unix socket has no name that its certificate could be for: "
        "server_name is needed");
  }
}

void LoadIdentity(Object& in, tls::ClientSettings& out) {
  out.cert_file = in.String("cert_file", "",
                            About("Certificate to show when an endpoint asks for one, and its "
                                  "chain, PEM; watched.")
                                .Type("path"));
  out.key_file = in.String("key_file", "", About("Its key, PEM; watched.").Type("path"));
  if (out.cert_file.empty() != out.key_file.empty()) {
    const bool key = out.key_file.empty();
    in.Error(key ? "cert_file" : "key_file",
             key ? "needs its key_file too" : "needs its cert_file too");
  }
}

}  // namespace

void LoadClusterTls(Object in, ClusterSettings& cluster) {
  const bool present = in.present();
  const size_t errors = in.diagnostics().errors();
  tls::ClientSettings out;
  out.ca_file = in.String("ca_file", "",
                          About("Authorities whose certificates are accepted, PEM, watched; left "
                                "out, those that the system trusts.")
                              .Type("path"));
  LoadServerName(in, out);
  out.verify = in.Bool("verify", true,
                       "Whether an endpoint's certificate must come from a trusted authority, be "
                       "in force and for the right name. Without, anybody on the way can read and "
                       "change everything.");
  LoadPins(in, out);
  out.crl_file = in.String("crl_file", "",
                           About("Lists of certificates that their authorities revoked, PEM; "
                                 "watched.")
                               .Type("path"));
  LoadIdentity(in, out);
  LoadVersions(in, out);
  out.ciphers = in.Strings("ciphers",
                           "Cipher suites to offer, as OpenSSL calls them; left out, its own "
                           "choice.");
  if (!present) {
    return;
  }
  cluster.tls = std::move(out);
  if (!cluster.tls->verify) {
    if (in.Has("ca_file") || in.Has("crl_file")) {
      in.Error("verify", "without verification there is no use for ca_file and crl_file");
    }
    if (cluster.tls->pins.empty()) {
      in.Warning("verify", "anybody on the way to the endpoints can pass for them");
    }
  }
  CheckNames(in, cluster);
  tls::ClientSettings checked = *cluster.tls;
  if (in.diagnostics().errors() != errors && checked.ca_file.empty()) {
    checked.verify = false;  // Whom the system trusts is no matter of this configuration.
  }
  (void)tls::ClientContext::Make(checked, 0, [&](const tls::Problem& problem) {
    if (problem.fatal) {
      in.Error(problem.key, problem.message);
    } else {
      in.Warning(problem.key, problem.message);
    }
  });
}

}  // namespace gatehouse::upstream
