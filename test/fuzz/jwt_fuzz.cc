// SPDX-License-Identifier: Apache-2.0
// Any token, before keys of every type: it is never accepted, because no input can sign. Then the
// same bytes as the claims of a token that is signed: what is said of its subject is what they say.
// The first byte chooses.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "source/base/base64url.h"
#include "source/base/check.h"
#include "source/filters/auth/flat_json.h"
#include "source/filters/auth/jwk_set.h"
#include "source/filters/auth/token_verifier.h"
#include "test/filters/auth/made_token.h"

namespace gatehouse::filters {
namespace {

// Keys whose owners are not known to the fuzzer, which knows kTestSecret only by its code.
constexpr char kKeys[] = R"({"keys":[
 {"kid":"k","kty":"oct","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"},
 {"kid":"ed","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
 {"kid":"ec","kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
  "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})";

struct Fixture {
  TokenPolicy policy{.filter = "jwt", .issuer = "idp", .audiences = {"api"}};
  std::shared_ptr<const JwkSet> keys = *JwkSet::Parse(kKeys, {JwsAlgorithms::All(), true});
  TokenVerifier verifier{policy, 64 * 1024};
};

void CheckToken(Fixture& fixture, std::string_view text) {
  const auto outcome = fixture.verifier.Verify(text, *fixture.keys);
  if (outcome.token) {
    GATEHOUSE_CHECK(outcome.token->text() == text, "another token was found");
    GATEHOUSE_CHECK(outcome.token->identity().subject == "jane", "accepted what nobody signed");
  } else {
    GATEHOUSE_CHECK(!outcome.why.empty(), "refused without a reason");
  }
}

void CheckClaims(Fixture& fixture, std::string_view claims) {
  const std::string text = SignToken(claims);
  FlatJson json;
  const bool object = json.Parse(claims);
  const auto outcome = fixture.verifier.Verify(text, *fixture.keys);
  GATEHOUSE_CHECK(outcome.why != "has a bad signature", "the signature was good");
  if (!outcome.token) {
    return;
  }
  GATEHOUSE_CHECK(object, "claims that are not JSON were accepted");
  GATEHOUSE_CHECK(json.Find("iss")->value == "idp", "another issuer");
  GATEHOUSE_CHECK(json.Find("aud") != nullptr && json.Find("exp")->kind == JsonKind::kNumber,
                  "without audience or expiry");
  const auto& identity = outcome.token->identity();
  GATEHOUSE_CHECK(!identity.subject.empty() && identity.subject == json.Find("sub")->value,
                  "another subject");
  GATEHOUSE_CHECK(identity.claims.size() == json.values().size(), "claims are lost");
  for (size_t i = 0; i < identity.claims.size(); ++i) {
    GATEHOUSE_CHECK(identity.claims[i].name == json.values()[i].name &&
                        identity.claims[i].value == json.values()[i].value,
                    "a claim says something else");
  }
  const auto again = fixture.verifier.Verify(text, *fixture.keys);
  GATEHOUSE_CHECK(again.token, "accepted once, and not again");
}

// A token whose header is the input's: what it asks for is refused, unless it is what is known.
void CheckHeader(Fixture& fixture, std::string_view header) {
  const std::string text =
      EncodeBase64Url(header) + "." +
      EncodeBase64Url(R"({"iss":"idp","aud":"api","sub":"root","exp":4102444800})") + "." +
      std::string(43, 'A');
  GATEHOUSE_CHECK(!fixture.verifier.Verify(text, *fixture.keys).token,
                  "accepted without signature");
}

void CheckKeys(std::string_view text) {
  const auto keys = JwkSet::Parse(std::string(text), {});
  if (keys) {
    GATEHOUSE_CHECK(!(*keys)->keys().empty(), "no keys, and no error");
    for (const Jwk& key : (*keys)->keys()) {
      GATEHOUSE_CHECK(!key.algorithms().empty(), "a key for nothing");
    }
  }
}

void CheckInput(std::string_view input) {
  static Fixture fixture;
  if (input.empty()) {
    return;
  }
  const std::string_view rest = input.substr(1);
  switch (input[0] & 3) {
    case 0:
      return CheckToken(fixture, rest);
    case 1:
      return CheckClaims(fixture, rest);
    case 2:
      return CheckHeader(fixture, rest);
    default:
      return CheckKeys(rest);
  }
}

}  // namespace
}  // namespace gatehouse::filters

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gatehouse::filters::CheckInput({reinterpret_cast<const char*>(data), size});
  return 0;
}
