// SPDX-License-Identifier: Apache-2.0
// The admin endpoint: shows and steers the process.
//
//   admin:
//     address: 127.0.0.1:9901
//     tokens: {read: ["..."], write: ["..."]}
//
// A handler behind an ordinary listener on the control loop: connections, HTTP and limits are the
// data path's own. What takes long is computed off the loop. docs/admin.md has a page of examples.
#pragma once

#include <memory>

#include "source/admin/access.h"
#include "source/admin/server_view.h"
#include "source/base/log.h"
#include "source/proxy/handler.h"

namespace gatehouse::admin {

// Control thread.
class Admin final : public proxy::Handler {
 public:
  explicit Admin(ServerView& server) : server_(server) {}

  // A reload may bring other tokens.
  void SetAccess(Access access) { access_ = std::move(access); }

  void Handle(const proxy::HandlerRequest& request,
              std::shared_ptr<proxy::HandlerReply> reply) override;

 private:
  ServerView& server_;
  Access access_;
  log::Repeated told_;  // Of changes to filters, which may come by the thousand.
};

}  // namespace gatehouse::admin
