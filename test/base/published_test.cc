// SPDX-License-Identifier: Apache-2.0
#include "source/base/published.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace gatehouse {
namespace {

TEST(PublishedTest, AReaderSeesTheNewestAndHoldsIt) {
  Published<int> value;
  Published<int>::Reader reader;
  EXPECT_EQ(reader.Get(value), nullptr);
  value.Publish(std::make_shared<int>(1));
  const int* first = reader.Get(value);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(*first, 1);
  EXPECT_EQ(reader.Get(value), first);
  const std::shared_ptr<const int> held = reader.held();
  value.Publish(std::make_shared<int>(2));
  EXPECT_EQ(*first, 1);  // Still held.
  EXPECT_EQ(*reader.Get(value), 2);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(PublishedTest, ReadersOfOtherThreadsNeverSeeHalfOrOlder) {
  struct Pair {
    int a = 0;
    int b = 0;
  };
  Published<Pair> value(std::make_shared<Pair>());
  std::atomic<bool> wrong{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      Published<Pair>::Reader reader;
      for (int last = 0; last < 1000;) {
        const Pair* pair = reader.Get(value);
        if (pair->a != pair->b || pair->a < last) {
          wrong = true;
          return;
        }
        last = pair->a;
      }
    });
  }
  for (int i = 1; i <= 1000; ++i) {
    value.Publish(std::make_shared<Pair>(Pair{i, i}));
  }
  for (std::thread& reader : readers) {
    reader.join();
  }
  EXPECT_FALSE(wrong);
}

}  // namespace
}  // namespace gatehouse
