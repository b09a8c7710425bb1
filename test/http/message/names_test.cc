// SPDX-License-Identifier: Apache-2.0
#include "source/http/message/names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace gatehouse::http {
namespace {

std::string Uppercase(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c; });
  return out;
}

Known KnownAt(size_t i) { return static_cast<Known>(i); }

TEST(NamesTest, EveryKnownNameIsFoundInAnyCase) {
  for (size_t i = 1; i < kKnownCount; ++i) {
    const std::string name(NameOf(KnownAt(i)));
    ASSERT_FALSE(name.empty());
    EXPECT_EQ(LookUpName(name), KnownAt(i)) << name;
    EXPECT_EQ(LookUpName(Uppercase(name)), KnownAt(i)) << name;
  }
  EXPECT_EQ(NameOf(Known::kNone), "");
}

// Each byte of each name replaced by every other byte: nothing but the other case may pass.
TEST(NamesTest, NothingElseIsFound) {
  for (size_t i = 1; i < kKnownCount; ++i) {
    const std::string name(NameOf(KnownAt(i)));
    for (size_t at = 0; at < name.size(); ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string other = name;
        other[at] = static_cast<char>(byte);
        const bool same = Uppercase(other) == Uppercase(name);
        EXPECT_EQ(LookUpName(other) == KnownAt(i), same) << name << " with byte " << byte;
      }
    }
    EXPECT_EQ(LookUpName(name + "s"), Known::kNone);
    EXPECT_EQ(LookUpName(std::string_view(name).substr(1)), Known::kNone);
  }
  EXPECT_EQ(LookUpName(""), Known::kNone);
  EXPECT_EQ(LookUpName("x"), Known::kNone);
  EXPECT_EQ(LookUpName(std::string(1000, 'x')), Known::kNone);
}

TEST(NamesTest, HopByHopFieldsAreThoseOfTheConnection) {
  EXPECT_TRUE(IsHopByHop(Known::kConnection));
  EXPECT_TRUE(IsHopByHop(Known::kUpgrade));
  EXPECT_TRUE(IsHopByHop(Known::kTe));
  EXPECT_FALSE(IsHopByHop(Known::kTrailer));
  EXPECT_FALSE(IsHopByHop(Known::kContentLength));
  EXPECT_FALSE(IsHopByHop(Known::kNone));
}

}  // namespace
}  // namespace gatehouse::http
