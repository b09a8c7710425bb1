// SPDX-License-Identifier: Apache-2.0
// nghttp2's session, with what both sides of a connection do alike: frames in, frames out, windows,
// the connection's end.
//
// nghttp2 may not be entered while it is at work. So its callbacks deliver what has come (owners
// may answer from there: that only queues), but nothing is sent before Flush(), and what happens to
// streams while frames leave is told when nghttp2 has returned. Heads are not copied: they are
// handed to nghttp2 in Flush(), one by one, and are bytes before anybody else has a say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "source/http/codec.h"
#include "source/http/h2/field_list.h"
#include "source/http/h2/frame_guard.h"
#include "source/http/h2/frame_memory.h"
#include "source/http/h2/stream_state.h"

namespace gatehouse::http {

class Session {
 public:
  // The codec.
  class Owner {
   public:
    // A header block begins on stream `id`; `stream` is null when the codec knows none by that id.
    // `opens`: it is a request's.
    virtual void OnBlockBegin(int32_t id, StreamState* stream, bool opens) = 0;
    // False: enough of it; the connection ends with ENHANCE_YOUR_CALM.
    virtual bool OnField(std::string_view name, std::string_view value, bool never_indexed) = 0;
    virtual void OnBlockEnd(bool end) = 0;
    virtual void OnContent(StreamState& stream, std::string_view data, bool end) = 0;
    // SETTINGS, or GOAWAY, came.
    virtual void OnPeerSettings() = 0;
    virtual void OnGoaway() {}
    // Submits the stream's head; see SendHead(). `stream` is on no list of work any more.
    virtual void SubmitHead(StreamState& stream) = 0;
    // Whether nghttp2 would send another head at once.
    virtual bool CanSubmit() const { return true; }
    // The message has left to its end.
    virtual void OnMessageSent(StreamState& stream) = 0;
    // From outside of nghttp2. `stream.code` is how it ended; it is forgotten afterwards.
    virtual void OnStreamOver(StreamState& stream) = 0;
    virtual void OnCredit(StreamState& stream) = 0;
    // The peer made us end the connection.
    virtual void OnFault(PeerFault fault, std::string_view what) = 0;
    // All has been said. `lost`: the peer does not answer any more.
    virtual void OnOver(bool lost) = 0;

   protected:
    ~Owner() = default;
  };

  // All of these outlive it.
  Session(FrameGuard::Side side, Owner& owner, ByteSink& sink, const CodecLimits& limits);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // First of all, once. `window`: the connection's.
  void Announce(std::span<const nghttp2_settings_entry> settings, uint32_t window);

  // Takes all of `input`.
  void Receive(std::string_view input);
  // Sends while the sink has little pending. See ByteSink::WantFlush().
  void Flush();
  // Asks the sink for a Flush().
  void WantFlush();
  // PING and what else depends on time.
  void OnTick(MonotonicTime now);
  // Nothing more will be said or heard.
  void Stop() { over_ = true; }
  // GOAWAY with `code`: streams are cut off.
  void Terminate(uint32_t code, PeerFault fault, const char* what);
  // GOAWAY, so that no further streams come; those under way go on.
  void Drain();

  // nghttp2 has a stream by that id; from here on it is `stream`'s.
  void Attach(StreamState& stream, int32_t id);
  // Refuses a stream that has no state.
  void Refuse(int32_t id, uint32_t code);
  // The head will be asked for in Flush().
  void QueueHead(StreamState& stream);
  // Forgets head and content, if nghttp2 has not been handed them.
  bool TakeBackHead(StreamState& stream);
  void SendHead(StreamState& stream, FieldList::Pairs head);
  // Client side; gives the stream its id. False: no further stream can be on this connection.
  bool SendRequest(StreamState& stream, FieldList::Pairs head);
  // Copies `head`, which goes out before anything that is queued later.
  void SendInformational(StreamState& stream, FieldList::Pairs head);
  void SendData(StreamState& stream, std::string_view data, bool end);
  void SendTrailers(StreamState& stream, const Headers& trailers);
  void Consume(StreamState& stream, size_t bytes);
  // RST_STREAM, if nghttp2 knows of it, and Forget().
  void Reset(StreamState& stream, uint32_t code);
  // RST_STREAM; the stream stays until it is over.
  void ResetLater(StreamState& stream, uint32_t code);
  // OnStreamOver() is due, though nghttp2 does not know the stream.
  void TellLater(StreamState& stream, uint32_t code) { OnStreamClosed(stream, code); }
  // Gives back what it holds of the connection's window, and takes it off all lists.
  void Forget(StreamState& stream);
  // The stream's own window for what comes.
  void GrowWindow(StreamState& stream, uint32_t bytes);

  uint32_t peer_setting(nghttp2_settings_id id) const {
    return nghttp2_session_get_remote_settings(handle_, id);
  }
  // Whether both windows let some of its content out.
  bool HasWindow(const StreamState& stream) const {
    return nghttp2_session_get_stream_remote_window_size(handle_, stream.id) > 0 &&
           nghttp2_session_get_remote_window_size(handle_) > 0;
  }
  bool can_request() const { return nghttp2_session_check_request_allowed(handle_) != 0; }
  bool settings_received() const { return settings_received_; }
  bool heard_anything() const { return heard_anything_; }
  // Whether the connection is about to end, or has.
  bool ending() const { return terminated_ || over_; }
  bool over() const { return over_; }
  // Output is held back because the peer does not take it.
  bool stuck() const;
  FieldList& fields() { return fields_; }

 private:
  friend struct SessionCallbacks;
  enum class Draining : uint8_t { kNo, kNotice, kFinal };

  void TakePreface();
  bool SendSome();
  void Write(std::string_view frame);
  void Settle();
  void FinishDrain();
  void FindEnd();
  void OnStreamClosed(StreamState& stream, uint32_t code);
  void OnFrameReceived(const nghttp2_frame& frame);
  void OnFrameSent(const nghttp2_frame& frame);
  ptrdiff_t GiveContent(StreamState& stream, size_t most, uint32_t& flags);
  void EndContent(StreamState& stream, uint32_t& flags);
  bool WriteContent(StreamState& stream, const uint8_t* frame_head, size_t bytes);
  StreamState* Find(int32_t id) const {
    return static_cast<StreamState*>(nghttp2_session_get_stream_user_data(handle_, id));
  }

  Owner& owner_;
  ByteSink& sink_;
  const CodecLimits& limits_;
  const FrameGuard::Side side_;
  FrameMemory memory_;
  nghttp2_session* handle_ = nullptr;
  FrameGuard guard_;
  FieldList fields_;
  List<StreamState, &StreamState::work> work_;
  List<StreamState, &StreamState::told> told_;
  uint32_t data_left_ = 0;     // Of the DATA frame that is coming in, when it isn't padded.
  uint32_t heads_unsent_ = 0;  // Heads and trailers that nghttp2 has and the sink hasn't.
  MonotonicTime last_heard_{};
  MonotonicTime pinged_{};  // When a PING was sent that has not been answered.
  MonotonicTime drain_began_{};
  Draining draining_ = Draining::kNo;
  bool announced_ = false;  // Our SETTINGS have left.
  bool settings_received_ = false;
  bool heard_ = false;  // Since the last OnTick().
  bool heard_anything_ = false;
  bool ping_due_ = false;  // pinged_ is set by the next OnTick().
  bool working_ = false;   // nghttp2 is.
  bool flush_wanted_ = false;
  bool paused_ = false;  // By WriteContent().
  bool terminated_ = false;
  bool fault_told_ = false;
  bool over_ = false;
};

}  // namespace gatehouse::http
