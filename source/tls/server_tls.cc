// SPDX-License-Identifier: Apache-2.0
#include "source/tls/server_tls.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "source/base/clock.h"
#include "source/config/document.h"
#include "source/tls/server_protocols.h"

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

// Collects what is fatal into one sentence, warnings into others; passes those on, too.
class Troubles {
 public:
  explicit Troubles(const Report* warnings = nullptr) : passed_on_(warnings) {}
  Report AsReport() {
    return [this](Problem problem) {
      Add(problem.fatal                ? text_
          : problem.key == "ocsp_file" ? unstapled_
                                       : warnings_,
          problem.message);
      if (!problem.fatal && passed_on_ != nullptr) {
        (*passed_on_)(std::move(problem));
      }
    };
  }
  const std::string& text() const { return text_; }
  const std::string& unstapled() const { return unstapled_; }  // Of OCSP answers.
  const std::string& warnings() const { return warnings_; }    // The others.

 private:
  static void Add(std::string& to, const std::string& message) {
    to.append(to.empty() ? "" : "; ").append(message);
  }
  const Report* passed_on_;
  std::string text_;
  std::string unstapled_;
  std::string warnings_;
};

// `now` is in trouble: what `last` has stays.
void KeepLast(const FileState& last, std::string trouble, FileState& now) {
  now.read = last.read;
  now.trouble_since = last.trouble.empty() ? WallNow() : last.trouble_since;
  now.trouble = std::move(trouble);
}

// `now` is used, but perhaps for an OCSP answer.
void NoteStaple(std::string trouble, FileState& now) {
  now.trouble_since = trouble.empty() ? WallTime{} : WallNow();
  now.trouble = std::move(trouble);
}

int64_t Seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
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
  ok = ReadTickets(previous, last.get(), report, *state) && ok;
  if (!ok) {
    CheckProtocols(settings_, report);
    return false;
  }
  return Use(std::move(state), report);
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
  const Report collect = troubles.AsReport();
  const Report both = [&](Problem problem) {
    problem.fatal ? report(std::move(problem)) : collect(std::move(problem));
  };
  std::shared_ptr<const Certificate> now =
      LoadCertificate(files, i, WallNow(), before.get(), before == nullptr ? both : collect);
  NoteStaple(troubles.unstapled(), state);
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

// The keys of the same files are those in use, whatever comes of this: what they are now is for
// Reload(), once the settings have been accepted.
bool ServerTls::ReadTickets(const ServerTls* previous, const ServerTlsState* last,
                            const Report& report, ServerTlsState& out) {
  const bool known =
      previous != nullptr && previous->settings_.tickets.key_files == settings_.tickets.key_files;
  out.ticket_files = StateOfPaths(settings_.tickets.key_files);
  Troubles troubles(&report);
  std::vector<TicketKey> keys = ReadTicketKeys(known ? troubles.AsReport() : report);
  if (!known) {
    const bool ok = keys.size() == settings_.tickets.key_files.size();
    if (ok && !keys.empty()) {
      tickets_->Replace(std::move(keys));
    }
    return ok;
  }
  tickets_ = previous->tickets_;
  if (troubles.text().empty()) {
    out.ticket_files = last->ticket_files;
    return true;
  }
  report({false, "tickets.key_files", Problem::kNoCertificate,
          troubles.text() + "; what was read before stays in use"});
  KeepLast(last->ticket_files, troubles.text(), out.ticket_files);
  return true;
}

std::vector<TicketKey> ServerTls::ReadTicketKeys(const Report& report) const {
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
  if (!ok) {
    keys.clear();
  }
  return keys;
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

bool ServerTls::ListsRanOut(WallTime now) const {
  const std::shared_ptr<const ServerTlsState> at = state();
  return at->trust != nullptr && at->trust_files.trouble.empty() &&
         at->trust->ListsRanOut(Seconds(now));
}

std::vector<FileNews> ServerTls::Reload(WallTime now,
                                        std::shared_ptr<const ServerTlsState>* result) {
  const std::shared_ptr<const ServerTlsState> last = state();
  auto next = std::make_shared<ServerTlsState>(*last);
  std::vector<FileNews> news;
  const bool ran_out = ListsRanOut(now);
  const auto due = [&](const FileState& one) {
    return !one.trouble.empty() || !one.Unchanged() || (ran_out && &one == &next->trust_files);
  };
  // Whether what `load` makes of the files is to be used; notes why not. The same trouble is no
  // news.
  const auto look = [&](FileState& files, FileState fresh, size_t certificate, auto load) {
    if (!due(files)) {
      return false;
    }
    Troubles troubles;
    const bool used = load(troubles.AsReport());
    if (used) {
      NoteStaple(troubles.unstapled(), fresh);
    } else {
      KeepLast(files, troubles.text(), fresh);
    }
    if (!fresh.trouble.empty() && files.trouble == fresh.trouble && files.stamps == fresh.stamps) {
      return false;
    }
    files = std::move(fresh);
    news.push_back({&files, certificate, used, troubles.warnings()});
    return used;
  };
  for (size_t i = 0; i < next->files.size(); ++i) {
    std::shared_ptr<const Certificate> fresh;
    if (look(next->files[i], StateOf(settings_.certificates[i]), i, [&](const Report& report) {
          fresh = LoadCertificate(settings_.certificates[i], i, now, next->certificates[i].get(),
                                  report);
          return fresh != nullptr;
        })) {
      next->certificates[i] = std::move(fresh);
    }
  }
  std::shared_ptr<const ClientTrust> trust;
  if (look(next->trust_files, StateOf(settings_.client_auth), Problem::kNoCertificate,
           [&](const Report& report) {
             trust = ClientTrust::Load(settings_.client_auth, now, report);
             return trust != nullptr;
           })) {
    next->trust = std::move(trust);
  }
  std::vector<TicketKey> keys;
  if (look(next->ticket_files, StateOfPaths(settings_.tickets.key_files), Problem::kNoCertificate,
           [&](const Report& report) {
             keys = ReadTicketKeys(report);
             return !keys.empty();
           })) {
    tickets_->Replace(std::move(keys));
  }
  *result = next;
  Swap(std::move(next), *last, now, news);
  return news;
}

// Puts `next` in use; but for what has changed in it since `last`, when that can't be used
// together.
void ServerTls::Swap(std::shared_ptr<ServerTlsState> next, const ServerTlsState& last, WallTime now,
                     std::vector<FileNews>& news) {
  if (next->certificates == last.certificates && next->trust == last.trust) {
    state_.Publish(std::move(next));
    return;
  }
  Troubles troubles;
  if (Use(next, troubles.AsReport())) {
    return;
  }
  next->certificates = last.certificates;
  next->trust = last.trust;
  for (FileNews& one : news) {
    if (one.files != &next->ticket_files && std::exchange(one.used, false)) {
      one.files->trouble = troubles.text();
      one.files->trouble_since = now;
    }
  }
  state_.Publish(std::move(next));
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
