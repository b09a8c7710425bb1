// SPDX-License-Identifier: Apache-2.0
// Certificates, keys, revocation lists and OCSP responses for tests, in a directory of their own.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/tls/pem.h"

namespace gatehouse::tls {

// A certificate with its key.
struct Made {
  X509Ptr certificate;
  KeyPtr key;
};

struct MadeOf {
  std::string common_name = "test";
  std::string names{};  // As OpenSSL's configuration has them: "DNS:a.example.com,URI:x".
  enum class Key : uint8_t { kEc, kRsa, kWeakRsa };
  Key key = Key::kEc;
  bool authority = false;
  int64_t from = -3600;  // Seconds from now.
  int64_t until = 30 * 24 * 3600;
  const Made* issuer = nullptr;  // Null: signed by itself.
};
Made Make(const MadeOf& what);

std::string Pem(const Made& made);  // The certificate.
std::string KeyPem(const Made& made, const std::string& passphrase = {});
// The list of what `issuer` has revoked.
std::string CrlPem(const Made& issuer, const std::vector<const Made*>& revoked,
                   int64_t until = 24 * 3600);
// What a responder with the issuer's own key says of `made`.
std::string OcspDer(const Made& made, const Made& issuer, bool good = true, int64_t from = -3600,
                    int64_t until = 24 * 3600);

// Removed with all that is in it.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  // The path of `name` in it.
  std::string Path(const std::string& name) const { return path_ + "/" + name; }
  // Writes a file anew, by a rename; returns its path.
  std::string Write(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

}  // namespace gatehouse::tls
