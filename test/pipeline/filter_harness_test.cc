// SPDX-License-Identifier: Apache-2.0
// The harness keeps the promises of stream.h: what filters' tests rest on.
#include "source/pipeline/filter_harness.h"

#include <gtest/gtest.h>

#include <string>

#include "source/base/text.h"

namespace gatehouse::pipeline {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Config {
  std::string mode;
  observe::MetricId ends;
};

// Does what its `mode` says.
class Actor final : public Filter {
 public:
  explicit Actor(const Config& config) : config_(config) {}

  Action OnRequestHeaders(http::RequestHead&, Stream& stream) override {
    if (Is("pause")) {
      pending_ = stream.services().Timer(seconds(1), [&stream] { stream.Resume(); });
      return Action::kPause;
    }
    if (Is("fetch")) {
      pending_ = stream.services().Fetch({.cluster = "auth"}, [&](Result<FetchResponse> response) {
        (void)stream.Reply(response ? response->status : 500, "fetched", "text/x",
                           {{"x-from", "fetch"}});
      });
      return Action::kPause;
    }
    if (Is("background")) {
      pending_ = stream.services().Background([this] { work_ = "done"; }, [&] { stream.Resume(); });
      return Action::kPause;
    }
    return Is("collect") ? Action::kCollect : Action::kContinue;
  }
  Action OnRequestBody(std::string_view& chunk, bool end, Stream& stream) override {
    if (Is("collect")) {
      whole_ = "<" + std::string(chunk) + (end ? ">" : "");
      chunk = whole_;
    }
    return Is("collect_body") && !end ? Action::kCollect
           : Is("pause_body")         ? Action::kPause
                                      : Action::kContinue;
  }
  Action OnRequestTrailers(http::Headers& trailers, Stream&) override {
    trailers.Set("x-seen", "1");
    return Action::kContinue;
  }
  Action OnResponseHeaders(http::ResponseHead& head, Stream& stream) override {
    head.headers.Set("x-passed", "1");
    return Is("replace") ? stream.ReplyError(ErrorCode::kInternal, "replaced") : Action::kContinue;
  }
  void OnStreamEnd(const observe::StreamInfo&, Stream& stream) noexcept override {
    stream.Count(config_.ends);
  }

 private:
  bool Is(std::string_view mode) const { return config_.mode == mode; }

  const Config& config_;
  std::unique_ptr<Pending> pending_;
  std::string work_, whole_;
};

FilterType ActorType() {
  return {"actor",
          [](config::Object& in, const LoadContext& context) {
            return Define<Actor>(Config{in.RequiredString("mode", "What to do."),
                                        context.Counter("actor", "ends", "Streams that ended.")},
                                 /*max_buffer=*/8);
          },
          "Acts."};
}

TEST(FilterHarnessTest, StreamsEndOnceWhateverHappened) {
  FilterHarness h(ActorType(), "mode: pause");
  h.Get();
  h.Get();
  EXPECT_EQ(h.Counter("ends"), 1);
  h.End();
  h.End();
  EXPECT_EQ(h.Counter("ends"), 2);
}

TEST(FilterHarnessTest, APauseHoldsWhatArrives) {
  FilterHarness h(ActorType(), "mode: pause");
  h.Request("POST", "/", {{"content-length", "3"}});
  h.EndBody("abc");
  EXPECT_TRUE(h.paused());
  EXPECT_FALSE(h.forwarded());
  h.Advance(milliseconds(999));
  EXPECT_TRUE(h.paused());
  h.Advance(milliseconds(1));
  EXPECT_FALSE(h.paused());
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(h.request_body(), "abc");
  EXPECT_TRUE(h.request_ended());
}

TEST(FilterHarnessTest, APauseInTheBodyHoldsTheChunk) {
  FilterHarness h(ActorType(), "mode: pause_body");
  h.Request("POST", "/", {{"content-length", "6"}});
  h.Body("abc");
  h.Body("def");
  EXPECT_EQ(h.request_body(), "");
  h.stream().Resume();
  h.Turn();
  EXPECT_EQ(h.request_body(), "abc");
  EXPECT_TRUE(h.paused());
}

TEST(FilterHarnessTest, CollectingHoldsTheHeadAndDeliversTheWholeBody) {
  FilterHarness h(ActorType(), "mode: collect");
  h.Request("POST", "/", {{"transfer-encoding", "chunked"}});
  h.Body("abc");
  EXPECT_TRUE(h.collecting());
  EXPECT_FALSE(h.forwarded());
  h.EndBody("def");
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(h.request_body(), "<abcdef>");
}

TEST(FilterHarnessTest, CollectingWithoutABody) {
  FilterHarness h(ActorType(), "mode: collect");
  h.Get();
  EXPECT_TRUE(h.forwarded());
  EXPECT_FALSE(h.collecting());
}

TEST(FilterHarnessTest, CollectingFromTheBodyOn) {
  FilterHarness h(ActorType(), "mode: collect_body");
  h.Request("POST", "/", {{"transfer-encoding", "chunked"}});
  EXPECT_TRUE(h.forwarded());
  h.Body("abc");
  EXPECT_EQ(h.request_body(), "");
  h.Trailers({{"x-t", "1"}});
  EXPECT_EQ(h.request_body(), "abc");
  EXPECT_TRUE(h.request_ended());
}

TEST(FilterHarnessTest, CollectingTooMuchIsAnswered413) {
  FilterHarness h(ActorType(), "mode: collect");
  h.Request("POST", "/", {{"transfer-encoding", "chunked"}});
  h.Body("123456789");
  EXPECT_EQ(h.reply().status, 413);
  EXPECT_FALSE(h.forwarded());
}

TEST(FilterHarnessTest, FetchesWaitForTheirAnswer) {
  FilterHarness h(ActorType(), "mode: fetch");
  EXPECT_FALSE(h.AnswerFetch(FetchResponse{}));
  h.Get();
  ASSERT_EQ(h.fetches().size(), 1u);
  EXPECT_EQ(h.fetches()[0].cluster, "auth");
  EXPECT_TRUE(h.AnswerFetch(FetchResponse{401, {}, ""}));
  EXPECT_EQ(h.reply().status, 401);
  EXPECT_EQ(h.reply().body, "fetched");
  EXPECT_EQ(h.reply().headers, (HarnessFields{{"x-from", "fetch"}}));
  // A reply passes the response phases, as every response does.
  EXPECT_EQ(h.ResponseField("x-passed"), "1");
  EXPECT_EQ(h.ResponseField("content-type"), "text/x");
  EXPECT_EQ(h.response_body(), "fetched");
}

TEST(FilterHarnessTest, AStreamThatIsGoneGetsNoAnswer) {
  FilterHarness h(ActorType(), "mode: fetch");
  h.Get();
  h.End();
  EXPECT_FALSE(h.AnswerFetch(FetchResponse{}));
}

TEST(FilterHarnessTest, BackgroundWorkRunsWhenTheTestSays) {
  FilterHarness h(ActorType(), "mode: background");
  h.Get();
  EXPECT_TRUE(h.paused());
  EXPECT_TRUE(h.RunBackground());
  EXPECT_TRUE(h.forwarded());
  EXPECT_FALSE(h.RunBackground());
}

TEST(FilterHarnessTest, ResponsesCanBeReplaced) {
  FilterHarness h(ActorType(), "mode: replace");
  h.Get();
  h.Response(200);
  EXPECT_EQ(h.reply().status, 500);
  EXPECT_EQ(h.reply().detail, "replaced");
  EXPECT_FALSE(h.responded());
}

TEST(FilterHarnessTest, WithMistakesNothingHappens) {
  FilterHarness h(ActorType(), "mood: pause");
  EXPECT_EQ(h.diagnostics(),
            "filter.yaml:1:1: mode: is required\n"
            "filter.yaml:1:1: mood: unknown key (did you mean \"mode\"?)\n");
  h.Get();
  EXPECT_TRUE(h.forwarded());
}

}  // namespace
}  // namespace gatehouse::pipeline
