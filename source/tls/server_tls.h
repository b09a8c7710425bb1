// SPDX-License-Identifier: Apache-2.0
// What a listener's connections are protected with, from the files that its settings name as they
// are by and by.
//
// Files that can't be used as they are now (half of a pair has been written, a certificate has
// expired) change nothing: what was read before stays, each file's for itself.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/locked.h"
#include "source/base/published.h"
#include "source/config/include.h"
#include "source/tls/layer.h"
#include "source/tls/server_context.h"
#include "source/tls/server_settings.h"

namespace gatehouse::tls {

// Some files that only make sense together, and what came of them.
struct FileState {
  std::vector<std::string> paths;
  std::vector<config::FileStamp> stamps;  // When they were looked at last.
  WallTime read{};                        // When what is in use was.
  // Why they are not used as they are now, or an OCSP answer among them is not; empty: they are.
  std::string trouble;
  WallTime trouble_since{};

  // Whether they are as they were when they were looked at.
  bool Unchanged() const;
};

// What is in use. Immutable.
struct ServerTlsState {
  std::vector<FileState> files;  // By certificate.
  std::vector<std::shared_ptr<const Certificate>> certificates;
  FileState trust_files;
  std::shared_ptr<const ClientTrust> trust;  // Null: clients are not asked.
  FileState ticket_files;
};

// What a Reload() has come to for some files.
struct FileNews {
  FileState* files;  // As they are now; as long as the state.
  size_t certificate = Problem::kNoCertificate;
  bool used = false;  // Else see FileState::trouble.
  std::string warnings;
};

// Outlives all connections that it made layers for. Any thread, but where it is said.
class ServerTls {
 public:
  // Reads the files; those of `previous`, which may be null, need not be read again, and may have
  // turned bad. Null when there is a fatal problem; all of them are reported.
  static std::shared_ptr<ServerTls> Make(const ServerSettings& settings, const ServerTls* previous,
                                         const Report& report);

  // For a connection that has just come: the certificates of now.
  std::unique_ptr<Layer> NewLayer(BufferPool& buffers) const;

  const ServerSettings& settings() const { return settings_; }
  std::shared_ptr<const ServerTlsState> state() const { return state_.Get(); }
  // All that is read, none twice.
  std::vector<std::string> Paths() const;

  // Whether some file has changed since it was looked at.
  bool HasNews() const;
  // Whether a revocation list has run out and no Reload() has told so.
  bool ListsRanOut(WallTime now) const;
  // Looks at files that have changed, and at those in trouble, and swaps in what they have come to,
  // for the connections that come from now on. One thread at a time, none that serves: it takes a
  // while. `*state` is what the news refer to.
  std::vector<FileNews> Reload(WallTime now, std::shared_ptr<const ServerTlsState>* state);
  void RotateTickets() { tickets_->Rotate(); }
  // Frees what was in use before and no connection holds any longer. No thread that serves.
  void FreeRetired();
  bool HasRetired() const {
    return retired_.With([](const auto& retired) { return !retired.empty(); });
  }

 private:
  explicit ServerTls(const ServerSettings& settings) : settings_(settings) {}
  bool ReadAll(const ServerTls* previous, const Report& report);
  bool ReadCertificate(size_t i, const ServerTlsState* last, const Report& report,
                       ServerTlsState& out);
  bool ReadTrust(const ServerTlsState* last, const Report& report, ServerTlsState& out);
  bool ReadTickets(const ServerTls* previous, const ServerTlsState* last, const Report& report,
                   ServerTlsState& out);
  // Empty when there are none, or one can't be used.
  std::vector<TicketKey> ReadTicketKeys(const Report& report) const;
  bool Use(std::shared_ptr<const ServerTlsState> state, const Report& report);
  void Swap(std::shared_ptr<ServerTlsState> next, const ServerTlsState& last, WallTime now,
            std::vector<FileNews>& news);

  const ServerSettings settings_;
  std::shared_ptr<TicketKeys> tickets_ = std::make_shared<TicketKeys>();
  Published<ServerTlsState> state_;
  Published<ServerContext> context_;
  Locked<std::vector<std::shared_ptr<const ServerContext>>> retired_;
};

}  // namespace gatehouse::tls
