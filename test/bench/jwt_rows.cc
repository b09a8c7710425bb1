// SPDX-License-Identifier: Apache-2.0
// What the jwt filter costs. Rows of public keys need the tokens of test/filters/auth/tokens: run
// in the source tree.
#include <malloc.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"
#include "test/bench/measuring.h"
#include "test/filters/auth/made_token.h"

namespace gatehouse {
namespace {

using pipeline::FilterHarness;

// As test/bench/peers.py makes them.
std::string SmallClaims(int i) {
  return R"({"iss":"bench","aud":"api","sub":"u)" + std::to_string(i) + R"(","exp":4102444800})";
}

// As identity providers write them.
std::string RichClaims(int i) {
  return R"({"exp":4102444800,"iat":1700000000,"auth_time":1700000000,"jti":"0a5a66e2-2a5a-4d4e-)" +
         std::to_string(i) +
         R"(","iss":"bench","aud":["api","account"],"sub":"f1b7c2e0-1b7c-4e0b-9a53-1b7c2e0f1b7c",)"
         R"("typ":"Bearer","azp":"web","session_state":"8d9b8d2f-5f3b-4a59","acr":"1",)"
         R"("realm_access":{"roles":["user","admin","offline_access"]},"scope":"openid profile )"
         R"(orders.read","email_verified":true,"name":"Jane Doe","preferred_username":"jane"})";
}

using Claims = std::string (*)(int);

std::vector<std::string> Fields(Claims claims, int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) {
    out.push_back("Bearer " + filters::SignToken(claims(i)));
  }
  return out;
}

// Requests one after another through one filter, as a worker runs them.
class Requests {
 public:
  explicit Requests(std::string_view more = "")
      : h_(filters::Jwt(), "{issuer: bench, audiences: [api], jwks: {inline: '" +
                               filters::SecretJwks() + "'}" + std::string(more) + "}") {
    h_.Get();
  }

  // Whether a request with that field gets in.
  bool One(std::string_view authorization) {
    NewHead(authorization);
    pipeline::Filter* const filter = h_.definition().NewFilter(h_.stream());
    return filter->OnRequestHeaders(h_.request(), h_.stream()) == pipeline::Action::kContinue;
  }
  // What One() costs without the filter.
  double BaseNs() {
    return Measure(1'000'000, [&](int) {
      NewHead("x");
      h_.stream().arena().Allocate(64);
    });
  }
  int64_t Count(const char* what) const { return h_.Counter(what); }

 private:
  // All that the stream's arena held is gone, the head too: it is made anew where it was.
  void NewHead(std::string_view authorization) {
    Arena& arena = h_.stream().arena();
    arena.Reset();
    auto* const head = new (&h_.request()) http::RequestHead(arena);
    head->headers.Add("authorization", authorization);
  }

  FilterHarness h_;
};

void Hits(const char* what, Claims claims, std::string_view more, size_t tokens) {
  Requests requests(more);
  const std::vector<std::string> fields = Fields(claims, static_cast<int>(tokens));
  for (const std::string& field : fields) {
    if (!requests.One(field)) {
      std::abort();
    }
  }
  const double base = requests.BaseNs();
  const uint64_t before = Allocations();
  size_t at = 0;
  const double ns = Measure(400'000, [&](int) { requests.One(fields[at++ % tokens]); });
  Print(what, ns - base);
  Print("  of its allocations", static_cast<double>(Allocations() - before), "");
}

// Each token is new.
void Misses(const char* what, Claims claims) {
  constexpr int kTokens = 100'000;
  Requests requests;
  const std::vector<std::string> fields = Fields(claims, kTokens);
  const double base = requests.BaseNs();
  size_t at = 0;
  const double ns = Measure(kTokens, [&](int) { requests.One(fields[at++]); });
  Print(what, ns - base);
  if (requests.Count("verified") != kTokens) {
    std::abort();
  }
}

// Of another implementation: test/filters/auth/make_tokens.py.
std::string TokenBy(std::string_view algorithm) {
  std::ifstream file("test/filters/auth/tokens/good.json");
  const std::string all{std::istreambuf_iterator<char>(file), {}};
  constexpr std::string_view kToken = "\"token\": \"";
  const size_t name = all.find("\"" + std::string(algorithm) + "\"");
  const size_t at = name == std::string::npos ? name : all.find(kToken, name);
  return at == std::string::npos
             ? ""
             : all.substr(at + kToken.size(),
                          all.find('"', at + kToken.size()) - at - kToken.size());
}

void Algorithms() {
  for (const char* algorithm : {"RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"}) {
    const std::string token = TokenBy(algorithm);
    if (token.empty()) {
      std::printf("jwt, public keys: not in the source tree\n");
      return;
    }
    FilterHarness h(
        filters::Jwt(),
        "{issuer: \"https://idp.example.com/\", audiences: [orders], cache: {max_bytes: "
        "0B}, jwks: {file: test/filters/auth/tokens/keys.json}}");
    h.Get("/", {{"authorization", "Bearer " + token}});
    if (!h.forwarded()) {
      std::abort();
    }
    pipeline::Filter* const filter = h.definition().NewFilter(h.stream());
    const std::string what = "jwt, a new token, " + std::string(algorithm);
    Print(what.c_str(),
          Measure(2'000, [&](int) { (void)filter->OnRequestHeaders(h.request(), h.stream()); }));
  }
}

double ResidentMiB() {
  std::ifstream file("/proc/self/statm");
  uint64_t size = 0;
  uint64_t pages = 0;
  file >> size >> pages;
  return static_cast<double>(pages) * 4096 / (1 << 20);
}

void Memory() {
  malloc_trim(0);  // What other rows gave back would be taken for nothing.
  Requests requests;
  requests.One("Bearer " + filters::SignToken(RichClaims(-1)));
  const double before = ResidentMiB();
  double peak = before;
  for (int i = 0; i < 1'000'000; ++i) {
    requests.One("Bearer " + filters::SignToken(RichClaims(i)));
    peak = i % 1'000 == 0 ? std::max(peak, ResidentMiB()) : peak;
  }
  Print("jwt, memory for 1,000,000 tokens, cache of 16 MiB", peak - before, "MiB");
}

}  // namespace

void BenchJwt(bool memory) {
  Hits("jwt, a remembered token", SmallClaims, "", 1);
  Hits("jwt, a remembered token, 10,000 in turn", SmallClaims, "", 10'000);
  Hits("jwt, a remembered token of 800 bytes, 1,000 in turn", RichClaims, "", 1'000);
  Hits("jwt, the same, a scope required, two headers", RichClaims,
       ", require: {scope: orders.read}, claims_to_headers: {sub: x-user, scope: x-scope}", 1'000);
  Misses("jwt, a new token, HS256", SmallClaims);
  Misses("jwt, a new token of 800 bytes, HS256", RichClaims);
  Algorithms();
  if (memory) {
    Memory();
  }
}

}  // namespace gatehouse
