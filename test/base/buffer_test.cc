// SPDX-License-Identifier: Apache-2.0
#include "source/base/buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

namespace gatehouse {
namespace {

TEST(BufferTest, StartsEmpty) {
  BufferPool pool;
  const Buffer buffer(pool);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.size(), 0u);
  EXPECT_EQ(buffer.view(), "");
}

TEST(BufferTest, AppendsAndConsumes) {
  BufferPool pool;
  Buffer buffer(pool);
  buffer.Append("hello ");
  buffer.Append("");
  buffer.Append("world");
  EXPECT_EQ(buffer.view(), "hello world");
  buffer.Consume(6);
  EXPECT_EQ(buffer.view(), "world");
  buffer.Append("!");
  EXPECT_EQ(buffer.view(), "world!");
  buffer.Consume(6);
  EXPECT_TRUE(buffer.empty());
}

TEST(BufferTest, ReservedBytesCountOnceCommitted) {
  BufferPool pool;
  Buffer buffer(pool);
  char* room = buffer.Reserve(10);
  std::memcpy(room, "abc", 3);
  EXPECT_TRUE(buffer.empty());
  buffer.Commit(3);
  EXPECT_EQ(buffer.view(), "abc");
}

TEST(BufferTest, TheLastConsumeGivesTheMemoryBack) {
  BufferPool pool;
  Buffer buffer(pool);
  buffer.Append("abc");
  buffer.Consume(3);
  buffer.Consume(0);
  EXPECT_EQ(buffer.view().data(), nullptr);
  buffer.Append("x");
  buffer.Release();
  EXPECT_EQ(buffer.view().data(), nullptr);
}

TEST(BufferTest, MovesLeaveNothingBehind) {
  BufferPool pool;
  Buffer from(pool);
  from.Append("abc");
  Buffer to = std::move(from);
  EXPECT_EQ(to.view(), "abc");
  EXPECT_TRUE(from.empty());
  Buffer other(pool);
  other.Append("other");
  to = std::move(other);
  EXPECT_EQ(to.view(), "other");
}

TEST(BufferTest, BlocksAreRecycled) {
  BufferPool pool;
  Buffer one(pool);
  one.Append("one");
  const char* block = one.view().data();
  one.Release();
  Buffer two(pool);
  two.Append("two");
  EXPECT_EQ(two.view().data(), block);
}

TEST(BufferPoolTest, BlocksHoldWhatWasAskedFor) {
  BufferPool pool;
  for (const size_t bytes : {1, 1024, 1025, 300'000}) {
    size_t capacity = 0;
    char* block = pool.Take(bytes, &capacity);
    EXPECT_GE(capacity, bytes);
    std::memset(block, 1, capacity);
    pool.Give(block, capacity);
  }
  pool.Trim();
}

// Against a string doing the same, through growth, sliding and release.
TEST(BufferTest, BehavesAsAStringDoes) {
  BufferPool pool;
  Buffer buffer(pool);
  std::string model;
  uint32_t random = 1;
  for (int step = 0; step < 20'000; ++step) {
    random = random * 1664525 + 1013904223;
    const size_t amount = (random >> 8) % 700;
    if ((random >> 30) % 2 == 0) {
      const std::string bytes(amount, static_cast<char>('a' + step % 26));
      buffer.Append(bytes);
      model += bytes;
    } else {
      const size_t taken = std::min(amount, model.size());
      buffer.Consume(taken);
      model.erase(0, taken);
    }
    ASSERT_EQ(buffer.view(), model);
  }
}

}  // namespace
}  // namespace gatehouse
