// SPDX-License-Identifier: Apache-2.0
// What a request's parts must be like, whatever version of HTTP they came in. Faults are
// kMalformedRequest where nothing else is said.
#pragma once

#include <string_view>

#include "source/http/message/head.h"
#include "source/http/message/syntax.h"

namespace gatehouse::http {

// Sets target, path and query. `target` is origin-form, or "*", of bytes that are kTargetByte.
void SetOriginForm(std::string_view target, RequestHead& head);

// Sets authority and host. `authority` is what stands in the request's target (:authority,
// absolute-form; data() is null: nothing does) and counts whatever Host says, which becomes the
// same. Refused: more than one Host, none of either (HTTP/1.0 may), and what NormaliseHost()
// refuses.
Fault SetAuthority(std::string_view authority, RequestHead& head);

// Reads Expect (RFC 9110 section 10.1.1; HTTP/1.0 knows no expectations). kExpectationFailed for
// any but 100-continue.
Fault SetExpectation(RequestHead& head);

}  // namespace gatehouse::http
