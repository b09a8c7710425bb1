// SPDX-License-Identifier: Apache-2.0
// Which certificates are shown to whom: by the name that the client asks for (SNI, RFC 6066
// section 3).
//
// One lookup or two, however many certificates there are: the name itself, then with a star in
// place of its first label, which is all that a wildcard stands for (RFC 6125 section 6.4.3).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "source/tls/certificate.h"

namespace gatehouse::tls {

// Immutable; any thread.
class CertificateIndex {
 public:
  // One of each kind of key (RSA, EC), of those that have a name.
  using Set = std::vector<const Certificate*>;

  // Of two with the same name and kind of key the first is shown, and `report` hears of the other.
  CertificateIndex(std::vector<std::shared_ptr<const Certificate>> certificates,
                   const Report& report);

  const std::vector<std::shared_ptr<const Certificate>>& certificates() const {
    return certificates_;
  }
  // For those who name nothing that is known: the first certificate, and those beside it.
  const Set& first() const { return sets_.front(); }
  // `name` is as the client sent it. Null: no certificate has it.
  const Set* Find(std::string_view name) const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  const Set* FindExactly(std::string_view name) const;
  void Fill(const Report& report);

  std::vector<std::shared_ptr<const Certificate>> certificates_;
  std::vector<Set> sets_;  // All different.
  std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>> by_name_;
};

}  // namespace gatehouse::tls
