// SPDX-License-Identifier: Apache-2.0
// Lets in who knows a password: the Basic authentication scheme (RFC 7617).
//
//   basic_auth:
//     file: users.htpasswd            # watched: NAME:HASH a line, as htpasswd writes them
//     users: ["carol:$2y$10$..."]     # more of them
//     realm: staff
//     groups: {admins: [alice, bob]}
//     attributes: {alice: {plan: gold}}
//     header: x-user                  # tells the upstream who it is
//     forward: false                  # whether the upstream gets the password, too
//     cache: {ttl: 5m, max_entries: 1000}
//     max_pending: 64
//
// Hashing takes milliseconds on purpose, so it is done off the workers, and once: a pair that was
// right is remembered for a while (verified_pairs.h). One that was wrong is hashed each time, and
// so is the password of a user whom nobody knows, with somebody else's hash: how long the answer
// takes does not tell who exists.
//
// The password ends here by default: the upstream trusts the gateway, and what it does not get it
// can't lose.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/filters/auth/basic_credentials.h"
#include "source/filters/auth/challenge.h"
#include "source/filters/auth/credential_source.h"
#include "source/filters/auth/identity_headers.h"
#include "source/filters/auth/password_checks.h"
#include "source/filters/auth/user_file.h"
#include "source/filters/builtin.h"
#include "source/filters/worker_view.h"

namespace gatehouse::filters {
namespace {

using pipeline::Action;
using pipeline::Stream;

struct Counters {
  explicit Counters(const pipeline::LoadContext& context)
      : accepted(context.Counter("basic_auth", "accepted", "Requests let in.")),
        remembered(context.Counter("basic_auth", "remembered",
                                   "Of those, with a password that need not be hashed.")),
        refused(
            context.Counter("basic_auth", "refused", "Requests refused for what they brought.")),
        no_credentials(
            context.Counter("basic_auth", "no_credentials", "Requests without Basic credentials.")),
        hashed(context.Counter("basic_auth", "hashed", "Passwords hashed, right or wrong.")),
        overloaded(context.Counter("basic_auth", "overloaded",
                                   "Requests refused because too many hashes wait.")),
        file_failed(context.Counter("basic_auth", "file_failed",
                                    "Times the file changed and could not be used.")) {}

  observe::MetricId accepted;
  observe::MetricId remembered;
  observe::MetricId refused;
  observe::MetricId no_credentials;
  observe::MetricId hashed;
  observe::MetricId overloaded;
  observe::MetricId file_failed;
};

struct Config {
  std::string challenge;  // Of WWW-Authenticate.
  IdentityHeaders headers;
  bool forward = false;
  bool allow_missing = false;
  Duration ttl{};
  size_t max_entries = 0;
  uint32_t max_pending = 0;
};

class BasicAuthDefinition final : public pipeline::FilterDefinition {
 public:
  BasicAuthDefinition(Config config, LoadedUsers users, const pipeline::LoadContext& context)
      : FilterDefinition(pipeline::Phases::Of<Login>(), 0),
        config_(std::move(config)),
        counters_(context),
        facts_(std::move(users.facts)),
        users_(std::move(users.file)) {
    credential_places = source_.PlaceNames();
    for (uint32_t i = 0; i < context.workers; ++i) {
      workers_.emplace_back(*this);
    }
  }

  pipeline::Filter* NewFilter(Stream& stream) const override {
    return stream.arena().New<Login>(*this, stream);
  }
  bool SourcesUnchanged() const override { return users_->Unchanged(); }
  std::unique_ptr<pipeline::Upkeep> StartUpkeep(pipeline::Services& services) const override {
    return UserFile::Watch(users_, services, counters_.file_failed);
  }
  void StripHeaders(http::RequestHead& head) const override { config_.headers.Strip(head.headers); }
  void StripTrailers(http::Headers& trailers) const override { config_.headers.Strip(trailers); }
  void RemoveCredential(size_t place, http::RequestHead& head, Arena& arena) const override {
    source_.RemoveAt(place, head, arena);
  }
  std::string Explain(const http::RequestHead& head,
                      const observe::StreamInfo& info) const override;

 private:
  struct alignas(64) PerWorker {
    explicit PerWorker(const BasicAuthDefinition& definition)
        : remembered(definition.config_.ttl, definition.config_.max_entries),
          checks(definition.under_way_, definition.config_.max_pending) {}
    Sha256 sha;
    WorkerView<UserTable> users;
    VerifiedPairs remembered;
    PasswordChecks checks;
  };

  // One stream's login.
  class Login final : public pipeline::Filter, private PasswordWait {
   public:
    Login(const BasicAuthDefinition& definition, Stream& stream)
        : basic_(definition), stream_(stream) {}
    Action OnRequestHeaders(http::RequestHead& head, Stream& stream) override;

   private:
    Action Judge(const BasicCredentials& credentials);
    void OnChecked(bool matches) override;
    void Accept();
    Action Refuse(ErrorCode code, std::string_view detail, observe::MetricId counter);
    PerWorker& worker() const { return basic_.workers_[stream_.worker()]; }

    const BasicAuthDefinition& basic_;
    Stream& stream_;
    WorkerView<UserTable>::Pin users_;
    const User* user_ = nullptr;  // Null: there is no such user.
    Sha256Digest digest_{};
  };

  Sha256Digest DigestOf(Sha256& sha, const BasicCredentials& credentials,
                        std::string_view hash) const;
  uint64_t NumberOf(Sha256& sha, std::string_view user) const;

  const Config config_;
  const Counters counters_;
  const std::shared_ptr<const UserFacts> facts_;  // Tables of users_ look into it.
  const std::shared_ptr<UserFile> users_;
  const CredentialSources source_{{{CredentialSource::Place::kHeader, "authorization", "Basic "}}};
  const Sha256Digest key_ = RandomKey();
  mutable std::atomic<uint32_t> under_way_{0};
  mutable std::deque<PerWorker> workers_;
};

std::string_view Bytes(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// User and hash have no NUL, so that no two lists of three are the same bytes.
Sha256Digest BasicAuthDefinition::DigestOf(Sha256& sha, const BasicCredentials& credentials,
                                           std::string_view hash) const {
  constexpr std::string_view kNul("\0", 1);
  return sha.Add(Bytes(key_))
      .Add(credentials.user)
      .Add(kNul)
      .Add(hash)
      .Add(kNul)
      .Add(credentials.password)
      .Finish();
}

// The same for a name as long as the process lives, and nobody can tell which.
uint64_t BasicAuthDefinition::NumberOf(Sha256& sha, std::string_view user) const {
  const Sha256Digest digest = sha.Add(Bytes(key_)).Add(user).Finish();
  uint64_t out = 0;
  std::memcpy(&out, digest.data(), sizeof out);
  return out;
}

Action BasicAuthDefinition::Login::OnRequestHeaders(http::RequestHead& head, Stream&) {
  basic_.config_.headers.Strip(head.headers);
  const Counters& counters = basic_.counters_;
  const Credential found = basic_.source_.Find(head, stream_.arena());
  switch (found.state) {
    case Credential::State::kNone:
      if (basic_.config_.allow_missing) {
        stream_.Count(counters.no_credentials);
        stream_.AddVerdict(basic_.name, "no credentials");
        return Action::kContinue;
      }
      return Refuse(ErrorCode::kNoCredentials, "there are no Basic credentials",
                    counters.no_credentials);
    case Credential::State::kAmbiguous:
      return Refuse(ErrorCode::kBadCredentials, "there are several Authorization fields",
                    counters.refused);
    case Credential::State::kOne:
      break;
  }
  const Result<BasicCredentials> credentials = ParseBasicCredentials(found.value, stream_.arena());
  return credentials
             ? Judge(*credentials)
             : Refuse(ErrorCode::kBadCredentials, credentials.error().message, counters.refused);
}

Action BasicAuthDefinition::Login::Judge(const BasicCredentials& credentials) {
  PerWorker& worker = this->worker();
  worker.users.Newest(basic_.users_->value(), users_);
  user_ = users_->Find(credentials.user);
  const User& asked =
      user_ != nullptr ? *user_ : users_->Pick(basic_.NumberOf(worker.sha, credentials.user));
  digest_ = basic_.DigestOf(worker.sha, credentials, asked.hash);
  if (user_ != nullptr && worker.remembered.Knows(digest_, stream_.now())) {
    stream_.Count(basic_.counters_.remembered);
    Accept();
    return Action::kContinue;
  }
  switch (worker.checks.Ask(digest_, credentials.password, asked.hash, *this, stream_.services())) {
    case PasswordChecks::Asked::kNew:
      stream_.Count(basic_.counters_.hashed);
      return Action::kPause;
    case PasswordChecks::Asked::kJoined:
      return Action::kPause;
    case PasswordChecks::Asked::kTooMany:
      break;
  }
  stream_.Count(basic_.counters_.overloaded);
  stream_.AddVerdict(basic_.name, "overloaded");
  return stream_.ReplyError(ErrorCode::kAuthUnavailable,
                            "too many passwords are being hashed (max_pending)",
                            {{"retry-after", "1"}});
}

void BasicAuthDefinition::Login::OnChecked(bool matches) {
  if (user_ != nullptr && matches) {
    worker().remembered.Remember(digest_, stream_.now());
    Accept();
    stream_.Resume();
    return;
  }
  // What was typed instead of a user's name may be the password: only names that exist are told.
  const std::string_view detail =
      user_ == nullptr ? std::string_view("there is no such user")
                       : stream_.arena().Concat("the password of \"", std::string_view(user_->name),
                                                "\" is wrong");
  (void)Refuse(ErrorCode::kBadCredentials, detail, basic_.counters_.refused);
}

void BasicAuthDefinition::Login::Accept() {
  stream_.Count(basic_.counters_.accepted);
  stream_.AddVerdict(basic_.name, "allowed");
  stream_.SetIdentity(user_->identity);
  http::RequestHead& head = stream_.request();
  if (!basic_.config_.forward) {
    head.headers.Remove(http::Known::kAuthorization);
  }
  basic_.config_.headers.Set(user_->identity, head, stream_.arena());
}

// The stream may be gone afterwards, and this with it.
Action BasicAuthDefinition::Login::Refuse(ErrorCode code, std::string_view detail,
                                          observe::MetricId counter) {
  stream_.Count(counter);
  stream_.AddVerdict(basic_.name, code == ErrorCode::kNoCredentials ? "no credentials" : "refused");
  return stream_.ReplyError(code, detail, {{"www-authenticate", basic_.config_.challenge}});
}

// The password is not looked at: that takes hashing.
std::string BasicAuthDefinition::Explain(const http::RequestHead& head,
                                         const observe::StreamInfo&) const {
  ArenaPool pool;
  Arena arena(pool);
  const Credential found = source_.Find(head, arena);
  if (found.state == Credential::State::kNone) {
    return config_.allow_missing
               ? "passes it on without an identity: there are no Basic credentials"
               : "refuses it: there are no Basic credentials";
  }
  if (found.state == Credential::State::kAmbiguous) {
    return "refuses it: there are several Authorization fields";
  }
  const Result<BasicCredentials> credentials = ParseBasicCredentials(found.value, arena);
  if (!credentials) {
    return "refuses it: " + credentials.error().message;
  }
  const std::shared_ptr<const UserTable> users = users_->value().Get();
  return users->Find(credentials->user) == nullptr
             ? "refuses it: there is no such user"
             : "asks whether the password of \"" + std::string(credentials->user) + "\" is right";
}

// --- Loading ---------------------------------------------------------------------------------

Config LoadSettings(config::Object& in) {
  Config out;
  out.challenge = "Basic " + LoadRealm(in) + ", charset=\"UTF-8\"";
  const config::Value header =
      in.Get("header", config::About("Header field that tells the upstream the user's name; what "
                                     "clients send under it never passes.")
                           .Type("header's name")
                           .Example("x-user"));
  if (header.present()) {
    out.headers.Add(header.String(), *observe::IdentityField::Parse("subject"), header);
  }
  out.forward = in.Bool("forward", false, "Whether the upstream gets the password, too.");
  out.allow_missing = in.Bool("allow_missing", false,
                              "Whether requests without Basic credentials pass, with no identity.");
  config::Object cache = in.Child(
      "cache", "Passwords that were right are not hashed again for a while; each worker's own.");
  out.ttl = cache.Time("ttl", {.def = std::chrono::minutes(5), .max = std::chrono::hours(24)},
                       "How long after it was hashed; 0s: every request is hashed.");
  out.max_entries =
      cache.Uint("max_entries", {.def = 1000, .max = 1'000'000},
                 "How many pairs of user and password at most; the least used goes first.");
  if (out.ttl == Duration::zero()) {
    out.max_entries = 0;
  }
  out.max_pending = static_cast<uint32_t>(
      in.Uint("max_pending", {.def = 64, .min = 1, .max = 100'000},
              "How many passwords may wait for being hashed; past it, requests are answered with "
              "503."));
  return out;
}

std::shared_ptr<pipeline::FilterDefinition> Load(config::Object& in,
                                                 const pipeline::LoadContext& context) {
  LoadedUsers users = LoadUsers(in, context.filter_name);
  return std::make_shared<BasicAuthDefinition>(LoadSettings(in), std::move(users), context);
}

}  // namespace

pipeline::FilterType BasicAuth() {
  return {.name = "basic_auth",
          .load = Load,
          .help = "Lets in who knows a password (RFC 7617).",
          .examples =
              {"file: /dev/null, users: "
               "[\"alice:$2y$05$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu\"], realm: "
               "staff, groups: {admins: [alice]}, attributes: {alice: {plan: gold}}, header: "
               "x-user, forward: false, allow_missing: false, cache: {ttl: 5m, max_entries: "
               "1000}, max_pending: 64"},
          .authenticates = true};
}

}  // namespace gatehouse::filters
