// SPDX-License-Identifier: Apache-2.0
// Every example in configs/ loads without an error and without a warning, as it stands and as its
// effective form.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/server/checked_config.h"
#include "test/tls/made_certificates.h"

namespace gatehouse::server {
namespace {

// A copy of the folder, with the certificates that tls.yaml names: those are everybody's own.
const std::filesystem::path& Folder() {
  static const std::filesystem::path* const folder = [] {
    const char* given = std::getenv("CONFIGS_DIR");
    static const tls::Folder copy;
    std::filesystem::copy(given == nullptr ? "configs" : given, copy.Path("configs"),
                          std::filesystem::copy_options::recursive);
    std::filesystem::create_directory(copy.Path("configs/tls"));
    const auto write = [&](const std::string& name, const std::string& ending, bool authority) {
      const tls::Made made = tls::Make(
          {.common_name = name, .names = "DNS:" + name + ".test", .authority = authority});
      copy.Write("configs/tls/" + name + ending, tls::Pem(made));
      copy.Write("configs/tls/" + name + ".key", tls::KeyPem(made));
    };
    write("api", ".crt", false);
    write("shop", ".crt", false);
    write("clients", ".pem", true);
    std::filesystem::current_path(copy.Path(""));  // What they name is looked for from here.
    return new std::filesystem::path(copy.Path("configs"));
  }();
  return *folder;
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

class Example : public ::testing::TestWithParam<std::string> {
 protected:
  std::string Path() const { return (Folder() / (GetParam() + ".yaml")).string(); }
  std::string Text() const {
    const auto text = config::ReadSource(Path());
    EXPECT_TRUE(text.has_value());
    return text.value_or("");
  }
};

// An effective form shows no secrets. With stand-ins for them it can be loaded.
std::string WithSecrets(std::string text) {
  const std::pair<std::string, std::string> stand_ins[] = {
      {"sha256: \"***\"", "sha256: " + std::string(64, 'a')},
      {":***", ":$2y$05$" + std::string(53, 'a')},
  };
  for (const auto& [hidden, shown] : stand_ins) {
    for (size_t at = 0; (at = text.find(hidden, at)) != std::string::npos; at += shown.size()) {
      text.replace(at, hidden.size(), shown);
    }
  }
  return text;
}

std::optional<std::string> NoVariables(std::string_view) { return std::nullopt; }

TEST_P(Example, IsValid) {
  const CheckedConfig config(GetParam() + ".yaml", Text(), NoVariables, Path());
  EXPECT_TRUE(config.valid(/*strict=*/true)) << config.Report();
}

TEST_P(Example, SoIsItsEffectiveForm) {
  const CheckedConfig config(GetParam() + ".yaml", Text(), NoVariables, Path());
  const CheckedConfig again("effective.yaml", WithSecrets(config->effective), NoVariables);
  EXPECT_TRUE(again.valid(/*strict=*/true)) << again.Report() << config->effective;
  EXPECT_EQ(again->effective, config->effective);
}

INSTANTIATE_TEST_SUITE_P(Configs, Example, ::testing::ValuesIn(Names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace gatehouse::server
