// SPDX-License-Identifier: Apache-2.0
// Reads patterns. Literals that touch are one part, so a pattern without operators has at most one.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "source/base/text.h"
#include "source/observe/pattern.h"

namespace gatehouse::observe {
namespace {

bool IsToken(std::string_view text) {
  for (const char c : text) {
    const char lower = ToLower(c);
    const bool letter = (lower >= 'a' && lower <= 'z') || IsDigit(c);
    if (!letter && std::string_view("!#$%&'*+-.^_`|~").find(c) == std::string_view::npos) {
      return false;
    }
  }
  return !text.empty();
}

std::string Spelled(std::string_view name) { return "%" + std::string(name) + "%"; }

// Envoy writes the request line as headers.
std::string_view PseudoHeader(std::string_view name) {
  return EqualsIgnoreCase(name, ":method")      ? "METHOD"
         : EqualsIgnoreCase(name, ":path")      ? "TARGET"
         : EqualsIgnoreCase(name, ":authority") ? "HOST"
         : EqualsIgnoreCase(name, ":scheme")    ? "SCHEME"
         : EqualsIgnoreCase(name, ":status")    ? "RESPONSE_CODE"
                                                : "";
}

}  // namespace

class PatternParser {
 public:
  PatternParser(std::string_view text, Moment moment, std::shared_ptr<Secrets> secrets)
      : rest_(text), moment_(moment), secrets_(std::move(secrets)) {}

  tl::expected<Pattern, PatternMistake> Parse() {
    while (!rest_.empty() && !mistake_) {
      const size_t percent = rest_.find('%');
      Literal(rest_.substr(0, percent));
      if (percent == std::string_view::npos) {
        break;
      }
      rest_.remove_prefix(percent + 1);
      if (rest_.starts_with('%')) {
        Literal("%");
        rest_.remove_prefix(1);
      } else {
        ReadOperator();
      }
    }
    if (mistake_) {
      return tl::unexpected(*std::move(mistake_));
    }
    pattern_.secrets_ = std::move(secrets_);
    pattern_.NoteWhatItNeeds();
    return std::move(pattern_);
  }

 private:
  using Part = Pattern::Part;

  void Literal(std::string_view text) {
    if (text.empty()) {
      return;
    }
    if (pattern_.parts_.empty() || pattern_.parts_.back().op != nullptr) {
      pattern_.parts_.emplace_back();
    }
    pattern_.parts_.back().text.append(text);
    in_quotes_ = in_quotes_ != (std::count(text.begin(), text.end(), '"') % 2 != 0);
  }

  void Mistake(std::string message, std::string suggestion = {}) {
    mistake_ = PatternMistake{std::move(message), std::move(suggestion)};
  }

  // NAME [ '(' argument ')' ] [ ':' bytes ] '%', the first '%' being read already.
  void ReadOperator() {
    size_t end = rest_.find('%');
    if (rest_.find('(') < end) {
      end = rest_.find('%', rest_.find(')'));  // Names of headers may hold percent signs.
    }
    if (end == std::string_view::npos) {
      Mistake("\"%" + std::string(rest_.substr(0, 24)) +
              "\" starts an operator that does not end; a percent sign is written %%");
      return;
    }
    std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    Part part;
    const size_t open = word.find('(');
    const size_t close = word.rfind(')');
    const std::string_view name = word.substr(0, word.find_first_of("(:"));
    const bool parenthesised = open != std::string_view::npos && close != std::string_view::npos;
    if (parenthesised) {
      part.text = word.substr(open + 1, close - open - 1);
    }
    const size_t colon = word.find(':', parenthesised ? close : 0);
    if (colon != std::string_view::npos && !ReadLength(word.substr(colon + 1), part)) {
      return;
    }
    Resolve(name, parenthesised, std::move(part));
  }

  bool ReadLength(std::string_view digits, Part& part) {
    const std::optional<uint64_t> bytes = ParseUint(digits);
    if (!bytes || *bytes == 0 || *bytes > UINT32_MAX) {
      Mistake("\":" + std::string(digits) + "\" must say how many bytes are kept, such as :40");
      return false;
    }
    part.max_bytes = static_cast<uint32_t>(*bytes);
    return true;
  }

  void Resolve(std::string_view name, bool parenthesised, Part part) {
    if (const std::string_view plain = PseudoHeader(part.text);
        !plain.empty() && (name == "REQ" || name == "RESP")) {
      name = plain;
      parenthesised = false;
      part.text.clear();
    }
    part.op = FindOperator(name);
    if (part.op == nullptr) {
      const std::string_view nearest = NearestOperator(name);
      Mistake("unknown operator " + Spelled(name), nearest.empty() ? "" : Spelled(nearest));
      return;
    }
    if (part.op->moment > moment_) {
      Mistake(Spelled(name) + (part.op->moment == Moment::kEnd
                                   ? " is known only when the stream has ended: logs can use it"
                                   : " is known only when the response has come"));
      return;
    }
    part.value = part.op->value;
    part.bare = part.op->bare;
    if (CheckArgument(parenthesised, part)) {
      part.word = !in_quotes_ && (part.field != nullptr || part.op->json != nullptr);
      HideSecrets(part);
      pattern_.parts_.push_back(std::move(part));
    }
  }

  bool CheckArgument(bool parenthesised, Part& part) {
    const std::string_view name = part.op->name;
    switch (part.op->argument) {
      case Operator::Argument::kNone:
        if (parenthesised) {
          Mistake(Spelled(name) + " takes no argument");
        }
        break;
      case Operator::Argument::kHeader:
        if (!parenthesised) {
          Mistake(Spelled(name) + " needs the name of a header",
                  Spelled(std::string(name) + "(user-agent)"));
        } else if (!IsToken(part.text)) {
          Mistake("\"" + part.text + "\" is not the name of a header");
        } else {
          part.text = Lowercase(part.text);
        }
        break;
      case Operator::Argument::kClock:
        if (const Operator* clock = FindClock(part.text)) {
          part.value = clock->value;
          part.bare = clock->bare;
        } else {
          Mistake("unknown time format \"" + part.text + "\"; one of: rfc3339, clf, unix_ms");
        }
        break;
      case Operator::Argument::kLabel:
        if (part.text.empty()) {
          Mistake(Spelled(name) + " needs the name of a label", Spelled("LABEL(version)"));
        }
        break;
      case Operator::Argument::kIdentity:
        CheckField(parenthesised, part);
        break;
    }
    return !mistake_;
  }

  void CheckField(bool parenthesised, Part& part) {
    if (!parenthesised) {
      Mistake("%IDENTITY% needs to know what of it", "%IDENTITY(subject)%");
      return;
    }
    Result<IdentityField> field = IdentityField::Parse(part.text);
    if (!field) {
      Mistake(field.error().message);
      return;
    }
    part.field = std::make_shared<const IdentityField>(*std::move(field));
  }

  void HideSecrets(Part& part) {
    if (secrets_ == nullptr) {
      return;
    }
    if (part.op->argument == Operator::Argument::kHeader) {
      part.hidden = &secrets_->Header(part.text);
      part.url = Secrets::HoldsUrl(part.text);
    } else {
      part.url = part.op->name == "TARGET" || part.op->name == "PATH";
    }
  }

  std::string_view rest_;
  bool in_quotes_ = false;
  const Moment moment_;
  std::shared_ptr<Secrets> secrets_;
  Pattern pattern_;
  std::optional<PatternMistake> mistake_;
};

tl::expected<Pattern, PatternMistake> Pattern::Parse(std::string_view text, Moment moment,
                                                     std::shared_ptr<Secrets> secrets) {
  return PatternParser(text, moment, std::move(secrets)).Parse();
}

}  // namespace gatehouse::observe
