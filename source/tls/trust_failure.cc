// SPDX-License-Identifier: Apache-2.0
#include "source/tls/trust_failure.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>
#include <vector>

#include "source/tls/x509_text.h"

namespace gatehouse::tls {
namespace {

constexpr size_t kMostNames = 4;

std::string DateOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    return "an unknown date";
  }
  std::array<char, 32> text{};
  const size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts);
  return {text.data(), size};
}

// What comes from the peer goes into logs: only what names may hold.
std::string Printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 255)) {
    out += c >= 0x20 && c < 0x7f && c != '"' ? c : '?';
  }
  return out;
}

// "a.test, *.b.test and 3 more"; empty when it is for none.
std::string ListNames(const X509& certificate) {
  AlternativeNames names = NamesOf(certificate);
  std::vector<std::string>& all = names.dns;
  all.insert(all.end(), names.addresses.begin(), names.addresses.end());
  std::string out;
  for (size_t i = 0; i < std::min(all.size(), kMostNames); ++i) {
    out += (out.empty() ? "" : ", ") + Printable(all[i]);
  }
  return all.size() > kMostNames ? out + " and " + std::to_string(all.size() - kMostNames) + " more"
                                 : out;
}

std::string WrongName(const X509& certificate, const std::string& name) {
  const std::string names = ListNames(certificate);
  return names.empty() ? "the certificate has no subject alternative name, so it is not for " + name
                       : "the certificate is for " + names + ", not " + name;
}

std::string Issuer(const X509* certificate) {
  return Printable(NameText(X509_get_issuer_name(certificate)));
}

std::string UnknownIssuer(const X509* certificate, const TrustFiles& files) {
  return "the issuer \"" + Issuer(certificate) + "\" is not known (" +
         (files.ca_file.empty() ? "to the system; ca_file can name others"
                                : "ca_file " + files.ca_file) +
         ")";
}

}  // namespace

std::string SubjectOf(const x509_store_ctx_st* chain) {
  const X509* const leaf = X509_STORE_CTX_get0_cert(chain);
  const std::string name = leaf == nullptr ? "" : NameText(X509_get_subject_name(leaf));
  return '"' + Printable(name) + '"';
}

std::string TrustFailure(x509_store_ctx_st* chain, const TrustFiles& files,
                         const std::string& name) {
  const int error = X509_STORE_CTX_get_error(chain);
  const X509* at = X509_STORE_CTX_get_current_cert(chain);
  if (at == nullptr) {
    at = X509_STORE_CTX_get0_cert(chain);
  }
  if (at == nullptr) {
    return "it shows no certificate";
  }
  const bool leaf = X509_STORE_CTX_get_error_depth(chain) == 0;
  const std::string which = leaf ? "the certificate"
                                 : "the certificate of its issuer \"" +
                                       Printable(NameText(X509_get_subject_name(at))) + "\"";
  switch (error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return WrongName(*at, name);
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return which + " expired on " + DateOf(X509_get0_notAfter(at));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return which + " is not valid before " + DateOf(X509_get0_notBefore(at));
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "the certificate is self-signed, and not in " +
             (files.ca_file.empty() ? "what the system trusts; ca_file can name it"
                                    : "ca_file " + files.ca_file);
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return UnknownIssuer(at, files);
    case X509_V_ERR_CERT_REVOKED:
      return which + " has been revoked (crl_file " + files.crl_file + ")";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      return "crl_file " + files.crl_file + " has no list of \"" + Issuer(at) + "\"";
    case X509_V_ERR_CRL_HAS_EXPIRED:
      return "the list of \"" + Issuer(at) + "\" in crl_file " + files.crl_file + " is out of date";
    default:
      return which + " can't be trusted: " + X509_verify_cert_error_string(error);
  }
}

}  // namespace gatehouse::tls
