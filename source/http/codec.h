// SPDX-License-Identifier: Apache-2.0
// The line between bytes and messages: the same for HTTP/1 and HTTP/2, client and server side.
//
// A codec owns no socket. Its connection feeds it bytes and takes its output through ByteSink; each
// stream's owner gets events and answers through a sender. Codecs keep no body: what they are fed
// is delivered at once, and counted until the owner calls Consume().
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/base/arena.h"
#include "source/base/clock.h"
#include "source/base/error.h"
#include "source/http/message/head.h"

namespace gatehouse::http {

// Where a codec's output goes: implemented by connections. Bytes are copied or sent before the call
// returns. Small writes are gathered and leave together when the current event ends.
class ByteSink {
 public:
  // Has the codec's OnFlush() called once, behind all events of the loop's current turn: what many
  // streams have said meanwhile leaves together.
  virtual void WantFlush() {}
  // Bytes written that have not left yet. A codec that holds output back writes while there are
  // few.
  virtual size_t pending() const { return 0; }
  virtual void Write(std::string_view bytes) = 0;
  // Room for at most `bytes` at the end of the output; Commit() what was written.
  virtual char* Reserve(size_t bytes) = 0;
  virtual void Commit(size_t bytes) = 0;
  // Sends FIN when what was written has left. Only tunnels end this way.
  virtual void Finish() {}
  // Notes where the output is now, and returns how much of it is waiting. CutBack() with that takes
  // back everything behind the last such place, or nothing, when any byte has left since.
  virtual uint32_t MarkOutput() { return 0; }
  virtual bool CutBack(uint32_t waiting) { return false; }

 protected:
  ~ByteSink() = default;
};

// Events of one stream. Views are valid only during the call, heads as long as the stream's arena.
class StreamEvents {
 public:
  virtual void OnData(std::string_view data, bool end) = 0;
  // Ends the message.
  virtual void OnTrailers(Headers& trailers) = 0;
  // The stream is over before its message was whole. No event follows. Client side:
  // kUpstreamUnprocessed when the endpoint has said that it did nothing with the request. Server
  // side: with a code
  // other than kClientGone (malformed or oversized content) an answer that has not begun can still
  // be sent; the codec ends the stream, or the connection, after it.
  virtual void OnReset(const Error& error) = 0;
  // What was sent has left; more may be sent.
  virtual void OnCredit() = 0;

 protected:
  ~StreamEvents() = default;
};

// Server side: requests come in.
class RequestEvents : public StreamEvents {
 public:
  virtual void OnHeaders(RequestHead& head, bool end) = 0;
  // The request can't be taken (malformed, too large, version unknown …). `head` holds what could
  // be read, perhaps nothing. No further event follows; the owner answers through the sender, and
  // the codec ends the stream, or the connection, after that answer.
  virtual void OnRefused(RequestHead& head, const Error& error) = 0;

 protected:
  ~RequestEvents() = default;
};

// Client side: responses come in.
class ResponseEvents : public StreamEvents {
 public:
  // A 1xx response other than 101; any number may precede OnHeaders (RFC 9110 section 15.2).
  virtual void OnInformational(ResponseHead& head) = 0;
  virtual void OnHeaders(ResponseHead& head, bool end) = 0;

 protected:
  ~ResponseEvents() = default;
};

// What a stream's owner can do, on either side.
class StreamSender {
 public:
  virtual void SendData(std::string_view data, bool end) = 0;
  // Ends the message. Dropped where the framing can't carry them.
  virtual void SendTrailers(const Headers& trailers) = 0;
  // Ends the stream now; its owner gets no further event. HTTP/1: the connection can't be reused.
  // HTTP/2: RST_STREAM, with the error code that RFC 9113 section 7 has for `code`.
  virtual void Reset(ErrorCode code) = 0;
  // The owner is done with `bytes` of what OnData delivered: the peer may send as many more.
  virtual void Consume(size_t bytes) = 0;

 protected:
  ~StreamSender() = default;
};

class ResponseSender : public StreamSender {
 public:
  virtual void SendInformational(const ResponseHead& head) = 0;
  // Framing and hop-by-hop fields are the codec's: it writes Content-Length, Transfer-Encoding and
  // Connection itself, from head.framing, and skips those among the fields.
  virtual void SendHeaders(const ResponseHead& head, bool end) = 0;
  // Takes back what was sent of the final response, if none of it has left: then another may be
  // sent. Returns false when it is too late.
  virtual bool TakeBack() = 0;
  // Whether content now goes out as it is, with nothing around it: then it may reach the transport
  // past the codec, which is told with NoteSent(). Its end is told as ever, by SendData({}, true).
  virtual bool sends_raw() const = 0;
  virtual void NoteSent(uint64_t bytes) = 0;
  // Says no to further requests on this connection, from the next head on.
  virtual void CloseAfterResponse() = 0;

 protected:
  ~ResponseSender() = default;
};

class RequestSender : public StreamSender {
 public:
  // `head` must live as long as the stream.
  virtual void SendHeaders(const RequestHead& head, bool end) = 0;
  // Whether any byte of the response has arrived: then a retry is no longer safe.
  virtual bool response_started() const = 0;

 protected:
  ~RequestSender() = default;
};

// What connections of HTTP/2 allow, and how much of what costs a peer little and us much they put
// up with. Counts are over one connection and one `abuse_window`; past them it is closed with
// ENHANCE_YOUR_CALM (RFC 9113 section 10.5).
struct Http2Limits {
  uint32_t max_streams = 128;  // SETTINGS_MAX_CONCURRENT_STREAMS that we announce.
  // Windows that we announce (section 6.9): what may come and is not consumed.
  uint32_t stream_window = 64 * 1024;
  uint32_t connection_window = 1024 * 1024;
  Duration ping_interval{};  // Of silence, before we ask whether the peer is there; 0: never.
  Duration ping_timeout{std::chrono::seconds(10)};
  Duration abuse_window{std::chrono::seconds(30)};
  uint32_t max_resets = 200;  // Streams that the peer resets, or makes us reset.
  uint32_t max_pings = 200;
  uint32_t max_settings = 20;
  uint32_t max_empty_frames = 100;      // DATA, HEADERS, CONTINUATION without content or an end.
  uint32_t max_priority_frames = 2000;  // PRIORITY, PRIORITY_UPDATE and unknown types.
  uint32_t max_window_updates = 20000;  // Beyond two for each DATA frame that we have sent.
  uint32_t max_continuations = 16;      // In one header block.
};

struct CodecLimits {
  uint32_t max_header_bytes = 64 * 1024;  // Request line or status line, fields and CRLFs together.
  uint32_t max_headers = 100;             // Fields in one section.
  uint32_t max_informational = 16;        // 1xx responses before the final one.
  uint32_t window_bytes = 64 * 1024;      // Delivered and not consumed, before reading stops.
  // Server side: well-formed requests for WebSocket are passed on with RequestHead::upgrade set and
  // OnHeaders(end = false). After a 101 the stream is a tunnel: bytes both ways, unframed, until
  // either side ends. Any other answer is an ordinary one.
  bool websocket = false;
  Http2Limits http2;
};

enum class PeerFault : uint8_t {
  kProtocol,  // It broke the rules.
  kAbuse,     // It kept to them and went too far (ENHANCE_YOUR_CALM).
};

// Server side of one connection: implemented by h1/ and h2/. The owner implements Events.
class ServerCodec {
 public:
  class Events {
   public:
    // A request begins. The returned object gets its events; the sender stays valid until the
    // stream ends: OnStreamDone(), OnReset() with kClientGone, or Reset().
    virtual RequestEvents& OnStream(ResponseSender& sender) = 0;
    virtual Arena& StreamArena(RequestEvents& stream) = 0;
    // The request is whole and its response has been handed to the sink: the stream can go.
    virtual void OnStreamDone(RequestEvents& stream) = 0;
    // Reading was paused and may go on: feed what was left over, then read.
    virtual void OnInputWanted() = 0;
    // Nothing more will be said on this connection: flush, linger, close. `abrupt`: reset it.
    virtual void OnCloseWanted(bool abrupt) = 0;
    // The peer has broken the protocol, or asked for too much, and the connection will be closed
    // for that: for counters and logs. `what` is for operators.
    virtual void OnPeerFault(PeerFault fault, std::string_view what) {}

   protected:
    ~Events() = default;
  };

  virtual ~ServerCodec() = default;

  // Takes bytes from the front of `input`; returns how many. What is left must be fed again, with
  // what came after it, when more arrives or OnInputWanted() is called.
  virtual size_t OnInput(std::string_view input) = 0;
  // The peer has finished sending.
  virtual void OnEof() = 0;
  // The transport is gone.
  virtual void OnTransportLost(const Error& error) = 0;
  // The sink has been emptied.
  virtual void OnSinkDrained() = 0;
  // See ByteSink::WantFlush().
  virtual void OnFlush() {}
  // How many bytes of input are of use now. While 0, the connection does not read.
  virtual size_t input_room() const = 0;
  // Whether a request is under way (from its first byte on).
  virtual bool busy() const = 0;
  // Whether part of a request's head has been received: the request_headers timeout runs.
  virtual bool reading_head() const = 0;
  // A request's head took too long: refuses what has come of it (408; HTTP/2: GOAWAY). Returns
  // false when nothing has: then nobody waits for an answer.
  virtual bool OnHeadTimeout() = 0;
  // No further requests: Connection: close on the next response, GOAWAY. OnCloseWanted() follows
  // when the last stream has ended.
  virtual void Drain() = 0;
  // Called at times of the owner's choosing, at least once a second while streams are under way or
  // ping_interval is set: sends PING, finds out that one was not answered (OnCloseWanted(true)).
  virtual void OnTick(MonotonicTime now) {}
};

// Client side of one connection, with max_streams() streams at a time.
class ClientCodec {
 public:
  class Events {
   public:
    // A stream is over and the connection is not: its response and its request are whole, or
    // (HTTP/2) it was reset by either side, after OnReset() in the one case. Its owner may be gone.
    // `reusable`: further ones may start, when CanStart() says so.
    virtual void OnStreamDone(bool reusable) = 0;
    // CanStart() or max_streams() may say something else now, and no stream has ended: SETTINGS or
    // GOAWAY have come.
    virtual void OnCapacityChanged() {}
    virtual void OnInputWanted() = 0;
    // The peer broke the protocol or sent what nobody asked for, or all is done after GOAWAY:
    // close. Streams that were under way have had OnReset().
    virtual void OnCloseWanted() = 0;

   protected:
    ~Events() = default;
  };

  virtual ~ClientCodec() = default;

  // Starts a request. REQUIRES: CanStart(). `arena` holds the response's head and outlives the
  // stream. The sender is valid up to and during the event that ends the stream: the end of the
  // response where the request is whole, OnReset().
  virtual RequestSender& Start(ResponseEvents& events, Arena& arena) = 0;
  virtual bool CanStart() const = 0;
  // How many streams the peer allows at a time, as far as it has said; 0 after GOAWAY.
  virtual uint32_t max_streams() const { return 1; }
  // Whether a request with RequestHead::upgrade may start here (RFC 8441 section 3).
  virtual bool CanUpgrade() const { return true; }
  // See ServerCodec.
  virtual void OnFlush() {}
  virtual void OnTick(MonotonicTime now) {}
  virtual size_t OnInput(std::string_view input) = 0;
  virtual void OnEof() = 0;
  virtual void OnTransportLost(const Error& error) = 0;
  virtual void OnSinkDrained() = 0;
  virtual size_t input_room() const = 0;
  // How many of the next input bytes are content with nothing around it, which may go past the
  // codec; NoteReceived() tells it so, and it delivers the end (OnData({}, true)) with the last.
  // `more_follows`: there is input behind these bytes.
  virtual uint64_t raw_input() const = 0;
  virtual void NoteReceived(uint64_t bytes, bool more_follows) = 0;
};

}  // namespace gatehouse::http
