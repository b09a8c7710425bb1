// SPDX-License-Identifier: Apache-2.0
// What a certificate says, in words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct asn1_string_st;
struct evp_pkey_st;
struct x509_st;
struct X509_name_st;

namespace gatehouse::tls {

// "CN=orders,O=Example" (RFC 2253, but UTF-8 is left as it is).
std::string NameText(const X509_name_st* name);
// Of the subject, the last there is; may be empty.
std::string CommonName(const x509_st& certificate);
std::string SerialText(const x509_st& certificate);       // Hexadecimal digits, lower case.
std::string FingerprintText(const x509_st& certificate);  // SHA-256, as `SerialText`.

// Subject alternative names. DNS names and mail addresses in lower case; none holds a NUL.
struct AlternativeNames {
  std::vector<std::string> dns;
  std::vector<std::string> uris;
  std::vector<std::string> emails;
  std::vector<std::string> addresses;  // "192.0.2.1"
};
AlternativeNames NamesOf(const x509_st& certificate);

// Seconds since the epoch.
int64_t NotBefore(const x509_st& certificate);
int64_t NotAfter(const x509_st& certificate);
int64_t SecondsOf(const asn1_string_st& time);
// "2026-11-22 18:00:00 UTC"
std::string TimeText(int64_t seconds);

// "RSA 2048", "EC P-256", "ED25519".
std::string KeyText(const evp_pkey_st& key);

}  // namespace gatehouse::tls
