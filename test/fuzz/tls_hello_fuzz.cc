// SPDX-License-Identifier: Apache-2.0
// What a client says first to a listener with TLS: the first line is a server name that is looked
// up, the rest is what comes on the wire, in pieces and at once.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/document.h"
#include "source/tls/server_tls.h"
#include "test/tls/server_files.h"

namespace gatehouse::tls {
namespace {

void Check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

const ServerTls& Server() {
  static const std::shared_ptr<ServerTls> server = [] {
    ServerFiles files;
    for (const char* name : {"a.example.com", "*.example.org", "b.example.com"}) {
      files.Add("c", Make({.common_name = name, .names = std::string("DNS:") + name}));
      files.settings.alpn = {"h2", "http/1.1"};
      // Each its own files.
      CertificateFiles& last = files.settings.certificates.back();
      const std::string number = std::to_string(files.settings.certificates.size());
      last.cert_file =
          files.folder.Write(number + ".crt", config::ReadFile(last.cert_file).value());
      last.key_file = files.folder.Write(number + ".key", config::ReadFile(last.key_file).value());
    }
    return files.Load();
  }();
  return *server;
}

// What has a name has it with any case and with a dot at its end.
void LookUp(std::string_view name) {
  const auto state = Server().state();
  const CertificateIndex index(state->certificates, [](const Problem&) {});
  const CertificateIndex::Set* const found = index.Find(name);
  std::string upper(name);
  for (char& c : upper) {
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c;
  }
  Check(index.Find(upper) == found);
  Check(found == nullptr || (!found->empty() && !name.empty()));
}

// No bytes for the owner, no end of the handshake, an answer in bounds; a failure says why and
// stays.
void Send(std::string_view wire, size_t piece) {
  constexpr size_t kMostAnswer = 16 * 1024;
  BufferPool pool;
  const std::unique_ptr<Layer> layer = Server().NewLayer(pool);
  Buffer out(pool);
  char into[256];
  while (!wire.empty()) {
    const size_t size = std::min(piece, wire.size());
    const auto opened = layer->Open(wire.substr(0, size), into, sizeof into, out);
    wire.remove_prefix(size);
    Check(opened.bytes == 0 && !layer->established());
    Check((opened.state == event::SocketLayer::State::kFailed) == !layer->failure().empty());
  }
  Check(out.size() < kMostAnswer);
}

}  // namespace
}  // namespace gatehouse::tls

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(input.find('\n'), input.size());
  const std::string_view wire = input.substr(std::min(end + 1, input.size()));
  gatehouse::tls::LookUp(input.substr(0, end));
  gatehouse::tls::Send(wire, wire.size());
  gatehouse::tls::Send(wire, 7);
  return 0;
}
