// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/filter_pass.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace gatehouse::proxy {
namespace {

using pipeline::Action;

// What a test filter does, and the log that all filters and the sink write to.
struct Script {
  std::string name;
  Action on_head = Action::kContinue;
  Action on_body = Action::kContinue;
  uint64_t max_buffer = 100;
};

class ScriptedFilter final : public pipeline::Filter {
 public:
  ScriptedFilter(const Script& script, std::vector<std::string>& log)
      : script_(script), log_(log) {}
  Action OnRequestHeaders(http::RequestHead&, pipeline::Stream&) override {
    log_.push_back(script_.name + ":head");
    return script_.on_head;
  }
  Action OnRequestBody(std::string_view& chunk, bool end, pipeline::Stream&) override {
    log_.push_back(script_.name + ":" + std::string(chunk) + (end ? "." : ""));
    return std::exchange(script_.on_body, Action::kContinue);
  }
  Action OnRequestTrailers(http::Headers&, pipeline::Stream&) override {
    log_.push_back(script_.name + ":trailers");
    return Action::kContinue;
  }

 private:
  Script script_;
  std::vector<std::string>& log_;
};

class ScriptedDefinition final : public pipeline::FilterDefinition {
 public:
  explicit ScriptedDefinition(uint64_t max_buffer)
      : FilterDefinition(pipeline::Phases::Of<ScriptedFilter>(), max_buffer) {}
  pipeline::Filter* NewFilter(pipeline::Stream&) const override { return nullptr; }
};

class FilterPassTest : public testing::Test, private PassSink {
 protected:
  void Start(const std::vector<Script>& scripts) {
    std::vector<std::shared_ptr<const pipeline::FilterDefinition>> definitions;
    for (const Script& script : scripts) {
      definitions.push_back(std::make_shared<ScriptedDefinition>(script.max_buffer));
      filters_.push_back(std::make_unique<ScriptedFilter>(script, log_));
      list_.push_back(filters_.back().get());
    }
    chain_ = std::make_unique<pipeline::Chain>(std::move(definitions));
    pass_.Begin(*chain_, list_);
  }
  std::string Log() {
    std::string out;
    for (const std::string& line : log_) {
      out += (out.empty() ? "" : " ") + line;
    }
    log_.clear();
    return out;
  }

  void HeadPassed() override { log_.push_back("head"); }
  void DataPassed(std::string_view chunk, bool end) override {
    log_.push_back(std::string(chunk) + (end ? "." : ""));
  }
  void TrailersPassed(http::Headers&) override { log_.push_back("trailers"); }
  void CollectingBegan() override { log_.push_back("collecting"); }
  void CollectedTooMuch() override { log_.push_back("too much"); }

  ArenaPool arenas_;
  Arena arena_{arenas_};
  BufferPool buffers_;
  http::RequestHead head_{arena_};
  http::Headers trailers_{arena_};
  std::vector<std::string> log_;
  std::vector<std::unique_ptr<ScriptedFilter>> filters_;
  std::vector<pipeline::Filter*> list_;
  std::unique_ptr<pipeline::Chain> chain_;
  // No scripted filter touches its stream.
  alignas(16) char no_stream_[64] = {};
  FilterPass<RequestDirection> pass_{buffers_, reinterpret_cast<pipeline::Stream&>(no_stream_),
                                     static_cast<PassSink&>(*this)};
};

TEST_F(FilterPassTest, EverythingPassesInOrder) {
  Start({{"a"}, {"b"}});
  pass_.PassHead(head_, false);
  EXPECT_EQ(Log(), "a:head b:head head");
  pass_.PassData("x", false);
  pass_.PassTrailers(trailers_);
  EXPECT_EQ(Log(), "a:x b:x x a:trailers b:trailers trailers");
}

TEST_F(FilterPassTest, WhatComesWhilePausedIsHeld) {
  Start({{"a"}, {"b", Action::kPause}});
  pass_.PassHead(head_, false);
  pass_.PassData("x", false);
  pass_.PassData("y", true);
  EXPECT_EQ(Log(), "a:head b:head");
  EXPECT_TRUE(pass_.paused());
  pass_.Resume();
  EXPECT_EQ(Log(), "head a:xy. b:xy. xy.");
}

TEST_F(FilterPassTest, ContentPausedHalfwayGoesOnBehindThatFilter) {
  Start({{"a", Action::kContinue, Action::kPause}, {"b"}});
  pass_.PassHead(head_, false);
  pass_.PassData("x", false);
  pass_.PassData("y", true);
  EXPECT_EQ(Log(), "a:head b:head head a:x");
  pass_.Resume();
  EXPECT_EQ(Log(), "b:x x a:y. b:y. y.");
}

TEST_F(FilterPassTest, TheHeadWaitsForCollectedContent) {
  Start({{"a"}, {"b", Action::kCollect}, {"c"}});
  pass_.PassHead(head_, false);
  EXPECT_EQ(Log(), "a:head b:head collecting");
  pass_.PassData("x", false);
  pass_.PassData("y", true);
  EXPECT_EQ(Log(), "a:x a:y. b:xy. c:head head c:xy. xy.");
}

TEST_F(FilterPassTest, CollectingAMessageWithoutContentCallsOnce) {
  Start({{"a", Action::kCollect}});
  pass_.PassHead(head_, true);
  EXPECT_EQ(Log(), "a:head a:. head");
}

TEST_F(FilterPassTest, TrailersEndWhatIsCollected) {
  Start({{"a", Action::kCollect}});
  pass_.PassHead(head_, false);
  pass_.PassData("x", false);
  pass_.PassTrailers(trailers_);
  EXPECT_EQ(Log(), "a:head collecting a:x. head x a:trailers trailers");
}

TEST_F(FilterPassTest, PastMaxBufferNothingIsKept) {
  Start({{"a", Action::kCollect, Action::kContinue, 3}});
  pass_.PassHead(head_, false);
  pass_.PassData("xx", false);
  pass_.PassData("yy", false);
  EXPECT_EQ(Log(), "a:head collecting too much");
}

TEST_F(FilterPassTest, AfterAReplyNobodyIsCalled) {
  Start({{"a", Action::kReplied}, {"b"}});
  pass_.PassHead(head_, false);
  pass_.Stop();
  pass_.PassData("x", true);
  EXPECT_EQ(Log(), "a:head");
}

}  // namespace
}  // namespace gatehouse::proxy
