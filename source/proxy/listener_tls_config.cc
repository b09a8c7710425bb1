// SPDX-License-Identifier: Apache-2.0
// tls:
//   certificates:
//     - {cert_file: tls/api.crt, key_file: tls/api.key}
#include "source/proxy/listener_tls_config.h"

#include <utility>

namespace gatehouse::proxy {
namespace {

using config::About;
using config::Object;
using config::Value;

// Where the files of one certificate are named.
struct CertificatePlaces {
  Value whole;
  Value cert_file;
  Value key_file;

  const Value& Of(std::string_view key) const {
    const Value& place = key == "key_file" ? key_file : cert_file;
    return place.present() ? place : whole;
  }
};

class TlsLoading {
 public:
  explicit TlsLoading(Object& in) : in_(in) {}

  std::shared_ptr<tls::ServerTls> Load(std::vector<std::string> alpn) {
    settings_.alpn = std::move(alpn);
    LoadCertificates();
    if (!in_.present()) {
      return nullptr;
    }
    return whole_ ? tls::ServerTls::Make(settings_, [this](const tls::Problem& one) { Tell(one); })
                  : nullptr;
  }

 private:
  std::string RequiredFile(Object& in, std::string_view key, const About& about, Value& place) {
    place = in.Get(key, about.Type("path").Required());
    std::string path = place.String();
    if (!place.present()) {
      in.Error(key, "is required");
    } else if (place.IsScalar() && path.empty()) {
      place.Error("must not be empty");
    }
    whole_ = whole_ && !path.empty();
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
      Object one = value.Map();
      CertificatePlaces& places = places_.emplace_back();
      places.whole = value;
      tls::CertificateFiles& files = settings_.certificates.emplace_back();
      files.cert_file = RequiredFile(
          one, "cert_file", "The certificate, behind it those that issued it, PEM; watched.",
          places.cert_file);
      files.key_file = RequiredFile(one, "key_file", "The certificate's private key, PEM; watched.",
                                    places.key_file);
    }
    whole_ = whole_ && !settings_.certificates.empty();
  }

  void Tell(const tls::Problem& problem) {
    if (problem.certificate == tls::Problem::kNoCertificate) {
      if (problem.fatal) {
        in_.Error(problem.key, problem.message);
      } else {
        in_.Warning(problem.key, problem.message);
      }
      return;
    }
    const Value& place = places_[problem.certificate].Of(problem.key);
    if (problem.fatal) {
      place.Error(problem.message);
    } else {
      place.Warning(problem.message);
    }
  }

  Object& in_;
  tls::ServerSettings settings_;
  std::vector<CertificatePlaces> places_;
  bool whole_ = true;  // The files can be looked at.
};

}  // namespace

std::shared_ptr<tls::ServerTls> LoadListenerTls(Object& listener, std::vector<std::string> alpn) {
  if (!listener.Has("tls")) {
    return nullptr;
  }
  Object in = listener.Child(
      "tls", "Connections are protected with TLS; without it they are in the clear.");
  return TlsLoading(in).Load(std::move(alpn));
}

}  // namespace gatehouse::proxy
