// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/error_response.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::proxy {
namespace {

TEST(ErrorResponseTest, StatusesAreThoseOfTheRfc) {
  EXPECT_EQ(PolicyFor(ErrorCode::kMalformedRequest).status, 400);
  EXPECT_EQ(PolicyFor(ErrorCode::kRequestTimeout).status, 408);
  EXPECT_EQ(PolicyFor(ErrorCode::kBodyTooLarge).status, 413);
  EXPECT_EQ(PolicyFor(ErrorCode::kTargetTooLong).status, 414);
  EXPECT_EQ(PolicyFor(ErrorCode::kHeadersTooLarge).status, 431);
  EXPECT_EQ(PolicyFor(ErrorCode::kUnsupportedCoding).status, 501);
  EXPECT_EQ(PolicyFor(ErrorCode::kVersionNotSupported).status, 505);
  EXPECT_EQ(PolicyFor(ErrorCode::kMalformedResponse).status, 502);
  EXPECT_EQ(PolicyFor(ErrorCode::kConnectFailed).status, 503);
  EXPECT_EQ(PolicyFor(ErrorCode::kResponseTimeout).status, 504);
}

TEST(ErrorResponseTest, OnlyWhatNeverReachedAnEndpointGoesToAnother) {
  EXPECT_TRUE(PolicyFor(ErrorCode::kConnectFailed).retry_elsewhere);
  EXPECT_TRUE(PolicyFor(ErrorCode::kConnectTimeout).retry_elsewhere);
  EXPECT_FALSE(PolicyFor(ErrorCode::kUpstreamReset).retry_elsewhere);
  EXPECT_FALSE(PolicyFor(ErrorCode::kOverloaded).retry_elsewhere);
}

TEST(ErrorResponseTest, TheBodyFollowsAcceptAndNamesTheKindAndTheRequest) {
  ArenaPool pool;
  Arena arena(pool);
  const ErrorBody json = RenderError(ErrorCode::kConnectFailed, "application/json", "0a1b", arena);
  EXPECT_EQ(json.content_type, "application/json");
  EXPECT_EQ(json.body,
            "{\"error\":\"connect_failed\",\"message\":\"the service can't be reached\","
            "\"request_id\":\"0a1b\"}\n");
  const ErrorBody text = RenderError(ErrorCode::kNoRoute, "text/html, */*", "0a1b", arena);
  EXPECT_EQ(text.content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(text.body, "no route matches (no_route, request 0a1b)\n");
}

}  // namespace
}  // namespace gatehouse::proxy
