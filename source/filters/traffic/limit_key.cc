// SPDX-License-Identifier: Apache-2.0
#include "source/filters/traffic/limit_key.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "source/base/text.h"
#include "source/filters/field_name.h"
#include "source/pipeline/request_values.h"

namespace gatehouse::filters {
namespace {

using Kind = LimitKeyPart::Kind;

// What stands before each value of a part, beside its length, and after the last.
constexpr uint64_t kValue = 1;
constexpr uint64_t kEnd = 2;
constexpr uint64_t kAddressInstead = 3;

// Where Feed() puts what it finds, besides SipHash.
class TextSink {
 public:
  void Word(uint64_t word) { out.append(reinterpret_cast<const char*>(&word), sizeof word); }
  void Bytes(std::string_view bytes) { out.append(bytes); }
  std::string out;
};

// Nothing, and an error, when it is none.
std::optional<LimitKeyPart> LoadWord(const config::Value& value) {
  static constexpr std::string_view kWords[] = {"client_ip", "route",      "listener",
                                                "consumer",  "subject",    "groups",
                                                "kind",      "claims.sub", "attributes.plan"};
  const std::string word = value.String();
  if (!value.IsScalar()) {
    return std::nullopt;
  }
  for (const auto& [name, kind] : {std::pair<std::string_view, Kind>("client_ip", Kind::kClientIp),
                                   {"route", Kind::kRoute},
                                   {"listener", Kind::kListener}}) {
    if (word == name) {
      return LimitKeyPart{.kind = kind};
    }
  }
  auto field = observe::IdentityField::Parse(word == "consumer" ? "subject" : word);
  if (field) {
    return LimitKeyPart{.kind = Kind::kIdentity, .field = *std::move(field)};
  }
  value.Error(
      "expected client_ip, route, listener, consumer, claims.NAME, attributes.NAME, {header: "
      "NAME}, {cookie: NAME} or a list of these, got \"" +
          word + "\"",
      std::string(Nearest(word, kWords)));
  return std::nullopt;
}

std::optional<LimitKeyPart> LoadPart(const config::Value& value) {
  if (!value.IsMap()) {
    return LoadWord(value);
  }
  config::Object in = value.Map();
  const config::Value header = in.Get("header", "The field whose values are part of the key.");
  const config::Value cookie = in.Get("cookie", "The cookie whose value is part of the key.");
  if (header.present() == cookie.present()) {
    value.Error(header.present() ? "`header` and `cookie` are two parts: write a list of both"
                                 : "expected {header: NAME} or {cookie: NAME}");
    return std::nullopt;
  }
  const config::Value& named = header.present() ? header : cookie;
  std::string name = named.String();
  if (named.IsScalar() && !IsFieldName(name)) {
    named.Error("\"" + name + "\" is not the name of a " +
                (header.present() ? "header field" : "cookie"));
  }
  if (header.present()) {
    return LimitKeyPart{.kind = Kind::kHeader, .name = Lowercase(name)};
  }
  return LimitKeyPart{.kind = Kind::kCookie, .name = std::move(name)};
}

}  // namespace

ClientBlock::ClientBlock(uint8_t prefix) : prefix_(prefix) {
  std::array<uint8_t, 16> bits{};
  for (size_t i = 0; i < prefix; ++i) {
    bits[i / 8] |= static_cast<uint8_t>(0x80 >> (i % 8));
  }
  mask_ = std::bit_cast<std::array<uint64_t, 2>>(bits);
}

std::array<uint64_t, 2> ClientBlock::Words(const IpAddress& address) const {
  auto words = std::bit_cast<std::array<uint64_t, 2>>(address.bytes);
  if (!address.IsV4()) {
    words[0] &= mask_[0];
    words[1] &= mask_[1];
  }
  return words;
}

std::string ClientBlock::ToText(const IpAddress& address) const {
  const IpAddress base{std::bit_cast<std::array<uint8_t, 16>>(Words(address))};
  return base.ToString() +
         (address.IsV4() || prefix_ == 128 ? std::string() : "/" + std::to_string(prefix_));
}

std::string LimitKeyPart::ToText() const {
  switch (kind) {
    case Kind::kClientIp:
      return "client_ip";
    case Kind::kRoute:
      return "route";
    case Kind::kListener:
      return "listener";
    case Kind::kIdentity:
      return field.text();
    case Kind::kHeader:
      return "{header: " + name + "}";
    case Kind::kCookie:
      return "{cookie: " + name + "}";
  }
  return {};
}

LimitKey LimitKey::Load(config::Object& in) {
  LimitKey out;
  const config::Value value =
      in.Get("key", config::About("What requests are counted by: client_ip, route, listener, "
                                  "consumer, claims.NAME, attributes.NAME, {header: NAME}, "
                                  "{cookie: NAME}, or a list of these that are the key together.")
                        .Default("client_ip"));
  if (value.present()) {
    const std::vector<config::Value> listed =
        value.IsList() ? value.List() : std::vector<config::Value>{value};
    out.parts_.clear();
    for (const config::Value& one : listed) {
      std::optional<LimitKeyPart> part = LoadPart(one);
      const auto same = [&](const LimitKeyPart& other) { return other.ToText() == part->ToText(); };
      if (part && std::any_of(out.parts_.begin(), out.parts_.end(), same)) {
        one.Error("is given twice");
      }
      if (part) {
        out.parts_.push_back(*std::move(part));
      }
    }
    if (listed.empty()) {
      value.Error("needs at least one part; leave it out to count by client_ip");
    }
    if (out.parts_.empty()) {
      out.parts_.emplace_back();
    }
  }
  const uint64_t prefix =
      in.Uint("ipv6_prefix", {.def = 64, .min = 1, .max = 128},
              "How many bits of IPv6 addresses tell clients apart: networks hand out blocks.");
  out.block_ = ClientBlock(static_cast<uint8_t>(prefix));
  return out;
}

template <typename Visit>
void LimitKey::ForEachValue(const LimitKeyPart& part, const http::RequestHead& head,
                            const observe::StreamInfo& info, Visit visit) {
  switch (part.kind) {
    case Kind::kClientIp:
      return;
    case Kind::kRoute:
      visit(info.route);
      return;
    case Kind::kListener:
      visit(info.listener);
      return;
    case Kind::kIdentity:
      if (info.identity != nullptr) {
        part.field.ForEach(*info.identity, visit);
      }
      return;
    case Kind::kHeader:
      pipeline::ForEachHeaderValue(head.headers, part.name, visit);
      return;
    case Kind::kCookie:
      // The first alone: applications read one of them, mostly that, and who adds others must not
      // have another key with each.
      pipeline::ForEachCookieValue(head.headers, part.name, [&](std::string_view value) {
        visit(value);
        return false;
      });
      return;
  }
}

template <typename Sink>
void LimitKey::Feed(const http::RequestHead& head, const observe::StreamInfo& info,
                    Sink& sink) const {
  const auto address = [&] {
    for (const uint64_t word : block_.Words(info.client)) {
      sink.Word(word);
    }
  };
  for (const LimitKeyPart& part : parts_) {
    if (part.kind == Kind::kClientIp) {
      address();
      continue;
    }
    bool any = false;
    ForEachValue(part, head, info, [&](std::string_view value) {
      if (!value.empty()) {
        any = true;
        sink.Word(value.size() << 8 | kValue);
        sink.Bytes(value);
      }
      return true;
    });
    if (!any) {
      sink.Word(kAddressInstead);
      address();
    }
    sink.Word(kEnd);
  }
}

uint64_t LimitKey::Hash(const SipKey& secret, const http::RequestHead& head,
                        const observe::StreamInfo& info) const {
  SipHash hash(secret);
  if (parts_.size() == 1 && parts_[0].kind == Kind::kClientIp) [[likely]] {
    const std::array<uint64_t, 2> words = block_.Words(info.client);  // As Feed() does, in place.
    hash.Word(words[0]);
    hash.Word(words[1]);
  } else {
    Feed(head, info, hash);
  }
  return hash.Finish();
}

std::string LimitKey::Spelled(const http::RequestHead& head,
                              const observe::StreamInfo& info) const {
  TextSink sink;
  Feed(head, info, sink);
  return std::move(sink.out);
}

std::string LimitKey::Describe(const http::RequestHead& head,
                               const observe::StreamInfo& info) const {
  return Tell(head, info, false);
}

std::string LimitKey::Explain(const http::RequestHead& head,
                              const observe::StreamInfo& info) const {
  return Tell(head, info, info.identity == nullptr);
}

std::string LimitKey::Tell(const http::RequestHead& head, const observe::StreamInfo& info,
                           bool anybody) const {
  constexpr size_t kMaxShown = 64;
  std::string out;
  for (const LimitKeyPart& part : parts_) {
    out.append(out.empty() ? "" : ", ").append(part.ToText());
    if (anybody && part.kind == Kind::kIdentity) {
      out.append(" of who is calling, or client_ip ")
          .append(block_.ToText(info.client))
          .append(" if that is nobody");
      continue;
    }
    std::string_view first;
    ForEachValue(part, head, info, [&](std::string_view value) {
      first = value;
      return first.empty();
    });
    if (part.kind != Kind::kClientIp && first.empty()) {
      out.append(" is absent, so client_ip ").append(block_.ToText(info.client));
    } else if (part.kind == Kind::kClientIp) {
      out.append(" ").append(block_.ToText(info.client));
    } else if (part.kind != Kind::kHeader && part.kind != Kind::kCookie) {
      out.append(" ").append(first.substr(0, kMaxShown));
    }
  }
  return out;
}

bool LimitKey::OfIdentity() const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [](const LimitKeyPart& part) { return part.kind == Kind::kIdentity; });
}

std::string LimitKey::ToText() const {
  std::string out;
  for (const LimitKeyPart& part : parts_) {
    out.append(part.ToText()).append("\n");
  }
  return out + std::to_string(block_.prefix());
}

}  // namespace gatehouse::filters
