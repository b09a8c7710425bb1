// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/key_set.h"

#include <bit>
#include <cstring>
#include <unordered_set>

#include "source/base/check.h"
#include "source/base/text.h"
#include "source/filters/auth/timestamp.h"
#include "source/filters/field_name.h"

namespace gatehouse::filters {
namespace {

using config::Object;
using config::Value;

size_t TextBytes(const KeyEntry& entry) {
  size_t out = entry.name.size();
  for (const std::string& group : entry.groups) {
    out += group.size();
  }
  for (const auto& [name, value] : entry.attributes) {
    out += name.size() + value.size();
  }
  return out;
}

}  // namespace

KeySet::KeySet(std::span<const KeyEntry> entries, std::string_view filter) {
  size_t text = 0;
  size_t groups = 0;
  size_t attributes = 0;
  for (const KeyEntry& entry : entries) {
    text += TextBytes(entry);
    groups += entry.groups.size();
    attributes += entry.attributes.size();
  }
  // Once and for all: what follows points inside.
  text_.reserve(text);
  groups_.reserve(groups);
  attributes_.reserve(attributes);
  keys_.reserve(entries.size());
  slots_.resize(std::bit_ceil(2 * entries.size() + 1));
  for (const KeyEntry& entry : entries) {
    const size_t first_group = groups_.size();
    for (const std::string& group : entry.groups) {
      groups_.push_back(Text(group));
    }
    const size_t first_attribute = attributes_.size();
    for (const auto& [name, value] : entry.attributes) {
      attributes_.push_back({Text(name), Text(value)});
    }
    keys_.push_back({entry.digest,
                     entry.expires,
                     {.kind = observe::IdentityKind::kApiKey,
                      .filter = filter,
                      .subject = Text(entry.name),
                      .groups = std::span(groups_).subspan(first_group),
                      .attributes = std::span(attributes_).subspan(first_attribute)}});
    size_t slot = HomeOf(entry.digest);
    while (slots_[slot] != 0) {
      slot = (slot + 1) & (slots_.size() - 1);
    }
    slots_[slot] = static_cast<uint32_t>(keys_.size());
  }
}

std::string_view KeySet::Text(std::string_view text) {
  GATEHOUSE_CHECK(text_.capacity() - text_.size() >= text.size(), "room was made for all texts");
  const size_t at = text_.size();
  text_.append(text);
  return std::string_view(text_).substr(at);
}

size_t KeySet::HomeOf(const Sha256Digest& digest) const {
  uint64_t word = 0;
  std::memcpy(&word, digest.data(), sizeof word);
  return word & (slots_.size() - 1);
}

const Key* KeySet::Find(const Sha256Digest& digest) const {
  for (size_t slot = HomeOf(digest); slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
    const Key& key = keys_[slots_[slot] - 1];
    if (key.digest == digest) {
      return &key;
    }
  }
  return nullptr;
}

size_t KeySet::bytes() const {
  return text_.capacity() + groups_.capacity() * sizeof(groups_[0]) +
         attributes_.capacity() * sizeof(attributes_[0]) + keys_.capacity() * sizeof(keys_[0]) +
         slots_.capacity() * sizeof(slots_[0]);
}

// --- Loading ---------------------------------------------------------------------------------

namespace {

// 64 hexadecimal digits; false when it is something else.
bool ParseDigest(std::string_view text, Sha256Digest& out) {
  if (text.size() != 2 * out.size()) {
    return false;
  }
  for (size_t i = 0; i < out.size(); ++i) {
    const int high = HexDigit(text[2 * i]);
    const int low = HexDigit(text[2 * i + 1]);
    if (high < 0 || low < 0) {
      return false;
    }
    out[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

std::string LoadText(const Value& value) {
  std::string text = value.String();
  if (HoldsControls(text)) {
    value.Error("has control characters");
  }
  return text;
}

// False when it can't be used.
bool LoadKey(const Value& value, KeyEntry& out) {
  Object in = value.Map();
  const Value name = in.Get("name", config::About("Whose key this is. Several may have one name: "
                                                  "an old one and its successor.")
                                        .Required()
                                        .Example("acme"));
  out.name = LoadText(name);
  if (name.IsScalar() && out.name.empty()) {
    name.Error("is empty; a key is somebody's");
  }
  const Value digest =
      in.Get("sha256", config::About("The key's SHA-256 digest, as sha256sum prints it: 64 "
                                     "hexadecimal digits.")
                           .Type("SHA-256 digest")
                           .Required());
  const bool formed = ParseDigest(digest.String(), out.digest);
  if (digest.IsScalar() && !formed) {
    digest.Error("expected 64 hexadecimal digits: `printf %s KEY | sha256sum` makes them");
  }
  if (in.Has("key")) {
    in.Error("key",
             "keys are not kept in clear text: `sha256` takes what `printf %s KEY | sha256sum` "
             "prints");
    in.Unchecked();
  } else if ((value.IsMap() || value.IsNull()) && !digest.present()) {
    in.Error("needs `sha256`");
  }
  if ((value.IsMap() || value.IsNull()) && !name.present()) {
    in.Error("needs `name`");
  }
  for (const Value& group : in.List("groups", "Groups that its owner is in.")) {
    out.groups.push_back(LoadText(group));
  }
  for (const auto& [key, text] :
       in.Get("attributes", "What else there is to know of its owner.").Entries()) {
    out.attributes.emplace_back(key, LoadText(text));
  }
  const Value expires = in.Get(
      "expires", config::About("From when on it is not accepted.").Example("2027-01-01T00:00:00Z"));
  if (expires.present()) {
    const Result<WallTime> time = ParseTimestamp(expires.String());
    if (time) {
      out.expires = *time;
    } else {
      expires.Error(time.error().message);
    }
  }
  out.at = digest.present() ? digest : value;
  return formed;
}

}  // namespace

void AppendKeys(std::vector<KeyEntry>& keys, std::vector<KeyEntry> more) {
  std::unordered_set<Sha256Digest, DigestHash> known;
  for (const KeyEntry& key : keys) {
    known.insert(key.digest);
  }
  for (KeyEntry& key : more) {
    if (known.insert(key.digest).second) {
      keys.push_back(std::move(key));
    } else {
      key.at.Error("this key is listed already");
    }
  }
}

std::vector<KeyEntry> LoadKeys(const Value& list) {
  std::vector<KeyEntry> all;
  for (const Value& value : list.List()) {
    KeyEntry key;
    if (LoadKey(value, key)) {
      all.push_back(std::move(key));
    }
  }
  std::vector<KeyEntry> out;
  AppendKeys(out, std::move(all));
  return out;
}

}  // namespace gatehouse::filters
