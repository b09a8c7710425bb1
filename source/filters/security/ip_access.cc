// SPDX-License-Identifier: Apache-2.0
// Lets requests in, or answers them 403, by the address they come from.
//
//   ip_access:
//     deny: [192.0.2.0/24, 2001:db8::/32]
//     deny_file: lists/deny.txt      # one block a line, `#` starts a comment
//     allow: [10.0.0.0/8]            # when given, everything else is denied
//     allow_file: lists/allow.txt
//     source: client                 # client: whom trusted proxies name; peer: the socket's
//     address
//
// `deny` wins over `allow`. A verdict that depends on the peer alone is reached once per
// connection and remembered under the lists' fingerprint, so a ban also ends the next request of a
// connection that is open. Files are read when the configuration is loaded; a reload reads those
// that have changed.
#include <string>
#include <utility>
#include <vector>

#include "source/base/text.h"
#include "source/config/document.h"
#include "source/filters/builtin.h"
#include "source/filters/file_stamp.h"
#include "source/filters/security/cidr_set.h"

namespace gatehouse::filters {
namespace {

using pipeline::Action;
using pipeline::Stream;
using pipeline::Verdict;

enum class Source : uint8_t { kClient, kPeer };

struct Rules {
  CidrSet allow;
  CidrSet deny;
  bool allow_only = false;  // An allow list is given, be it empty.
  Source source = Source::kClient;

  bool Admits(const IpAddress& address) const {
    return !deny.Contains(address) && (!allow_only || allow.Contains(address));
  }
};

class IpAccessDefinition final : public pipeline::FilterDefinition {
 public:
  IpAccessDefinition(Rules rules, std::vector<FileStamp> files,
                     const pipeline::LoadContext& context)
      : FilterDefinition(pipeline::Phases::Of<Gate>(), 0),
        rules_(std::move(rules)),
        generation_(rules_.allow.Fingerprint() ^ (rules_.deny.Fingerprint() * 3) ^
                    (rules_.allow_only ? 1 : 0)),
        files_(std::move(files)),
        allowed_(context.Counter("ip_access", "allowed", "Requests let in by their address.")),
        denied_(context.Counter("ip_access", "denied", "Requests refused by their address.")) {}

  pipeline::Filter* NewFilter(Stream&) const override { return &gate_; }

  bool SourcesUnchanged() const override {
    for (const FileStamp& file : files_) {
      if (FileStamp::Of(file.path) != file) {
        return false;
      }
    }
    return true;
  }

 private:
  // Keeps nothing of a stream, so one serves all.
  class Gate final : public pipeline::Filter {
   public:
    explicit Gate(const IpAccessDefinition& access) : access_(access) {}
    Action OnRequestHeaders(http::RequestHead&, Stream& stream) override {
      return access_.Judge(stream);
    }

   private:
    const IpAccessDefinition& access_;
  };

  Action Judge(Stream& stream) const {
    const observe::StreamInfo& info = stream.info();
    const bool by_peer = rules_.source == Source::kPeer || info.client_is_peer;
    Verdict verdict = by_peer ? stream.Recall(this, generation_) : Verdict::kUnknown;
    const IpAddress& address = by_peer ? info.peer : info.client;
    if (verdict == Verdict::kUnknown) {
      verdict = rules_.Admits(address) ? Verdict::kAllow : Verdict::kDeny;
      if (by_peer) {
        stream.Remember(this, generation_, verdict);
      }
    }
    if (verdict == Verdict::kAllow) {
      stream.Count(allowed_);
      return Action::kContinue;
    }
    stream.Count(denied_);
    const bool listed = rules_.deny.Contains(address);
    return stream.ReplyError(
        ErrorCode::kDenied,
        stream.arena().Concat(std::string_view(name), listed ? " denies " : " does not allow ",
                              std::string_view(address.ToString())));
  }

  const Rules rules_;
  const uint64_t generation_;
  const std::vector<FileStamp> files_;
  const observe::MetricId allowed_;
  const observe::MetricId denied_;
  mutable Gate gate_{*this};
};

// Reads one block from each line. Mistakes carry the file's name and the line's number.
void ParseFile(const std::string& path, std::string_view text, const std::string& key_path,
               config::Diagnostics& diagnostics, std::vector<Cidr>& blocks) {
  constexpr size_t kMaxMistakes = 20;
  const uint32_t file = diagnostics.AddFile(path);
  size_t mistakes = 0;
  for (uint32_t line = 1; !text.empty(); ++line) {
    const size_t end = text.find('\n');
    std::string_view entry = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    entry = entry.substr(0, entry.find_first_of("#\r"));
    entry = TrimOws(entry);
    if (entry.empty()) {
      continue;
    }
    Result<Cidr> block = ParseCidr(entry);
    if (block) {
      blocks.push_back(*block);
    } else if (++mistakes <= kMaxMistakes) {
      diagnostics.Error({file, line, 1}, key_path, block.error().message);
    } else {
      diagnostics.Error({file, line, 1}, key_path, "further lines are wrong too");
      return;
    }
  }
}

// The blocks of `key` and of the file that `file_key` names.
std::vector<Cidr> LoadBlocks(config::Object& in, std::string_view key, const config::About& about,
                             std::string_view file_key, const config::About& file_about,
                             std::vector<FileStamp>& files) {
  std::vector<Cidr> blocks;
  for (const config::Value& value : in.List(key, about)) {
    const std::string text = value.String();
    Result<Cidr> block = ParseCidr(text);
    if (block) {
      blocks.push_back(*block);
    } else {
      value.Error(block.error().message);
    }
  }
  const config::Value file = in.Get(file_key, file_about);
  const std::string path = file.present() ? file.String() : std::string();
  if (path.empty() || path == "-") {
    if (file.present()) {
      file.Error("must name a file");
    }
    return blocks;
  }
  files.push_back(FileStamp::Of(path));
  Result<std::string> text = config::ReadFile(path);
  if (text) {
    ParseFile(path, *text, file.path(), in.diagnostics(), blocks);
  } else {
    file.Error(text.error().message);
  }
  return blocks;
}

std::shared_ptr<pipeline::FilterDefinition> Load(config::Object& in,
                                                 const pipeline::LoadContext& context) {
  Rules rules;
  std::vector<FileStamp> files;
  const auto blocks = [](std::string_view help) { return config::About(help).Type("CIDR block"); };
  const auto file = [](std::string_view help, std::string_view example) {
    return config::About(help).Type("path").Example(example);
  };
  rules.allow_only = in.Has("allow") || in.Has("allow_file");
  const std::vector<Cidr> allow = LoadBlocks(
      in, "allow", blocks("Address blocks that are let in; all others are denied."), "allow_file",
      file("File with such blocks, one a line; `#` starts a comment.", "lists/allow.txt"), files);
  const std::vector<Cidr> deny = LoadBlocks(
      in, "deny", blocks("Address blocks that are denied, even when they are allowed."),
      "deny_file",
      file("File with such blocks, one a line; `#` starts a comment.", "lists/deny.txt"), files);
  rules.allow = CidrSet(allow);
  rules.deny = CidrSet(deny);
  rules.source = in.Enum<Source>("source", {{"client", Source::kClient}, {"peer", Source::kPeer}},
                                 Source::kClient,
                                 "Which address counts: the client's, as trusted proxies name it, "
                                 "or the connection's peer's.");
  if (!rules.allow_only && !in.Has("deny") && !in.Has("deny_file")) {
    in.Error("needs `allow`, `allow_file`, `deny` or `deny_file`");
  }
  return std::make_shared<IpAccessDefinition>(std::move(rules), std::move(files), context);
}

}  // namespace

pipeline::FilterType IpAccess() {
  return {
      "ip_access",
      Load,
      "Lets requests in, or denies them, by their address.",
      {"allow: [10.0.0.0/8], allow_file: /dev/null, deny: [192.0.2.0/24], deny_file: /dev/null, "
       "source: client"}};
}

}  // namespace gatehouse::filters
