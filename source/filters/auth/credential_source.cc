// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/credential_source.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "source/base/text.h"
#include "source/filters/field_name.h"
#include "source/pipeline/request_values.h"

namespace gatehouse::filters {
namespace {

using config::Object;
using config::Value;
using Place = CredentialSource::Place;
using State = Credential::State;

constexpr std::string_view kCookie = "cookie";

// What follows the prefix of `source`; nothing when the value has another.
std::optional<std::string_view> AfterPrefix(const CredentialSource& source,
                                            std::string_view value) {
  std::string_view prefix = source.prefix;
  const bool scheme = prefix.ends_with(' ');
  while (prefix.ends_with(' ')) {
    prefix.remove_suffix(1);
  }
  if (value.size() < prefix.size() || !EqualsIgnoreCase(value.substr(0, prefix.size()), prefix)) {
    return std::nullopt;
  }
  value.remove_prefix(prefix.size());
  if (!scheme) {
    return value;
  }
  if (!value.empty() && value.front() != ' ') {
    return std::nullopt;
  }
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  return value;
}

Credential FindHeader(const CredentialSource& source, const http::Headers& headers) {
  Credential out;
  size_t lines = 0;
  pipeline::ForEachHeaderValue(headers, source.name, [&](std::string_view value) {
    ++lines;
    if (const auto rest = AfterPrefix(source, value)) {
      out = {State::kOne, *rest, &source};
    }
    return true;
  });
  // Of two lines one may be of another kind: the next one on the way may read that.
  if (lines > 1 && out.state == State::kOne) {
    out.state = State::kAmbiguous;
  }
  return out;
}

// Counts what `for_each(visit)` finds.
template <typename ForEach>
Credential Only(const CredentialSource& source, ForEach for_each) {
  Credential out;
  for_each([&](std::string_view value) {
    const bool first = out.state == State::kNone;
    out = {first ? State::kOne : State::kAmbiguous, value, &source};
    return first;
  });
  return out;
}

Credential FindQuery(const CredentialSource& source, std::string_view query, Arena& arena) {
  pipeline::QueryDecoder decoder(arena);
  return Only(source, [&](auto visit) {
    pipeline::ForEachQueryValue(query, source.name, decoder, [&](std::string_view value) {
      const bool as_sent = value.data() >= query.data() &&
                           value.data() + value.size() <= query.data() + query.size();
      return visit(as_sent ? value : arena.Copy(value));  // The decoder's memory is its own.
    });
  });
}

// `list` without the elements that `drop(element)` holds for, each with one separator.
template <typename Drop>
std::string_view Without(std::string_view list, char separator, Arena& arena, Drop drop) {
  char* const out = static_cast<char*>(arena.Allocate(list.size()));
  size_t size = 0;
  bool first = true;
  for (bool last = false; !last;) {
    const size_t end = list.find(separator);
    const std::string_view element = list.substr(0, end);
    last = end == std::string_view::npos;
    list = last ? std::string_view() : list.substr(end + 1);
    if (drop(element)) {
      continue;
    }
    if (!std::exchange(first, false)) {
      out[size++] = separator;
    }
    size += element.copy(out + size, element.size());
  }
  return {out, size};
}

void RemoveFromQuery(const CredentialSource& source, http::RequestHead& head, Arena& arena) {
  const auto is_it = [&](std::string_view pair) {
    return !pair.empty() &&
           pipeline::QueryDecoder::Equals(pair.substr(0, pair.find('=')), source.name);
  };
  const std::string_view query = Without(head.query, '&', arena, is_it);
  if (query.size() == head.query.size()) {
    return;
  }
  const size_t path_size = head.path.size();
  head.target = query.empty() ? head.path : arena.Concat(head.path, "?", query);
  head.path = head.target.substr(0, path_size);
  head.query = query.empty() ? std::string_view() : head.target.substr(path_size + 1);
}

void RemoveCookie(const CredentialSource& source, http::Headers& headers, Arena& arena) {
  const auto is_it = [&](std::string_view pair) {
    const size_t equals = pair.find('=');
    return equals != std::string_view::npos && TrimOws(pair.substr(0, equals)) == source.name;
  };
  auto* const kept =
      static_cast<std::string_view*>(arena.Allocate(headers.count() * sizeof(std::string_view)));
  size_t lines = 0;
  pipeline::ForEachHeaderValue(headers, kCookie, [&](std::string_view line) {
    const std::string_view rest = Without(line, ';', arena, is_it);
    kept[lines++] = rest.size() == line.size() ? line : TrimOws(rest);
    return true;
  });
  headers.Remove(http::Known::kCookie);
  for (const std::string_view line : std::span(kept, lines)) {
    if (!line.empty()) {
      headers.Add(kCookie, line);
    }
  }
}

Credential FindAt(const CredentialSource& source, const http::RequestHead& head, Arena& arena) {
  switch (source.place) {
    case Place::kHeader:
      return FindHeader(source, head.headers);
    case Place::kQuery:
      return FindQuery(source, head.query, arena);
    case Place::kCookie:
      return Only(source, [&](auto visit) {
        pipeline::ForEachCookieValue(head.headers, source.name, visit);
      });
  }
  return {};
}

// --- Loading ---------------------------------------------------------------------------------

struct PlaceKey {
  std::string_view key;
  Place place;
  std::string_view help;
  std::string_view type;
};
constexpr PlaceKey kPlaces[] = {
    {"header", Place::kHeader, "The header field it is in.", "header's name"},
    {"query", Place::kQuery, "The query parameter it is in.", ""},
    {"cookie", Place::kCookie, "The cookie it is in.", ""},
};

std::string_view KeyOf(Place place) {
  return std::find_if(std::begin(kPlaces), std::end(kPlaces),
                      [&](const PlaceKey& one) { return one.place == place; })
      ->key;
}

std::string CheckedName(Place place, const Value& at) {
  const std::string name = at.String();
  if (!at.IsScalar()) {
    return {};
  }
  if (place == Place::kHeader) {
    if (EqualsIgnoreCase(name, kCookie)) {
      at.Error("holds all cookies; `cookie: NAME` reads one");
      return {};
    }
    return CheckedFieldName(name, at);
  }
  if (place == Place::kCookie && !IsFieldName(name)) {
    at.Error("\"" + name + "\" is not the name of a cookie");
    return {};
  }
  if (name.empty()) {
    at.Error("is empty; a query parameter has a name");
  }
  return name;
}

// One element; without a name after a mistake.
CredentialSource LoadOne(const Value& value) {
  CredentialSource out;
  Object in = value.Map();
  std::string_view first;
  for (const PlaceKey& place : kPlaces) {
    const Value found = in.Get(place.key, config::About(place.help).Type(place.type));
    if (!found.present()) {
      continue;
    }
    if (!first.empty()) {
      in.Error(place.key, "can't stand beside \"" + std::string(first) + "\": each place is one");
      continue;
    }
    first = place.key;
    out.place = place.place;
    out.name = CheckedName(place.place, found);
  }
  out.prefix = in.String("prefix", "",
                         config::About("What the header's value begins with, in any case; with a "
                                       "space at its end, an authentication scheme.")
                             .Example("\"Bearer \""));
  if (HoldsControls(out.prefix)) {
    in.Error("prefix", "has control characters, which headers can't hold");
  }
  if (in.Has("prefix") && !first.empty() && out.place != Place::kHeader) {
    in.Error("prefix", "only a header's value has a prefix");
  }
  if ((value.IsMap() || value.IsNull()) && first.empty()) {
    value.Error("expected one of header, query, cookie");
  }
  return out;
}

std::string AsYaml(const std::vector<CredentialSource>& sources) {
  std::string out = "[";
  for (const CredentialSource& source : sources) {
    out.append(out.size() > 1 ? ", {" : "{")
        .append(KeyOf(source.place))
        .append(": ")
        .append(source.name);
    if (!source.prefix.empty()) {
      out.append(", prefix: \"").append(source.prefix).append("\"");
    }
    out.append("}");
  }
  return out + "]";
}

}  // namespace

Credential CredentialSources::Find(const http::RequestHead& head, Arena& arena) const {
  for (const CredentialSource& source : sources_) {
    const Credential found = FindAt(source, head, arena);
    if (found.state != State::kNone) {
      return found;
    }
  }
  return {};
}

void CredentialSources::Remove(http::RequestHead& head, Arena& arena,
                               const CredentialSource* verified) const {
  for (size_t place = 0; place < sources_.size(); ++place) {
    const CredentialSource& source = sources_[place];
    const bool same =
        verified != nullptr && source.place == verified->place && source.name == verified->name;
    if (!same) {
      RemoveAt(place, head, arena);
    }
  }
}

void CredentialSources::RemoveAt(size_t place, http::RequestHead& head, Arena& arena) const {
  const CredentialSource& source = sources_[place];
  if (FindAt(source, head, arena).state == State::kNone) {
    return;
  }
  switch (source.place) {
    case Place::kHeader:
      head.headers.Remove(source.name);
      break;
    case Place::kQuery:
      RemoveFromQuery(source, head, arena);
      break;
    case Place::kCookie:
      RemoveCookie(source, head.headers, arena);
      break;
  }
}

std::vector<std::string> CredentialSources::PlaceNames() const {
  std::vector<std::string> out;
  for (const CredentialSource& source : sources_) {
    out.push_back(std::string(KeyOf(source.place)) + " " + source.name + ":" +
                  Lowercase(source.prefix));
  }
  return out;
}

CredentialSources LoadCredentialSources(Object& in, std::string_view key,
                                        std::vector<CredentialSource> defaults) {
  const std::string def = AsYaml(defaults);
  const Value list = in.Get(
      key, config::About("Where the credential is looked for; the first place that has one counts.")
               .Default(def));
  std::vector<CredentialSource> sources;
  for (const Value& value : list.List()) {
    CredentialSource source = LoadOne(value);
    if (source.name.empty()) {
      continue;
    }
    if (std::find(sources.begin(), sources.end(), source) != sources.end()) {
      value.Error("is given twice");
      continue;
    }
    sources.push_back(std::move(source));
  }
  if (!list.present()) {
    return CredentialSources(std::move(defaults));
  }
  if (list.IsNull() || (list.IsList() && list.size() == 0)) {
    list.Error("needs at least one place");
  }
  return CredentialSources(std::move(sources));
}

}  // namespace gatehouse::filters
