// SPDX-License-Identifier: Apache-2.0
#include "source/server/banner.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "source/filters/builtin.h"

namespace gatehouse::server {
namespace {

ServedConfig Load(const std::string& listeners, const std::string& more) {
  const pipeline::Catalog catalog = BuiltinFilters();
  observe::Metrics metrics;
  CompileContext context;
  context.catalog = &catalog;
  context.metrics = &metrics;
  Compiled compiled =
      Compile({.path = "",
               .name = "test.yaml",
               .text = "version: 1\nlisteners: [" + listeners +
                       "]\nroutes: [{match: {path: /a}, respond: {status: 200}}]\n" + more},
              nullptr, 1, context);
  EXPECT_NE(compiled.config.snapshot, nullptr) << compiled.config.diagnostics->ToText();
  return std::move(compiled.config);
}

TEST(Banner, SaysWhereAndHowMuch) {
  const ServedConfig served = Load("{name: web, address: \"127.0.0.1:0\"}", "");
  EXPECT_EQ(Banner(served, {"test.yaml",
                            {{served.snapshot->listeners[0].id, "127.0.0.1:40000", 2}},
                            "127.0.0.1:9901",
                            2}),
            "gatehouse 0.1.0 serves test.yaml\n"
            "listening  web 127.0.0.1:40000\n"
            "admin      http://127.0.0.1:9901\n"
            "loaded     0 clusters, 1 route, 0 filters, 2 workers\n");
}

TEST(Banner, StaysShortHoweverManyListenersThereAre) {
  std::string listeners;
  for (int i = 0; i < 100; ++i) {
    listeners +=
        "{name: web" + std::to_string(i) + ", address: \":" + std::to_string(8000 + i) + "\"},";
  }
  const ServedConfig served = Load(listeners, "clusters: {unused: {endpoints: [\"10.0.0.1:80\"]}}");
  const std::string text = Banner(served, {"test.yaml", {}, "unix:/run/admin.sock", 8});
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 6);
  EXPECT_NE(text.find("web7 0.0.0.0:8007 and 92 more\n"), std::string::npos) << text;
  EXPECT_NE(text.find("admin      unix:/run/admin.sock\n"), std::string::npos) << text;
  EXPECT_NE(text.find("warnings   1:"), std::string::npos) << text;
}

}  // namespace
}  // namespace gatehouse::server
