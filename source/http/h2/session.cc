// SPDX-License-Identifier: Apache-2.0
#include "source/http/h2/session.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "source/base/check.h"
#include "source/http/h2/session_callbacks.h"

namespace gatehouse::http {
namespace {

// Output that the sink may hold before frames wait here.
constexpr size_t kHighWater = 64 * 1024;
// How long a drain waits for the peer's answer to PING: until then it may not have seen GOAWAY.
constexpr Duration kDrainPatience = std::chrono::seconds(1);
constexpr uint8_t kDrainPing[8] = {'d', 'r', 'a', 'i', 'n', 'i', 'n', 'g'};
constexpr uint8_t kKeepAlivePing[8] = {'s', 't', 'i', 'l', 'l', ' ', 'o', 'n'};
constexpr size_t kFrameHead = 9;
constexpr size_t kFullFrame = 16 * 1024;  // What nghttp2 puts into a DATA frame at most.
constexpr size_t kSettingBytes = 6;

}  // namespace

Session::Session(FrameGuard::Side side, Owner& owner, ByteSink& sink, const CodecLimits& limits)
    : owner_(owner), sink_(sink), limits_(limits), side_(side), guard_(side, limits.http2) {
  handle_ = NewNghttp2Session(side == FrameGuard::Side::kServer, limits, memory_, *this);
  GATEHOUSE_CHECK(handle_ != nullptr, "no memory for a session of HTTP/2");
  if (side == FrameGuard::Side::kClient) {
    TakePreface();
  }
}

// nghttp2 has the preface ready from the beginning, where frames are made: by the first flush,
// another session of the thread may have made its own there (frame_memory.h). Write() sends it.
void Session::TakePreface() {
  const uint8_t* bytes = nullptr;
  const ssize_t size = nghttp2_session_mem_send(handle_, &bytes);
  GATEHOUSE_CHECK(size == NGHTTP2_CLIENT_MAGIC_LEN, "the preface comes first");
}

Session::~Session() { nghttp2_session_del(handle_); }

void Session::Announce(std::span<const nghttp2_settings_entry> settings, uint32_t window) {
  nghttp2_submit_settings(handle_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(handle_, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<int32_t>(window));
  WantFlush();
}

// ---- Input ----

void Session::Receive(std::string_view input) {
  if (ending() || input.empty()) {
    return;
  }
  heard_ = heard_anything_ = true;
  const size_t fit = guard_.Inspect(input);
  working_ = true;
  const ssize_t taken =
      nghttp2_session_mem_recv(handle_, reinterpret_cast<const uint8_t*>(input.data()), fit);
  working_ = false;
  if (!ending()) {
    if (taken == NGHTTP2_ERR_BAD_CLIENT_MAGIC) {
      Terminate(NGHTTP2_PROTOCOL_ERROR, PeerFault::kProtocol, "no preface of HTTP/2");
    } else if (taken == NGHTTP2_ERR_FLOODED) {
      Terminate(NGHTTP2_ENHANCE_YOUR_CALM, PeerFault::kAbuse, "too many frames to be answered");
    } else if (taken < 0) {
      Terminate(NGHTTP2_INTERNAL_ERROR, PeerFault::kProtocol,
                nghttp2_strerror(static_cast<int>(taken)));
    } else if (guard_.fault()) {
      Terminate(guard_.fault().code, guard_.fault().fault, guard_.fault().what);
    }
  }
  Settle();
  if (nghttp2_session_want_write(handle_) != 0 || nghttp2_session_want_read(handle_) == 0) {
    WantFlush();
  }
}

void Session::OnFrameReceived(const nghttp2_frame& frame) {
  const bool ack = (frame.hd.flags & NGHTTP2_FLAG_ACK) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_SETTINGS:
      if (!ack) {
        settings_received_ = true;
        owner_.OnPeerSettings();
        WantFlush();  // Windows may have grown.
      }
      break;
    case NGHTTP2_PING:
      if (ack && std::memcmp(frame.ping.opaque_data, kDrainPing, sizeof(kDrainPing)) == 0) {
        FinishDrain();
      }
      break;
    case NGHTTP2_GOAWAY:
      owner_.OnGoaway();
      break;
    default:
      break;
  }
}

bool Session::stuck() const {
  return sink_.pending() >= kHighWater && nghttp2_session_get_outbound_queue_size(handle_) > 0;
}

// ---- Output ----

void Session::WantFlush() {
  if (!flush_wanted_ && !over_) {
    flush_wanted_ = true;
    sink_.WantFlush();
  }
}

void Session::Flush() {
  flush_wanted_ = false;
  if (over_) {
    return;
  }
  if (working_) {
    WantFlush();
    return;
  }
  working_ = true;
  while (SendSome()) {
  }
  working_ = false;
  if (guard_.fault() && !ending()) {
    Terminate(guard_.fault().code, guard_.fault().fault, guard_.fault().what);
  }
  Settle();
  FindEnd();
}

// At most one head is with nghttp2 at a time. Whether there may be more to send.
bool Session::SendSome() {
  if (heads_unsent_ == 0 && !terminated_) {
    if (sink_.pending() >= kHighWater) {
      return false;
    }
    if (!work_.empty() && owner_.CanSubmit()) {
      owner_.SubmitHead(*work_.PopFront());
    }
  }
  paused_ = false;
  const uint8_t* bytes = nullptr;
  const ssize_t size = nghttp2_session_mem_send(handle_, &bytes);
  if (size > 0) {
    Write({reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)});
    return true;
  }
  if (size < 0) {
    over_ = true;  // No memory, or our own mistake: FindEnd() says so.
    return false;
  }
  return heads_unsent_ > 0 ? paused_ : !terminated_ && !work_.empty() && owner_.CanSubmit();
}

// nghttp2 cuts off the connection of a client that exceeds our SETTINGS_MAX_CONCURRENT_STREAMS;
// the codec refuses such streams one by one. So nghttp2 has been told twice as many (see
// Announce()'s caller), and the number is put right here, in the very first frame, where it is the
// first setting.
void Session::Write(std::string_view frame) {
  const bool first = !std::exchange(announced_, true);
  if (first && side_ == FrameGuard::Side::kClient) {
    sink_.Write({NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN});
  }
  if (!first || side_ == FrameGuard::Side::kClient) {
    sink_.Write(frame);
    return;
  }
  std::array<char, kFrameHead + 8 * kSettingBytes> settings;
  GATEHOUSE_CHECK(frame.size() >= kFrameHead + kSettingBytes && frame.size() <= settings.size() &&
                      frame[3] == NGHTTP2_SETTINGS,
                  "the first frame is SETTINGS");
  std::copy(frame.begin(), frame.end(), settings.begin());
  for (size_t i = 0; i < 4; ++i) {
    settings[kFrameHead + 2 + i] =
        static_cast<char>(limits_.http2.max_streams >> (8 * (3 - i)) & 0xFF);
  }
  sink_.Write({settings.data(), frame.size()});
}

void Session::OnFrameSent(const nghttp2_frame& frame) {
  const auto type = frame.hd.type;
  if (type == NGHTTP2_HEADERS) {
    --heads_unsent_;
  }
  if (type == NGHTTP2_HEADERS || type == NGHTTP2_DATA) {
    StreamState* const stream = Find(frame.hd.stream_id);
    if (stream != nullptr && (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      stream->end_sent = true;
      owner_.OnMessageSent(*stream);
    }
  } else if (type == NGHTTP2_RST_STREAM) {
    guard_.OnResetSent(frame.rst_stream.error_code);
  } else if (type == NGHTTP2_GOAWAY && frame.goaway.error_code != NGHTTP2_NO_ERROR &&
             !std::exchange(fault_told_, true)) {
    terminated_ = true;
    owner_.OnFault(frame.goaway.error_code == NGHTTP2_ENHANCE_YOUR_CALM ? PeerFault::kAbuse
                                                                        : PeerFault::kProtocol,
                   frame.goaway.opaque_data_len > 0
                       ? std::string_view(reinterpret_cast<const char*>(frame.goaway.opaque_data),
                                          frame.goaway.opaque_data_len)
                       : nghttp2_http2_strerror(frame.goaway.error_code));
  }
}

ptrdiff_t Session::GiveContent(StreamState& stream, size_t most, uint32_t& flags) {
  const size_t bytes = std::min(most, stream.content.size());
  if (bytes == 0 && !stream.end_queued) {
    stream.waits_for_content = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (stream.end_queued && bytes == stream.content.size()) {
    EndContent(stream, flags);
  }
  return static_cast<ptrdiff_t>(bytes);
}

// The DATA frame that is being made is the last.
void Session::EndContent(StreamState& stream, uint32_t& flags) {
  flags |= NGHTTP2_DATA_FLAG_EOF;
  if (stream.end_code != 0) {
    flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    owner_.OnMessageSent(stream);
    return;
  }
  if (stream.trailers == nullptr) {
    return;
  }
  const FieldList::Pairs fields = fields_.Trailers(*stream.trailers);
  if (!fields.empty() &&
      nghttp2_submit_trailer(handle_, stream.id, fields.data(), fields.size()) == 0) {
    flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    ++heads_unsent_;
  }
}

// Whether there is room for more.
bool Session::WriteContent(StreamState& stream, const uint8_t* frame_head, size_t bytes) {
  char* const out = sink_.Reserve(kFrameHead + bytes);
  std::memcpy(out, frame_head, kFrameHead);
  if (bytes > 0) {
    std::memcpy(out + kFrameHead, stream.content.view().data(), bytes);
  }
  sink_.Commit(kFrameHead + bytes);
  stream.content.Consume(bytes);
  guard_.OnDataSent(bytes, !stream.content.empty() && bytes < kFullFrame);
  if (stream.content.empty() && !stream.end_queued) {
    stream.credit_due = true;
    told_.PushBack(stream);
  }
  paused_ = sink_.pending() >= kHighWater;
  return !paused_;
}

// ---- Streams ----

void Session::Attach(StreamState& stream, int32_t id) {
  stream.id = id;
  nghttp2_session_set_stream_user_data(handle_, id, &stream);
  if (side_ == FrameGuard::Side::kServer) {
    // All alike, in turn, whatever the client would like.
    const nghttp2_extpri fair{NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
    nghttp2_session_change_extpri_stream_priority(handle_, id, &fair, 1);
  }
}

void Session::Refuse(int32_t id, uint32_t code) {
  nghttp2_submit_rst_stream(handle_, NGHTTP2_FLAG_NONE, id, code);
}

void Session::QueueHead(StreamState& stream) {
  stream.head_queued = true;
  work_.PushBack(stream);
  WantFlush();
}

bool Session::TakeBackHead(StreamState& stream) {
  if (!stream.head_queued || stream.head_sent || stream.over) {
    return false;
  }
  work_.Remove(stream);
  stream.content.Release();
  stream.trailers = nullptr;
  stream.head_queued = stream.end_queued = false;
  return true;
}

void Session::SendHead(StreamState& stream, FieldList::Pairs head) {
  stream.head_sent = true;
  const nghttp2_data_provider content = ContentProvider();
  const bool end = stream.end_queued && stream.content.empty() && stream.trailers == nullptr &&
                   stream.end_code == 0;
  if (nghttp2_submit_response(handle_, stream.id, head.data(), head.size(),
                              end ? nullptr : &content) == 0) {
    ++heads_unsent_;
  }
}

bool Session::SendRequest(StreamState& stream, FieldList::Pairs head) {
  const nghttp2_data_provider content = ContentProvider();
  const bool end = stream.end_queued && stream.content.empty() && stream.trailers == nullptr;
  const int32_t id = nghttp2_submit_request(handle_, nullptr, head.data(), head.size(),
                                            end ? nullptr : &content, &stream);
  if (id < 0) {
    return false;
  }
  stream.head_sent = true;
  stream.id = id;
  ++heads_unsent_;
  return true;
}

void Session::SendInformational(StreamState& stream, FieldList::Pairs head) {
  std::vector<nghttp2_nv> copied(head.begin(), head.end());
  for (nghttp2_nv& field : copied) {
    field.flags &= NGHTTP2_NV_FLAG_NO_INDEX;
  }
  if (nghttp2_submit_headers(handle_, NGHTTP2_FLAG_NONE, stream.id, nullptr, copied.data(),
                             copied.size(), nullptr) == 0) {
    ++heads_unsent_;
  }
  WantFlush();
}

void Session::SendData(StreamState& stream, std::string_view data, bool end) {
  stream.content.Append(data);
  stream.end_queued = end;
  if (stream.waits_for_content && (end || !data.empty())) {
    stream.waits_for_content = false;
    nghttp2_session_resume_data(handle_, stream.id);
  }
  WantFlush();
}

void Session::SendTrailers(StreamState& stream, const Headers& trailers) {
  stream.trailers = &trailers;
  SendData(stream, {}, true);
}

void Session::Consume(StreamState& stream, size_t bytes) {
  const size_t consumed = std::min<size_t>(bytes, stream.unconsumed);
  if (consumed == 0) {
    return;
  }
  stream.unconsumed -= static_cast<uint32_t>(consumed);
  if (stream.input_ended || stream.over) {
    nghttp2_session_consume_connection(handle_, consumed);
  } else {
    nghttp2_session_consume(handle_, stream.id, consumed);
  }
  WantFlush();
}

void Session::GrowWindow(StreamState& stream, uint32_t bytes) {
  nghttp2_session_set_local_window_size(handle_, NGHTTP2_FLAG_NONE, stream.id,
                                        static_cast<int32_t>(bytes));
}

void Session::Reset(StreamState& stream, uint32_t code) {
  if (stream.id != 0 && !stream.over) {
    nghttp2_submit_rst_stream(handle_, NGHTTP2_FLAG_NONE, stream.id, code);
    WantFlush();
  }
  Forget(stream);
}

void Session::ResetLater(StreamState& stream, uint32_t code) {
  nghttp2_submit_rst_stream(handle_, NGHTTP2_FLAG_NONE, stream.id, code);
}

void Session::Forget(StreamState& stream) {
  if (stream.unconsumed > 0) {
    nghttp2_session_consume_connection(handle_, stream.unconsumed);
    stream.unconsumed = 0;
    WantFlush();
  }
  if (stream.id != 0 && !stream.over) {
    nghttp2_session_set_stream_user_data(handle_, stream.id, nullptr);
  }
  work_.Remove(stream);
  told_.Remove(stream);
  stream.content.Release();
}

void Session::OnStreamClosed(StreamState& stream, uint32_t code) {
  stream.over = true;
  stream.code = code;
  work_.Remove(stream);
  told_.PushBack(stream);
}

// Tells owners what has happened to their streams while nghttp2 was at work.
void Session::Settle() {
  while (StreamState* const stream = told_.PopFront()) {
    if (stream->over) {
      owner_.OnStreamOver(*stream);
    } else if (stream->credit_due && !ending()) {
      stream->credit_due = false;
      owner_.OnCredit(*stream);
    }
  }
}

// ---- The connection's end ----

void Session::Terminate(uint32_t code, PeerFault fault, const char* what) {
  if (ending()) {
    return;
  }
  terminated_ = true;
  nghttp2_session_terminate_session(handle_, code);
  if (code != NGHTTP2_NO_ERROR && !std::exchange(fault_told_, true)) {
    owner_.OnFault(fault, what);
  }
  WantFlush();
}

void Session::Drain() {
  if (draining_ != Draining::kNo || ending()) {
    return;
  }
  draining_ = Draining::kNotice;
  nghttp2_submit_shutdown_notice(handle_);
  nghttp2_submit_ping(handle_, NGHTTP2_FLAG_NONE, kDrainPing);
  WantFlush();
}

// The peer has seen that there is to be nothing more: what it sent before that has come.
void Session::FinishDrain() {
  if (draining_ == Draining::kNotice && !ending()) {
    draining_ = Draining::kFinal;
    nghttp2_submit_goaway(handle_, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(handle_), NGHTTP2_NO_ERROR,
                          nullptr, 0);
    WantFlush();
  }
}

void Session::OnTick(MonotonicTime now) {
  if (ending()) {
    return;
  }
  if (draining_ == Draining::kNotice) {
    drain_began_ = drain_began_ == MonotonicTime{} ? now : drain_began_;
    if (now - drain_began_ >= kDrainPatience) {
      FinishDrain();
    }
  }
  if (std::exchange(heard_, false) || last_heard_ == MonotonicTime{}) {
    last_heard_ = now;
    pinged_ = {};
    return;
  }
  const Http2Limits& limits = limits_.http2;
  if (limits.ping_interval == Duration{}) {
    return;
  }
  if (pinged_ != MonotonicTime{}) {
    if (now - pinged_ >= limits.ping_timeout) {
      over_ = true;
      owner_.OnOver(true);
    }
  } else if (now - last_heard_ >= limits.ping_interval) {
    pinged_ = now;
    nghttp2_submit_ping(handle_, NGHTTP2_FLAG_NONE, kKeepAlivePing);
    WantFlush();
  }
}

void Session::FindEnd() {
  if (!over_ &&
      (nghttp2_session_want_read(handle_) != 0 || nghttp2_session_want_write(handle_) != 0)) {
    return;
  }
  over_ = true;
  owner_.OnOver(false);
}

}  // namespace gatehouse::http
