// SPDX-License-Identifier: Apache-2.0
// Lets in who has shown a client certificate, and says whose it is.
//
//   client_certificate:
//     subject_from: [uri, dns, email, common_name, subject]   # the first that the certificate has
//     allow:                                    # one has to fit; left out: any that was verified
//       - {uri: {prefix: "spiffe://example.org/ns/prod/"}, groups: [prod]}
//       - {common_name: orders, issuer: {contains: O=Example}, attributes: {plan: gold}}
//     header: x-client                          # tells the upstream whose it was
//     attributes_to_headers: {plan: x-plan}
//     forward: false                            # x-forwarded-client-cert, as Envoy writes it
//     allow_missing: false
//
// The handshake has verified it: who may have issued one, and whether clients are asked at all, is
// the listener's `tls: {client_auth: ...}`.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/base/text.h"
#include "source/filters/auth/certificate_rules.h"
#include "source/filters/auth/challenge.h"
#include "source/filters/auth/identity_headers.h"
#include "source/filters/builtin.h"
#include "source/filters/field_name.h"

namespace gatehouse::filters {
namespace {

using observe::PeerCertificate;
using pipeline::Action;
using pipeline::Stream;

constexpr std::string_view kForwarded = "x-forwarded-client-cert";

struct Counters {
  explicit Counters(const pipeline::LoadContext& context)
      : accepted(context.Counter("client_certificate", "accepted", "Requests let in.")),
        refused(context.Counter("client_certificate", "refused",
                                "Requests refused for whose certificate they came with.")),
        no_certificate(context.Counter("client_certificate", "no_certificate",
                                       "Requests without a verified certificate.")) {}

  observe::MetricId accepted;
  observe::MetricId refused;
  observe::MetricId no_certificate;
};

struct Config {
  std::string filter;
  std::vector<CertificatePart> subject_from;
  std::vector<CertificateRule> allow;
  std::string challenge;  // Of WWW-Authenticate.
  IdentityHeaders headers;
  bool forward = false;
  bool allow_missing = false;
};

class ClientCertificateDefinition final : public pipeline::FilterDefinition {
 public:
  ClientCertificateDefinition(Config config, const pipeline::LoadContext& context)
      : FilterDefinition(pipeline::Phases::Of<Gate>(), 0),
        config_(std::move(config)),
        counters_(context),
        gate_(*this) {}

  pipeline::Filter* NewFilter(Stream&) const override { return &gate_; }
  void StripHeaders(http::RequestHead& head) const override {
    config_.headers.Strip(head.headers);
    RemoveVariable(head.headers, kForwarded);
  }
  void StripTrailers(http::Headers& trailers) const override {
    config_.headers.Strip(trailers);
    RemoveVariable(trailers, kForwarded);
  }
  std::string Explain(const http::RequestHead&, const observe::StreamInfo& info) const override;

 private:
  class Gate final : public pipeline::Filter {
   public:
    explicit Gate(const ClientCertificateDefinition& definition) : definition_(definition) {}
    Action OnRequestHeaders(http::RequestHead& head, Stream& stream) override {
      return definition_.Judge(head, stream);
    }

   private:
    const ClientCertificateDefinition& definition_;
  };

  Action Judge(http::RequestHead& head, Stream& stream) const;
  // Null: none fits. Without rules, one that adds nothing.
  const CertificateRule* RuleFor(const PeerCertificate& peer) const {
    static const CertificateRule kAny;
    if (config_.allow.empty()) {
      return &kAny;
    }
    for (const CertificateRule& rule : config_.allow) {
      if (rule.Fits(peer)) {
        return &rule;
      }
    }
    return nullptr;
  }

  const Config config_;
  const Counters counters_;
  mutable Gate gate_;
};

Action ClientCertificateDefinition::Judge(http::RequestHead& head, Stream& stream) const {
  StripHeaders(head);
  const observe::TlsFacts* const tls = stream.info().tls;
  const PeerCertificate* const peer = tls == nullptr ? nullptr : tls->peer.get();
  if (peer == nullptr) {
    stream.Count(counters_.no_certificate);
    stream.AddVerdict(name, "no credentials");
    return config_.allow_missing
               ? Action::kContinue
               : stream.ReplyError(ErrorCode::kNoCredentials, "there is no client certificate",
                                   {{"www-authenticate", config_.challenge}});
  }
  const CertificateRule* const rule = RuleFor(*peer);
  const observe::Identity& identity =
      IdentityOf(*peer, config_.subject_from, rule, config_.filter, stream.arena());
  stream.SetIdentity(identity);
  if (rule == nullptr) {
    stream.Count(counters_.refused);
    stream.AddVerdict(name, "refused");
    return stream.ReplyError(ErrorCode::kNotPermitted,
                             stream.arena().Concat("no rule of `allow` fits the certificate of \"",
                                                   identity.subject, "\""));
  }
  stream.Count(counters_.accepted);
  stream.AddVerdict(name, "allowed");
  config_.headers.Set(identity, head, stream.arena());
  if (config_.forward) {
    head.headers.Add(kForwarded, ForwardedCertificate(*peer, stream.arena()));
  }
  return Action::kContinue;
}

std::string ClientCertificateDefinition::Explain(const http::RequestHead&,
                                                 const observe::StreamInfo& info) const {
  // Whoever asks what would happen has no connection, and may say whose certificate it is about.
  std::optional<PeerCertificate> imagined;
  if (info.identity != nullptr &&
      info.identity->kind == observe::IdentityKind::kClientCertificate) {
    imagined = CertificateLike(*info.identity);
  }
  const PeerCertificate* const shown = info.tls == nullptr ? nullptr : info.tls->peer.get();
  const PeerCertificate* const peer = shown == nullptr && imagined ? &*imagined : shown;
  if (peer == nullptr) {
    return config_.allow_missing
               ? "passes it on without an identity: there is no client certificate"
               : "refuses it: there is no client certificate";
  }
  ArenaPool pool;
  Arena arena(pool);
  const CertificateRule* const rule = RuleFor(*peer);
  const observe::Identity& identity =
      IdentityOf(*peer, config_.subject_from, rule, config_.filter, arena);
  const std::string whose = "\"" + std::string(identity.subject) + "\"";
  return rule == nullptr ? "refuses it: no rule of `allow` fits the certificate of " + whose
                         : "lets it in: the certificate is that of " + whose;
}

// --- Loading ---------------------------------------------------------------------------------

void LoadHeader(const config::Value& name, std::string_view field, Config& config) {
  const std::string text = name.String();
  if (!name.IsScalar()) {
    return;
  }
  if (EqualsIgnoreCase(text, kForwarded)) {
    name.Error("is what `forward` writes");
    return;
  }
  config.headers.Add(text, *observe::IdentityField::Parse(field), name);
}

void LoadHeaders(config::Object& in, Config& out) {
  const config::Value header =
      in.Get("header", config::About("Header field that tells the upstream whose certificate it "
                                     "was; what clients send under it never passes.")
                           .Type("header's name")
                           .Example("x-client"));
  if (header.present()) {
    LoadHeader(header, "subject", out);
  }
  for (const auto& [claim, name] :
       in.Entries("claims_to_headers",
                  "Header fields that tell the upstream what the certificate says: subject, "
                  "common_name, issuer, serial, fingerprint, dns, uri, email.")) {
    if (!ParseCertificatePart(claim)) {
      name.Error("\"" + claim + "\" is not something that a certificate says",
                 std::string(Nearest(claim, kCertificatePartNames)));
    } else {
      LoadHeader(name, "claims." + claim, out);
    }
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
}

std::shared_ptr<pipeline::FilterDefinition> Load(config::Object& in,
                                                 const pipeline::LoadContext& context) {
  Config out;
  out.filter = context.filter_name;
  out.subject_from = LoadSubjectFrom(in);
  out.allow = LoadCertificateRules(in);
  out.challenge = "ClientCertificate " + LoadRealm(in);
  LoadHeaders(in, out);
  out.forward = in.Bool("forward", false,
                        "Whether the upstream is told the certificate in x-forwarded-client-cert, "
                        "as Envoy writes it.");
  out.allow_missing = in.Bool("allow_missing", false,
                              "Whether requests without a certificate pass, with no identity.");
  return std::make_shared<ClientCertificateDefinition>(std::move(out), context);
}

// Rules in which each part of a certificate stands in every form that it may have, for the schema.
std::string EveryForm() {
  std::string out = "allow: [";
  for (const std::string_view form :
       {"a", "{prefix: a}", "{suffix: a}", "{contains: a}", "{regex: a+}", "{present: true}"}) {
    std::string rule;
    for (const std::string_view part :
         {"common_name", "subject", "issuer", "serial", "fingerprint", "dns", "uri", "email"}) {
      rule.append(rule.empty() ? "{" : ", ").append(part).append(": ").append(form);
    }
    out.append(rule).append("}, ");
  }
  return out + "]";
}

}  // namespace

pipeline::FilterType ClientCertificate() {
  static const std::string every_form = EveryForm();
  return {.name = "client_certificate",
          .load = Load,
          .help = "Lets in who has shown a client certificate, and says whose it is.",
          .examples = {"subject_from: [uri, dns, email, common_name, subject], allow: [{uri: "
                       "{prefix: \"spiffe://example.org/\"}, dns: {suffix: .example.org}, email: "
                       "{present: false}, common_name: orders, subject: {contains: O=Example}, "
                       "issuer: {regex: CN=Clients.*}, serial: \"01f3\", fingerprint: {present: "
                       "true}, groups: [prod], attributes: {plan: gold}}], header: x-client, "
                       "claims_to_headers: {dns: x-client-dns}, attributes_to_headers: {plan: "
                       "x-plan}, forward: true, allow_missing: false, realm: gatehouse",
                       every_form},
          .authenticates = true};
}

}  // namespace gatehouse::filters
