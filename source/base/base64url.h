// SPDX-License-Identifier: Apache-2.0
// base64url without padding, the one spelling there is of any bytes (RFC 4648 section 5, RFC 7515
// section 2).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse {

// The most bytes that a text of `size` characters stands for.
constexpr size_t Base64UrlBytes(size_t size) { return size / 4 * 3 + (size % 4 == 0 ? 0 : 2); }

// Decodes `text` to `out`, which has room for Base64UrlBytes(text.size()); how many bytes it wrote.
// Nothing when `text` has any other character, padding and white space included, a length that no
// bytes have, or bits set in its last character that belong to no byte.
std::optional<size_t> DecodeBase64Url(std::string_view text, char* out);
std::optional<std::string> DecodeBase64Url(std::string_view text);

}  // namespace gatehouse
