// SPDX-License-Identifier: Apache-2.0
#include "source/tls/x509_text.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <array>
#include <ctime>
#include <memory>
#include <string_view>

#include "source/base/text.h"

namespace gatehouse::tls {
namespace {

std::string Hex(const unsigned char* bytes, size_t size) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * size);
  for (size_t i = 0; i < size; ++i) {
    out.push_back(kDigits[bytes[i] >> 4]);
    out.push_back(kDigits[bytes[i] & 15]);
  }
  return out;
}

std::string Text(const ASN1_STRING* text) {
  const unsigned char* const data = ASN1_STRING_get0_data(text);
  std::string out(reinterpret_cast<const char*>(data),
                  static_cast<size_t>(ASN1_STRING_length(text)));
  // A name with a NUL in it is not what it looks like.
  return out.find('\0') == out.npos ? out : std::string();
}

void Add(std::string text, std::vector<std::string>& out) {
  if (!text.empty()) {
    out.push_back(std::move(text));
  }
}

std::string AddressText(const ASN1_OCTET_STRING* bytes) {
  constexpr int kV4 = 4;
  constexpr int kV6 = 16;
  const unsigned char* const data = ASN1_STRING_get0_data(bytes);
  const int size = ASN1_STRING_length(bytes);
  if (size != kV4 && size != kV6) {
    return "";
  }
  std::array<char, 64> text{};
  return inet_ntop(size == kV4 ? AF_INET : AF_INET6, data, text.data(), text.size()) == nullptr
             ? ""
             : text.data();
}

}  // namespace

std::string NameText(const X509_name_st* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

std::string CommonName(const x509_st& certificate) {
  const X509_NAME* const subject = X509_get_subject_name(&certificate);
  int at = -1;
  for (int next = -1; (next = X509_NAME_get_index_by_NID(subject, NID_commonName, next)) >= 0;) {
    at = next;
  }
  if (at < 0) {
    return "";
  }
  unsigned char* utf8 = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) {
    return "";
  }
  std::string out(reinterpret_cast<const char*>(utf8), static_cast<size_t>(size));
  OPENSSL_free(utf8);
  return out.find('\0') == out.npos ? out : std::string();
}

std::string SerialText(const x509_st& certificate) {
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr), BN_free);
  if (number == nullptr) {
    return "";
  }
  std::vector<unsigned char> bytes(static_cast<size_t>(BN_num_bytes(number.get())));
  BN_bn2bin(number.get(), bytes.data());
  return bytes.empty() ? "00" : Hex(bytes.data(), bytes.size());
}

std::string FingerprintText(const x509_st& certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  return X509_digest(&certificate, EVP_sha256(), digest.data(), &size) == 1
             ? Hex(digest.data(), size)
             : "";
}

AlternativeNames NamesOf(const x509_st& certificate) {
  AlternativeNames out;
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    switch (name->type) {
      case GEN_DNS:
        Add(Lowercase(Text(name->d.dNSName)), out.dns);
        break;
      case GEN_URI:
        Add(Text(name->d.uniformResourceIdentifier), out.uris);
        break;
      case GEN_EMAIL:
        Add(Lowercase(Text(name->d.rfc822Name)), out.emails);
        break;
      case GEN_IPADD:
        Add(AddressText(name->d.iPAddress), out.addresses);
        break;
      default:
        break;
    }
  }
  return out;
}

int64_t NotBefore(const x509_st& certificate) {
  return SecondsOf(*X509_get0_notBefore(&certificate));
}

int64_t NotAfter(const x509_st& certificate) {
  return SecondsOf(*X509_get0_notAfter(&certificate));
}

int64_t SecondsOf(const asn1_string_st& time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(&time, &parts) == 1 ? timegm(&parts) : 0;
}

std::string TimeText(int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

std::string KeyText(const evp_pkey_st& key) {
  const std::string type = OBJ_nid2sn(EVP_PKEY_get_base_id(&key));
  switch (EVP_PKEY_get_base_id(&key)) {
    case EVP_PKEY_RSA:
      return "RSA " + std::to_string(EVP_PKEY_get_bits(&key));
    case EVP_PKEY_EC: {
      std::array<char, 64> group{};
      EVP_PKEY_get_group_name(&key, group.data(), group.size(), nullptr);
      const char* const nist = EC_curve_nid2nist(OBJ_txt2nid(group.data()));
      return std::string("EC ") + (nist == nullptr ? group.data() : nist);
    }
    default:
      return type;
  }
}

}  // namespace gatehouse::tls
