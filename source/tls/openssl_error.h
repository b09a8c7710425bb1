// SPDX-License-Identifier: Apache-2.0
// What OpenSSL says went wrong, as the end of a sentence.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::tls {

// The reason of the oldest error in this thread's queue, lower case, for example "no shared
// cipher"; `otherwise` when it is empty. Empties the queue.
std::string OpenSslReason(std::string_view otherwise);

}  // namespace gatehouse::tls
