// SPDX-License-Identifier: Apache-2.0
#include "source/http/message/headers.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gatehouse::http {
namespace {

class HeadersTest : public testing::Test {
 protected:
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    headers_.ForEach([&](const Field& field) {
      lines.push_back(std::string(field.name) + ": " + std::string(field.value));
    });
    return lines;
  }
  std::vector<std::string> Values(std::string_view name) const {
    std::vector<std::string> values;
    for (const Field* field = headers_.Find(name); field != nullptr;
         field = headers_.Next(*field)) {
      values.emplace_back(field->value);
    }
    return values;
  }
  using Strings = std::vector<std::string>;

  ArenaPool pool_;
  Arena arena_{pool_};
  Headers headers_{arena_};
};

TEST_F(HeadersTest, KeepsOrderAndSpelling) {
  headers_.Add("Host", "a");
  headers_.Add("X-One", "1");
  headers_.Add("x-one", "2");
  EXPECT_EQ(Lines(), (Strings{"Host: a", "X-One: 1", "x-one: 2"}));
  EXPECT_EQ(headers_.count(), 3u);
}

TEST_F(HeadersTest, FindsKnownAndOtherNamesInAnyCase) {
  headers_.Add("HOST", "a");
  headers_.Add("X-One", "1");
  EXPECT_EQ(headers_.Value(Known::kHost), "a");
  EXPECT_EQ(headers_.Find("host")->value, "a");
  EXPECT_EQ(headers_.Find("x-one")->value, "1");
  EXPECT_EQ(headers_.Find("x-two"), nullptr);
  EXPECT_EQ(headers_.Find(Known::kVia), nullptr);
  EXPECT_EQ(headers_.Value(Known::kVia), "");
}

TEST_F(HeadersTest, AnEmptyValueIsAPresence) {
  headers_.Add("Via", "");
  EXPECT_TRUE(headers_.Has(Known::kVia));
  EXPECT_FALSE(headers_.Has(Known::kHost));
}

TEST_F(HeadersTest, WalksFieldsOfOneName) {
  for (const char* value : {"1", "2", "3"}) {
    headers_.Add("Via", value);
    headers_.Add("X-Other", value);
  }
  EXPECT_EQ(Values("via"), (Strings{"1", "2", "3"}));
  EXPECT_EQ(Values("x-other"), (Strings{"1", "2", "3"}));
}

TEST_F(HeadersTest, SetReplacesAllByOneInTheFirstPlace) {
  for (const char* name : {"Via", "X-Other", "Via", "X-Other", "Via"}) {
    headers_.AddLine(LookUpName(name), name, "old", 10);
  }
  headers_.Set("via", "new");
  headers_.Set("x-other", "new");
  headers_.Set(Known::kHost, "added");
  EXPECT_EQ(Lines(), (Strings{"via: new", "x-other: new", "host: added"}));
  EXPECT_EQ(headers_.count(), 3u);
  EXPECT_EQ(headers_.Find(Known::kVia)->line_bytes, 0u);
  EXPECT_EQ(headers_.Next(*headers_.Find(Known::kVia)), nullptr);
}

TEST_F(HeadersTest, RemoveTakesAllOfAName) {
  for (const char* name : {"Via", "X-Other", "VIA", "x-other", "Host"}) {
    headers_.Add(name, "1");
  }
  headers_.Remove("via");
  headers_.Remove("X-OTHER");
  headers_.Remove("x-none");
  EXPECT_EQ(Lines(), (Strings{"Host: 1"}));
  EXPECT_FALSE(headers_.Has(Known::kVia));
  headers_.Add("Via", "2");
  EXPECT_EQ(headers_.Value(Known::kVia), "2");
  EXPECT_EQ(headers_.count(), 2u);
}

TEST_F(HeadersTest, HoldsUpToItsLimit) {
  for (size_t i = 0; i < Headers::kMaxFields; ++i) {
    ASSERT_TRUE(headers_.Add("Via", "1"));
  }
  EXPECT_FALSE(headers_.Add("Via", "1"));
  EXPECT_FALSE(headers_.Add("X-Other", "1"));
  EXPECT_EQ(headers_.count(), Headers::kMaxFields);
  EXPECT_EQ(Values("via").size(), Headers::kMaxFields);
}

TEST_F(HeadersTest, ClearLeavesNothing) {
  headers_.Add("Via", "1");
  headers_.Clear();
  EXPECT_EQ(headers_.count(), 0u);
  EXPECT_FALSE(headers_.Has(Known::kVia));
  EXPECT_EQ(headers_.begin(), headers_.end());
}

}  // namespace
}  // namespace gatehouse::http
