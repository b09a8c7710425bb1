// SPDX-License-Identifier: Apache-2.0
#include "source/http/h2/content_count.h"

#include <gtest/gtest.h>

namespace gatehouse::http {
namespace {

TEST(ContentCountTest, ExactlyWhatTheLengthSaysIsTaken) {
  ContentCount count;
  count.Begin(Framing::kLength, 5);
  EXPECT_EQ(count.Take(2, false), nullptr);
  EXPECT_EQ(count.Take(3, false), nullptr);
  EXPECT_EQ(count.Take(0, true), nullptr);
}

TEST(ContentCountTest, MoreIsMalformedAtOnceAndLessAtTheEnd) {
  ContentCount count;
  count.Begin(Framing::kLength, 5);
  EXPECT_STREQ(count.Take(6, false), "more content than Content-Length says");
  count.Begin(Framing::kLength, 5);
  EXPECT_EQ(count.Take(4, false), nullptr);
  EXPECT_STREQ(count.Take(0, true), "less content than Content-Length says");
}

TEST(ContentCountTest, WithoutALengthAnythingIs) {
  ContentCount count;
  count.Begin(Framing::kChunked, 0);
  EXPECT_EQ(count.Take(1 << 20, false), nullptr);
  EXPECT_EQ(count.Take(0, true), nullptr);
}

TEST(ContentCountTest, AnAnswerToHeadHasNoContentWhateverItsLength) {
  ContentCount count;
  count.Begin(Framing::kLength, 100, true);
  EXPECT_EQ(count.Take(0, true), nullptr);
  EXPECT_NE(count.Take(1, true), nullptr);
}

}  // namespace
}  // namespace gatehouse::http
