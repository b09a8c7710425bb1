// SPDX-License-Identifier: Apache-2.0
#include "source/tls/server_tls.h"

#include <utility>
#include <vector>

#include "source/base/clock.h"

namespace gatehouse::tls {

std::shared_ptr<ServerTls> ServerTls::Make(const ServerSettings& settings, const Report& report) {
  std::vector<std::shared_ptr<const Certificate>> certificates;
  for (size_t i = 0; i < settings.certificates.size(); ++i) {
    certificates.push_back(LoadCertificate(settings.certificates[i], i, WallNow(), report));
  }
  if (std::erase(certificates, nullptr) != 0 || certificates.empty()) {
    return nullptr;
  }
  std::shared_ptr<ServerTls> out(new ServerTls(settings));
  std::shared_ptr<const ServerContext> context =
      ServerContext::Make(settings, std::move(certificates), report);
  if (context == nullptr) {
    return nullptr;
  }
  out->context_.Publish(std::move(context));
  return out;
}

std::unique_ptr<Layer> ServerTls::NewLayer(BufferPool& buffers) const {
  std::shared_ptr<const ServerContext> context = context_.Get();
  SslPtr ssl = context->NewSsl();
  return std::make_unique<Layer>(std::move(ssl), buffers, std::move(context));
}

}  // namespace gatehouse::tls
