// SPDX-License-Identifier: Apache-2.0
// Refuses request bodies that are too large with 413.
//
//   max_body: {max_bytes: 1MiB}
//
// A Content-Length that is too large is refused before any byte of the body is read; a body of
// unknown length as soon as it exceeds the limit, while it streams. Nothing is buffered.
#include "source/filters/builtin.h"

namespace gatehouse::filters {
namespace {

using pipeline::Action;
using pipeline::Stream;

struct Config {
  uint64_t max_bytes = 0;
  std::string filter;  // Its name.
  observe::MetricId rejected;
};

class MaxBodyFilter final : public pipeline::Filter {
 public:
  explicit MaxBodyFilter(const Config& config) : config_(config) {}

  Action OnRequestHeaders(http::RequestHead& head, Stream& stream) override {
    const bool too_large =
        head.framing == http::Framing::kLength && head.content_length > config_.max_bytes;
    return too_large ? Refuse(stream) : Action::kContinue;
  }

  Action OnRequestBody(std::string_view& chunk, bool /*end*/, Stream& stream) override {
    received_ += chunk.size();
    return received_ > config_.max_bytes ? Refuse(stream) : Action::kContinue;
  }

 private:
  Action Refuse(Stream& stream) {
    stream.Count(config_.rejected);
    stream.AddVerdict(config_.filter, "too large");
    if (stream.response() != nullptr) {
      // The answer is already under way and can't be replaced. Cutting the body short could pass
      // for its end, so it stalls here until the response is over or the idle timeout strikes.
      return Action::kPause;
    }
    return stream.ReplyError(ErrorCode::kBodyTooLarge, "the request body exceeds max_bytes");
  }

  const Config& config_;
  uint64_t received_ = 0;
};

std::shared_ptr<pipeline::FilterDefinition> Load(config::Object& in,
                                                 const pipeline::LoadContext& context) {
  Config config;
  config.max_bytes = in.Size("max_bytes", {.def = 1 << 20, .min = 0},
                             "The largest request body that passes; larger ones are answered 413.");
  config.filter = context.filter_name;
  config.rejected = context.Counter("max_body", "rejected", "Requests whose body was too large.");
  return pipeline::Define<MaxBodyFilter>(std::move(config));
}

}  // namespace

pipeline::FilterType MaxBody() {
  return {"max_body", Load, "Refuses request bodies that are too large.", {"max_bytes: 64KiB"}};
}

}  // namespace gatehouse::filters
