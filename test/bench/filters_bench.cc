// SPDX-License-Identifier: Apache-2.0
// What single filters cost, in nanoseconds, without sockets:
//
//   bazel run //test/bench:filters_bench
//
// Rows that end in "allocations" count calls of operator new in steady state: they must be 0.
// `--long` adds the rows that take minutes.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "source/base/check.h"
#include "source/filters/auth/key_set.h"
#include "source/filters/auth/password_hash.h"
#include "source/filters/builtin.h"
#include "source/observe/access_log_format.h"
#include "source/pipeline/filter_harness.h"
#include "test/bench/measuring.h"
#include "test/bench/quiet_stream.h"

namespace {
std::atomic<uint64_t> allocations{0};
}  // namespace

void* operator new(size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(bytes)) {
    return memory;
  }
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace gatehouse {

uint64_t Allocations() { return allocations; }

namespace {

using pipeline::Action;
using pipeline::FilterHarness;

// One stream's worth of calls into the access log, again and again.
void BenchAccessLog(const char* what, const std::string& yaml,
                    std::string_view target = "/users/7") {
  FilterHarness h(filters::AccessLog(), yaml);
  h.facts().route = h.facts().cluster = "users";
  h.facts().listener = "web";
  h.facts().endpoint = "10.0.0.3:9002";
  h.facts().attempts = 1;
  h.facts().upstream_duration = std::chrono::microseconds(180);
  h.Get(target, {{"user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101"}});
  h.Response(200);
  h.EndResponse("hello");
  observe::StreamInfo info = h.stream().info();
  info.status = 200;
  info.duration = std::chrono::microseconds(215);
  pipeline::Filter* filter = h.definition().NewFilter(h.stream());
  filter->OnStreamEnd(info, h.stream());
  const uint64_t before = allocations;
  const double ns = Measure(200'000, [&](int) {
    info.start += std::chrono::microseconds(17);
    filter->OnStreamEnd(info, h.stream());
  });
  Print(what, ns);
  Print("  of its allocations", static_cast<double>(allocations - before), "");
}

void BenchAccessLogFormat() {
  observe::StreamInfo info;
  info.method = "GET";
  info.path = info.target = "/users/7";
  info.host = "api.example.com";
  info.protocol = "HTTP/1.1";
  info.status = 200;
  info.client = info.peer = *ParseIp("192.0.2.7");
  info.listener = "web";
  info.route = info.cluster = "users";
  info.endpoint = "10.0.0.3:9002";
  info.attempts = 1;
  observe::LogScratch scratch;
  const auto json = observe::AccessLogFormat::DefaultJson();
  Print("access_log JSON line, formatting only",
        Measure(1'000'000, [&](int) { json.Write(info, scratch); }));
  Print("  bytes of the line", static_cast<double>(scratch.line.size()), "");
  const auto text = observe::AccessLogFormat::DefaultText();
  Print("access_log text line, formatting only",
        Measure(1'000'000, [&](int) { text.Write(info, scratch); }));
}

void BenchHeaders(const char* what, std::string_view yaml) {
  FilterHarness h(filters::HeaderEdits(), yaml);
  h.Get("/", {{"user-agent", "curl/8.5"}, {"accept", "*/*"}, {"x-internal", "1"}});
  pipeline::Filter* filter = h.definition().NewFilter(h.stream());
  Print(what,
        Measure(100'000, [&](int) { (void)filter->OnRequestHeaders(h.request(), h.stream()); }));
}

// A request whose answer is kept, and one that is asked about, up to where the question is sent.
void BenchForwardAuth() {
  const pipeline::HarnessFields fields = {
      {"host", "shop.example.com"},
      {"user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101"},
      {"accept", "text/html"},
      {"cookie", "session=0123456789abcdef0123456789abcdef; theme=dark"},
      {"authorization", "Bearer " + std::string(600, 't')}};
  constexpr std::string_view kSettings =
      "url: \"http://auth:9000/verify\", upstream_headers: [x-user], identity: {subject: x-user}";
  const auto one = [](FilterHarness& h) {
    const Action action =
        h.definition().NewFilter(h.stream())->OnRequestHeaders(h.request(), h.stream());
    GATEHOUSE_CHECK(action != Action::kReplied, "it is let in, or waits");
  };
  std::string cached = "{cache: {ttl: 1h}, ";
  FilterHarness hit(filters::ForwardAuth(), cached.append(kSettings).append("}"));
  hit.Get("/orders/7?x=1", fields);
  hit.AnswerFetch(pipeline::FetchResponse{200, {{"x-user", "ann"}}, ""});
  double ns = 0;
  uint64_t before = 0;
  for (int round = 0; round < 3; ++round) {  // In the last one the arena's chunks are there.
    hit.Get("/orders/7?x=1", fields);
    before = allocations;
    ns = Measure(2'000, [&](int) { one(hit); });
  }
  const uint64_t made = allocations - before;
  Print("forward_auth, an answer that is kept", ns);
  Print("  of its allocations", static_cast<double>(made), "");
  FilterHarness miss(filters::ForwardAuth(), std::string("{").append(kSettings).append("}"));
  miss.Get("/orders/7?x=1", fields);
  Print("forward_auth, a question, without the network", Measure(2'000, [&](int) { one(miss); }));
}

// A filter that lets a request with `fields` in at once, made and asked again and again.
void BenchLogin(const char* what, FilterHarness& h, const pipeline::HarnessFields& fields) {
  double ns = 0;
  uint64_t before = 0;
  for (int round = 0; round < 3; ++round) {  // In the last one the arena's chunks are there.
    h.Get("/users/7", fields);
    before = allocations;
    ns = Measure(2'000, [&](int) {
      const Action action =
          h.definition().NewFilter(h.stream())->OnRequestHeaders(h.request(), h.stream());
      GATEHOUSE_CHECK(action == Action::kContinue, "it is let in at once");
    });
  }
  const uint64_t made = allocations - before;
  Print(what, ns);
  Print("  of its allocations", static_cast<double>(made), "");
}

void BenchBasicAuth() {
  const std::string hash = "$2y$10$KZBeACNGfHWMK/qVlBzXCu2F16WopiH5/v8Mxr5gfBr9RCfze4Uee";
  FilterHarness h(filters::BasicAuth(), "{forward: true, users: [\"alice:" + hash + "\"]}");
  const pipeline::HarnessFields fields = {{"host", "api.example.com"},
                                          {"user-agent", "curl/8.5"},
                                          {"authorization", "Basic YWxpY2U6d29uZGVybGFuZA=="}};
  h.Get("/users/7", fields);
  h.RunBackground();
  GATEHOUSE_CHECK(h.forwarded(), "the password is right");
  BenchLogin("basic_auth, a pair that is remembered", h, fields);
  const std::string password = "wonderwoman";
  volatile bool sink = false;
  Print("basic_auth, hashing with bcrypt cost 10, off the worker",
        Measure(20, [&](int) { sink = filters::PasswordMatches(password, hash); }));
}

void BenchApiKey(int count) {
  const std::string many = count == 10 ? "10 keys" : "100,000 keys";
  Sha256 sha;
  std::vector<filters::KeyEntry> entries(static_cast<size_t>(count));
  std::string yaml = "{forward: true, keys: [";
  for (int i = 0; i < count; ++i) {
    filters::KeyEntry& entry = entries[static_cast<size_t>(i)];
    entry.name = "consumer-" + std::to_string(i);
    entry.digest = sha.Add(std::to_string(i)).Finish();
    entry.attributes = {{"plan", "gold"}};
    yaml += "{name: " + entry.name + ", sha256: ";
    for (const uint8_t byte : entry.digest) {
      yaml.append({"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]});
    }
    yaml += ", attributes: {plan: gold}},\n";
  }
  const filters::KeySet set(entries, "api_key");
  volatile bool sink = false;
  Print(("api_key lookup, " + many).c_str(), Measure(1'000'000, [&](int i) {
          // Digests are spread evenly, so any order is as random as another.
          sink = set.Find(entries[static_cast<size_t>(i * 7919LL % count)].digest) != nullptr;
        }));
  Print("  bytes a key", static_cast<double>(set.bytes()) / count, "");
  FilterHarness h(filters::ApiKey(), yaml + "]}");
  BenchLogin(("api_key, one request, " + many).c_str(), h,
             {{"host", "api.example.com"}, {"user-agent", "curl/8.5"}, {"x-api-key", "7"}});
}

void BenchIpAccess() {
  std::string yaml = "deny: [";
  std::minstd_rand random(3);
  for (int i = 0; i < 1000; ++i) {
    yaml += std::to_string(random() % 223 + 1) + "." + std::to_string(i % 256) + ".7.0/24, ";
  }
  FilterHarness h(filters::IpAccess(), yaml + "]");
  h.ConnectThrough("10.0.0.1", "198.51.100.7");  // Nothing to remember: each request is judged.
  h.Get();
  QuietStream stream(h);
  pipeline::Filter* filter = h.definition().NewFilter(stream);
  Print("ip_access, one request judged anew",
        Measure(1'000'000, [&](int) { (void)filter->OnRequestHeaders(h.request(), stream); }));
}

// `count` rules for as many groups, which `group` meets or not: then with dry_run, so that no
// answer is measured.
void BenchRbac(const char* what, int count, const std::string& group) {
  std::string yaml = "dry_run: true\nrules:\n";
  for (int i = 0; i < count; ++i) {
    const std::string n = std::to_string(i);
    yaml += "  - {name: r" + n + ", action: allow, groups: [team-" + n +
            "], path_prefix: /users, methods: [GET, HEAD]}\n";
  }
  FilterHarness h(filters::Rbac(), yaml);
  const std::vector<std::string_view> groups = {"everybody", group, "staff"};
  const observe::Identity identity = {.filter = "jwt", .subject = "alice", .groups = groups};
  h.facts().identity = &identity;
  h.Get("/users/7");
  pipeline::Filter* filter = h.definition().NewFilter(h.stream());
  const uint64_t before = allocations;
  const double ns =
      Measure(100'000, [&](int) { (void)filter->OnRequestHeaders(h.request(), h.stream()); });
  Print(what, ns);
  Print("  of its allocations", static_cast<double>(allocations - before), "");
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  gatehouse::BenchAccessLogFormat();
  gatehouse::BenchAccessLog("access_log JSON line, to /dev/null",
                            "{path: /dev/null, format: json}");
  gatehouse::BenchAccessLog("access_log text line, to /dev/null",
                            "{path: /dev/null, format: text}");
  gatehouse::BenchAccessLog("access_log text line, a query without a secret",
                            "{path: /dev/null, format: text}", "/users/7?page=2&sort=name");
  gatehouse::BenchAccessLog("access_log text line, a query with one",
                            "{path: /dev/null, format: text}", "/users/7?page=2&token=abcdefgh");
  gatehouse::BenchAccessLog("access_log, a line that is not wanted",
                            "{path: /dev/null, when: [{status: 5xx}, {min_duration: 1s}]}");
  gatehouse::BenchApiKey(10);
  gatehouse::BenchApiKey(100'000);
  gatehouse::BenchBasicAuth();
  gatehouse::BenchIpLists();
  gatehouse::BenchForwardAuth();
  gatehouse::BenchIpAccess();
  gatehouse::BenchHeaders("headers, one set and one removed",
                          "request: {set: {x-via: gatehouse}, remove: [x-internal]}");
  gatehouse::BenchHeaders("headers, one value with an operator",
                          "request: {set: {x-client: \"%CLIENT_IP%\"}}");
  gatehouse::BenchRbac("rbac, 10 rules, the last applies", 10, "team-9");
  gatehouse::BenchRbac("rbac, 10 rules, none applies", 10, "nobody");
  gatehouse::BenchRbac("rbac, 1,000 rules, the last applies", 1000, "team-999");
  gatehouse::BenchRbac("rbac, 1,000 rules, none applies", 1000, "nobody");
  gatehouse::BenchTraffic();
  gatehouse::BenchBreaker();
  gatehouse::BenchJwt(argc > 1 && std::strcmp(argv[1], "--long") == 0);
}
