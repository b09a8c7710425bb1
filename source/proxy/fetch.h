// SPDX-License-Identifier: Apache-2.0
// An HTTP request of the gateway's own, through a cluster.
#pragma once

#include <functional>
#include <memory>

#include "source/pipeline/services.h"
#include "source/proxy/worker.h"

namespace gatehouse::proxy {

// `done` is called once, from the worker's loop, never from inside this call; not at all when the
// result is destroyed before.
std::unique_ptr<pipeline::Pending> StartFetch(
    Worker::Parts& worker, pipeline::FetchRequest request,
    std::function<void(Result<pipeline::FetchResponse>)> done);

}  // namespace gatehouse::proxy
