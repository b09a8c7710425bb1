// SPDX-License-Identifier: Apache-2.0
// What a stream of HTTP/2 is to the session, on either side: its content on the way out, its window
// on the way in, and how far both messages are.
#pragma once

#include <cstdint>

#include "source/base/buffer.h"
#include "source/http/h2/content_count.h"
#include "source/http/h2/list.h"
#include "source/http/message/headers.h"

namespace gatehouse::http {

// Recycled by its codec: Renew() begins a life. Owned by the codec; the session keeps it in lists
// and as nghttp2's user data, until Session::Forget().
struct StreamState {
  explicit StreamState(BufferPool& buffers) : content(buffers) {}
  StreamState(const StreamState&) = delete;
  StreamState& operator=(const StreamState&) = delete;

  void Renew() {
    content.Release();
    trailers = nullptr;
    id = 0;
    unconsumed = 0;
    code = 0;
    end_code = 0;
    head_queued = head_sent = end_queued = end_sent = false;
    input_ended = waits_for_content = credit_due = over = false;
    counted = {};
  }

  ListLink<StreamState> all;   // Of the codec's streams, or of those that it keeps for reuse.
  ListLink<StreamState> work;  // Those whose head is due.
  ListLink<StreamState> told;  // Those whose owner is to be told something.

  Buffer content;                     // What the windows have not let go yet.
  const Headers* trailers = nullptr;  // In the stream's arena.
  ContentCount counted;               // Of the content that comes.
  int32_t id = 0;                     // 0: nghttp2 does not know it yet.
  uint32_t unconsumed = 0;            // Delivered and not consumed.
  uint32_t code = 0;                  // When over: the error code that it ended with.
  uint32_t end_code = 0;              // Not 0: the message ends with RST_STREAM and this.
  bool head_queued : 1 = false;       // The owner has sent a (final) head.
  bool head_sent : 1 = false;         // nghttp2 has it.
  bool end_queued : 1 = false;        // The owner has sent all.
  bool end_sent : 1 = false;          // And it has left.
  bool input_ended : 1 = false;
  bool waits_for_content : 1 = false;  // nghttp2 asked for content when there was none.
  bool credit_due : 1 = false;
  bool over : 1 = false;  // nghttp2 has closed it.
};

}  // namespace gatehouse::http
