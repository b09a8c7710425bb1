// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/pool/cluster_pool.h"

#include <gtest/gtest.h>

#include <memory>

namespace gatehouse::upstream {
namespace {

class ClusterPoolTest : public testing::Test {
 protected:
  ClusterPoolTest() : table_(metrics_.AddTable()) {
    ClusterSettings settings;
    settings.name = "users";
    settings.max_requests = 2;
    cluster_ = std::make_shared<Cluster>(0, settings, nullptr);
    cluster_->SetEndpoints({});
    pool_ = std::make_unique<ClusterPool>(io_, cluster_, 1);
  }

  // Runs what has been posted.
  void Turn() {
    loop_.Stop();
    loop_.Run();
  }

  observe::Metrics metrics_;
  observe::MetricTable& table_;
  event::Loop loop_{"test"};
  BufferPool buffers_;
  char scratch_[1024];
  event::PipePool pipes_;
  IoContext io_{loop_, buffers_, pipes_, scratch_, table_};
  std::shared_ptr<Cluster> cluster_;
  std::unique_ptr<ClusterPool> pool_;
};

TEST_F(ClusterPoolTest, RequestsPastTheLimitAreRefused) {
  EXPECT_TRUE(pool_->BeginRequest());
  EXPECT_TRUE(pool_->BeginRequest());
  EXPECT_FALSE(pool_->BeginRequest());
  pool_->EndRequest();
  EXPECT_TRUE(pool_->BeginRequest());
}

TEST_F(ClusterPoolTest, WithoutEndpointsThereIsNothingToPick) {
  EXPECT_EQ(pool_->Pick({}, {}), nullptr);
}

TEST_F(ClusterPoolTest, ARetiredPoolIsGoneWhenNobodyUsesIt) {
  ASSERT_TRUE(pool_->BeginRequest());
  int told = 0;
  pool_->Retire([&] { ++told; });
  Turn();
  EXPECT_EQ(told, 0);
  pool_->EndRequest();
  Turn();
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(pool_->unused());
}

// Between the word that the pool is unused and the task that would delete it, a connection of the
// old configuration may come with another request.
TEST_F(ClusterPoolTest, ARetiredPoolThatIsUsedAgainSaysSoAndIsGoneLater) {
  bool unused_when_told = true;
  int told = 0;
  pool_->Retire([&] {
    ++told;
    unused_when_told = pool_->unused();
  });
  ASSERT_TRUE(pool_->BeginRequest());
  Turn();
  EXPECT_EQ(told, 1);
  EXPECT_FALSE(unused_when_told);
  pool_->EndRequest();
  Turn();
  EXPECT_EQ(told, 2);
  EXPECT_TRUE(unused_when_told);
}

}  // namespace
}  // namespace gatehouse::upstream
