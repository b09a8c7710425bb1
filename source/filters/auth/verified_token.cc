// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/verified_token.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "source/base/check.h"

namespace gatehouse::filters {
namespace {

using observe::IdentityValue;

// What malloc adds to a block, about.
constexpr size_t kOverhead = 16;

bool IsScope(const FlatJson::Value& value) {
  return value.top && value.kind == JsonKind::kString &&
         (value.name == "scope" || value.name == "scp");
}

template <typename Visit>
void ForEachScope(const FlatJson& claims, Visit visit) {
  for (const FlatJson::Value& value : claims.values()) {
    if (!IsScope(value)) {
      continue;
    }
    std::string_view left = value.value;
    while (!left.empty()) {
      const size_t end = std::min(left.find(' '), left.size());
      if (end != 0) {
        visit(left.substr(0, end));
      }
      left.remove_prefix(std::min(end + 1, left.size()));
    }
  }
}

template <typename Visit>
void ForEachGroup(const FlatJson& claims, std::string_view name, Visit visit) {
  for (const FlatJson::Value& value : claims.values()) {
    if (value.name == name) {
      visit(value.value);
    }
  }
}

// Hands out parts of one block, the most aligned ones first.
class Carver {
 public:
  explicit Carver(char* next) : next_(next) {}
  template <typename T>
  T* Take(size_t count) {
    T* const out = reinterpret_cast<T*>(next_);
    next_ += count * sizeof(T);
    return out;
  }
  std::string_view Copy(std::string_view text) {
    char* const out = Take<char>(text.size());
    text.copy(out, text.size());
    return {out, text.size()};
  }

 private:
  char* next_;
};

}  // namespace

TokenRef VerifiedToken::Make(std::string_view text, const FlatJson& claims, const Facts& facts) {
  size_t scopes = 0;
  size_t groups = 0;
  ForEachScope(claims, [&](std::string_view) { ++scopes; });
  ForEachGroup(claims, facts.groups_claim, [&](std::string_view) { ++groups; });
  const auto values = claims.values();
  const size_t text_room =
      (text.size() + alignof(VerifiedToken) - 1) & ~(alignof(VerifiedToken) - 1);
  const size_t bytes = sizeof(VerifiedToken) + text_room + values.size() * sizeof(IdentityValue) +
                       (scopes + groups) * sizeof(std::string_view) + claims.text().size();
  char* const block = static_cast<char*>(std::malloc(bytes));
  GATEHOUSE_CHECK(block != nullptr, "out of memory");
  auto* const token = new (block) VerifiedToken;
  char* const text_out = block + sizeof(VerifiedToken);
  text.copy(text_out, text.size());
  Carver carver(text_out + text_room);
  auto* const claims_out = carver.Take<IdentityValue>(values.size());
  auto* const scopes_out = carver.Take<std::string_view>(scopes);
  auto* const groups_out = carver.Take<std::string_view>(groups);
  const std::string_view kept = carver.Copy(claims.text());
  const auto moved = [&](std::string_view view) {
    return view.empty()
               ? std::string_view()
               : kept.substr(static_cast<size_t>(view.data() - claims.text().data()), view.size());
  };
  for (size_t i = 0; i < values.size(); ++i) {
    new (&claims_out[i]) IdentityValue{moved(values[i].name), moved(values[i].value)};
  }
  size_t at = 0;
  ForEachScope(claims, [&](std::string_view scope) {
    new (&scopes_out[at++]) std::string_view(moved(scope));
  });
  at = 0;
  ForEachGroup(claims, facts.groups_claim, [&](std::string_view group) {
    new (&groups_out[at++]) std::string_view(moved(group));
  });
  token->text_ = {text_out, text.size()};
  token->identity_ = {.kind = observe::IdentityKind::kJwt,
                      .filter = facts.filter,
                      .subject = moved(facts.subject),
                      .groups = {groups_out, groups},
                      .claims = {claims_out, values.size()}};
  token->scopes_ = {scopes_out, scopes};
  token->expires_ms_ = facts.expires_ms;
  token->not_before_ms_ = facts.not_before_ms;
  token->generation_ = facts.generation;
  token->bytes_ = static_cast<uint32_t>(bytes + kOverhead);
  return TokenRef(token);
}

void VerifiedToken::Free(VerifiedToken* token) { std::free(token); }

}  // namespace gatehouse::filters
