// SPDX-License-Identifier: Apache-2.0
// Tells the service manager how far the process is: the protocol of sd_notify(3), for units of
// Type=notify.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::server {

// One datagram for each call; without a socket, nothing. Never waits, and what goes wrong is
// nobody's concern: a gateway serves whether it is watched or not.
class SystemdNotify {
 public:
  // `socket` is what NOTIFY_SOCKET says: a path, "@name" in the abstract namespace; or null.
  explicit SystemdNotify(const char* socket);

  void Ready(std::string_view status) const;
  void Reloading() const;
  void Stopping(std::string_view status) const;

 private:
  void Send(const std::string& message) const;

  const std::string socket_;
};

}  // namespace gatehouse::server
