// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/jwk_set.h"

#include <jansson.h>

#include <algorithm>
#include <utility>

namespace gatehouse::filters {
namespace {

struct FreeJson {
  void operator()(json_t* value) const { json_decref(value); }
};

tl::unexpected<Error> Bad(std::string why) {
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kUpstream, std::move(why));
}

std::string Title(size_t index, const std::string& id) {
  constexpr size_t kLongest = 64;
  std::string out = "key " + std::to_string(index + 1);
  if (!id.empty()) {
    out.append(" (\"").append(id, 0, kLongest).append("\")");
  }
  return out + ": ";
}

std::string IdOf(const json_t* key) {
  const json_t* const id = json_object_get(key, "kid");
  return json_is_string(id) ? std::string(json_string_value(id), json_string_length(id))
                            : std::string();
}

// What `key` may verify by the rules; the reason when that is nothing.
std::string Restrict(Jwk& key, const JwkSet::Rules& rules, bool any_public) {
  if (!key.secret().empty() && !rules.secrets) {
    key.Restrict({});
    return "it is a secret, and keys that are fetched are not";
  }
  if (!rules.algorithms && !key.secret().empty() && any_public) {
    key.Restrict({});
    return "it is a secret among public keys; `algorithms` says whether it may be used";
  }
  key.Restrict(rules.algorithms.value_or(JwsAlgorithms::All()));
  return key.algorithms().empty() ? "`algorithms` has none that it is for" : "";
}

}  // namespace

Result<std::shared_ptr<const JwkSet>> JwkSet::Parse(std::string text, const Rules& rules,
                                                    uint64_t generation) {
  if (text.size() > kMaxTextBytes) {
    return Bad("it has more than " + std::to_string(kMaxTextBytes / 1024) + " KiB");
  }
  json_error_t error;
  const std::unique_ptr<json_t, FreeJson> root(
      json_loadb(text.data(), text.size(), JSON_REJECT_DUPLICATES, &error));
  if (root == nullptr) {
    return Bad("it is not valid JSON (line " + std::to_string(error.line) + ")");
  }
  const json_t* const list = json_object_get(root.get(), "keys");
  if (!json_is_array(list)) {
    return Bad("it is not a JWKS: an object with a list called `keys`");
  }
  const size_t size = json_array_size(list);
  if (size > kMaxKeys) {
    return Bad("it has " + std::to_string(size) + " keys; at most " + std::to_string(kMaxKeys) +
               " are read");
  }
  std::shared_ptr<JwkSet> out(new JwkSet);
  std::vector<std::string> titles;
  for (size_t i = 0; i < size; ++i) {
    const json_t* const key = json_array_get(list, i);
    std::string title = Title(i, IdOf(key));
    Result<Jwk> imported = Jwk::Import(key);
    if (imported) {
      out->keys_.push_back(std::move(*imported));
      titles.push_back(std::move(title));
    } else {
      out->passed_over_.push_back(title + imported.error().message);
    }
  }
  const bool any_public = std::any_of(out->keys_.begin(), out->keys_.end(),
                                      [](const Jwk& key) { return key.secret().empty(); });
  for (size_t i = 0; i < titles.size(); ++i) {
    if (const std::string why = Restrict(out->keys_[i], rules, any_public); !why.empty()) {
      out->passed_over_.push_back(titles[i] + why);
    }
  }
  std::erase_if(out->keys_, [](const Jwk& key) { return key.algorithms().empty(); });
  if (out->keys_.empty()) {
    return Bad(out->passed_over_.empty() ? "it has no keys"
                                         : "it has no usable key: " + out->passed_over_.front());
  }
  out->text_ = std::move(text);
  out->generation_ = generation;
  return std::shared_ptr<const JwkSet>(std::move(out));
}

JwkSet::Match JwkSet::Find(JwsAlgorithm algorithm, std::optional<std::string_view> id) const {
  Match out;
  out.id_known = !id;
  for (size_t i = 0; i < keys_.size(); ++i) {
    const bool nameless = keys_[i].id().empty();
    const bool named = id && !nameless && keys_[i].id() == *id;
    out.id_known |= named;
    if ((!id || nameless || named) && keys_[i].algorithms().Has(algorithm) &&
        out.keys.size() < kMaxTried) {
      out.keys.push_back(i);
    }
  }
  return out;
}

}  // namespace gatehouse::filters
