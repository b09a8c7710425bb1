// SPDX-License-Identifier: Apache-2.0
#include "source/pipeline/any_of.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/pipeline/filter_harness.h"

namespace gatehouse::pipeline {
namespace {

// Says of each request what its word tells it to, at once or after a while. Who it lets in is
// called as the filter is.
struct Settings {
  std::string name;
  // accept, unnamed, nothing, bad, forbid, anonymous, redirect; with answers of their own: login,
  // page, expired. "later " before it.
  std::string word;
  observe::Identity identity{};
};

class Asked final : public Filter {
 public:
  explicit Asked(const Settings& settings) : settings_(settings) {}
  Action OnRequestHeaders(http::RequestHead&, Stream& stream) override {
    constexpr std::string_view kLater = "later ";
    word_ = settings_.word;
    if (!word_.starts_with(kLater)) {
      return Answer(stream);
    }
    word_.remove_prefix(kLater.size());
    pending_ = stream.services().Timer(std::chrono::seconds(1), [this, &stream] {
      if (Answer(stream) == Action::kContinue) {
        stream.Resume();
      }
    });
    return Action::kPause;
  }
  Action OnResponseHeaders(http::ResponseHead& head, Stream&) override {
    head.headers.Add("x-let-in-by", settings_.name);
    return Action::kContinue;
  }

 private:
  Action Answer(Stream& stream) {
    if (word_ == "anonymous") {
      return Action::kContinue;
    }
    if (word_ == "nothing" || word_ == "bad") {
      return stream.ReplyError(
          word_ == "bad" ? ErrorCode::kBadCredentials : ErrorCode::kNoCredentials,
          settings_.name + " found " + std::string(word_),
          {{"www-authenticate", stream.arena().Concat("Test by=", settings_.name)}});
    }
    if (word_ == "redirect") {
      return stream.Reply(302, "", "", {{"location", "/login"}});
    }
    if (word_ == "login" || word_ == "page" || word_ == "expired") {
      return OwnAnswer(stream);
    }
    if (word_ != "unnamed") {
      stream.SetIdentity(settings_.identity);
    }
    if (word_ == "forbid") {
      return stream.ReplyError(ErrorCode::kNotPermitted, settings_.name + " forbids");
    }
    stream.request().headers.Add("x-user", settings_.name);
    return Action::kContinue;
  }

  Action OwnAnswer(Stream& stream) {
    stream.SetRefusal(word_ == "expired" ? ErrorCode::kBadCredentials : ErrorCode::kNoCredentials,
                      settings_.name + " has an answer");
    if (word_ == "login") {
      return stream.Reply(302, "", "", {{"location", "/login"}, {"set-cookie", "state=1"}});
    }
    return stream.Reply(401, "<html>", "text/html",
                        {{"WWW-Authenticate", "Own"}, {"content-encoding", "br"}});
  }

  const Settings& settings_;
  std::string_view word_;
  std::unique_ptr<Pending> pending_;
};

class AskedDefinition final : public FilterDefinition {
 public:
  explicit AskedDefinition(Settings settings)
      : FilterDefinition(Phases::Of<Asked>(), 0), settings_(std::move(settings)) {
    settings_.identity.subject = settings_.name;
    name = settings_.name;
    credential_places = {"header x-common:", "header x-" + settings_.name + ":"};
  }
  void RemoveCredential(size_t place, http::RequestHead& head, Arena&) const override {
    const std::string own = "x-" + settings_.name;
    head.headers.Remove(place == 0 ? std::string_view("x-common") : std::string_view(own));
  }
  void StripTrailers(http::Headers& trailers) const override { trailers.Remove("x-user"); }
  Filter* NewFilter(Stream& stream) const override { return stream.arena().New<Asked>(settings_); }
  void StripHeaders(http::RequestHead& head) const override { head.headers.Remove("x-user"); }
  std::string Explain(const http::RequestHead&, const observe::StreamInfo&) const override {
    return settings_.word;
  }

 private:
  Settings settings_;
};

FilterType Either() {
  return {
      "either",
      [](config::Object& in, const LoadContext&) {
        std::vector<std::shared_ptr<const FilterDefinition>> members;
        for (const std::string_view name : {"first", "second"}) {
          const std::string word = in.RequiredString(name, "What this one says.");
          members.push_back(std::make_shared<AskedDefinition>(Settings{std::string(name), word}));
        }
        return AnyOf(std::move(members));
      },
      "One of two."};
}

// What becomes of a request; "later" has come.
std::string Outcome(FilterHarness& h) {
  h.Get("/", {{"x-user", "mallory"}});
  h.Advance(std::chrono::seconds(1));
  h.Advance(std::chrono::seconds(1));
  if (!h.forwarded()) {
    return std::to_string(h.reply().status) + " " + h.reply().detail;
  }
  const observe::Identity* identity = h.facts().identity;
  return "as " + std::string(identity == nullptr ? "nobody" : identity->subject) + ", x-user " +
         h.RequestField("x-user").value_or("none");
}

std::string Outcome(std::string_view first, std::string_view second) {
  std::string yaml = "{first: ";
  yaml.append(first).append(", second: ").append(second).append("}");
  FilterHarness h(Either(), yaml);
  return Outcome(h);
}

TEST(AnyOfTest, TheFirstThatAcceptsLetsTheRequestIn) {
  EXPECT_EQ(Outcome("accept", "accept"), "as first, x-user first");
  for (const char* refuses : {"nothing", "bad", "forbid", "redirect"}) {
    EXPECT_EQ(Outcome("accept", refuses), "as first, x-user first") << refuses;
    EXPECT_EQ(Outcome(refuses, "accept"), "as second, x-user second") << refuses;
  }
}

TEST(AnyOfTest, WhoWaitsIsWaitedFor) {
  for (const char* first : {"nothing", "later nothing", "bad", "later bad", "later redirect"}) {
    EXPECT_EQ(Outcome(first, "later accept"), "as second, x-user second") << first;
    EXPECT_EQ(Outcome(first, "accept"), "as second, x-user second") << first;
  }
  EXPECT_EQ(Outcome("later accept", "bad"), "as first, x-user first");
  EXPECT_EQ(Outcome("later nothing", "later nothing"),
            "401 first found nothing; second found nothing");
  EXPECT_EQ(Outcome("later nothing", "bad"), "401 second found bad");
}

TEST(AnyOfTest, WhenAllRefuseTheAnswerIsOfTheOneThatFoundCredentials) {
  EXPECT_EQ(Outcome("nothing", "bad"), "401 second found bad");
  EXPECT_EQ(Outcome("bad", "nothing"), "401 first found bad");
  EXPECT_EQ(Outcome("bad", "forbid"), "401 first found bad");
  EXPECT_EQ(Outcome("nothing", "forbid"), "403 second forbids");
  FilterHarness h(Either(), "{first: nothing, second: redirect}");
  h.Get();
  EXPECT_EQ(h.reply().status, 302);
  EXPECT_EQ(h.reply().headers, (HarnessFields{{"location", "/login"}}));
}

TEST(AnyOfTest, WithoutCredentialsAllChallengesAreMade) {
  FilterHarness h(Either(), "{first: nothing, second: nothing}");
  h.Get();
  EXPECT_EQ(h.reply().error, ErrorCode::kNoCredentials);
  EXPECT_EQ(h.reply().detail, "first found nothing; second found nothing");
  EXPECT_EQ(h.reply().headers, (HarnessFields{{"www-authenticate", "Test by=first"},
                                              {"www-authenticate", "Test by=second"}}));
}

// An answer of a filter's own counts as what it says it means.
TEST(AnyOfTest, AnswersOfTheirOwn) {
  FilterHarness h(Either(), "{first: expired, second: bad}");
  h.Get();
  EXPECT_EQ(h.reply().body, "<html>");
  EXPECT_EQ(h.reply().content_type, "text/html");
  EXPECT_EQ(h.reply().error, ErrorCode::kBadCredentials);
  EXPECT_EQ(h.reply().detail, "first has an answer");
  EXPECT_EQ(Outcome("page", "bad"), "401 second found bad");
  EXPECT_EQ(Outcome("later page", "later expired"), "401 second has an answer");
  EXPECT_EQ(Outcome("expired", "accept"), "as second, x-user second");
  EXPECT_EQ(Outcome("page", "anonymous"), "as nobody, x-user none");
  EXPECT_EQ(Outcome("login", "anonymous"), "as nobody, x-user none");
  FilterHarness accepted(Either(), "{first: expired, second: accept}");
  accepted.Get();
  EXPECT_EQ(accepted.facts().error, ErrorCode::kNone);
}

TEST(AnyOfTest, WithoutCredentialsTheWayToALoginComesFirst) {
  for (const char* yaml : {"{first: nothing, second: login}", "{first: login, second: page}"}) {
    FilterHarness h(Either(), yaml);
    h.Get();
    EXPECT_EQ(h.reply().status, 302) << yaml;
    EXPECT_EQ(h.reply().headers,
              (HarnessFields{{"location", "/login"}, {"set-cookie", "state=1"}}));
    EXPECT_EQ(h.reply().error, ErrorCode::kNoCredentials);
  }
  FilterHarness h(Either(), "{first: page, second: nothing}");
  h.Get();
  EXPECT_EQ(h.reply().error, ErrorCode::kNoCredentials);
  EXPECT_EQ(h.reply().detail, "first has an answer; second found nothing");
  EXPECT_EQ(h.reply().headers,
            (HarnessFields{{"WWW-Authenticate", "Own"}, {"www-authenticate", "Test by=second"}}));
}

// A filter that takes requests of nobody does not keep the others from finding somebody, and what
// another has refused does not pass as nobody's.
TEST(AnyOfTest, NobodyIsLetInOnlyWhenNoFilterFindsCredentials) {
  EXPECT_EQ(Outcome("anonymous", "accept"), "as second, x-user second");
  EXPECT_EQ(Outcome("anonymous", "nothing"), "as nobody, x-user none");
  EXPECT_EQ(Outcome("nothing", "anonymous"), "as nobody, x-user none");
  EXPECT_EQ(Outcome("later nothing", "later anonymous"), "as nobody, x-user none");
  EXPECT_EQ(Outcome("anonymous", "bad"), "401 second found bad");
  EXPECT_EQ(Outcome("bad", "anonymous"), "401 first found bad");
  EXPECT_EQ(Outcome("anonymous", "later forbid"), "403 second forbids");
}

TEST(AnyOfTest, CredentialsThatNobodyVerifiedDoNotPass) {
  FilterHarness h(Either(), "{first: bad, second: accept}");
  h.Get("/", {{"x-first", "forged"}, {"x-second", "good"}, {"x-common", "good"}});
  EXPECT_EQ(h.RequestField("x-first"), std::nullopt);
  EXPECT_EQ(h.RequestField("x-second"), "good");
  EXPECT_EQ(h.RequestField("x-common"), "good");
  FilterHarness later(Either(), "{first: later accept, second: accept}");
  later.Get("/", {{"x-first", "good"}, {"x-second", "forged"}});
  later.Advance(std::chrono::seconds(1));
  EXPECT_EQ(later.RequestField("x-first"), "good");
  EXPECT_EQ(later.RequestField("x-second"), std::nullopt);
}

TEST(AnyOfTest, WhatIsSaidOfNobodyDoesNotStay) {
  EXPECT_EQ(Outcome("unnamed", "accept"), "as second, x-user second");
  EXPECT_EQ(Outcome("unnamed", "nothing"), "as nobody, x-user none");
  EXPECT_EQ(Outcome("later unnamed", "later accept"), "as second, x-user second");
}

TEST(AnyOfTest, TheResponseIsForWhoLetTheRequestIn) {
  FilterHarness h(Either(), "{first: bad, second: later accept}");
  h.Get();
  h.Advance(std::chrono::seconds(1));
  h.Response(200);
  EXPECT_EQ(h.ResponseField("x-let-in-by"), "second");
  FilterHarness refused(Either(), "{first: bad, second: bad}");
  refused.Get();
  EXPECT_EQ(refused.ResponseField("x-let-in-by"), std::nullopt);
}

TEST(AnyOfTest, AStreamThatEndsEarlyAsksNobodyAnyMore) {
  FilterHarness h(Either(), "{first: later bad, second: accept}");
  h.Get();
  EXPECT_TRUE(h.paused());
  h.End(ErrorCode::kClientGone);
  h.Advance(std::chrono::seconds(5));  // Must not touch what is gone.
}

TEST(AnyOfTest, ExplainsEach) {
  FilterHarness h(Either(), "{first: bad, second: accept}");
  h.Get();
  EXPECT_EQ(h.definition().Explain(h.request(), h.facts()),
            "the first that accepts: first (bad) second (accept)");
}

}  // namespace
}  // namespace gatehouse::pipeline
