// SPDX-License-Identifier: Apache-2.0
// The literal text that every match of a regular expression begins with: where the index files it.
//
// RE2::PossibleMatchRange() answers with a range that often ends one byte short of the literal
// ("/users/.*" lies between "/users/" and "/users0"), which loses exactly the slash that tells
// where the segment ends. So the pattern is read here, and read timidly: what isn't plainly literal
// ends the prefix.
#pragma once

#include <string>

namespace re2 {
class RE2;
}

namespace gatehouse::route {

// "/users/" for `/users/[0-9]+`; empty when the first character is already open.
std::string LiteralPrefix(const re2::RE2& regex);

}  // namespace gatehouse::route
