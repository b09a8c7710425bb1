// SPDX-License-Identifier: Apache-2.0
#include "source/base/arena.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gatehouse {
namespace {

// Notes its destruction.
struct Noted {
  Noted(std::vector<int>& log, int id) : log(log), id(id) {}
  ~Noted() { log.push_back(id); }
  std::vector<int>& log;
  int id;
};

bool IsAligned(const void* pointer) {
  return reinterpret_cast<uintptr_t>(pointer) % alignof(std::max_align_t) == 0;
}

TEST(ArenaTest, HoldsNothingUntilUsed) {
  ArenaPool pool;
  const Arena arena(pool);
  EXPECT_EQ(arena.bytes(), 0u);
}

TEST(ArenaTest, AllocationsAreAlignedAndApart) {
  ArenaPool pool;
  Arena arena(pool);
  std::vector<char*> blocks;
  for (size_t i = 0; i < 2000; ++i) {
    char* block = static_cast<char*>(arena.Allocate(1 + i % 37));
    ASSERT_TRUE(IsAligned(block));
    std::memset(block, static_cast<int>(i % 251), 1 + i % 37);
    blocks.push_back(block);
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    for (size_t k = 0; k < 1 + i % 37; ++k) {
      ASSERT_EQ(static_cast<unsigned char>(blocks[i][k]), i % 251);
    }
  }
}

TEST(ArenaTest, ABlockLargerThanAChunkKeepsTheCurrentChunkInUse) {
  ArenaPool pool;
  Arena arena(pool);
  char* small = static_cast<char*>(arena.Allocate(16));
  char* large = static_cast<char*>(arena.Allocate(3 * ArenaPool::kChunkBytes));
  std::memset(large, 1, 3 * ArenaPool::kChunkBytes);
  EXPECT_EQ(static_cast<char*>(arena.Allocate(16)), small + 16);
  EXPECT_GE(arena.bytes(), 4 * ArenaPool::kChunkBytes);
}

TEST(ArenaTest, CopiesAndJoinsText) {
  ArenaPool pool;
  Arena arena(pool);
  std::string original = "text";
  const std::string_view copy = arena.Copy(original);
  original = "gone";
  EXPECT_EQ(copy, "text");
  EXPECT_EQ(arena.Copy(""), "");
  EXPECT_EQ(arena.Concat("a", std::string("b"), std::string_view("c")), "abc");
  EXPECT_EQ(arena.Concat(), "");
}

TEST(ArenaTest, JoinsEmptyViews) {
  ArenaPool pool;
  Arena arena(pool);
  EXPECT_EQ(arena.Concat(std::string_view()), "");
  EXPECT_EQ(arena.Concat(std::string_view(), "a", std::string_view()), "a");
}

TEST(ArenaTest, DestroysObjectsLatestFirst) {
  ArenaPool pool;
  std::vector<int> log;
  {
    Arena arena(pool);
    arena.New<Noted>(log, 1);
    arena.New<int>(7);
    arena.New<Noted>(log, 2);
    arena.Reset();
    EXPECT_EQ(log, (std::vector<int>{2, 1}));
    EXPECT_EQ(arena.bytes(), 0u);
    arena.New<Noted>(log, 3);
  }
  EXPECT_EQ(log, (std::vector<int>{2, 1, 3}));
}

TEST(ArenaTest, ChunksAreRecycled) {
  ArenaPool pool;
  Arena one(pool);
  void* first = one.Allocate(100);
  one.Reset();
  Arena two(pool);
  EXPECT_EQ(two.Allocate(100), first);
}

TEST(ArenaTest, OversizedChunksAreNotKept) {
  ArenaPool pool;
  Arena arena(pool);
  for (int i = 0; i < 100; ++i) {
    arena.Allocate(1 << 20);
    EXPECT_LT(arena.bytes(), size_t{2} << 20);
    arena.Reset();
  }
}

}  // namespace
}  // namespace gatehouse
