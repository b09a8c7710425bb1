// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"

namespace gatehouse::filters {
namespace {

using pipeline::FilterHarness;

TEST(MaxBodyTest, AnHonestLengthIsRefusedBeforeAnyByte) {
  FilterHarness h(MaxBody(), "max_bytes: 4B");
  h.Request("POST", "/", {{"content-length", "5"}});
  EXPECT_FALSE(h.forwarded());
  EXPECT_EQ(h.reply().status, 413);
  EXPECT_EQ(h.reply().error, ErrorCode::kBodyTooLarge);
  EXPECT_EQ(h.reply().detail, "the request body exceeds max_bytes");
  EXPECT_EQ(h.Counter("rejected"), 1);
}

TEST(MaxBodyTest, WhatFitsPasses) {
  FilterHarness h(MaxBody(), "max_bytes: 4B");
  h.Request("POST", "/", {{"content-length", "4"}});
  h.EndBody("1234");
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(h.request_body(), "1234");
  EXPECT_EQ(h.Counter("rejected"), 0);
}

TEST(MaxBodyTest, ChunksAreCountedWhileTheyStream) {
  FilterHarness h(MaxBody(), "max_bytes: 4B");
  h.Request("POST", "/", {{"transfer-encoding", "chunked"}});
  h.Body("12");
  h.Body("34");
  EXPECT_EQ(h.request_body(), "1234");
  EXPECT_EQ(h.reply().status, 0);
  h.Body("5");
  EXPECT_EQ(h.request_body(), "1234");
  EXPECT_EQ(h.reply().status, 413);
}

TEST(MaxBodyTest, EachRequestCountsItsOwn) {
  FilterHarness h(MaxBody(), "max_bytes: 4B");
  for (int i = 0; i < 3; ++i) {
    h.Request("POST", "/", {{"transfer-encoding", "chunked"}});
    h.EndBody("123");
    EXPECT_EQ(h.reply().status, 0);
  }
}

TEST(MaxBodyTest, AnAnswerUnderWayIsNotReplaced) {
  FilterHarness h(MaxBody(), "max_bytes: 4B");
  h.Request("POST", "/", {{"transfer-encoding", "chunked"}});
  h.Response(200);
  h.EndBody("12345");
  EXPECT_EQ(h.reply().status, 0);
  EXPECT_TRUE(h.paused());
  EXPECT_EQ(h.request_body(), "") << "a body cut short would look whole";
  EXPECT_FALSE(h.request_ended());
}

TEST(MaxBodyTest, NoBodyAtAll) {
  FilterHarness h(MaxBody(), "max_bytes: 0B");
  h.Get();
  EXPECT_TRUE(h.forwarded());
  h.Request("POST", "/", {{"content-length", "1"}});
  EXPECT_EQ(h.reply().status, 413);
}

TEST(MaxBodyTest, ARouteMayAllowMore) {
  FilterHarness h(MaxBody(), "max_bytes: 4B");
  h.Override("max_bytes: 8B");
  h.Request("POST", "/", {{"content-length", "5"}});
  EXPECT_TRUE(h.forwarded());
}

TEST(MaxBodyTest, Mistakes) {
  EXPECT_EQ(FilterHarness(MaxBody(), "max_bytes: 4").diagnostics(),
            "filter.yaml:1:12: max_bytes: expected a size such as 64KiB or 1MiB, got \"4\"; a unit "
            "is missing (did you mean \"4B\"?)\n");
  EXPECT_EQ(FilterHarness(MaxBody(), "max_byte: 4B").diagnostics(),
            "filter.yaml:1:1: max_byte: unknown key (did you mean \"max_bytes\"?)\n");
}

}  // namespace
}  // namespace gatehouse::filters
