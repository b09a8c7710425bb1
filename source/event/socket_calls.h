// SPDX-License-Identifier: Apache-2.0
// recv(2) and send(2), past libc's wrappers: those are cancellation points, and in a process with
// threads their bookkeeping, two locked instructions a call, is a hundredth of what a request
// costs. Nobody cancels threads here. For event/ only.
#pragma once

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <string_view>

namespace gatehouse::event {

inline ssize_t Receive(int fd, char* into, size_t size) {
  return syscall(SYS_recvfrom, fd, into, size, 0, nullptr, nullptr);
}
inline ssize_t SendBytes(int fd, std::string_view bytes, int flags) {
  return syscall(SYS_sendto, fd, bytes.data(), bytes.size(), flags, nullptr, 0);
}

}  // namespace gatehouse::event
