// SPDX-License-Identifier: Apache-2.0
// Circuit breakers as JSON, and POST /clusters/NAME/breaker: what an operator decides instead of
// them.
#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/admin/endpoints.h"
#include "source/admin/reply.h"
#include "source/base/log.h"
#include "source/base/text.h"
#include "source/config/values.h"

namespace gatehouse::admin {
namespace {

using upstream::Breaker;
using upstream::BreakerCommand;

constexpr Duration kMaxFor = std::chrono::hours(24 * 365);

std::optional<BreakerCommand> ParseCommand(std::string_view text) {
  if (text == "open") {
    return BreakerCommand::kOpen;
  }
  if (text == "closed") {
    return BreakerCommand::kClose;
  }
  return text == "auto" ? std::optional(BreakerCommand::kAuto) : std::nullopt;
}

double Seconds(Duration duration) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(duration);
  return static_cast<double>(milliseconds.count()) / 1000;
}

// Why the parameters can't be what was meant; empty when they can. One that is not read could be
// the end that a command was to have.
std::string WrongParameter(const Query& query) {
  constexpr std::array<std::string_view, 3> kKnown{"state", "for", "labels"};
  for (size_t i = 0; i < query.parameters().size(); ++i) {
    const std::string& name = query.parameters()[i].first;
    if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end()) {
      const std::string_view meant = Nearest(name, kKnown);
      return "unknown parameter \"" + name + "\"" +
             (meant.empty() ? "; there are state, for and labels"
                            : " (did you mean \"" + std::string(meant) + "\"?)");
    }
    for (size_t j = 0; j < i; ++j) {
      if (query.parameters()[j].first == name) {
        return name + " is there twice";
      }
    }
  }
  return {};
}

// Those of the cluster, or the one with these labels.
std::vector<std::shared_ptr<Breaker>> Meant(const proxy::Snapshot& snapshot,
                                            const std::string& cluster, const Query& query) {
  std::vector<std::shared_ptr<Breaker>> out;
  for (const std::shared_ptr<Breaker>& one : snapshot.breakers) {
    if (one->cluster() == cluster &&
        (!query.Has("labels") || one->label_text() == query.Value("labels"))) {
      out.push_back(one);
    }
  }
  return out;
}

// Why there is none to command.
proxy::HandlerResponse NoBreaker(const proxy::Snapshot& snapshot, const std::string& name) {
  std::string labels;
  bool known = false;
  for (const auto& one : snapshot.breakers) {
    if (one->cluster() == name) {
      labels += (labels.empty() ? "\"" : ", \"") + one->label_text() + "\"";
    }
  }
  for (const auto& one : snapshot.clusters) {
    known = known || one->name() == name;
  }
  if (!known) {
    return ErrorResponse(404, "no_cluster", "there is no cluster \"" + name + "\"");
  }
  if (labels.empty()) {
    return ErrorResponse(404, "no_breaker", "cluster \"" + name + "\" has no circuit_breaker");
  }
  return ErrorResponse(404, "no_breaker",
                       "no circuit breaker of cluster \"" + name +
                           "\" has these labels; there are those with " + labels);
}

// `for`: 0 without it; nothing, and the reason in `error`, when it is wrong.
std::optional<Duration> ParseFor(const Query& query, BreakerCommand command, std::string& error) {
  if (!query.Has("for")) {
    return Duration(0);
  }
  if (command == BreakerCommand::kAuto) {
    error = "auto lasts: leave out for";
    return std::nullopt;
  }
  const Result<Duration> parsed = config::ParseDuration(query.Value("for"));
  if (!parsed) {
    error = "for: " + parsed.error().message;
    return std::nullopt;
  }
  if (*parsed <= Duration(0) || *parsed > kMaxFor) {
    error = "for must be more than 0s, and a year at most";
    return std::nullopt;
  }
  return *parsed;
}

}  // namespace

Json BreakerJson(Breaker& breaker) {
  const upstream::BreakerView view = breaker.View(MonotonicNow());
  Json labels = Json::object();
  for (const auto& [key, value] : breaker.labels()) {
    labels[key] = value;
  }
  Json out{{"labels", std::move(labels)},
           {"state", StateName(view.state)},
           {"manual", view.manual},
           {"cause", Text(view.cause)}};
  if (view.left > Duration(0)) {
    out["seconds_left"] = Seconds(view.left);
  }
  if (view.state == upstream::BreakerState::kClosed) {
    out["window"] = {{"seconds", Seconds(breaker.settings().window)},
                     {"requests", view.window.results()},
                     {"failed", view.window.failed},
                     {"slow", view.window.slow}};
  } else if (view.state == upstream::BreakerState::kHalfOpen) {
    out["trials"] = {{"left", view.trials_left}, {"under_way", view.trials_out}};
  }
  const upstream::BreakerTotals& totals = view.totals;
  out["opened"] = totals.opened;
  out["rejected"] = totals.rejected;
  out["trials_total"] = {
      {"good", totals.trials_good}, {"failed", totals.trials_failed}, {"none", totals.trials_void}};
  return out;
}

void PostBreaker(Call& call) {
  const std::optional<BreakerCommand> command = ParseCommand(call.query.Value("state"));
  if (!command) {
    call.Send(ErrorResponse(400, "bad_state", "state must be open, closed or auto"));
    return;
  }
  std::string error = WrongParameter(call.query);
  if (!error.empty()) {
    call.Send(ErrorResponse(400, "bad_parameter", error));
    return;
  }
  const std::optional<Duration> lasting = ParseFor(call.query, *command, error);
  if (!lasting) {
    call.Send(ErrorResponse(400, "bad_duration", error));
    return;
  }
  const std::shared_ptr<const proxy::Snapshot> snapshot = call.server.Snapshot();
  const auto meant = Meant(*snapshot, call.names[0], call.query);
  if (meant.empty()) {
    call.Send(NoBreaker(*snapshot, call.names[0]));
    return;
  }
  Json out = Json::array();
  for (const std::shared_ptr<Breaker>& one : meant) {
    log::Info("circuit command", {{"cluster", one->cluster()},
                                  {"labels", one->label_text()},
                                  {"state", call.query.Value("state")},
                                  {"for", call.query.Value("for")}});
    one->Command(*command, *lasting, MonotonicNow());
    out.push_back(BreakerJson(*one));
  }
  call.Send(JsonResponse(Json{{"cluster", call.names[0]}, {"circuit_breakers", std::move(out)}}));
}

}  // namespace gatehouse::admin
