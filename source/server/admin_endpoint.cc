// SPDX-License-Identifier: Apache-2.0
#include "source/server/admin_endpoint.h"

#include <utility>
#include <vector>

#include "source/server/listening.h"

namespace gatehouse::server {
namespace {

constexpr uint32_t kListenerId = 0;  // The only one of its worker.

}  // namespace

Result<std::unique_ptr<AdminEndpoint>> AdminEndpoint::Open(const AdminSettings& settings,
                                                           const Parts& parts) {
  const Result<event::SocketAddress> address = ListenAddress(settings.listener.address);
  if (!address) {
    return tl::unexpected(address.error());
  }
  auto sockets = event::ListeningSockets::Bind(*address, 1);
  if (!sockets) {
    return Fail(sockets.error().code, sockets.error().source, "admin: " + sockets.error().message);
  }
  std::unique_ptr<AdminEndpoint> out(new AdminEndpoint(parts, std::move(*sockets)));
  out->SetTokens(settings);
  out->snapshot_ = out->MakeSnapshot(settings, parts.metrics);
  out->worker_.SetSnapshot(out->snapshot_);
  return out;
}

AdminEndpoint::AdminEndpoint(const Parts& parts, std::unique_ptr<event::ListeningSockets> sockets)
    : sockets_(std::move(sockets)),
      handler_(parts.server),
      no_filters_({}),
      worker_(parts.index, parts.control, parts.table, parts.context) {}

void AdminEndpoint::Serve() { worker_.Accept(kListenerId, sockets_->fds().front()); }

void AdminEndpoint::SetTokens(const AdminSettings& settings) {
  handler_.SetAccess(
      admin::Access(settings.listener.address, settings.read_tokens, settings.write_tokens));
}

std::shared_ptr<const proxy::Snapshot> AdminEndpoint::MakeSnapshot(const AdminSettings& settings,
                                                                   observe::Metrics& metrics) {
  auto snapshot = std::make_shared<proxy::Snapshot>();
  proxy::ListenerPlan plan;
  plan.settings = std::make_shared<proxy::ListenerSettings>(settings.listener);
  const std::string_view name = plan.settings->name;
  plan.metric_block = metrics.Define(proxy::ListenerSchema(), {&name, 1}).front();
  plan.metrics = proxy::ListenerSeries(*plan.metric_block);
  plan.id = kListenerId;
  plan.tls = settings.tls;
  if (plan.tls != nullptr) {
    for (const tls::CertificateFiles& files : plan.tls->settings().certificates) {
      const std::string labels = proxy::CertificateLabels(name, files.cert_file);
      const std::string_view label = labels;
      plan.certificate_blocks.push_back(
          metrics.Define(proxy::CertificateSchema(), {&label, 1}).front());
    }
  }
  plan.no_route = &no_filters_;
  snapshot->listeners.push_back(std::move(plan));
  snapshot->routes =
      std::make_shared<route::RouteTable>(std::vector<std::shared_ptr<const route::Route>>());
  snapshot->handler = &handler_;
  return snapshot;
}

}  // namespace gatehouse::server
