// SPDX-License-Identifier: Apache-2.0
// Lets in who has a key, and says whose it is.
//
//   api_key:
//     from: [{header: x-api-key}, {header: authorization, prefix: "ApiKey "}, {query: api_key}]
//     keys:
//       - {name: acme, sha256: HEX, groups: [partners], attributes: {plan: gold},
//          expires: 2027-01-01T00:00:00Z}
//     file: keys.yaml                 # the same list; watched
//     header: x-consumer              # tells the upstream whose key it was
//     attributes_to_headers: {plan: x-plan}
//     forward: false                  # whether the upstream gets the key, too
//     realm: partners
//
// Only digests of keys are kept. They are not salted and not slow, as those of passwords are, since
// keys are not words that somebody thought of: make them of 16 random bytes or more.
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/base/text.h"
#include "source/config/document.h"
#include "source/filters/auth/challenge.h"
#include "source/filters/auth/credential_source.h"
#include "source/filters/auth/identity_headers.h"
#include "source/filters/auth/key_set.h"
#include "source/filters/builtin.h"
#include "source/filters/watched_file.h"
#include "source/filters/worker_view.h"

namespace gatehouse::filters {
namespace {

using pipeline::Action;
using pipeline::Stream;
using KeyFile = WatchedFile<KeySet>;

struct Counters {
  explicit Counters(const pipeline::LoadContext& context)
      : accepted(context.Counter("api_key", "accepted", "Requests let in.")),
        refused(context.Counter("api_key", "refused", "Requests refused for what they brought.")),
        no_key(context.Counter("api_key", "no_key", "Requests without a key.")),
        expired(context.Counter("api_key", "expired",
                                "Of those refused, with a key that has expired.")),
        file_failed(context.Counter("api_key", "file_failed",
                                    "Times the file changed and could not be used.")) {}

  observe::MetricId accepted;
  observe::MetricId refused;
  observe::MetricId no_key;
  observe::MetricId expired;
  observe::MetricId file_failed;
};

struct Config {
  CredentialSources from;
  std::string challenge;  // Of WWW-Authenticate.
  IdentityHeaders headers;
  bool forward = false;
  bool allow_missing = false;
};

class ApiKeyDefinition final : public pipeline::FilterDefinition {
 public:
  ApiKeyDefinition(Config config, std::shared_ptr<const std::string> filter,
                   std::shared_ptr<KeyFile> keys, const pipeline::LoadContext& context)
      : FilterDefinition(pipeline::Phases::Of<Gate>(), 0),
        config_(std::move(config)),
        counters_(context),
        filter_(std::move(filter)),
        keys_(std::move(keys)),
        workers_(context.workers) {
    credential_places = config_.from.PlaceNames();
  }

  pipeline::Filter* NewFilter(Stream& stream) const override {
    return stream.arena().New<Gate>(*this);
  }
  bool SourcesUnchanged() const override { return keys_->Unchanged(); }
  std::unique_ptr<pipeline::Upkeep> StartUpkeep(pipeline::Services& services) const override {
    return KeyFile::Watch(keys_, services, counters_.file_failed);
  }
  void StripHeaders(http::RequestHead& head) const override { config_.headers.Strip(head.headers); }
  void StripTrailers(http::Headers& trailers) const override { config_.headers.Strip(trailers); }
  void RemoveCredential(size_t place, http::RequestHead& head, Arena& arena) const override {
    config_.from.RemoveAt(place, head, arena);
  }
  std::string Explain(const http::RequestHead& head,
                      const observe::StreamInfo& info) const override;

 private:
  // Holds what its stream's identity is part of.
  class Gate final : public pipeline::Filter {
   public:
    explicit Gate(const ApiKeyDefinition& api_key) : api_key_(api_key) {}
    Action OnRequestHeaders(http::RequestHead& head, Stream& stream) override {
      return api_key_.Judge(head, stream, keys_);
    }

   private:
    const ApiKeyDefinition& api_key_;
    WorkerView<KeySet>::Pin keys_;
  };
  struct alignas(64) PerWorker {
    Sha256 sha;
    WorkerView<KeySet> keys;
  };

  Action Judge(http::RequestHead& head, Stream& stream, WorkerView<KeySet>::Pin& keys) const;
  Action Accept(const Key& key, const CredentialSource& source, http::RequestHead& head,
                Stream& stream) const;
  Action Refuse(Stream& stream, ErrorCode code, std::string_view detail) const {
    stream.AddVerdict(name, code == ErrorCode::kNoCredentials ? "no credentials" : "refused");
    return stream.ReplyError(code, detail, {{"www-authenticate", config_.challenge}});
  }

  const Config config_;
  const Counters counters_;
  const std::shared_ptr<const std::string> filter_;  // Identities of keys_ name it.
  const std::shared_ptr<KeyFile> keys_;
  mutable std::deque<PerWorker> workers_;
};

Action ApiKeyDefinition::Judge(http::RequestHead& head, Stream& stream,
                               WorkerView<KeySet>::Pin& keys) const {
  config_.headers.Strip(head.headers);
  const Credential found = config_.from.Find(head, stream.arena());
  if (found.state == Credential::State::kNone) {
    stream.Count(counters_.no_key);
    if (config_.allow_missing) {
      stream.AddVerdict(name, "no credentials");
      return Action::kContinue;
    }
    return Refuse(stream, ErrorCode::kNoCredentials, "there is no API key");
  }
  if (found.state == Credential::State::kAmbiguous) {
    stream.Count(counters_.refused);
    return Refuse(stream, ErrorCode::kBadCredentials, "there are several API keys in one place");
  }
  PerWorker& worker = workers_[stream.worker()];
  worker.keys.Newest(keys_->value(), keys);
  const Key* const key = keys->Find(worker.sha.Add(found.value).Finish());
  if (key == nullptr) {
    stream.Count(counters_.refused);
    return Refuse(stream, ErrorCode::kBadCredentials, "the API key is nobody's");
  }
  if (key->expires <= stream.info().start) {
    stream.Count(counters_.refused);
    stream.Count(counters_.expired);
    return Refuse(
        stream, ErrorCode::kBadCredentials,
        stream.arena().Concat("the API key of \"", key->identity.subject, "\" has expired"));
  }
  return Accept(*key, *found.source, head, stream);
}

Action ApiKeyDefinition::Accept(const Key& key, const CredentialSource& source,
                                http::RequestHead& head, Stream& stream) const {
  stream.Count(counters_.accepted);
  stream.AddVerdict(name, "allowed");
  stream.SetIdentity(key.identity);
  config_.from.Remove(head, stream.arena(), config_.forward ? &source : nullptr);
  config_.headers.Set(key.identity, head, stream.arena());
  return Action::kContinue;
}

std::string ApiKeyDefinition::Explain(const http::RequestHead& head,
                                      const observe::StreamInfo& info) const {
  ArenaPool pool;
  Arena arena(pool);
  const Credential found = config_.from.Find(head, arena);
  if (found.state == Credential::State::kNone) {
    return config_.allow_missing ? "passes it on without an identity: there is no API key"
                                 : "refuses it: there is no API key";
  }
  if (found.state == Credential::State::kAmbiguous) {
    return "refuses it: there are several API keys in one place";
  }
  const std::shared_ptr<const KeySet> keys = keys_->value().Get();
  const Key* const key = keys->Find(Sha256().Add(found.value).Finish());
  if (key == nullptr) {
    return "refuses it: the API key is nobody's";
  }
  const std::string whose = "\"" + std::string(key->identity.subject) + "\"";
  const WallTime now = info.start == WallTime{} ? WallTime::clock::now() : info.start;
  return key->expires <= now ? "refuses it: the API key of " + whose + " has expired"
                             : "lets it in: the API key is that of " + whose;
}

// --- Loading ---------------------------------------------------------------------------------

// The keys of the configuration and of the file's text.
std::shared_ptr<const KeySet> MakeSet(std::vector<KeyEntry> keys, const std::string& filter,
                                      std::string_view text, const std::string& path,
                                      config::Diagnostics& diagnostics) {
  if (path.empty()) {
    return std::make_shared<KeySet>(keys, filter);
  }
  const size_t errors = diagnostics.errors();
  if (text.find_first_not_of(" \r\n") != std::string_view::npos) {
    // No variables: what a key file says is all there is to know.
    const auto document = config::Document::Parse(
        path, text, [](std::string_view) { return std::nullopt; }, diagnostics);
    AppendKeys(keys, LoadKeys(document->RootValue()));
  }
  if (keys.empty() && diagnostics.errors() == errors) {
    diagnostics.Error({diagnostics.AddFile(path), 1, 1}, {}, "there is no key in this file");
  }
  return std::make_shared<KeySet>(keys, filter);
}

std::shared_ptr<KeyFile> LoadKeyFile(config::Object& in,
                                     const std::shared_ptr<const std::string>& filter) {
  const config::Value list = in.Get("keys", "Keys, by their digests.");
  std::vector<KeyEntry> keys = LoadKeys(list);
  const config::Value file =
      in.Get("file", config::About("YAML file with a list of more keys, watched: a change counts "
                                   "at once.")
                         .Type("path")
                         .Example("keys.yaml"));
  std::string path = file.present() ? file.String() : std::string();
  if (file.IsScalar() && (path.empty() || path == "-")) {
    file.Error("must name a file");
    path.clear();
  }
  if (!file.present() && !list.present()) {
    in.Error("needs `keys` or `file`");
  } else if (list.IsNull() || (!file.present() && list.IsList() && list.size() == 0)) {
    list.Error("there is no key");
  }
  for (KeyEntry& key : keys) {
    key.at = config::Value();  // Its document goes.
  }
  auto out = std::make_shared<KeyFile>(
      *filter, path,
      [keys = std::move(keys), filter](std::string_view text, const std::string& from,
                                       config::Diagnostics& diagnostics) {
        return MakeSet(keys, *filter, text, from, diagnostics);
      });
  out->Load(in.diagnostics(), [&](const std::string& message) { file.Error(message); });
  return out;
}

void LoadHeader(const config::Value& name, std::string_view field, Config& config) {
  const std::string text = name.String();
  if (!name.IsScalar() || !config.headers.Add(text, *observe::IdentityField::Parse(field), name)) {
    return;
  }
  for (const CredentialSource& source : config.from.sources()) {
    if (source.place == CredentialSource::Place::kHeader && EqualsIgnoreCase(source.name, text)) {
      name.Error("is where a key is read from: it can't tell the upstream something else");
    }
  }
}

Config LoadSettings(config::Object& in) {
  Config out;
  out.from = LoadCredentialSources(in, "from", {{CredentialSource::Place::kHeader, "x-api-key"}});
  out.challenge = "ApiKey " + LoadRealm(in);
  const config::Value header =
      in.Get("header", config::About("Header field that tells the upstream whose key it was; what "
                                     "clients send under it never passes.")
                           .Type("header's name")
                           .Example("x-consumer"));
  if (header.present()) {
    LoadHeader(header, "subject", out);
  }
  for (const auto& [attribute, name] :
       in.Entries("attributes_to_headers",
                  "Header fields that tell the upstream an attribute, by the attribute's name.")) {
    if (attribute.empty()) {
      name.Error("an attribute has a name");
    } else {
      LoadHeader(name, "attributes." + attribute, out);
    }
  }
  out.forward = in.Bool("forward", false, "Whether the upstream gets the key, too.");
  out.allow_missing =
      in.Bool("allow_missing", false, "Whether requests without a key pass, with no identity.");
  return out;
}

std::shared_ptr<pipeline::FilterDefinition> Load(config::Object& in,
                                                 const pipeline::LoadContext& context) {
  const auto filter = std::make_shared<const std::string>(context.filter_name);
  std::shared_ptr<KeyFile> keys = LoadKeyFile(in, filter);
  return std::make_shared<ApiKeyDefinition>(LoadSettings(in), filter, std::move(keys), context);
}

}  // namespace

pipeline::FilterType ApiKey() {
  return {.name = "api_key",
          .load = Load,
          .help = "Lets in who has a key, and says whose it is.",
          .examples =
              {"from: [{header: authorization, prefix: \"ApiKey \"}, {query: api_key}, {cookie: "
               "key}], keys: [{name: acme, sha256: "
               "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683, groups: "
               "[partners], attributes: {plan: gold}, expires: 2027-01-01T00:00:00Z}], file: "
               "/dev/null, realm: partners, header: x-consumer, attributes_to_headers: {plan: "
               "x-plan}, forward: false, allow_missing: false"},
          .authenticates = true};
}

}  // namespace gatehouse::filters
