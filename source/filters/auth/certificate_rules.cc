// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/certificate_rules.h"

#include <algorithm>
#include <span>

#include "source/base/text.h"
#include "source/pipeline/regex_cache.h"
#include "source/pipeline/value_config.h"

namespace gatehouse::filters {
namespace {

using config::About;
using config::Object;
using config::Value;
using observe::IdentityValue;
using observe::PeerCertificate;
using Part = CertificatePart;

// The values of a part, one of which may be the only one.
std::span<const std::string> ValuesOf(const PeerCertificate& certificate, Part part) {
  const auto one = [](const std::string& value) {
    return std::span<const std::string>(&value, value.empty() ? 0 : 1);
  };
  switch (part) {
    case Part::kSubject:
      return one(certificate.subject);
    case Part::kCommonName:
      return one(certificate.common_name);
    case Part::kIssuer:
      return one(certificate.issuer);
    case Part::kSerial:
      return one(certificate.serial);
    case Part::kFingerprint:
      return one(certificate.fingerprint);
    case Part::kDns:
      return certificate.dns_names;
    case Part::kUri:
      return certificate.uris;
    case Part::kEmail:
      return certificate.emails;
  }
  return {};
}

constexpr std::array kParts = {Part::kSubject,     Part::kCommonName, Part::kIssuer, Part::kSerial,
                               Part::kFingerprint, Part::kDns,        Part::kUri,    Part::kEmail};

bool FitsOne(const pipeline::ValueMatch& test, std::span<const std::string> values) {
  if (test.kind == pipeline::ValueMatch::Kind::kAbsent) {
    return values.empty();
  }
  return std::any_of(values.begin(), values.end(),
                     [&](const std::string& value) { return test.Matches(value); });
}

// "AB:CD" and "abcd" are the same number.
std::string Digits(std::string_view text) {
  std::string out = Lowercase(text);
  out.erase(std::remove(out.begin(), out.end(), ':'), out.end());
  return out;
}

void LoadTests(Object& in, pipeline::RegexCache& regexes, CertificateRule& rule) {
  constexpr std::array<const char*, kParts.size()> kHelp = {
      "Its subject, as \"CN=orders,O=Example\".",
      "The common name of its subject.",
      "The subject of who issued it.",
      "Its serial number, in hexadecimal digits.",
      "SHA-256 of the certificate, in hexadecimal digits.",
      "One of the DNS names that it is for.",
      "One of the URIs that it is for, such as a SPIFFE id.",
      "One of the mail addresses that it is for."};
  for (size_t i = 0; i < kParts.size(); ++i) {
    const std::string key(kCertificatePartNames[i]);
    const Value value = in.Get(key, About(kHelp[i]).Type("value or test of it"));
    if (!value.present()) {
      continue;
    }
    pipeline::ValueMatch test = pipeline::LoadValueMatch(key, value, regexes);
    const bool number = kParts[i] == Part::kSerial || kParts[i] == Part::kFingerprint;
    if (number && test.kind != pipeline::ValueMatch::Kind::kRegex) {
      test.text = Digits(test.text);
    }
    if (kParts[i] == Part::kDns && test.kind != pipeline::ValueMatch::Kind::kRegex) {
      test.text = Lowercase(test.text);
    }
    rule.tests.emplace_back(kParts[i], std::move(test));
  }
}

CertificateRule LoadRule(const Value& value, pipeline::RegexCache& regexes) {
  CertificateRule out;
  Object in = value.Map();
  LoadTests(in, regexes, out);
  out.groups = in.Strings("groups", "Groups that whoever it is belongs to.");
  out.attributes = in.StringMap("attributes", "What else is to be known of whoever it is.");
  if (out.tests.empty() && value.IsMap()) {
    value.Error("has no test: left out, `allow` means every certificate");
  }
  return out;
}

}  // namespace

std::optional<CertificatePart> ParseCertificatePart(std::string_view name) {
  const auto at = std::find(kCertificatePartNames.begin(), kCertificatePartNames.end(), name);
  if (at == kCertificatePartNames.end()) {
    return std::nullopt;
  }
  return kParts[static_cast<size_t>(at - kCertificatePartNames.begin())];
}

bool CertificateRule::Fits(const PeerCertificate& certificate) const {
  return std::all_of(tests.begin(), tests.end(), [&](const auto& test) {
    return FitsOne(test.second, ValuesOf(certificate, test.first));
  });
}

const observe::Identity& IdentityOf(const PeerCertificate& certificate,
                                    const std::vector<CertificatePart>& from,
                                    const CertificateRule* rule, std::string_view filter,
                                    Arena& arena) {
  auto& out = *arena.New<observe::Identity>();
  out.kind = observe::IdentityKind::kClientCertificate;
  out.filter = filter;
  out.subject = certificate.fingerprint;
  for (const CertificatePart part : from) {
    if (const auto values = ValuesOf(certificate, part); !values.empty()) {
      out.subject = values.front();
      break;
    }
  }
  size_t count = 0;
  for (const CertificatePart part : kParts) {
    count += ValuesOf(certificate, part).size();
  }
  const std::span<IdentityValue> claims = arena.NewArray<IdentityValue>(count);
  size_t at = 0;
  for (size_t i = 0; i < kParts.size(); ++i) {
    for (const std::string& value : ValuesOf(certificate, kParts[i])) {
      claims[at++] = {kCertificatePartNames[i], value};
    }
  }
  out.claims = claims;
  if (rule != nullptr) {
    out.groups = rule->group_views;
    out.attributes = rule->attribute_views;
  }
  return out;
}

PeerCertificate CertificateLike(const observe::Identity& identity) {
  PeerCertificate out;
  for (const auto& [name, value] : identity.claims) {
    const std::optional<CertificatePart> part = ParseCertificatePart(name);
    std::string text(value);
    if (part == Part::kSubject) {
      out.subject = std::move(text);
    } else if (part == Part::kCommonName) {
      out.common_name = std::move(text);
    } else if (part == Part::kIssuer) {
      out.issuer = std::move(text);
    } else if (part == Part::kSerial) {
      out.serial = std::move(text);
    } else if (part == Part::kFingerprint) {
      out.fingerprint = std::move(text);
    } else if (part == Part::kDns) {
      out.dns_names.push_back(std::move(text));
    } else if (part == Part::kUri) {
      out.uris.push_back(std::move(text));
    } else if (part == Part::kEmail) {
      out.emails.push_back(std::move(text));
    }
  }
  if (out.common_name.empty() && identity.claims.empty()) {
    out.common_name = identity.subject;
  }
  return out;
}

std::string_view ForwardedCertificate(const PeerCertificate& certificate, Arena& arena) {
  std::string out = "Hash=" + certificate.fingerprint + ";Subject=\"";
  for (const char c : certificate.subject) {
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  out += '"';
  // What would end an element is not something that names hold; it must not begin another.
  const auto append = [&](std::string_view key, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      if (value.find_first_of(",;=\"\\") == value.npos) {
        out.append(";").append(key).append("=").append(value);
      } else {
        out.append(";").append(key).append("=\"");
        for (const char c : value) {
          out.append(c == '"' || c == '\\' ? "\\" : "").append(1, c);
        }
        out += '"';
      }
    }
  };
  append("URI", certificate.uris);
  append("DNS", certificate.dns_names);
  // Of text that no field can hold, a mark is left.
  for (char& c : out) {
    c = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return arena.Copy(out);
}

std::vector<CertificatePart> LoadSubjectFrom(Object& in) {
  const Value list =
      in.Get("subject_from",
             About("What names the caller: the first of these that the certificate has. Of several "
                   "names of one kind, the first.")
                 .Type("common_name, subject, dns, uri, email, serial or fingerprint")
                 .Default("[uri, dns, email, common_name, subject]"));
  if (!list.present()) {
    return {Part::kUri, Part::kDns, Part::kEmail, Part::kCommonName, Part::kSubject};
  }
  std::vector<CertificatePart> out;
  for (const Value& value : list.IsScalar() ? std::vector<Value>{list} : list.List()) {
    const std::string name = value.String();
    const auto part = ParseCertificatePart(name);
    if (!part || *part == Part::kIssuer) {
      if (value.IsScalar()) {
        value.Error("\"" + name + "\" does not name who has a certificate",
                    std::string(Nearest(name, kCertificatePartNames)));
      }
    } else {
      out.push_back(*part);
    }
  }
  if (out.empty() && (list.IsNull() || (list.IsList() && list.size() == 0))) {
    list.Error("needs at least one");
  }
  return out;
}

std::vector<CertificateRule> LoadCertificateRules(Object& in) {
  const Value list =
      in.Get("allow",
             "Certificates that are let in: one has to fit; left out, every one that was "
             "verified.");
  std::vector<CertificateRule> out;
  pipeline::RegexCache regexes;
  for (const Value& value : list.List()) {
    out.push_back(LoadRule(value, regexes));
  }
  if (list.present() && out.empty() && (list.IsNull() || list.IsList())) {
    list.Error("is empty: nobody could get in");
  }
  for (CertificateRule& rule : out) {
    rule.group_views.assign(rule.groups.begin(), rule.groups.end());
    for (const auto& [name, value] : rule.attributes) {
      rule.attribute_views.push_back({name, value});
    }
  }
  return out;
}

}  // namespace gatehouse::filters
