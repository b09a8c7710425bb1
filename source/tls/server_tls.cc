// SPDX-License-Identifier: Apache-2.0
#include "source/tls/server_tls.h"

#include <algorithm>
#include <utility>

#include "source/base/clock.h"
#include "source/config/document.h"

namespace gatehouse::tls {
namespace {

FileState StateOfPaths(std::vector<std::string> paths) {
  FileState out;
  std::erase(paths, "");
  out.paths = std::move(paths);
  for (const std::string& path : out.paths) {
    out.stamps.push_back(config::FileStamp::Of(path));
  }
  out.read = WallNow();
  return out;
}

FileState StateOf(const CertificateFiles& files) {
  return StateOfPaths({files.cert_file, files.key_file, files.ocsp_file});
}

FileState StateOf(const ClientAuthSettings& settings) {
  return StateOfPaths({settings.ca_file, settings.crl_file});
}

// Collects what is fatal into one sentence; passes warnings on.
class Troubles {
 public:
  explicit Troubles(const Report* warnings = nullptr) : warnings_(warnings) {}
  Report AsReport() {
    return [this](Problem problem) {
      if (problem.fatal) {
        text_.append(text_.empty() ? "" : "; ").append(problem.message);
      } else if (warnings_ != nullptr) {
        (*warnings_)(std::move(problem));
      }
    };
  }
  const std::string& text() const { return text_; }

 private:
  const Report* warnings_;
  std::string text_;
};

// `now` is in trouble: what `last` has stays.
void KeepLast(const FileState& last, std::string trouble, FileState& now) {
  now.read = last.read;
  now.trouble_since = last.trouble.empty() ? WallNow() : last.trouble_since;
  now.trouble = std::move(trouble);
}

}  // namespace

bool FileState::Unchanged() const {
  for (size_t i = 0; i < paths.size(); ++i) {
    if (config::FileStamp::Of(paths[i]) != stamps[i]) {
      return false;
    }
  }
  return true;
}

std::shared_ptr<ServerTls> ServerTls::Make(const ServerSettings& settings,
                                           const ServerTls* previous, const Report& report) {
  std::shared_ptr<ServerTls> out(new ServerTls(settings));
  return out->ReadAll(previous, report) ? std::move(out) : nullptr;
}

bool ServerTls::ReadAll(const ServerTls* previous, const Report& report) {
  const std::shared_ptr<const ServerTlsState> last =
      previous == nullptr ? nullptr : previous->state();
  auto state = std::make_shared<ServerTlsState>();
  bool ok = !settings_.certificates.empty();
  for (size_t i = 0; i < settings_.certificates.size(); ++i) {
    ok = ReadCertificate(i, last.get(), report, *state) && ok;
  }
  ok = ReadTrust(last.get(), report, *state) && ok;
  if (previous != nullptr && previous->settings_.tickets == settings_.tickets) {
    tickets_ = previous->tickets_;
  }
  state->ticket_files = StateOfPaths(settings_.tickets.key_files);
  ok = ReadTicketKeys(report) && ok;
  return ok && Use(std::move(state), report);
}

// What the same files held before stays when they have turned bad: a reload that is about something
// else must not fail for it.
bool ServerTls::ReadCertificate(size_t i, const ServerTlsState* last, const Report& report,
                                ServerTlsState& out) {
  const CertificateFiles& files = settings_.certificates[i];
  FileState& state = out.files.emplace_back(StateOf(files));
  std::shared_ptr<const Certificate> before;
  const FileState* before_state = nullptr;
  for (size_t k = 0; last != nullptr && k < last->certificates.size(); ++k) {
    if (last->certificates[k]->files == files) {
      before = last->certificates[k];
      before_state = &last->files[k];
    }
  }
  if (before != nullptr && before_state->trouble.empty() && before_state->stamps == state.stamps) {
    state = *before_state;
    const Report warn = [&](Problem problem) {
      problem.fatal = false;
      report(std::move(problem));
    };
    CheckTime(*before, i, WallNow(), warn);
    out.certificates.push_back(std::move(before));
    return true;
  }
  Troubles troubles(&report);
  std::shared_ptr<const Certificate> now = LoadCertificate(
      files, i, WallNow(), before.get(), before == nullptr ? report : troubles.AsReport());
  if (now == nullptr && before != nullptr) {
    report({false, "cert_file", i, troubles.text() + "; what was read before stays in use"});
    KeepLast(*before_state, troubles.text(), state);
    now = std::move(before);
  }
  const bool ok = now != nullptr;
  out.certificates.push_back(std::move(now));
  return ok;
}

bool ServerTls::ReadTrust(const ServerTlsState* last, const Report& report, ServerTlsState& out) {
  const ClientAuthSettings& settings = settings_.client_auth;
  if (settings.mode == ClientAuthMode::kNone) {
    return true;
  }
  out.trust_files = StateOf(settings);
  const bool known =
      last != nullptr && last->trust != nullptr && last->trust->settings() == settings;
  Troubles troubles(&report);
  out.trust = ClientTrust::Load(settings, WallNow(), known ? troubles.AsReport() : report);
  if (out.trust == nullptr && known) {
    report({false, "client_auth.ca_file", Problem::kNoCertificate,
            troubles.text() + "; what was read before stays in use"});
    KeepLast(last->trust_files, troubles.text(), out.trust_files);
    out.trust = last->trust;
  }
  return out.trust != nullptr;
}

bool ServerTls::ReadTicketKeys(const Report& report) {
  std::vector<TicketKey> keys;
  bool ok = true;
  for (const std::string& path : settings_.tickets.key_files) {
    const Result<std::string> bytes = config::ReadFile(path);
    const Result<TicketKey> key = bytes ? TicketKey::Of(*bytes) : tl::unexpected(bytes.error());
    if (!key) {
      ok = false;
      report({true, "tickets.key_files", Problem::kNoCertificate,
              bytes ? path + " " + key.error().message : key.error().message});
      continue;
    }
    keys.push_back(*key);
  }
  if (ok && !keys.empty()) {
    tickets_->Replace(std::move(keys));
  }
  return ok;
}

bool ServerTls::Use(std::shared_ptr<const ServerTlsState> state, const Report& report) {
  std::shared_ptr<const ServerContext> context =
      ServerContext::Make(settings_, {state->certificates, state->trust, tickets_}, report);
  if (context == nullptr) {
    return false;
  }
  if (std::shared_ptr<const ServerContext> old = context_.Get()) {
    retired_.With([&](auto& retired) { retired.push_back(std::move(old)); });
  }
  state_.Publish(std::move(state));
  context_.Publish(std::move(context));
  return true;
}

std::unique_ptr<Layer> ServerTls::NewLayer(BufferPool& buffers) const {
  std::shared_ptr<const ServerContext> context = context_.Get();
  SslPtr ssl = context->NewSsl();
  return std::make_unique<Layer>(std::move(ssl), buffers, std::move(context));
}

std::vector<std::string> ServerTls::Paths() const {
  const std::shared_ptr<const ServerTlsState> now = state();
  std::vector<std::string> out;
  const auto add = [&](const FileState& files) {
    out.insert(out.end(), files.paths.begin(), files.paths.end());
  };
  std::for_each(now->files.begin(), now->files.end(), add);
  add(now->trust_files);
  add(now->ticket_files);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool ServerTls::HasNews() const {
  const std::shared_ptr<const ServerTlsState> now = state();
  return !now->trust_files.Unchanged() || !now->ticket_files.Unchanged() ||
         std::any_of(now->files.begin(), now->files.end(),
                     [](const FileState& one) { return !one.Unchanged(); });
}

std::vector<FileNews> ServerTls::Reload(WallTime now,
                                        std::shared_ptr<const ServerTlsState>* result) {
  const std::shared_ptr<const ServerTlsState> last = state();
  auto next = std::make_shared<ServerTlsState>(*last);
  std::vector<FileNews> news;
  const auto due = [](const FileState& one) { return !one.trouble.empty() || !one.Unchanged(); };
  // Takes what `load` makes of the files, or notes why that is nothing.
  const auto look = [&](FileState& files, FileState fresh, size_t certificate, auto load) {
    if (!due(files)) {
      return;
    }
    Troubles troubles;
    const bool used = load(troubles.AsReport());
    if (!used) {
      KeepLast(files, troubles.text(), fresh);
    }
    const bool said_before = files.trouble == fresh.trouble && files.stamps == fresh.stamps;
    files = std::move(fresh);
    if (used || !said_before) {
      news.push_back({&files, certificate, used});
    }
  };
  for (size_t i = 0; i < next->files.size(); ++i) {
    look(next->files[i], StateOf(settings_.certificates[i]), i, [&](const Report& report) {
      std::shared_ptr<const Certificate>& one = next->certificates[i];
      auto fresh = LoadCertificate(settings_.certificates[i], i, now, one.get(), report);
      one = fresh == nullptr ? one : std::move(fresh);
      return one != last->certificates[i];
    });
  }
  look(next->trust_files, StateOf(settings_.client_auth), Problem::kNoCertificate,
       [&](const Report& report) {
         auto fresh = ClientTrust::Load(settings_.client_auth, now, report);
         next->trust = fresh == nullptr ? next->trust : std::move(fresh);
         return next->trust != last->trust;
       });
  look(next->ticket_files, StateOfPaths(settings_.tickets.key_files), Problem::kNoCertificate,
       [&](const Report& report) { return ReadTicketKeys(report); });
  *result = next;
  const bool changed = next->certificates != last->certificates || next->trust != last->trust;
  Troubles troubles;
  if (!changed) {
    state_.Publish(std::move(next));
  } else if (!Use(next, troubles.AsReport())) {
    next->certificates = last->certificates;
    next->trust = last->trust;
    for (FileNews& one : news) {
      if (std::exchange(one.used, false)) {
        one.files->trouble = troubles.text();
        one.files->trouble_since = now;
      }
    }
    state_.Publish(std::move(next));
  }
  return news;
}

void ServerTls::FreeRetired() {
  std::vector<std::shared_ptr<const ServerContext>> free;
  retired_.With([&](auto& retired) {
    const auto unused = std::stable_partition(retired.begin(), retired.end(),
                                              [](const auto& one) { return one.use_count() > 1; });
    std::move(unused, retired.end(), std::back_inserter(free));
    retired.erase(unused, retired.end());
  });
}

}  // namespace gatehouse::tls
