// SPDX-License-Identifier: Apache-2.0
// What connections to a cluster's endpoints can resume (RFC 8446 section 2.2, RFC 5077).
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>

struct ssl_session_st;

namespace gatehouse::tls {

struct SslSessionDelete {
  void operator()(ssl_session_st* session) const;
};
using SslSessionPtr = std::unique_ptr<ssl_session_st, SslSessionDelete>;

// Of one worker and one ClientTls, bounded: the oldest go. Loop thread only; outlives all use of
// the layers that it was given to.
class ClientSessions {
 public:
  static constexpr size_t kMaxPerEndpoint = 4;
  static constexpr size_t kMax = 256;

  // The newest that may be used at `now` (seconds since the epoch); null without. One of TLS 1.3 is
  // taken out: a ticket that is shown twice tells who watches that both are the same client (RFC
  // 8446 appendix C.4). `generation` is that of the settings and files now: what was agreed under
  // others is forgotten.
  SslSessionPtr Take(std::string_view key, uint64_t generation, int64_t now);
  // `until`: seconds since the epoch.
  void Put(std::string_view key, uint64_t generation, SslSessionPtr session, int64_t until);
  size_t size() const { return sessions_.size(); }

 private:
  struct Kept {
    std::string key;
    SslSessionPtr session;
    int64_t until;
  };
  void SetGeneration(uint64_t generation);

  std::list<Kept> sessions_;  // The newest first.
  uint64_t generation_ = 0;
};

}  // namespace gatehouse::tls
