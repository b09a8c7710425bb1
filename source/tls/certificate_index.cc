// SPDX-License-Identifier: Apache-2.0
#include "source/tls/certificate_index.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "source/base/text.h"

namespace gatehouse::tls {
namespace {

constexpr size_t kLongestName = 255;

}  // namespace

CertificateIndex::CertificateIndex(std::vector<std::shared_ptr<const Certificate>> certificates,
                                   const Report& report)
    : certificates_(std::move(certificates)) {
  Fill(report);
}

void CertificateIndex::Fill(const Report& report) {
  // By name, the places of its certificates.
  std::unordered_map<std::string_view, std::vector<uint32_t>> places;
  for (uint32_t i = 0; i < certificates_.size(); ++i) {
    bool told = false;
    for (const std::string& name : certificates_[i]->facts.names) {
      std::vector<uint32_t>& same = places[name];
      const auto first = std::find_if(same.begin(), same.end(), [&](uint32_t other) {
        return certificates_[other]->key_kind == certificates_[i]->key_kind;
      });
      if (first == same.end()) {
        same.push_back(i);
      } else if (*first != i && !std::exchange(told, true)) {
        report({false, "cert_file", i,
                "the certificate in " + certificates_[i]->files.cert_file + " is not shown for \"" +
                    name + "\": the one in " + certificates_[*first]->files.cert_file +
                    " comes first, with the same kind of key"});
      }
    }
  }
  std::map<std::vector<uint32_t>, uint32_t> known;
  const auto set_of = [&](const std::vector<uint32_t>& members) {
    const auto [at, is_new] = known.emplace(members, static_cast<uint32_t>(sets_.size()));
    if (is_new) {
      Set& set = sets_.emplace_back();
      for (const uint32_t i : members) {
        set.push_back(certificates_[i].get());
      }
    }
    return at->second;
  };
  const std::vector<std::string>& names = certificates_.front()->facts.names;
  set_of(names.empty() ? std::vector<uint32_t>{0} : places[names.front()]);
  for (const auto& [name, members] : places) {
    by_name_.emplace(name, set_of(members));
  }
}

const CertificateIndex::Set* CertificateIndex::FindExactly(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &sets_[found->second];
}

const CertificateIndex::Set* CertificateIndex::Find(std::string_view name) const {
  if (name.ends_with('.')) {
    name.remove_suffix(1);
  }
  if (name.empty() || name.size() > kLongestName) {
    return nullptr;
  }
  std::array<char, kLongestName> lower{};
  std::transform(name.begin(), name.end(), lower.begin(), [](char c) { return ToLower(c); });
  const std::string_view wanted(lower.data(), name.size());
  // A star that a client sends is no name.
  if (wanted.starts_with('*')) {
    return nullptr;
  }
  if (const Set* const found = FindExactly(wanted)) {
    return found;
  }
  const size_t dot = wanted.find('.');
  if (dot == wanted.npos || dot == 0) {
    return nullptr;
  }
  lower[dot - 1] = '*';
  return FindExactly(wanted.substr(dot - 1));
}

}  // namespace gatehouse::tls
