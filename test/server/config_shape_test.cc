// SPDX-License-Identifier: Apache-2.0
// The shape of the configuration is all of it: nothing that a loader asks for is missing, and
// everything in it is explained.
#include "source/server/config_shape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "source/config/document.h"
#include "source/filters/builtin.h"
#include "source/server/config_loader.h"
#include "source/server/defaults.h"
#include "source/server/shape_words.h"

namespace gatehouse::server {
namespace {

using config::Fields;
using config::KeyShape;
using config::Shape;

LoadRequest RequestFor(std::string text, const pipeline::Catalog& catalog) {
  LoadRequest request;
  request.name = "f.yaml";
  request.text = std::move(text);
  request.environment = [](std::string_view) { return std::optional<std::string>("x"); };
  request.catalog = &catalog;
  request.activate = false;
  return request;
}

// Calls `visit` with the path and the key of every key, those of variants too.
using Visit = std::function<void(const std::string& path, const KeyShape& key)>;
void ForEachKey(const Shape& shape, const std::string& path, const Visit& visit);
void ForEachKey(const Fields& fields, const std::string& path, const Visit& visit) {
  for (const auto& key : fields.keys) {
    const std::string inner = path.empty() ? key->name : path + "." + key->name;
    visit(inner, *key);
    ForEachKey(key->shape, inner, visit);
  }
  for (const Fields::Variant& variant : fields.variants) {
    ForEachKey(*variant.fields, path + "(" + variant.name + ")", visit);
  }
}
void ForEachKey(const Shape& shape, const std::string& path, const Visit& visit) {
  for (const auto& [form, fields] : shape.forms) {
    ForEachKey(*fields, path + (form.empty() ? "" : "(" + form + ")"), visit);
  }
  if (shape.elements != nullptr) {
    ForEachKey(*shape.elements, path + "[]", visit);
  }
  if (shape.entries != nullptr) {
    ForEachKey(*shape.entries, path + ".NAME", visit);
  }
}

std::vector<std::string> Paths(const Shape& shape) {
  std::vector<std::string> out;
  ForEachKey(shape, "", [&](const std::string& path, const KeyShape&) { out.push_back(path); });
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::filesystem::path> ConfigFiles() {
  std::vector<std::filesystem::path> out;
  for (const char* folder : {"test/golden", "configs"}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() == ".yaml") {
        out.push_back(entry.path());
      }
    }
  }
  return out;
}

// But for certificates and keys, which there are none of.
TEST(ConfigShape, TheFullConfigurationIsValid) {
  const pipeline::Catalog catalog = BuiltinFilters();
  const auto loaded = LoadConfig(RequestFor(FullConfig(catalog), catalog));
  for (const config::Diagnostic& one : loaded->diagnostics.Sorted()) {
    EXPECT_TRUE(one.severity == config::Severity::kWarning ||
                one.message.starts_with("/dev/null has "))
        << loaded->diagnostics.Line(one) << "\n"
        << FullConfig(catalog);
  }
}

TEST(ConfigShape, EveryKeyIsExplained) {
  ForEachKey(ShapeOfConfig(BuiltinFilters()), "", [](const std::string& path, const KeyShape& key) {
    EXPECT_GE(key.help.size(), 10u) << path;
    EXPECT_TRUE(key.help.ends_with('.')) << path << ": " << key.help;
    EXPECT_EQ(key.help.find('|'), key.help.npos) << path << ": breaks the page's table";
  });
}

// A kind that is missing: FullConfig() lacks the key, or does not lead its loader there.
TEST(ConfigShape, EveryKeyHasAKindAndAnExample) {
  ForEachKey(ShapeOfConfig(BuiltinFilters()), "", [](const std::string& path, const KeyShape& key) {
    EXPECT_FALSE(key.shape.empty()) << path;
    EXPECT_EQ(TypeInWords(key).find("to or"), std::string::npos) << path;
    for (const Shape* shape = &key.shape; shape != nullptr; shape = shape->elements.get()) {
      EXPECT_FALSE(shape->empty()) << path;
      EXPECT_FALSE(shape->entries != nullptr && shape->entries->empty()) << path;
    }
    if (key.shape.forms.empty() && !key.shape.elements && !key.shape.entries) {
      EXPECT_NE(key.example, "") << path;
    }
  });
}

TEST(ConfigShape, KnowsEveryFilterWhereverOneIsNamed) {
  const pipeline::Catalog catalog = BuiltinFilters();
  const std::vector<std::string> paths = Paths(ShapeOfConfig(catalog));
  for (const pipeline::FilterType& type : catalog.types()) {
    EXPECT_FALSE(type.examples.empty()) << type.name << " has no examples for its keys";
    for (const char* place : {"filters.NAME", "listeners[].filters[]", "routes[].filters[]"}) {
      const std::string prefix = std::string(place) + "(" + std::string(type.name) + ").";
      EXPECT_TRUE(std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
        return path.starts_with(prefix);
      })) << prefix;
    }
  }
}

// A key that is missing: FullConfig() does not lead to the loader that asks for it.
TEST(ConfigShape, HasEveryKeyThatAnyOtherFileMakesLoadersAskFor) {
  const pipeline::Catalog catalog = BuiltinFilters();
  const std::vector<std::string> known = Paths(ShapeOfConfig(catalog));
  const auto files = ConfigFiles();
  ASSERT_GE(files.size(), 90u);
  for (const auto& file : files) {
    Shape asked;
    LoadRequest request = RequestFor(config::ReadSource(file.string()).value_or(""), catalog);
    request.path = file.string();
    request.directory = file.parent_path().string() + "/";
    request.shape = &asked;
    LoadConfig(request);
    for (const std::string& path : Paths(asked)) {
      if (path == "listeners[].filters[](skip).skip") {
        continue;  // Always a mistake: only routes skip filters.
      }
      EXPECT_TRUE(std::binary_search(known.begin(), known.end(), path)) << file << ": " << path;
    }
  }
}

// What `config --effective` prints for keys that are left out is what the reference says.
void ExpectDefaults(const Tree& tree, const std::string& path, const Shape& shape) {
  for (const auto& [name, value] : tree.items()) {
    const std::string inner = path + "." + name;
    const KeyShape* key = shape.forms.empty() ? nullptr : shape.forms.front().second->Find(name);
    ASSERT_NE(key, nullptr) << inner;
    if (value.is_object()) {
      ExpectDefaults(value, inner, key->shape);
    } else if (value.is_array()) {
      std::string list;
      for (const Tree& one : value) {
        list.append(list.empty() ? "[" : ", ").append(one.get<std::string>());
      }
      EXPECT_EQ(DefaultOf(*key), list.empty() ? "" : list + "]") << inner;
    } else {
      EXPECT_EQ(DefaultOf(*key), value.get<std::string>()) << inner;
    }
  }
}

const Shape& Below(const Shape& shape, std::string_view name) {
  return shape.forms.front().second->Find(name)->shape;
}

TEST(ConfigShape, ItsDefaultsAreThoseOfTheEffectiveConfiguration) {
  const Shape shape = ShapeOfConfig(BuiltinFilters());
  const Defaults defaults;
  ExpectDefaults(defaults.admin, "admin", Below(shape, "admin"));
  ExpectDefaults(defaults.runtime, "runtime", Below(shape, "runtime"));
  ExpectDefaults(defaults.listener, "listener", *Below(shape, "listeners").elements);
  const Shape& cluster = *Below(shape, "clusters").entries;
  ExpectDefaults(defaults.cluster, "cluster", cluster);
  ExpectDefaults(defaults.endpoint, "endpoint", *Below(cluster, "endpoints").elements);
  const Shape& route = *Below(shape, "routes").elements;
  ExpectDefaults(defaults.forward, "route", route);
  ExpectDefaults(defaults.arm, "split", *Below(route, "split").elements);
  ExpectDefaults(defaults.redirect, "redirect", Below(route, "redirect"));
  ExpectDefaults(defaults.respond, "respond", Below(route, "respond"));
}

struct Lacking {
  std::string path;
  std::string text;
};

TEST(ConfigShape, WhatItCallsRequiredIsMissed) {
  const std::string listener = "listeners: [{name: a, address: \"127.0.0.1:1\"}]\n";
  std::vector<Lacking> all = {
      {"listeners[].name", "listeners: [{address: \"127.0.0.1:1\"}]"},
      {"listeners[].address", "listeners: [{name: a}]"},
      {"listeners[].tls.certificates", "listeners: [{name: a, address: \":1\", tls: {}}]"},
      {"listeners[].tls.certificates[].cert_file",
       "listeners: [{name: a, address: \":1\", tls: {certificates: [{key_file: x}]}}]"},
      {"listeners[].tls.certificates[].key_file",
       "listeners: [{name: a, address: \":1\", tls: {certificates: [{cert_file: x}]}}]"},
      {"listeners[].filters[].use", "listeners: [{name: a, address: \":1\", filters: [{}]}]"},
      {"routes[].filters[].use", listener + "routes: [{respond: {}, filters: [{}]}]"},
      {"routes[].filters[](any_of).any_of", listener + "routes: [{respond: {}, filters: [{}]}]"},
      {"routes[].filters[](skip).skip", listener + "routes: [{respond: {}, filters: [{}]}]"},
      {"filters.NAME(api_key).keys[].name", "filters: {a: {type: api_key, keys: [{sha256: x}]}}"},
      {"filters.NAME(api_key).keys[].sha256", "filters: {a: {type: api_key, keys: [{name: x}]}}"},
      {"listeners[].filters[](api_key).keys[].name",
       "filters: {a: {type: api_key, keys: [{sha256: x}]}}"},
      {"listeners[].filters[](api_key).keys[].sha256",
       "filters: {a: {type: api_key, keys: [{name: x}]}}"},
      {"routes[].filters[](api_key).keys[].name",
       "filters: {a: {type: api_key, keys: [{sha256: x}]}}"},
      {"routes[].filters[](api_key).keys[].sha256",
       "filters: {a: {type: api_key, keys: [{name: x}]}}"},
      {"clusters.NAME.endpoints[].address", listener + "clusters: {a: {endpoints: [{}]}}"},
      {"clusters.NAME.discovery.dns", listener + "clusters: {a: {discovery: {}}}"},
      {"routes[].split[].cluster", listener + "routes: [{split: [{weight: 1}]}]"},
  };
  for (const char* at : {"filters.NAME", "listeners[].filters[]", "routes[].filters[]"}) {
    const std::string path = std::string(at) + "(rbac).rules";
    all.push_back({path, "filters: {rbac: {}}"});
    all.push_back({std::string(at) + "(ip_access).country.database",
                   "filters: {ip_access: {country: {deny: [KP]}}}"});
    const std::pair<const char*, const char*> traffic[] = {
        {"(concurrency).max", "filters: {concurrency: {key: route}}"},
        {"(cors).allow_origins", "filters: {cors: {}}"},
        {"(cors).allow_origins[].regex", "filters: {cors: {allow_origins: [{}]}}"},
        {"(rate_limit).rate", "filters: {rate_limit: {}}"},
        {"(rate_limit).rates.by", "filters: {rate_limit: {rate: 1/s, rates: {values: {a: 1/s}}}}"},
        {"(rate_limit).rates.values.NAME.rate",
         "filters: {rate_limit: {rate: 1/s, rates: {by: subject, values: {a: {burst: 1}}}}}"},
    };
    for (const auto& [key, text] : traffic) {
      all.push_back({std::string(at) + key, text});
    }
    all.push_back({std::string(at) + "(access_log).syslog.address",
                   "filters: {access_log: {syslog: {tag: a}}}"});
    all.push_back({std::string(at) + "(access_log).sinks[].syslog.address",
                   "filters: {access_log: {sinks: [{syslog: {tag: a}}]}}"});
    all.push_back({path + "[].name", "filters: {rbac: {rules: [{action: allow}]}}"});
    all.push_back({path + "[].action", "filters: {rbac: {rules: [{name: a}]}}"});
    for (const char* key : {"issuer", "audiences", "jwks"}) {
      all.push_back({std::string(at) + "(jwt)." + key, "filters: {jwt: {}}"});
    }
  }
  const pipeline::Catalog catalog = BuiltinFilters();
  ForEachKey(ShapeOfConfig(catalog), "", [&](const std::string& path, const KeyShape& key) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Lacking& one) { return one.path == path; });
    EXPECT_EQ(key.required, found != all.end()) << path;
    if (found != all.end()) {
      EXPECT_FALSE(LoadConfig(RequestFor(found->text, catalog))->diagnostics.ok()) << path;
    }
  });
}

}  // namespace
}  // namespace gatehouse::server
