// SPDX-License-Identifier: Apache-2.0
#include "source/server/route_explain.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>
#include <variant>

#include "source/http/path.h"
#include "source/proxy/forwarded.h"
#include "source/route/fallback_config.h"
#include "source/route/rewrite.h"
#include "source/server/made_up_identity.h"
#include "source/server/made_up_request.h"

namespace gatehouse::server {
namespace {

using Json = nlohmann::ordered_json;
using admin::RouteQuestion;
using proxy::ListenerPlan;
using proxy::Snapshot;

tl::unexpected<Error> NotUnderstood(std::string message) {
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig, std::move(message));
}

// One question about one snapshot.
class Explainer {
 public:
  Explainer(const Snapshot& snapshot, const RouteQuestion& question, const std::string& config_name)
      : snapshot_(snapshot), question_(question), config_name_(config_name) {}

  Result<Json> Run() {
    MadeUpRequest request(arena_);
    if (auto made = MakeUpRequest(question_, arena_, request); !made) {
      return tl::unexpected<Error>(std::move(made.error()));
    }
    Result<size_t> listener = ChooseListener(request);
    if (!listener) {
      return tl::unexpected<Error>(std::move(listener.error()));
    }
    if (auto made = MakeUpIdentity(question_.identity, identity_); !made) {
      return tl::unexpected<Error>(std::move(made.error()));
    }
    const Result<IpAddress> client = Client(*snapshot_.listeners[*listener].settings, request.head);
    if (!client) {
      return tl::unexpected<Error>(client.error());
    }
    Explain(request.head, static_cast<uint32_t>(*listener), *client);
    return std::move(out_);
  }

 private:
  Result<size_t> ChooseListener(const MadeUpRequest& request);
  Result<IpAddress> Client(const proxy::ListenerSettings& settings, const http::RequestHead& head);
  std::string PeerText() const {
    return question_.client_ip.empty() ? "127.0.0.1" : question_.client_ip;
  }
  void Explain(http::RequestHead& head, uint32_t listener, const IpAddress& client);
  bool NormaliseTarget(http::RequestHead& head, const proxy::ListenerSettings& settings);
  observe::StreamInfo Info(const http::RequestHead& head, const ListenerPlan& plan,
                           const route::Route* route, const IpAddress& client) const;
  Json DescribeIdentity() const;
  void AddFilters(const pipeline::Chain* chain);
  void ExplainFilters(const pipeline::Chain* chain, const http::RequestHead& head,
                      observe::StreamInfo info);
  void AddAction(const route::Route& route, const http::RequestHead& head);
  Json DescribeForward(const route::Forward& forward, const http::RequestHead& head);
  Json DescribeArm(const route::Arm& arm, uint64_t total_weight);
  Json DescribeBreaker(upstream::Breaker& breaker);
  Json DescribeFallback(const route::Fallback& fallback);
  Json RouteName(const route::Route& route) const;
  std::string At(const route::Route& route) const;
  void Note(std::string sentence) { notes_.push_back(std::move(sentence)); }

  const Snapshot& snapshot_;
  const RouteQuestion& question_;
  const std::string& config_name_;
  ArenaPool pool_;
  Arena arena_{pool_};
  MadeUpIdentity identity_;
  Json out_ = Json::object();
  Json notes_ = Json::array();
};

// The one asked for, else the one with the URL's port, else the first that speaks the URL's scheme,
// else the first.
Result<size_t> Explainer::ChooseListener(const MadeUpRequest& request) {
  const std::vector<ListenerPlan>& all = snapshot_.listeners;
  const auto find = [&](auto fits) -> std::optional<size_t> {
    const auto at = std::find_if(all.begin(), all.end(),
                                 [&](const ListenerPlan& plan) { return fits(*plan.settings); });
    return at == all.end() ? std::nullopt : std::optional<size_t>(at - all.begin());
  };
  if (all.empty()) {
    return NotUnderstood("there is no listener");
  }
  const bool tls = request.head.scheme == "https";
  const auto note_scheme = [&](size_t at) {
    // Behind another proxy, X-Forwarded-Proto says so.
    if (!all[at].settings->tls && tls) {
      Note("the listener has no tls: https is what a trusted proxy says before it");
    } else if (all[at].settings->tls && !tls) {
      Note("the listener takes https only");
    }
    return at;
  };
  if (!question_.listener.empty()) {
    const auto named =
        find([&](const proxy::ListenerSettings& one) { return one.name == question_.listener; });
    return named ? Result<size_t>(note_scheme(*named))
                 : NotUnderstood("there is no listener \"" + question_.listener + "\"");
  }
  if (request.port) {
    const auto same_port = find([&](const proxy::ListenerSettings& one) {
      return one.address.kind != config::Address::Kind::kUnix && one.address.port == *request.port;
    });
    if (same_port) {
      return note_scheme(*same_port);
    }
    Note("no listener has port " + std::to_string(*request.port) + ": " +
         (tls ? "the first with tls" : "the first one") + " is assumed");
  }
  const auto same_scheme =
      find([&](const proxy::ListenerSettings& one) { return one.tls.has_value() == tls; });
  return note_scheme(same_scheme.value_or(0));
}

Result<IpAddress> Explainer::Client(const proxy::ListenerSettings& settings,
                                    const http::RequestHead& head) {
  const std::string text = PeerText();
  const std::optional<IpAddress> peer = ParseIp(text);
  if (!peer) {
    return NotUnderstood("\"" + text + "\" is not an IP address");
  }
  return proxy::IsTrusted(settings, *peer) ? proxy::ClientBehind(settings, *peer, head.headers)
                                           : *peer;
}

// As proxy/stream.cc does. False, and `refused`, when it can't be.
bool Explainer::NormaliseTarget(http::RequestHead& head, const proxy::ListenerSettings& settings) {
  const bool keep = settings.encoded_slash == proxy::EncodedSlash::kKeep;
  const http::PathOptions options{settings.merge_slashes,
                                  keep ? http::EncodedSlash::kKeep : http::EncodedSlash::kReject};
  const Result<std::string_view> path = http::NormalisePath(head.path, options, arena_);
  if (!path) {
    out_["refused"] = {{"status", 400}, {"why", path.error().message}};
    return false;
  }
  if (*path != head.path) {
    const bool query = head.target.size() > head.path.size();
    Note("the path is matched and forwarded as " + std::string(*path));
    head.target = query ? arena_.Concat(*path, "?", head.query) : *path;
    head.path = head.target.substr(0, path->size());
  }
  return true;
}

void Explainer::Explain(http::RequestHead& head, uint32_t listener, const IpAddress& client) {
  const ListenerPlan& plan = snapshot_.listeners[listener];
  out_["request"] = nullptr;
  out_["identity"] = DescribeIdentity();
  out_["listener"] = {{"name", plan.settings->name},
                      {"address", plan.settings->address.ToString()}};
  out_["route"] = nullptr;
  const bool normal = NormaliseTarget(head, *plan.settings);
  out_["request"] = {{"method", head.method_name}, {"scheme", head.scheme},
                     {"host", head.host},          {"path", head.path},
                     {"query", head.query},        {"client_ip", client.ToString()}};
  if (head.host.empty()) {
    Note("the request has no host: only routes without one can match");
  }
  route::Explanation explanation;
  if (normal) {
    explanation = route::Explain(*snapshot_.routes, {head, listener, client});
  }
  const route::Route* chosen = explanation.chosen;
  const pipeline::Chain* chain = chosen == nullptr ? plan.no_route : plan.chains[chosen->index];
  AddFilters(chain);
  if (normal) {  // Else the request is refused before filters run.
    ExplainFilters(chain, head, Info(head, plan, chosen, client));
  }
  if (chosen != nullptr) {
    out_["route"] = RouteName(*chosen);
    AddAction(*chosen, head);
  } else if (normal) {
    out_["refused"] = {{"status", 404}, {"why", "no route matches"}};
  }
  Json near = Json::array();
  for (const auto& miss : explanation.near_misses) {
    near.push_back({{"route", miss.route->name}, {"at", At(*miss.route)}, {"why", miss.why}});
  }
  out_["near_misses"] = std::move(near);
  out_["notes"] = std::move(notes_);
}

// What is known when the filters run.
observe::StreamInfo Explainer::Info(const http::RequestHead& head, const ListenerPlan& plan,
                                    const route::Route* route, const IpAddress& client) const {
  observe::StreamInfo out;
  out.method = head.method_name;
  out.target = head.target;
  out.path = head.path;
  out.host = head.host;
  out.scheme = head.scheme;
  out.protocol = "HTTP/1.1";
  out.client = client;
  out.peer = ParseIp(PeerText()).value_or(client);
  out.client_is_peer = out.peer == client;
  out.listener = plan.settings->name;
  if (!question_.identity.empty()) {
    out.identity = &identity_.identity;
  }
  if (route != nullptr) {
    out.route = route->name;
    out.labels = route->forward() == nullptr ? nullptr : &route->forward()->labels();
  }
  return out;
}

Json Explainer::DescribeIdentity() const {
  if (question_.identity.empty()) {
    return nullptr;
  }
  const auto by_name = [](std::span<const observe::IdentityValue> values) {
    Json out = Json::object();
    for (const observe::IdentityValue& one : values) {
      out[std::string(one.name)].push_back(one.value);
    }
    return out;
  };
  const observe::Identity& identity = identity_.identity;
  return {{"subject", identity.subject},        {"kind", observe::KindName(identity.kind)},
          {"filter", identity.filter},          {"groups", identity_.groups},
          {"claims", by_name(identity.claims)}, {"attributes", by_name(identity.attributes)}};
}

void Explainer::AddFilters(const pipeline::Chain* chain) {
  Json filters = Json::array();
  if (chain != nullptr) {
    for (const auto& definition : chain->definitions()) {
      filters.push_back({{"name", definition->name}, {"type", definition->type}});
    }
  }
  out_["filters"] = std::move(filters);
}

void Explainer::ExplainFilters(const pipeline::Chain* chain, const http::RequestHead& head,
                               observe::StreamInfo info) {
  // Known from the filter on that finds it out.
  const observe::Identity* const identity = std::exchange(info.identity, nullptr);
  for (size_t i = 0; chain != nullptr && i < chain->size(); ++i) {
    const pipeline::FilterDefinition& definition = *chain->definitions()[i];
    std::string says;
    if (identity != nullptr && definition.authenticates) {
      says = "lets it in, as it is taken to be from \"" + std::string(identity->subject) + "\"";
      info.identity = identity;
    } else {
      says = definition.Explain(head, info);
    }
    if (!says.empty()) {
      out_["filters"][i]["explanation"] = std::move(says);
    }
  }
  if (identity != nullptr && info.identity == nullptr) {
    Note("no filter of this route finds out who is calling: to all of them it is nobody");
  }
}

void Explainer::AddAction(const route::Route& route, const http::RequestHead& head) {
  if (const route::Forward* forward = route.forward()) {
    out_["forward"] = DescribeForward(*forward, head);
    if (route.fallback.has_value()) {
      out_["fallback"] = DescribeFallback(*route.fallback);
    }
  } else if (const route::Redirect* redirect = route.redirect()) {
    const auto location = route::RedirectLocation(*redirect, route.match, head, arena_);
    if (location.empty()) {
      out_["refused"] = {{"status", 400},
                         {"why", "the redirect needs a host, and the request has none"}};
    } else {
      out_["redirect"] = {{"status", redirect->status}, {"location", location}};
    }
  } else if (const route::Respond* respond = route.respond()) {
    out_["respond"] = {{"status", respond->status}, {"bytes", respond->body.size()}};
  }
}

Json Explainer::DescribeForward(const route::Forward& forward, const http::RequestHead& head) {
  Json out = Json::object();
  const std::string_view target = route::RewrittenTarget(forward, head, arena_);
  out["path"] = target.substr(0, target.find('?'));
  const std::string& host = forward.rewrite->host;
  out["host"] = host.empty() ? head.authority : std::string_view(host);
  Json arms = Json::array();
  for (const route::Arm& arm : forward.arms) {
    arms.push_back(DescribeArm(arm, forward.total_weight));
  }
  out["arms"] = std::move(arms);
  return out;
}

Json Explainer::DescribeArm(const route::Arm& arm, uint64_t total_weight) {
  const upstream::Cluster& cluster = *snapshot_.clusters[arm.cluster];
  const auto set = cluster.endpoints();
  size_t carrying = 0;
  bool resolved = false;
  for (const auto& endpoint : set->endpoints) {
    carrying += upstream::Carries(*endpoint, arm.labels) ? 1 : 0;
    resolved = resolved || !endpoint->hostname.empty();
  }
  const auto& specs = cluster.settings().endpoints;
  const bool named = std::any_of(specs.begin(), specs.end(),
                                 [](const upstream::EndpointSpec& one) { return one.hostname; });
  if (named && !resolved) {
    Note("the hostnames of cluster " + cluster.name() + " are not resolved here");
  } else if (carrying == 0) {
    Note("no endpoint of cluster " + cluster.name() +
         (arm.labels.empty() ? "" : " carries the labels") + ": answered with 503");
  }
  Json labels = Json::object();
  for (const auto& [key, value] : arm.labels) {
    labels[key] = value;
  }
  const double percent =
      100.0 * arm.weight / static_cast<double>(std::max<uint64_t>(total_weight, 1));
  Json out{{"cluster", cluster.name()}, {"labels", std::move(labels)},
           {"weight", arm.weight},      {"percent", percent},
           {"endpoints", carrying},     {"of", set->endpoints.size()}};
  if (upstream::Breaker* breaker = snapshot_.BreakerAt(arm.breaker)) {
    out["breaker"] = DescribeBreaker(*breaker);
  }
  return out;
}

Json Explainer::DescribeBreaker(upstream::Breaker& breaker) {
  const upstream::BreakerView view = breaker.View(MonotonicNow());
  Json out{{"state", StateName(view.state)}};
  if (view.state != upstream::BreakerState::kClosed) {
    out["cause"] = Text(view.cause);
    const auto left = std::chrono::ceil<std::chrono::seconds>(view.left).count();
    Note("the circuit of cluster " + breaker.cluster() + " is " +
         (view.state == upstream::BreakerState::kHalfOpen ? "half-open: a few requests get through"
          : view.endless                                  ? "open by command: answered with 503"
                         : "open for another " + std::to_string(left) + "s: answered with 503"));
  }
  return out;
}

Json Explainer::DescribeFallback(const route::Fallback& fallback) {
  Json out{{"when", route::WordsOf(fallback)}};
  if (fallback.arm) {
    out["arm"] = DescribeArm(*fallback.arm, 1);
  } else {
    out["respond"] = {{"status", fallback.respond.status}, {"bytes", fallback.respond.body.size()}};
  }
  return out;
}

Json Explainer::RouteName(const route::Route& route) const {
  return {{"name", route.name}, {"index", route.index}, {"at", At(route)}};
}

std::string Explainer::At(const route::Route& route) const {
  if (route.index >= snapshot_.route_positions.size()) {
    return config_name_;
  }
  const config::Position& at = snapshot_.route_positions[route.index];
  const std::string& file =
      at.file < snapshot_.config_files.size() ? snapshot_.config_files[at.file] : config_name_;
  return file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

}  // namespace

Result<Json> ExplainRequest(const Snapshot& snapshot, const RouteQuestion& question,
                            const std::string& config_name) {
  return Explainer(snapshot, question, config_name).Run();
}

}  // namespace gatehouse::server
