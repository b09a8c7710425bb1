// SPDX-License-Identifier: Apache-2.0
// The characters that take URLs apart, as they stand or percent-encoded, and what lies between them
// when one looks for secrets: rather too much than too little.
#pragma once

#include <cstddef>
#include <string_view>

namespace gatehouse::observe {

// One of "?&#;=/\:@", or one that is encoded, perhaps more than once.
struct UrlMark {
  char c = 0;  // 0: there is none.
  size_t size = 0;
  size_t depth = 0;  // How often it is encoded.
};

constexpr bool IsSlash(char c) { return c == '/' || c == '\\'; }

// "%41", "%2541" …: the character and how many bytes it takes. `text` begins with a percent sign.
UrlMark DecodeUrlCharacter(std::string_view text);

// What `text`, which is not empty, begins with.
UrlMark UrlMarkAt(std::string_view text);

// Where the first "?", "#" or ";" stands; text.size(): nowhere.
size_t FirstParameter(std::string_view text);

// Where the value of a parameter ends whose "=" is encoded `depth` times: only "&" is sure to be
// the end for whoever reads it, and in a path, what ends that.
size_t EndOfValue(std::string_view text, size_t at, size_t depth, bool in_path);

// Of the text after "//", whose slashes are encoded `depth` times, where the "@" stands before
// which user and password are; npos: nowhere. What is no port after the last ":" is a password,
// which may go on after a slash that should have been encoded.
size_t EndOfUser(std::string_view text, size_t depth, bool in_path);

}  // namespace gatehouse::observe
