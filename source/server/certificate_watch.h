// SPDX-License-Identifier: Apache-2.0
// Keeps listeners' TLS as their files are: certificates, keys, OCSP answers, authorities,
// revocation lists. Tells in the log, and counts, what came of it. Changes the keys of session
// tickets.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "source/base/clock.h"
#include "source/event/background.h"
#include "source/event/deadline.h"
#include "source/event/file_watch.h"
#include "source/event/loop.h"
#include "source/observe/metric_table.h"
#include "source/proxy/snapshot.h"
#include "source/tls/server_tls.h"

namespace gatehouse::server {

// Control loop only.
class CertificateWatch final : private event::Deadline {
 public:
  // How often is looked at what no file tells: files in trouble, staples that run out, old contexts
  // that nobody uses any longer.
  static constexpr Duration kLook = std::chrono::seconds(10);

  // `background` stops before it is destroyed.
  CertificateWatch(event::Loop& control, event::Background& background,
                   observe::MetricTable& table);
  ~CertificateWatch();

  // From now on those of `plans` are watched, and no others. What has changed since they were read
  // is found out.
  void Follow(const std::vector<const proxy::ListenerPlan*>& plans);
  // Looks at all files now.
  void LookNow();

 private:
  struct Watched;
  std::shared_ptr<Watched> NewWatched(const proxy::ListenerPlan& plan);
  void OnFileChange(Watched& one);
  void OnLooked(Watched& one, const std::vector<tls::FileNews>& news);
  void Count(const Watched& one, const std::vector<tls::FileNews>& news);
  void ShowGauges(Watched& one);
  void RotateTickets(Watched& one);
  void OnDeadline() override;

  event::Loop& control_;
  event::Background& background_;
  observe::MetricTable& table_;
  std::map<const tls::ServerTls*, std::shared_ptr<Watched>> watched_;
  // Of listeners that are gone: freed when no connection holds them, and not by a worker.
  std::vector<std::shared_ptr<tls::ServerTls>> gone_;
};

}  // namespace gatehouse::server
