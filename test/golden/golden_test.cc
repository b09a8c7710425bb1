// SPDX-License-Identifier: Apache-2.0
// What `validate` says of each configuration here: NAME.yaml, and NAME.expected to the letter.
//
// GOLDEN_UPDATE=1 writes what is said now into NAME.expected; GOLDEN_DIR says where, when the test
// does not run at the top of the source tree.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/server/checked_config.h"

namespace gatehouse::server {
namespace {

// The tests run in it: what is included is named relative to it.
const std::filesystem::path& Folder() {
  static const std::filesystem::path folder = [] {
    const char* given = std::getenv("GOLDEN_DIR");
    const auto out = std::filesystem::absolute(given == nullptr ? "test/golden" : given);
    std::filesystem::current_path(out);
    return out;
  }();
  return folder;
}

std::vector<std::string> Names() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(Folder())) {
    if (entry.path().extension() == ".yaml") {
      out.push_back(entry.path().stem().string());
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

// The variables that these files may use.
std::optional<std::string> Variable(std::string_view name) {
  if (name == "GOLDEN_HOST") {
    return "not a host";
  }
  if (name == "GOLDEN_SECRET") {
    return "hunter2";
  }
  if (name == "GOLDEN_EMPTY") {
    return "";
  }
  return std::nullopt;
}

std::string Read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> out;
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = std::min(text.find('\n', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

// Lines only in `wanted` with "-", lines only in `got` with "+".
std::string Difference(const std::string& wanted, const std::string& got) {
  const std::vector<std::string> old_lines = Lines(wanted);
  const std::vector<std::string> new_lines = Lines(got);
  const auto missing_in = [](const std::string& line, const std::vector<std::string>& lines) {
    return std::find(lines.begin(), lines.end(), line) == lines.end();
  };
  std::string out;
  for (const std::string& line : old_lines) {
    out += missing_in(line, new_lines) ? "- " + line + "\n" : "";
  }
  for (const std::string& line : new_lines) {
    out += missing_in(line, old_lines) ? "+ " + line + "\n" : "";
  }
  return out.empty() ? "the same lines in another order:\n" + got : out;
}

class Golden : public ::testing::TestWithParam<std::string> {};

TEST_P(Golden, SaysWhatIsExpected) {
  const std::filesystem::path base = Folder() / GetParam();
  const std::string name = GetParam() + ".yaml";
  const CheckedConfig config(name, Read(base.string() + ".yaml"), Variable, name);
  const std::string got = config.Report();
  if (std::getenv("GOLDEN_UPDATE") != nullptr) {
    std::ofstream(base.string() + ".expected", std::ios::binary) << got;
    return;
  }
  const std::string wanted = Read(base.string() + ".expected");
  EXPECT_TRUE(got == wanted) << Difference(wanted, got);
}

TEST(GoldenFiles, ThereAreMany) { EXPECT_GE(Names().size(), 112u); }

TEST(GoldenFiles, NoExpectationIsLeftOver) {
  for (const auto& entry : std::filesystem::directory_iterator(Folder())) {
    if (entry.path().extension() == ".expected") {
      const std::filesystem::path yaml =
          std::filesystem::path(entry.path()).replace_extension(".yaml");
      EXPECT_TRUE(std::filesystem::exists(yaml)) << entry.path();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, ::testing::ValuesIn(Names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace gatehouse::server
