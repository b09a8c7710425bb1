// SPDX-License-Identifier: Apache-2.0
#include "source/pipeline/filter_table.h"

#include <algorithm>

#include "source/base/text.h"
#include "source/pipeline/any_of.h"

namespace gatehouse::pipeline {
namespace {

// Stands in for a definition with mistakes: in the chain, doing nothing. Its type is empty.
struct NoFilter final : Filter {};

constexpr char kStepForms[] =
    "must be a filter's name, {use: NAME, ...}, {any_of: [NAME, ...]} or {skip: NAME}";

bool IsPlaceholder(const FilterDefinition& definition) { return definition.type.empty(); }

// Whether `any_of`, which may be null or something else, has a member of this name.
bool IsMember(std::string_view name, const FilterDefinition* any_of) {
  return any_of != nullptr && std::any_of(any_of->members().begin(), any_of->members().end(),
                                          [&](const auto& member) { return member->name == name; });
}

std::string Quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

template <typename Map>
std::string NearestKey(std::string_view word, const Map& map) {
  std::vector<std::string_view> keys;
  for (const auto& [key, value] : map) {
    keys.push_back(key);
  }
  return std::string(Nearest(word, keys));
}

std::string NearestType(std::string_view word, const Catalog& catalog) {
  std::vector<std::string_view> names;
  for (const FilterType& type : catalog.types()) {
    names.push_back(type.name);
  }
  return std::string(Nearest(word, names));
}

}  // namespace

FilterTable::FilterTable(const std::vector<std::pair<std::string, config::Value>>& section,
                         const Catalog& catalog, const LoadContext& context,
                         const FilterTable* previous)
    : catalog_(catalog), context_(context) {
  log_sinks_ = previous != nullptr ? previous->log_sinks_ : std::make_shared<observe::LogSinks>();
  context_.cluster_uses = &cluster_uses_;
  if (context_.log_sinks == nullptr) {
    context_.log_sinks = log_sinks_.get();
  }
  // Definitions keep state per worker: with other workers they start anew.
  if (previous != nullptr && previous->context_.workers != context.workers) {
    previous = nullptr;
  }
  for (const auto& [name, value] : section) {
    const auto [at, added] = entries_.emplace(name, Entry{value, value.Canonical()});
    if (added) {  // Duplicate keys are the parser's to report.
      definitions_.emplace(name, Define(at->first, at->second, previous));
    }
  }
  if (previous == nullptr) {
    return;
  }
  for (const auto& [key, definition] : previous->overrides_) {
    const auto now = definitions_.find(definition->name);
    const auto then = previous->definitions_.find(definition->name);
    const bool same_base = now != definitions_.end() && then != previous->definitions_.end() &&
                           now->second == then->second;
    if (same_base && !IsPlaceholder(*definition) && definition->SourcesUnchanged()) {
      previous_overrides_.emplace(key, definition);
    }
  }
}

std::shared_ptr<FilterDefinition> FilterTable::Define(const std::string& name, Entry& entry,
                                                      const FilterTable* previous) {
  if (previous != nullptr) {
    const auto old = previous->entries_.find(name);
    if (old != previous->entries_.end() && old->second.canonical == entry.canonical) {
      const std::shared_ptr<FilterDefinition>& definition = previous->definitions_.at(name);
      if (!IsPlaceholder(*definition) && definition->SourcesUnchanged()) {
        TakeOver(*definition, entry.value);
        return definition;
      }
    }
  }
  const FilterDefinition* now = nullptr;
  if (previous != nullptr) {
    const auto served = previous->definitions_.find(name);
    now = served == previous->definitions_.end() ? nullptr : served->second.get();
  }
  return Load(name, entry.value.Map(), nullptr, now);
}

// It is not loaded again, but what it needs of the rest of the configuration must still be there.
void FilterTable::TakeOver(const FilterDefinition& definition, const config::Value& at) {
  for (const ClusterUse& use : definition.cluster_uses) {
    cluster_uses_.push_back({use, at});
  }
}

std::shared_ptr<FilterDefinition> FilterTable::Load(std::string_view name, config::Object in,
                                                    const FilterDefinition* base,
                                                    const FilterDefinition* previous) {
  const config::Diagnostics& diagnostics = in.diagnostics();
  const size_t errors_before = diagnostics.errors();
  const size_t uses_before = cluster_uses_.size();
  std::shared_ptr<FilterDefinition> made;
  std::vector<std::shared_ptr<const observe::MetricBlock>> metric_blocks;
  bool required = false;
  const FilterType* type = nullptr;
  {
    config::Object object = std::move(in);  // Ends with the block: unknown keys are errors too.
    const bool typed = object.Has("type");
    const std::string type_name =
        object.String("type", name,
                      config::About("The filter's type; left out, its name is the type.")
                          .Default("NAME")
                          .Type("filter type"));
    required = object.Bool("required", false, "Whether routes are kept from skipping this filter.");
    type = catalog_.Find(type_name);
    if (type != nullptr) {
      object.Variant("type", type->name, type->help);
      LoadContext context = context_;
      context.filter_name = name;
      context.metric_blocks = &metric_blocks;
      // Never one that the loader could not know by its own type.
      context.base = base != nullptr && base->type == type->name ? base : nullptr;
      context.previous = previous != nullptr && previous->type == type->name ? previous : nullptr;
      made = type->load(object, context);
    } else {
      const std::string wrong = "unknown filter type " + Quoted(type_name);
      object.Error("type", typed ? wrong : wrong + "; `type:` says which type this filter is",
                   NearestType(type_name, catalog_));
      object.Unchecked();
    }
  }
  if (made == nullptr || diagnostics.errors() != errors_before) {
    made = std::make_shared<SharedDefinitionOf<NoFilter, NoFilter>>(NoFilter());
    type = nullptr;
  }
  made->name = name;
  made->type = type == nullptr ? std::string_view() : type->name;
  made->required = required;
  made->authenticates = type != nullptr && type->authenticates;
  made->metric_blocks = std::move(metric_blocks);
  for (size_t i = uses_before; i < cluster_uses_.size(); ++i) {
    made->cluster_uses.push_back(cluster_uses_[i].use);
  }
  return made;
}

FilterTable::Step& FilterTable::Read(const config::Value& value) {
  const auto [at, added] = steps_.try_emplace(value.path());
  Step& step = at->second;
  if (!added) {
    return step;
  }
  step.value = value;
  step.name_value = value;
  if (value.IsMap()) {
    ReadMapping(step);
  } else if (value.IsScalar()) {
    step.kind = Step::Kind::kUse;
    step.name = value.String();
  } else {
    value.Error(kStepForms);
  }
  if (step.kind == Step::Kind::kBroken || step.name == kAnyOf) {
    return step;
  }
  if (!Exists(step)) {
    step.kind = Step::Kind::kBroken;
  } else if (step.kind == Step::Kind::kUse) {
    entries_.find(step.name)->second.used = true;
    const bool plain = !value.IsMap() || value.size() == 1;
    step.definition = plain ? definitions_.find(step.name)->second : Override(step);
  }
  return step;
}

void FilterTable::ReadMapping(Step& step) {
  const bool used = step.value.HasKey("use");
  const bool skipped = step.value.HasKey("skip");
  const bool any_of = step.value.HasKey(kAnyOf);
  if (used + skipped + any_of != 1) {
    step.value.Error(kStepForms);
  } else if (!used && step.value.size() > 1) {
    step.value.Error(skipped
                         ? "`skip` stands alone: a filter that is skipped has no other settings "
                           "here"
                         : "`any_of` stands alone: settings belong to the filters in its list");
  } else if (any_of) {
    ReadAnyOf(step);
  } else {
    ReadName(step, used ? "use" : "skip");
  }
}

void FilterTable::ReadName(Step& step, std::string_view key) {
  const bool used = key == "use";
  const config::About about = used ? "The filter, by its name; further keys replace its own here."
                                   : "The filter of the listener that this route does without.";
  config::Object in = step.value.Map(used ? "" : "skip");
  in.Unchecked();  // What else there is belongs to the filter.
  const config::Value name = in.Get(key, about.Type("filter's name").Required());
  if (!name.IsScalar()) {
    name.Error("must be the name of a filter");
    return;
  }
  step.kind = used ? Step::Kind::kUse : Step::Kind::kSkip;
  step.name = name.String();
  step.name_value = name;
}

void FilterTable::ReadAnyOf(Step& step) {
  config::Object in = step.value.Map(kAnyOf);
  const config::Value list =
      in.Get(kAnyOf, config::About("Filters that authenticate: the first that accepts the "
                                   "request's credentials lets it in.")
                         .Type("filter's name")
                         .Required());
  const std::vector<config::Value> listed = list.List();
  std::vector<std::shared_ptr<const FilterDefinition>> members;
  std::vector<const FilterDefinition*> key;
  for (const config::Value& value : listed) {
    if (std::shared_ptr<const FilterDefinition> member = Member(value)) {
      if (std::find(key.begin(), key.end(), member.get()) != key.end()) {
        value.Error("filter " + Quoted(member->name) + " is in this list already");
      }
      key.push_back(member.get());
      members.push_back(std::move(member));
    }
  }
  if (listed.empty() && (list.IsList() || list.IsNull())) {
    list.Error("any_of needs the names of filters that authenticate, such as [jwt, api_key]");
  }
  if (members.empty() || members.size() != listed.size()) {
    return;
  }
  std::shared_ptr<const FilterDefinition>& made = any_ofs_[std::move(key)];
  if (made == nullptr) {
    made = AnyOf(std::move(members));
  }
  step.kind = Step::Kind::kUse;
  step.name = kAnyOf;
  step.definition = made;
}

// Null, and an error, when it can't stand in an any_of.
std::shared_ptr<const FilterDefinition> FilterTable::Member(const config::Value& value) {
  const Step& step = Read(value);
  if (step.kind == Step::Kind::kBroken) {
    return nullptr;
  }
  if (step.kind == Step::Kind::kSkip || step.name == kAnyOf) {
    value.Error("any_of takes filters by their names, or as {use: NAME, ...}");
    return nullptr;
  }
  const FilterDefinition& definition = *step.definition;
  if (!IsPlaceholder(definition) && !definition.authenticates) {
    value.Error("filter " + Quoted(step.name) + " is of type " + Quoted(definition.type) +
                ", which does not say who is calling: any_of takes filters that do");
    return nullptr;
  }
  if (!definition.names_caller) {
    value.Error("filter " + Quoted(step.name) +
                " says who may pass, but not who that is: any_of needs its `identity`");
    return nullptr;
  }
  return step.definition;
}

bool FilterTable::Exists(const Step& step) const {
  if (entries_.contains(step.name)) {
    return true;
  }
  std::string message = "unknown filter " + Quoted(step.name);
  std::string nearest = NearestKey(step.name, entries_);
  if (nearest.empty()) {
    message += catalog_.Find(step.name) != nullptr
                   ? ": the type exists, but `filters:` does not define it"
                   : ": `filters:` does not define it";
  }
  step.name_value.Error(std::move(message), std::move(nearest));
  return false;
}

std::shared_ptr<FilterDefinition> FilterTable::Override(const Step& step) {
  std::string key = step.name;
  key.push_back('\0');
  key.append(step.value.Canonical());
  const auto known = overrides_.find(key);
  if (known != overrides_.end()) {
    return known->second;
  }
  const auto previous = previous_overrides_.find(key);
  if (previous != previous_overrides_.end()) {
    if (std::shared_ptr<FilterDefinition> same = previous->second.lock()) {
      TakeOver(*same, step.value);
      return overrides_.emplace(std::move(key), std::move(same)).first->second;
    }
  }
  const std::shared_ptr<FilterDefinition>& base = definitions_.find(step.name)->second;
  config::Object overlay =
      config::Object::Overlay(entries_.find(step.name)->second.value, step.value);
  overlay.Get("use", "Has been read.");
  if (step.value.HasKey("type")) {
    overlay.Error("type", "a filter keeps its type: only its other settings can be replaced here");
  }
  std::shared_ptr<FilterDefinition> made = Load(step.name, std::move(overlay), base.get(), nullptr);
  if (IsPlaceholder(*base)) {
    made = base;  // The mistakes of both have been reported.
  }
  return overrides_.emplace(std::move(key), std::move(made)).first->second;
}

void FilterTable::Skip(Step& step, std::vector<const Step*>& chain) const {
  const auto at = std::find_if(chain.begin(), chain.end(),
                               [&](const Step* candidate) { return candidate->name == step.name; });
  if (at == chain.end()) {
    return;  // Another listener may have it: WarnUnused() knows.
  }
  step.found = true;
  if ((*at)->definition->required) {
    step.name_value.Error("filter " + Quoted(step.name) + " is required: a route can't skip it");
    return;
  }
  chain.erase(at);
}

std::shared_ptr<const Chain> FilterTable::Compile(const std::vector<config::Value>& listener,
                                                  const std::vector<config::Value>& route) {
  std::vector<const Step*> chain;
  for (const config::Value& value : listener) {
    const Step& step = Read(value);
    if (step.kind == Step::Kind::kSkip) {
      value.Error("only a route can skip a filter");
    } else if (step.kind == Step::Kind::kUse) {
      Append(step, chain);
    }
  }
  // What the route skips goes first, so that it can be used again with other settings.
  for (const config::Value& value : route) {
    if (Step& step = Read(value); step.kind == Step::Kind::kSkip) {
      Skip(step, chain);
    }
  }
  for (const config::Value& value : route) {
    if (const Step& step = Read(value); step.kind == Step::Kind::kUse) {
      Append(step, chain);
    }
  }
  return ChainOf(chain);
}

void FilterTable::Append(const Step& step, std::vector<const Step*>& chain) const {
  const bool twice = std::any_of(chain.begin(), chain.end(),
                                 [&](const Step* other) { return other->name == step.name; });
  if (twice) {
    step.name_value.Error("filter " + Quoted(step.name) +
                          " is in this chain already (a listener's filters precede the route's)");
    return;
  }
  chain.push_back(&step);
}

std::shared_ptr<const Chain> FilterTable::ChainOf(const std::vector<const Step*>& steps) {
  std::vector<const FilterDefinition*> key;
  std::vector<std::shared_ptr<const FilterDefinition>> definitions;
  for (const Step* step : steps) {
    key.push_back(step->definition.get());
    definitions.push_back(step->definition);
  }
  std::shared_ptr<const Chain>& chain = chains_[std::move(key)];
  if (chain == nullptr) {
    WarnOfUnknownCallers(steps);
    WarnOfLostPreflights(steps);
    chain = std::make_shared<const Chain>(std::move(definitions));
  }
  return chain;
}

// Where no filter before it authenticates, but a route has taken that one out, it is meant so.
void FilterTable::WarnOfUnknownCallers(const std::vector<const Step*>& steps) {
  const auto finds_out = [](const Step* step) { return step->definition->authenticates; };
  for (auto at = steps.begin(); at != steps.end(); ++at) {
    const Step& step = **at;
    if (!step.definition->needs_identity || std::any_of(steps.begin(), at, finds_out)) {
      continue;
    }
    const auto later = std::find_if(at, steps.end(), finds_out);
    const bool nobody = later == steps.end() &&
                        std::none_of(definitions_.begin(), definitions_.end(),
                                     [](const auto& entry) { return entry.second->authenticates; });
    if ((later != steps.end() || nobody) && warned_.insert(step.value.path()).second) {
      step.name_value.Warning(
          "filter " + Quoted(step.name) +
          (nobody ? " has rules about who is calling, but no filter finds that out"
                  : " has rules about who is calling, but filter " + Quoted((*later)->name) +
                        ", which finds that out, comes after it"));
    }
  }
}

// Browsers send preflights without credentials (Fetch, section 4.8): who asks for some before CORS
// answers refuses them all.
void FilterTable::WarnOfLostPreflights(const std::vector<const Step*>& steps) {
  const FilterDefinition* asks = nullptr;
  for (const Step* step : steps) {
    if (step->definition->authenticates && asks == nullptr) {
      asks = step->definition.get();
    } else if (step->definition->type == "cors" && asks != nullptr &&
               warned_.insert(step->value.path()).second) {
      step->name_value.Warning("filter " + Quoted(asks->name) +
                               " stands before it and refuses preflights, which bring no "
                               "credentials: " +
                               Quoted(step->name) + " belongs first");
    }
  }
}

void FilterTable::TellCredentials() const {
  std::set<std::string> found;
  ForEach([&](const auto& definition) {
    found.insert(definition->credential_places.begin(), definition->credential_places.end());
    found.insert(definition->secret_places.begin(), definition->secret_places.end());
  });
  const std::vector<std::string> places(found.begin(), found.end());
  ForEach([&](const auto& definition) { definition->HideCredentials(places); });
}

void FilterTable::WarnUnused() {
  TellCredentials();
  for (auto& [name, entry] : entries_) {
    if (!entry.used) {
      entry.value.Warning("no listener and no route uses this filter");
    }
    entry.value = {};
  }
  for (const auto& [path, step] : steps_) {
    if (step.kind == Step::Kind::kSkip && !step.found) {
      const bool inside = std::any_of(steps_.begin(), steps_.end(), [&](const auto& other) {
        return IsMember(step.name, other.second.definition.get());
      });
      step.name_value.Error("nothing to skip: no listener of this route has filter " +
                            Quoted(step.name) +
                            (inside ? " but in an any_of, which {skip: any_of} takes out" : ""));
    }
  }
  steps_.clear();
  warned_.clear();
  previous_overrides_.clear();
  cluster_uses_.clear();
}

void FilterTable::ReopenFiles() const {
  ForEach([](const auto& definition) { definition->ReopenFiles(); });
}

}  // namespace gatehouse::pipeline
