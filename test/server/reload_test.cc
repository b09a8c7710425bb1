// SPDX-License-Identifier: Apache-2.0
#include "source/server/reload.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "source/filters/builtin.h"
#include "test/server/loop_turns.h"

namespace gatehouse::server {
namespace {

using admin::ReloadOutcome;

class ReloaderTest : public testing::Test {
 protected:
  ReloaderTest() {
    std::string name = testing::TempDir() + "reload_test.XXXXXX";
    directory_ = mkdtemp(name.data());
    source_.path = directory_ + "/gatehouse.yaml";
    source_.name = "gatehouse.yaml";
    context_.catalog = &catalog_;
    context_.metrics = &metrics_;
    context_.workers = 1;
    Write("one");
    served_ = Compile(source_, nullptr, 1, context_).config;
    reloader_ = std::make_unique<Reloader>(
        Reloader::Parts{loop_, compiler_, metrics_, table_, context_}, source_, served_,
        [this](ServedConfig next, Reloader::Applied done) {
          ++applied_;
          if (apply_fails_) {
            done(Fail(ErrorCode::kIo, ErrorSource::kInternal, "the address is in use"));
            return;
          }
          served_ = std::move(next);
          done({});
        });
    reloader_->RecordStart();
  }
  ~ReloaderTest() override {
    compiler_.Stop(event::Background::Queued::kAbandon);
    std::filesystem::remove_all(directory_);
  }

  void Write(const std::string& body) const {
    std::ofstream(source_.path, std::ios::trunc)
        << "version: 1\nlisteners: [{name: web, address: \":80\"}]\n"
        << "routes: [{match: {path: /a}, respond: {body: " << body << "}}]\n";
  }
  void Request(const std::string& trigger) {
    reloader_->Request(trigger,
                       [this](const admin::ReloadReport& report) { reports_.push_back(report); });
  }
  void RunUntilReports(size_t count) {
    RunUntil(loop_, [&] { return reports_.size() >= count; });
    ASSERT_EQ(reports_.size(), count);
  }
  int64_t Attempts(const char* result) const {
    return metrics_.Sum("gatehouse_config_reloads_total", {{"result", result}});
  }

  std::string directory_;
  ConfigSource source_;
  const pipeline::Catalog catalog_ = BuiltinFilters();
  observe::Metrics metrics_;
  observe::MetricTable& table_ = metrics_.AddTable();
  event::Loop loop_{"test"};
  event::Background compiler_;
  CompileContext context_;
  ServedConfig served_;
  std::unique_ptr<Reloader> reloader_;
  int applied_ = 0;
  bool apply_fails_ = false;
  std::vector<admin::ReloadReport> reports_;
};

TEST_F(ReloaderTest, TheStartCounts) {
  EXPECT_EQ(reloader_->status().epoch, 1u);
  EXPECT_EQ(reloader_->status().last.trigger, "start");
  EXPECT_EQ(Attempts("loaded"), 1);
  EXPECT_EQ(metrics_.Sum("gatehouse_config_last_reload_success"), 1);
}

TEST_F(ReloaderTest, WaitsUntilItIsOpen) {
  Write("two");
  Request("file");
  RunFor(loop_, std::chrono::milliseconds(60));
  EXPECT_TRUE(reports_.empty());
  reloader_->Open();
  RunUntilReports(1);
  EXPECT_EQ(reports_[0].outcome, ReloadOutcome::kLoaded);
  EXPECT_EQ(reports_[0].epoch, 2u);
  EXPECT_EQ(reports_[0].trigger, "file");
}

TEST_F(ReloaderTest, RequestsDuringAnAttemptShareTheNextOne) {
  reloader_->Open();
  Write("two");
  Request("SIGHUP");
  EXPECT_TRUE(reloader_->status().reloading);
  for (int i = 0; i < 10; ++i) {
    Request("admin");
  }
  RunUntilReports(11);
  EXPECT_EQ(applied_, 1);
  EXPECT_EQ(reports_[0].outcome, ReloadOutcome::kLoaded);
  EXPECT_EQ(reports_[0].trigger, "SIGHUP");
  for (size_t i = 1; i < reports_.size(); ++i) {
    EXPECT_EQ(reports_[i].outcome, ReloadOutcome::kUnchanged);
    EXPECT_EQ(reports_[i].trigger, "admin");
  }
  EXPECT_EQ(Attempts("loaded"), 2);
  EXPECT_EQ(Attempts("unchanged"), 1);
  EXPECT_FALSE(reloader_->status().reloading);
}

TEST_F(ReloaderTest, FailuresKeepTheEpochAndSayWhy) {
  reloader_->Open();
  Write("two, nonsense: 1");
  Request("file");
  RunUntilReports(1);
  EXPECT_EQ(reports_[0].outcome, ReloadOutcome::kFailed);
  EXPECT_EQ(reports_[0].diagnostics->errors(), 1u);
  EXPECT_EQ(reports_[0].error, "");
  EXPECT_EQ(reports_[0].epoch, 1u);
  EXPECT_EQ(applied_, 0);
  EXPECT_EQ(metrics_.Sum("gatehouse_config_last_reload_success"), 0);

  std::filesystem::remove(source_.path);
  Request("admin");
  RunUntilReports(2);
  EXPECT_NE(reports_[1].error.find("No such file"), std::string::npos);

  Write("three");
  apply_fails_ = true;
  Request("admin");
  RunUntilReports(3);
  EXPECT_EQ(reports_[2].error, "the address is in use");
  EXPECT_EQ(reloader_->status().epoch, 1u);

  // What is served already is a success, whatever was tried since.
  Write("one");
  Request("admin");
  RunUntilReports(4);
  EXPECT_EQ(reports_[3].outcome, ReloadOutcome::kUnchanged);
  EXPECT_EQ(metrics_.Sum("gatehouse_config_last_reload_success"), 1);
  EXPECT_EQ(Attempts("failed"), 3);
  EXPECT_EQ(metrics_.Sum("gatehouse_config_epoch"), 1);
}

TEST_F(ReloaderTest, RefusedRequestsAreAnsweredThoseThatWaitedToo) {
  Request("file");
  reloader_->Refuse("the process is draining");
  Request("admin");
  ASSERT_EQ(reports_.size(), 2u);
  for (const admin::ReloadReport& report : reports_) {
    EXPECT_EQ(report.outcome, ReloadOutcome::kFailed);
    EXPECT_EQ(report.error, "the process is draining");
  }
}

TEST_F(ReloaderTest, AnAttemptUnderWayIsNotAppliedAfterRefusal) {
  reloader_->Open();
  Write("two");
  Request("admin");
  reloader_->Refuse("the process is draining");
  RunUntilReports(1);
  EXPECT_EQ(reports_[0].error, "the process is draining");
  EXPECT_EQ(applied_, 0);
}

}  // namespace
}  // namespace gatehouse::server
