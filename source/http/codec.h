// SPDX-License-Identifier: Apache-2.0
// The line between bytes and messages: the same for HTTP/1 and HTTP/2, client and server side.
//
// A codec owns no socket. Its connection feeds it bytes and takes its output through ByteSink; each
// stream's owner gets events and answers through a sender. Codecs keep no body: what they are fed
// is delivered at once, and counted until the owner calls Consume().
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/base/arena.h"
#include "source/base/error.h"
#include "source/http/message/head.h"

namespace gatehouse::http {

// Where a codec's output goes: implemented by connections. Bytes are copied or sent before the call
// returns. Small writes are gathered and leave together when the current event ends.
class ByteSink {
 public:
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
  // The stream is over before its message was whole. No event follows. Server side: with a code
  // other than kClientGone (malformed or oversized content) an answer that has not begun can still
  // be sent; the codec closes the connection after it.
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
  // the codec closes the connection after that answer.
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
  virtual void SendHeaders(const RequestHead& head, bool end) = 0;

 protected:
  ~RequestSender() = default;
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
};

// Server side of one connection: implemented by h1/ and h2/. The owner implements Events.
class ServerCodec {
 public:
  class Events {
   public:
    // A request begins. The returned object gets its events; the sender stays valid until the
    // stream ends. `arena` holds the heads: the owner of the stream owns it.
    virtual RequestEvents& OnStream(ResponseSender& sender) = 0;
    virtual Arena& StreamArena(RequestEvents& stream) = 0;
    // The request is whole and its response has been handed to the sink: the stream can go.
    virtual void OnStreamDone(RequestEvents& stream) = 0;
    // Reading was paused and may go on: feed what was left over, then read.
    virtual void OnInputWanted() = 0;
    // Nothing more will be said on this connection: flush, linger, close. `abrupt`: reset it.
    virtual void OnCloseWanted(bool abrupt) = 0;

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
  // How many bytes of input are of use now. While 0, the connection does not read.
  virtual size_t input_room() const = 0;
  // Whether a request is under way (from its first byte on).
  virtual bool busy() const = 0;
  // Whether part of a request's head has been received: the request_headers timeout runs.
  virtual bool reading_head() const = 0;
  // A request's head took too long: refuses what has come of it (408). Returns false when nothing
  // has: then nobody waits for an answer.
  virtual bool OnHeadTimeout() = 0;
  // No further requests: Connection: close on the next response, GOAWAY.
  virtual void Drain() = 0;
};

// Client side of one connection.
class ClientCodec {
 public:
  class Events {
   public:
    // The response is whole and so is the request; `reusable`: another one may start.
    virtual void OnStreamDone(ResponseEvents& stream, bool reusable) = 0;
    virtual void OnInputWanted() = 0;
    // The peer broke the protocol or sent what nobody asked for: close.
    virtual void OnCloseWanted() = 0;

   protected:
    ~Events() = default;
  };

  virtual ~ClientCodec() = default;

  // Starts a request. REQUIRES: CanStart(). `arena` holds the response's head and outlives the
  // stream.
  virtual RequestSender& Start(ResponseEvents& events, Arena& arena) = 0;
  virtual bool CanStart() const = 0;
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
  // Whether any byte of the current response has arrived: then a retry is no longer safe.
  virtual bool response_started() const = 0;
};

}  // namespace gatehouse::http
