// SPDX-License-Identifier: Apache-2.0
#include "source/server/compile.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "source/filters/builtin.h"

namespace gatehouse::server {
namespace {

class CompileTest : public testing::Test {
 protected:
  CompileTest() {
    std::string name = testing::TempDir() + "compile_test.XXXXXX";
    directory_ = mkdtemp(name.data());
    source_.path = directory_ + "/gatehouse.yaml";
    source_.name = "gatehouse.yaml";
    context_.catalog = &catalog_;
    context_.metrics = &metrics_;
    context_.workers = 2;
  }
  ~CompileTest() override { std::filesystem::remove_all(directory_); }

  void Write(const std::string& path, const std::string& text) const {
    std::ofstream(path, std::ios::trunc) << text;
  }
  void WriteConfig(const std::string& body) const {
    Write(source_.path,
          "version: 1\nlisteners: [{name: web, address: \"127.0.0.1:80\", filters: [deny]}]\n"
          "filters: {deny: {type: ip_access, deny_file: " +
              directory_ + "/deny.txt}}\nroutes: [{match: {path: /a}, respond: {body: " + body +
              "}}]\n");
  }

  std::string directory_;
  ConfigSource source_;
  const pipeline::Catalog catalog_ = BuiltinFilters();
  observe::Metrics metrics_;
  CompileContext context_;
};

TEST_F(CompileTest, TheSameTextIsUnchangedUntilAFileItNamesChanges) {
  Write(directory_ + "/deny.txt", "192.0.2.1\n");
  WriteConfig("one");
  const Compiled first = Compile(source_, nullptr, 1, context_);
  ASSERT_NE(first.config.snapshot, nullptr) << first.config.diagnostics->ToText();
  EXPECT_EQ(first.config.snapshot->epoch, 1u);
  EXPECT_EQ(first.config.hash.size(), 16u);
  EXPECT_NE(first.config.effective->Unpack().find("deny_file"), std::string::npos);

  const Compiled again = Compile(source_, &first.config, 2, context_);
  EXPECT_TRUE(again.unchanged);
  EXPECT_EQ(again.config.snapshot, nullptr);

  Write(directory_ + "/deny.txt", "192.0.2.1\n192.0.2.2\n");
  const Compiled other_list = Compile(source_, &first.config, 2, context_);
  EXPECT_FALSE(other_list.unchanged);
  ASSERT_NE(other_list.config.snapshot, nullptr);
  EXPECT_EQ(other_list.config.hash, first.config.hash);

  WriteConfig("two");
  const Compiled other_text = Compile(source_, &other_list.config, 3, context_);
  EXPECT_NE(other_text.config.hash, first.config.hash);
  // What did not change is the same object.
  EXPECT_EQ(other_text.config.snapshot->filters->definitions().at("deny"),
            other_list.config.snapshot->filters->definitions().at("deny"));
  EXPECT_EQ(other_text.config.snapshot->listeners[0].id, first.config.snapshot->listeners[0].id);
}

TEST_F(CompileTest, MistakesAndMissingFilesAreTold) {
  const Compiled missing = Compile(source_, nullptr, 1, context_);
  EXPECT_NE(missing.error.find("No such file"), std::string::npos) << missing.error;
  EXPECT_EQ(missing.config.snapshot, nullptr);
  ASSERT_NE(missing.config.diagnostics, nullptr);

  Write(source_.path, "version: 1\nlisteners: 5\nruotes: []\n");
  const Compiled broken = Compile(source_, nullptr, 1, context_);
  EXPECT_EQ(broken.error, "");
  EXPECT_EQ(broken.config.snapshot, nullptr);
  EXPECT_GE(broken.config.diagnostics->errors(), 2u);
}

TEST_F(CompileTest, ATextNeedsNoFile) {
  const ConfigSource text{.path = "",
                          .name = "<stdin>",
                          .text =
                              "version: 1\nlisteners: [{name: web, address: \":80\"}]\n"
                              "routes: [{match: {path: /a}, respond: {status: 200}}]\n"};
  const Compiled compiled = Compile(text, nullptr, 7, context_);
  ASSERT_NE(compiled.config.snapshot, nullptr) << compiled.config.diagnostics->ToText();
  EXPECT_EQ(compiled.config.snapshot->epoch, 7u);
}

TEST_F(CompileTest, CheckingLeavesNoTrace) {
  const std::string log = directory_ + "/access.log";
  const auto diagnostics = Check(
      "version: 1\nlisteners: [{name: web, address: \":80\", filters: [access_log]}]\n"
      "filters: {access_log: {path: " +
          log + "}}\nroutes: [{match: {path: /a}, respond: {status: 200}}]\n",
      "", catalog_);
  EXPECT_TRUE(diagnostics->ok()) << diagnostics->ToText();
  EXPECT_FALSE(std::filesystem::exists(log));
  EXPECT_FALSE(Check("nonsense: 1", "", catalog_)->ok());
}

}  // namespace
}  // namespace gatehouse::server
