// SPDX-License-Identifier: Apache-2.0
#include "source/server/packed_text.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::server {
namespace {

TEST(PackedText, IsTheSameAgain) {
  std::string large;
  for (int i = 0; i < 20'000; ++i) {
    large += "  c" + std::to_string(i) + ": {endpoints: [127.0.0.1:80]}\n";
  }
  const std::string nul("a\0b", 3);
  for (const std::string& text : {std::string(), std::string("x"), nul, large}) {
    EXPECT_EQ(PackedText(text).Unpack(), text);
  }
  EXPECT_EQ(PackedText().Unpack(), "");
}

}  // namespace
}  // namespace gatehouse::server
