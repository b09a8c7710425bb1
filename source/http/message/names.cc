// SPDX-License-Identifier: Apache-2.0
#include "source/http/message/names.h"

#include <array>
#include <cstring>

#include "source/base/text.h"

namespace gatehouse::http {
namespace {

constexpr std::array<std::string_view, kKnownCount> kNames = {
    "",
    "accept",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "location",
    "max-forwards",
    "origin",
    "proxy-connection",
    "referer",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "x-request-id",
};

constexpr size_t kLongest = 17;
constexpr size_t kSlots = 128;

constexpr bool IsLetter(char c) { return c >= 'a' && c <= 'z'; }

// No two known names share a slot: checked below.
constexpr size_t SlotOf(size_t length, char first, char last) {
  return (length + 4 * static_cast<unsigned char>(first | 0x20) +
          static_cast<unsigned char>(last | 0x20)) %
         kSlots;
}

constexpr std::array<uint8_t, kSlots> MakeSlots() {
  std::array<uint8_t, kSlots> slots{};
  for (size_t i = 1; i < kKnownCount; ++i) {
    slots[SlotOf(kNames[i].size(), kNames[i].front(), kNames[i].back())] = static_cast<uint8_t>(i);
  }
  return slots;
}
constexpr std::array<uint8_t, kSlots> kSlotTable = MakeSlots();

constexpr bool EveryNameHasItsSlot() {
  for (size_t i = 1; i < kKnownCount; ++i) {
    const std::string_view name = kNames[i];
    if (name.size() < 2 || name.size() > kLongest ||
        kSlotTable[SlotOf(name.size(), name.front(), name.back())] != i) {
      return false;
    }
  }
  return true;
}
static_assert(EveryNameHasItsSlot(), "two known names share a slot: choose other factors");

// `width` bytes of a name, lower case, and the bits in which a received name may differ from them:
// the case bit of letters, and of letters only, so that no other byte passes for a '-'.
struct Word {
  uint64_t text = 0;
  uint64_t fold = 0;
};
constexpr Word MakeWord(std::string_view name, size_t at, size_t width) {
  Word word;
  for (size_t i = 0; i < width; ++i) {
    const uint64_t byte = static_cast<unsigned char>(name[at + i]);
    word.text |= byte << (8 * i);
    word.fold |= (IsLetter(name[at + i]) ? uint64_t{0x20} : 0) << (8 * i);
  }
  return word;
}

// A known name as two or three overlapping words: bytes [0, w), [8, 16) when longer than 16, and
// the last w, where w is 8, 4 or 2.
struct Spelling {
  size_t length = 0;
  Word head;
  Word middle;
  Word tail;
};
constexpr size_t WidthFor(size_t length) { return length >= 8 ? 8 : length >= 4 ? 4 : 2; }
constexpr std::array<Spelling, kKnownCount> MakeSpellings() {
  std::array<Spelling, kKnownCount> spellings{};
  for (size_t i = 1; i < kKnownCount; ++i) {
    const std::string_view name = kNames[i];
    const size_t width = WidthFor(name.size());
    spellings[i] = {name.size(), MakeWord(name, 0, width),
                    name.size() > 16 ? MakeWord(name, 8, 8) : Word(),
                    MakeWord(name, name.size() - width, width)};
  }
  return spellings;
}
constexpr std::array<Spelling, kKnownCount> kSpellings = MakeSpellings();

template <typename Integer>
bool Matches(const char* at, const Word& word) {
  Integer bytes;
  std::memcpy(&bytes, at, sizeof(bytes));
  return (bytes | static_cast<Integer>(word.fold)) == static_cast<Integer>(word.text);
}

template <typename Integer>
bool EndsMatch(std::string_view name, const Spelling& spelling) {
  return Matches<Integer>(name.data(), spelling.head) &&
         Matches<Integer>(name.data() + name.size() - sizeof(Integer), spelling.tail);
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "MakeWord() puts the first byte lowest");

}  // namespace

Known LookUpName(std::string_view name) {
  if (name.size() < 2 || name.size() > kLongest) {
    return Known::kNone;
  }
  const uint8_t index = kSlotTable[SlotOf(name.size(), name.front(), name.back())];
  const Spelling& spelling = kSpellings[index];
  if (spelling.length != name.size()) {
    return Known::kNone;
  }
  bool same = false;
  if (name.size() >= 8) {
    same = EndsMatch<uint64_t>(name, spelling) &&
           (name.size() <= 16 || Matches<uint64_t>(name.data() + 8, spelling.middle));
  } else if (name.size() >= 4) {
    same = EndsMatch<uint32_t>(name, spelling);
  } else {
    same = EndsMatch<uint16_t>(name, spelling);
  }
  return same ? static_cast<Known>(index) : Known::kNone;
}

std::string_view NameOf(Known known) { return kNames[static_cast<size_t>(known)]; }

bool IsHopByHop(Known known) {
  switch (known) {
    case Known::kConnection:
    case Known::kHttp2Settings:
    case Known::kKeepAlive:
    case Known::kProxyConnection:
    case Known::kTe:
    case Known::kTransferEncoding:
    case Known::kUpgrade:
      return true;
    default:
      return false;
  }
}

}  // namespace gatehouse::http
