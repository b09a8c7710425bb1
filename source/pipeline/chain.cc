// SPDX-License-Identifier: Apache-2.0
#include "source/pipeline/chain.h"

#include <utility>

namespace gatehouse::pipeline {

Chain::Chain(std::vector<std::shared_ptr<const FilterDefinition>> definitions)
    : definitions_(std::move(definitions)) {
  for (const auto& definition : definitions_) {
    const Phases& more = definition->phases();
    phases_.request_headers |= more.request_headers;
    phases_.request_body |= more.request_body;
    phases_.request_trailers |= more.request_trailers;
    phases_.response_headers |= more.response_headers;
    phases_.response_body |= more.response_body;
    phases_.response_trailers |= more.response_trailers;
    phases_.stream_end |= more.stream_end;
    reads_verdicts_ |= definition->reads_verdicts;
  }
}

}  // namespace gatehouse::pipeline
