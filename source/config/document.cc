// SPDX-License-Identifier: Apache-2.0
#include "source/config/document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <istream>
#include <limits>
#include <streambuf>
#include <utility>

#include "source/config/characters.h"
#include "source/config/syntax.h"
#include "source/config/tree_builder.h"

namespace gatehouse::config {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Leaves the parser from inside a callback: its interface has no other way to stop it.
struct Stop {};

Place PlaceOf(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0.
  return {static_cast<uint32_t>(lines + 1), static_cast<uint32_t>(offset - line_start + 1), offset};
}

Place PlaceOf(const YAML::Mark& mark) {
  return {static_cast<uint32_t>(mark.line + 1), static_cast<uint32_t>(mark.column + 1),
          static_cast<size_t>(std::max(mark.pos, 0))};
}

// Hands the text to the parser and counts the brackets it takes before it reports anything. A
// collection in brackets that might be a key is held back as tokens until it ends, a few hundred
// bytes each, before the limits of the tree can see it: a document in JSON, above all.
class CountingSource : public std::streambuf {
 public:
  CountingSource(std::string_view text, uint64_t max_held)
      : text_(text), max_held_(std::min(max_held, kMaxHeld)) {
    char* begin = const_cast<char*>(text.data());  // streambuf's interface; nothing writes.
    setg(begin, begin, begin + text.size());
  }
  // The parser has reported something: it holds nothing back.
  void Reset() { depth_ = held_ = 0; }
  // Where the limit was passed.
  std::optional<size_t> refused_at() const { return refused_at_; }

 protected:
  std::streamsize xsgetn(char* to, std::streamsize wanted) override {
    const std::streamsize count = std::min<std::streamsize>(wanted, egptr() - gptr());
    for (std::streamsize i = 0; i < count; ++i) {
      to[i] = gptr()[i];
      if (!Admit(to[i])) {
        refused_at_ = static_cast<size_t>(gptr() + i - text_.data());
        throw Stop{};
      }
    }
    gbump(static_cast<int>(count));
    return count;
  }

 private:
  // Far above what people write, far below harm: a held value costs some 270 bytes.
  static constexpr uint64_t kMaxDepth = 10'000;
  static constexpr uint64_t kMaxHeld = 1'000'000;

  bool Admit(char c) {
    switch (c) {
      case '[':
      case '{':
        ++held_;
        ++depth_;
        break;
      case ']':
      case '}':
        depth_ -= depth_ > 0 ? 1 : 0;
        break;
      case ',':
        ++held_;
        break;
      default:
        return true;
    }
    return depth_ <= kMaxDepth && held_ <= max_held_;
  }

  std::string_view text_;
  uint64_t max_held_;
  uint64_t depth_ = 0;
  uint64_t held_ = 0;
  std::optional<size_t> refused_at_;
};

bool IsKnownTag(const std::string& tag) {
  static constexpr std::string_view kKnown[] = {
      "",
      "?",
      "!",
      "tag:yaml.org,2002:str",
      "tag:yaml.org,2002:int",
      "tag:yaml.org,2002:float",
      "tag:yaml.org,2002:bool",
      "tag:yaml.org,2002:map",
      "tag:yaml.org,2002:seq",
  };
  return std::find(std::begin(kKnown), std::end(kKnown), tag) != std::end(kKnown);
}

// Passes the parser's events on, and stops it when the builder gives up.
class EventAdapter : public YAML::EventHandler {
 public:
  EventAdapter(TreeBuilder& builder, CountingSource& source, uint32_t file,
               Diagnostics& diagnostics)
      : builder_(builder), source_(source), file_(file), diagnostics_(diagnostics) {}

  // The last scalar that wasn't plain: the one the end of the file may have cut short.
  std::optional<Place> last_quoted() const { return last_quoted_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      Error(mark, "more than one document in the file");
      throw Stop{};
    }
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Continue(builder_.Null(PlaceOf(mark), anchor));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Continue(builder_.Alias(PlaceOf(mark), anchor));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    CheckTag(mark, tag);
    const bool plain = tag == "?";
    if (!plain) {
      last_quoted_ = PlaceOf(mark);
    }
    Continue(builder_.Scalar(PlaceOf(mark), anchor, {text, plain}));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    CheckTag(mark, tag);
    const bool flow = style == YAML::EmitterStyle::Flow;
    Continue(builder_.Start(PlaceOf(mark), anchor, Kind::kList, flow));
  }
  void OnSequenceEnd() override { Continue(builder_.End()); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    CheckTag(mark, tag);
    const bool flow = style == YAML::EmitterStyle::Flow;
    Continue(builder_.Start(PlaceOf(mark), anchor, Kind::kMap, flow));
  }
  void OnMapEnd() override { Continue(builder_.End()); }

 private:
  void Continue(bool go_on) {
    source_.Reset();
    if (!go_on) {
      throw Stop{};
    }
  }
  void CheckTag(const YAML::Mark& mark, const std::string& tag) {
    if (!IsKnownTag(tag)) {
      Error(mark, "the tag \"" + tag + "\" means nothing here");
    }
  }
  void Error(const YAML::Mark& mark, std::string message) {
    const Place at = PlaceOf(mark);
    diagnostics_.Error({file_, at.line, at.column}, "", std::move(message));
  }

  TreeBuilder& builder_;
  CountingSource& source_;
  uint32_t file_;
  Diagnostics& diagnostics_;
  int documents_ = 0;
  std::optional<Place> last_quoted_;
};

// One run of the parser over a text that is known to be clean UTF-8.
class ParseRun {
 public:
  ParseRun(std::string_view text, uint32_t file, const Environment& environment,
           const DocumentLimits& limits, Diagnostics& diagnostics, TreeStorage& storage)
      : text_(text),
        file_(file),
        diagnostics_(diagnostics),
        source_(text, limits.max_nodes),
        builder_({text, file}, environment, limits, diagnostics, storage),
        events_(builder_, source_, file, diagnostics) {}

  // The tree, or nothing after an error that leaves none.
  std::optional<Node> Parse() {
    if (!Read()) {
      return std::nullopt;
    }
    const std::optional<Place> quoted = events_.last_quoted();
    if (quoted && !QuoteIsClosed(text_.substr(std::min(quoted->offset, text_.size())))) {
      Error(*quoted, "not valid YAML: a quote that is not closed");
      return std::nullopt;
    }
    const std::optional<Node>& root = builder_.root();
    if (!root || root->kind == Kind::kNull) {
      Error({1, 1, 0}, "empty configuration");
      return std::nullopt;
    }
    return root;
  }

  uint64_t size() const { return builder_.size(); }

 private:
  bool Read() {
    try {
      std::istream stream(&source_);
      YAML::Parser parser(stream);
      while (parser.HandleNextDocument(events_)) {
      }
      return true;
    } catch (const Stop&) {
      if (source_.refused_at()) {
        Error(PlaceOf(text_, *source_.refused_at()),
              "brackets nest too deep or hold too many values; write the outer ones as a block");
      }
    } catch (const YAML::Exception& error) {
      const Place at = error.mark.is_null() ? Place{1, 1, 0} : PlaceOf(error.mark);
      Error(at, DescribeSyntaxError(error.msg, LineAt(at.offset)));
    } catch (const std::exception& error) {
      Error({}, std::string("can't be parsed: ") + error.what());
    }
    return false;
  }

  std::string_view LineAt(size_t offset) const {
    const size_t inside = std::min(offset, text_.size());
    const size_t start = text_.substr(0, inside).rfind('\n') + 1;  // npos + 1 is 0.
    return text_.substr(start, text_.find('\n', inside) - start);
  }

  void Error(Place at, std::string message) {
    diagnostics_.Error({file_, at.line, at.column}, "", std::move(message));
  }

  std::string_view text_;
  uint32_t file_;
  Diagnostics& diagnostics_;
  CountingSource source_;
  TreeBuilder builder_;
  EventAdapter events_;
};

}  // namespace

struct Document::Nodes {
  TreeStorage storage;
  std::optional<Node> root;
  uint64_t size = 0;
};

Document::Document() : nodes_(std::make_unique<Nodes>()) {}
Document::~Document() = default;

std::unique_ptr<Document> Document::Parse(std::string name, std::string_view text,
                                          const Environment& environment, Diagnostics& diagnostics,
                                          const DocumentLimits& limits) {
  std::unique_ptr<Document> document(new Document());
  document->diagnostics_ = &diagnostics;
  const uint32_t file = diagnostics.AddFile(std::move(name));
  if (file > std::numeric_limits<uint16_t>::max()) {
    diagnostics.Error({file, 0, 0}, "", "too many files");
    return document;
  }
  if (text.size() > std::min<uint64_t>(limits.max_bytes, std::numeric_limits<int>::max())) {
    diagnostics.Error({file, 0, 0}, "",
                      "larger than " + std::to_string(limits.max_bytes) + " bytes");
    return document;
  }
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  if (const std::optional<BadCharacter> bad = FindBadCharacter(text)) {
    const Place at = PlaceOf(text, bad->offset);
    diagnostics.Error({file, at.line, at.column}, "", bad->message);
    return document;
  }
  ParseRun run(text, file, environment, limits, diagnostics, document->nodes_->storage);
  document->nodes_->root = run.Parse();
  document->nodes_->size = run.size();
  return document;
}

Value Document::RootValue() const { return {root(), "", diagnostics_}; }

Object Document::Root() const { return RootValue().Map(); }

const Node* Document::root() const { return nodes_->root ? &*nodes_->root : nullptr; }

uint64_t Document::size() const { return nodes_->size; }

}  // namespace gatehouse::config
