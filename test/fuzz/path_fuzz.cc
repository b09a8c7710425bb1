// SPDX-License-Identifier: Apache-2.0
// Any path: what is accepted is in normal form, and normalising it again changes nothing. The first
// byte chooses the options.
#include <cstdint>
#include <string>
#include <string_view>

#include "source/base/check.h"
#include "source/http/path.h"

namespace gatehouse::http {
namespace {

void CheckPath(std::string_view path, const PathOptions& options) {
  ArenaPool pool;
  Arena arena(pool);
  const auto once = NormalisePath(path, options, arena);
  if (!once) {
    return;
  }
  const auto twice = NormalisePath(*once, options, arena);
  GATEHOUSE_CHECK(twice && *twice == *once, "normalising twice is not the same as once");
  if (path == "*") {
    return;
  }
  const std::string closed = std::string(*once) + "/";
  const auto lacks = [&](std::string_view text) { return closed.find(text) == closed.npos; };
  GATEHOUSE_CHECK(closed.front() == '/', "a path does not begin with '/'");
  GATEHOUSE_CHECK(lacks("/./") && lacks("/../"), "a dot segment is left");
  GATEHOUSE_CHECK(lacks("%2E") && lacks("%2e"), "an encoded dot is left");
  GATEHOUSE_CHECK(lacks("\\") && lacks("%00"), "a backslash or NUL is left");
  GATEHOUSE_CHECK(options.encoded_slash == EncodedSlash::kKeep || (lacks("%2F") && lacks("%5C")),
                  "an encoded slash is left");
  GATEHOUSE_CHECK(!options.merge_slashes || once->find("//") == once->npos, "a '//' is left");
}

void CheckInput(std::string_view input) {
  if (!input.empty()) {
    const PathOptions options{
        .merge_slashes = (input[0] & 1) == 0,
        .encoded_slash = (input[0] & 2) == 0 ? EncodedSlash::kReject : EncodedSlash::kKeep};
    CheckPath(input.substr(1), options);
  }
}

}  // namespace
}  // namespace gatehouse::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gatehouse::http::CheckInput({reinterpret_cast<const char*>(data), size});
  return 0;
}
