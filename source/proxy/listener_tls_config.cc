// SPDX-License-Identifier: Apache-2.0
// tls:
//   certificates:
//     - {cert_file: tls/api.crt, key_file: tls/api.key, key_passphrase: "${PASS}",
//        ocsp_file: tls/api.ocsp}
//   strict_sni: false
//   min_version: "1.2"
//   max_version: "1.3"
//   ciphers: [ECDHE-ECDSA-AES128-GCM-SHA256, TLS_AES_128_GCM_SHA256]
//   groups: [X25519, P-256]
//   client_auth: {mode: require, ca_file: tls/clients.pem, crl_file: tls/clients.crl,
//                 verify_depth: 4}                          # none, request, require
//   tickets: {rotate_every: 12h, key_files: [tls/ticket.key]}                     # or off
#include "source/proxy/listener_tls_config.h"

#include <chrono>
#include <string_view>
#include <utility>

namespace gatehouse::proxy {
namespace {

using config::About;
using config::Object;
using config::Value;
using tls::ClientAuthMode;
using tls::Version;

constexpr uint64_t kMaxDepth = 32;

// Where the files of one certificate are named.
struct CertificatePlaces {
  Value whole;
  Value cert_file;
  Value key_file;
  Value ocsp_file;

  const Value& Of(std::string_view key) const {
    const Value& place = key == "key_file" ? key_file : key == "ocsp_file" ? ocsp_file : cert_file;
    return place.present() ? place : whole;
  }
};

class TlsLoading {
 public:
  explicit TlsLoading(Object& in) : in_(in) {}

  std::shared_ptr<tls::ServerTls> Load(std::vector<std::string> alpn,
                                       const tls::ServerTls* previous) {
    settings_.alpn = std::move(alpn);
    LoadCertificates();
    LoadProtocols();
    LoadClientAuth(in_.Child("client_auth", "Whether clients show certificates, and whose."));
    LoadTickets();
    if (!in_.present()) {
      return nullptr;
    }
    // Files and lists are looked at whatever else is wrong: all mistakes are told in one go.
    auto out =
        tls::ServerTls::Make(settings_, previous, [this](const tls::Problem& one) { Tell(one); });
    return whole_ ? out : nullptr;
  }

 private:
  // The path at `key`; empty, with an error, when there is none.
  std::string File(Object& in, std::string_view key, const About& about, Value& place) {
    place = in.Get(key, about.Type("path"));
    std::string path = place.String();
    if (!place.present() && about.required) {
      in.Error(key, "is required");
    } else if (place.present() && place.IsScalar() && path.empty()) {
      place.Error("must not be empty");
      whole_ = false;
    }
    whole_ = whole_ && !(about.required && path.empty());
    return path;
  }

  void LoadCertificates() {
    const Value list = in_.Get(
        "certificates", About("What clients are shown: by the name they ask for, and the first "
                              "to those who name none that is known. At least one.")
                            .Required());
    if (!list.present()) {
      in_.Error("certificates", "is required");
    } else if (list.IsList() && list.size() == 0) {
      list.Error("needs at least one certificate", "[{cert_file: web.crt, key_file: web.key}]");
    }
    for (const Value& value : list.List()) {
      LoadCertificate(value);
    }
    whole_ = whole_ && !settings_.certificates.empty();
    settings_.strict_sni = in_.Bool(
        "strict_sni", settings_.strict_sni,
        "Whether clients that name nothing, or nothing that a certificate has, are refused "
        "(unrecognized_name) instead of shown the first certificate.");
  }

  void LoadCertificate(const Value& value) {
    Object in = value.Map();
    CertificatePlaces& places = places_.emplace_back();
    places.whole = value;
    tls::CertificateFiles& files = settings_.certificates.emplace_back();
    files.cert_file =
        File(in, "cert_file",
             About("The certificate, behind it those that issued it, PEM; watched.").Required(),
             places.cert_file);
    files.key_file =
        File(in, "key_file", About("The certificate's private key, PEM; watched.").Required(),
             places.key_file);
    files.key_passphrase =
        in.String("key_passphrase", "",
                  About("What opens a key file that is protected.").Example("\"${KEY_PASS:-}\""));
    files.ocsp_file = File(in, "ocsp_file",
                           "What the issuer's OCSP responder says of it, DER or PEM, to be shown "
                           "with it while it is valid; watched.",
                           places.ocsp_file);
  }

  void LoadProtocols() {
    settings_.min_version =
        in_.Enum<Version>("min_version", {{"1.2", Version::kTls12}, {"1.3", Version::kTls13}},
                          settings_.min_version, "The lowest version of TLS that is spoken.");
    settings_.max_version =
        in_.Enum<Version>("max_version", {{"1.2", Version::kTls12}, {"1.3", Version::kTls13}},
                          settings_.max_version, "The highest one.");
    if (settings_.max_version < settings_.min_version) {
      in_.Error("max_version", "is below min_version");
      whole_ = false;
    }
    settings_.ciphers = in_.Strings(
        "ciphers", About("Cipher suites by OpenSSL's names, those of TLS 1.3 (TLS_...) among them; "
                         "clients choose. Without any of a version: Mozilla's intermediate ones.")
                       .Example("[ECDHE-ECDSA-AES128-GCM-SHA256, TLS_AES_128_GCM_SHA256]"));
    settings_.groups =
        in_.Strings("groups", About("Groups for the key exchange; the preferred first.")
                                  .Default("[X25519, P-256, P-384]"));
  }

  void LoadClientAuth(Object in) {
    tls::ClientAuthSettings& out = settings_.client_auth;
    const ClientAuthMode mode = in.Enum<ClientAuthMode>(
        "mode",
        {{"none", ClientAuthMode::kNone},
         {"request", ClientAuthMode::kRequest},
         {"require", ClientAuthMode::kRequire}},
        ClientAuthMode::kRequire,
        "none asks for no certificate; request verifies one that comes; require lets nobody in "
        "without.");
    out.ca_file =
        File(in, "ca_file",
             "Certificates of those who may issue clients' certificates, PEM; watched.", ca_file_);
    out.crl_file =
        File(in, "crl_file", "Their lists of revoked certificates, PEM, one for each; watched.",
             crl_file_);
    out.verify_depth = static_cast<uint32_t>(
        in.Uint("verify_depth", {out.verify_depth, 1, kMaxDepth},
                "Authorities that may stand between a client's certificate and one of ca_file."));
    if (!in.present()) {
      return;
    }
    out.mode = mode;
    if (mode != ClientAuthMode::kNone && out.ca_file.empty() && !in.Has("ca_file")) {
      in.Error("ca_file", "is required, unless mode is none");
      whole_ = false;
    }
  }

  void LoadTickets() {
    tls::TicketSettings& out = settings_.tickets;
    const Value value = in_.Get(
        "tickets", "Session tickets, which make coming back cheap; `off`: none are given out.");
    if (value.Is("off")) {
      out.enabled = false;
      return;
    }
    Object in = value.Map();
    const Duration kMin = std::chrono::minutes(1);
    const Duration kMax = std::chrono::hours(24 * 7);
    out.rotate_every = in.Time("rotate_every", {out.rotate_every, kMin, kMax},
                               "How long a key made here encrypts new tickets; the two before it "
                               "still open theirs.");
    ticket_files_ = in.Get(
        "key_files", About("Keys that several gateways share, 80 bytes each (48 for AES-128), as "
                           "nginx and HAProxy have them: the first encrypts. Watched.")
                         .Type("path")
                         .Example("[tls/ticket.key]"));
    out.key_files = ticket_files_.Strings();
  }

  void Tell(const tls::Problem& problem) {
    if (problem.certificate != tls::Problem::kNoCertificate) {
      const Value& place = places_[problem.certificate].Of(problem.key);
      problem.fatal ? place.Error(problem.message) : place.Warning(problem.message);
      return;
    }
    const Value* const place = problem.key == "client_auth.ca_file"    ? &ca_file_
                               : problem.key == "client_auth.crl_file" ? &crl_file_
                               : problem.key == "tickets.key_files"    ? &ticket_files_
                                                                       : nullptr;
    if (place != nullptr) {
      problem.fatal ? place->Error(problem.message) : place->Warning(problem.message);
    } else {
      problem.fatal ? in_.Error(problem.key, problem.message)
                    : in_.Warning(problem.key, problem.message);
    }
  }

  Object& in_;
  tls::ServerSettings settings_;
  std::vector<CertificatePlaces> places_;
  Value ca_file_;
  Value crl_file_;
  Value ticket_files_;
  bool whole_ = true;  // Nothing is missing that what is made of it needs.
};

}  // namespace

std::shared_ptr<tls::ServerTls> LoadListenerTls(config::Object& listener,
                                                std::vector<std::string> alpn,
                                                const tls::ServerTls* previous) {
  if (!listener.Has("tls")) {
    return nullptr;
  }
  Object in = listener.Child(
      "tls", "Connections are protected with TLS; without it they are in the clear.");
  return TlsLoading(in).Load(std::move(alpn), previous);
}

}  // namespace gatehouse::proxy
