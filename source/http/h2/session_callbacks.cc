// SPDX-License-Identifier: Apache-2.0
#include "source/http/h2/session_callbacks.h"

#include <memory>

#include "source/http/h2/session.h"

namespace gatehouse::http {
namespace {

constexpr size_t kEncoderTable = 4096;

struct Deleter {
  void operator()(nghttp2_session_callbacks* p) const { nghttp2_session_callbacks_del(p); }
  void operator()(nghttp2_option* p) const { nghttp2_option_del(p); }
};

std::string_view View(nghttp2_rcbuf* text) {
  const nghttp2_vec bytes = nghttp2_rcbuf_get_buf(text);
  return {reinterpret_cast<const char*>(bytes.base), bytes.len};
}

}  // namespace

// All of them noexcept: there is C between them and us. Once the connection ends, what nghttp2
// still has to say is of no interest; NGHTTP2_ERR_CALLBACK_FAILURE makes it stop.
struct SessionCallbacks {
  static Session& Of(void* user) { return *static_cast<Session*>(user); }
  static int Outcome(const Session& session) {
    return session.ending() ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
  }

  static int OnBeginFrame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) noexcept {
    Session& session = Of(user);
    const bool plain = head->type == NGHTTP2_DATA && (head->flags & NGHTTP2_FLAG_PADDED) == 0;
    session.data_left_ = plain ? static_cast<uint32_t>(head->length) : 0;
    return Outcome(session);
  }

  static int OnBeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
    Session& session = Of(user);
    session.owner_.OnBlockBegin(frame->hd.stream_id, session.Find(frame->hd.stream_id),
                                frame->headers.cat == NGHTTP2_HCAT_REQUEST);
    return Outcome(session);
  }

  static int OnHeader(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf* name,
                      nghttp2_rcbuf* value, uint8_t flags, void* user) noexcept {
    Session& session = Of(user);
    if (!session.owner_.OnField(View(name), View(value), (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0)) {
      session.Terminate(NGHTTP2_ENHANCE_YOUR_CALM, PeerFault::kAbuse, "an excessive header block");
    }
    return Outcome(session);
  }

  static int OnDataChunk(nghttp2_session*, uint8_t flags, int32_t id, const uint8_t* data,
                         size_t bytes, void* user) noexcept {
    Session& session = Of(user);
    const bool last = bytes == session.data_left_;
    session.data_left_ -= session.data_left_ < bytes ? session.data_left_ : bytes;
    StreamState* const stream = session.Find(id);
    if (stream == nullptr || stream->input_ended) {
      nghttp2_session_consume(session.handle_, id, bytes);
      return Outcome(session);
    }
    const bool end = last && (flags & NGHTTP2_FLAG_END_STREAM) != 0;
    stream->unconsumed += static_cast<uint32_t>(bytes);
    session.owner_.OnContent(*stream, {reinterpret_cast<const char*>(data), bytes}, end);
    return Outcome(session);
  }

  static int OnFrameReceived(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
    Session& session = Of(user);
    const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS) {
      session.owner_.OnBlockEnd(end);
    } else if (frame->hd.type != NGHTTP2_DATA) {
      session.OnFrameReceived(*frame);
    } else if (StreamState* const stream = session.Find(frame->hd.stream_id);
               end && stream != nullptr && !stream->input_ended) {
      session.owner_.OnContent(*stream, {}, true);
    }
    return Outcome(session);
  }

  static int OnFrameSent(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
    Of(user).OnFrameSent(*frame);
    return 0;
  }

  static int OnFrameNotSent(nghttp2_session*, const nghttp2_frame* frame, int,
                            void* user) noexcept {
    if (frame->hd.type == NGHTTP2_HEADERS) {
      --Of(user).heads_unsent_;
    }
    return 0;
  }

  static int OnStreamClose(nghttp2_session*, int32_t id, uint32_t code, void* user) noexcept {
    Session& session = Of(user);
    if (StreamState* const stream = session.Find(id)) {
      session.OnStreamClosed(*stream, code);
    }
    return 0;
  }

  static ssize_t ReadContent(nghttp2_session*, int32_t id, uint8_t*, size_t most, uint32_t* flags,
                             nghttp2_data_source*, void* user) noexcept {
    Session& session = Of(user);
    StreamState* const stream = session.Find(id);
    if (stream == nullptr) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return session.GiveContent(*stream, most, *flags);
  }

  static int SendContent(nghttp2_session*, nghttp2_frame* frame, const uint8_t* head, size_t bytes,
                         nghttp2_data_source*, void* user) noexcept {
    Session& session = Of(user);
    StreamState* const stream = session.Find(frame->hd.stream_id);
    if (stream == nullptr) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return session.WriteContent(*stream, head, bytes) ? 0 : NGHTTP2_ERR_PAUSE;
  }
};

nghttp2_data_provider ContentProvider() {
  nghttp2_data_provider provider;
  provider.source.ptr = nullptr;
  provider.read_callback = SessionCallbacks::ReadContent;
  return provider;
}

nghttp2_session* NewNghttp2Session(bool server, const CodecLimits& limits, FrameMemory& memory,
                                   Session& session) {
  nghttp2_session_callbacks* new_callbacks = nullptr;
  nghttp2_option* new_option = nullptr;
  if (nghttp2_session_callbacks_new(&new_callbacks) != 0) {
    return nullptr;
  }
  const std::unique_ptr<nghttp2_session_callbacks, Deleter> callbacks(new_callbacks);
  if (nghttp2_option_new(&new_option) != 0) {
    return nullptr;
  }
  const std::unique_ptr<nghttp2_option, Deleter> option(new_option);
  using Calls = SessionCallbacks;
  nghttp2_session_callbacks* const set = callbacks.get();
  nghttp2_session_callbacks_set_on_begin_frame_callback(set, Calls::OnBeginFrame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(set, Calls::OnBeginHeaders);
  nghttp2_session_callbacks_set_on_header_callback2(set, Calls::OnHeader);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(set, Calls::OnDataChunk);
  nghttp2_session_callbacks_set_on_frame_recv_callback(set, Calls::OnFrameReceived);
  nghttp2_session_callbacks_set_on_frame_send_callback(set, Calls::OnFrameSent);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(set, Calls::OnFrameNotSent);
  nghttp2_session_callbacks_set_on_stream_close_callback(set, Calls::OnStreamClose);
  nghttp2_session_callbacks_set_send_data_callback(set, Calls::SendContent);
  nghttp2_option_set_no_auto_window_update(option.get(), 1);
  // The rules of messages are ours: header_block.h.
  nghttp2_option_set_no_http_messaging(option.get(), 1);
  // The frame guard's limit comes first.
  nghttp2_option_set_max_continuations(option.get(), limits.http2.max_continuations + 1);
  nghttp2_option_set_max_deflate_dynamic_table_size(option.get(), kEncoderTable);
  nghttp2_session* handle = nullptr;
  const auto create = server ? nghttp2_session_server_new3 : nghttp2_session_client_new3;
  nghttp2_mem functions = memory.functions();
  const int error = create(&handle, set, &session, option.get(), &functions);
  return error == 0 ? handle : nullptr;
}

}  // namespace gatehouse::http
