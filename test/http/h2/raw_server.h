// SPDX-License-Identifier: Apache-2.0
// A server codec whose client is a test that writes frames by hand. Each whole request is answered
// at once; each refused one with 400.
#pragma once

#include <nghttp2/nghttp2.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "source/base/buffer.h"
#include "source/http/h2/server_codec.h"
#include "test/http/h1/string_sink.h"
#include "test/http/h2/frames.h"

namespace gatehouse::http {

class RawServer : private ServerCodec::Events {
  // Asks for flushes, and may keep what it gets instead of letting it leave.
  struct Sink final : StringSink {
    void WantFlush() override { flush_wanted = true; }
    size_t pending() const override { return stalled ? bytes().size() : 0; }
    bool flush_wanted = false;
    bool stalled = false;
  };

  struct Stream final : RequestEvents {
    Stream(RawServer& server, ResponseSender& sender)
        : server(server), arena(server.arenas_), sender(sender) {}
    void OnHeaders(RequestHead& head, bool end) override {
      server.requests.push_back(std::string(head.method_name) + " " + std::string(head.target));
      if (end) {
        Answer(200);
      }
    }
    void OnRefused(RequestHead&, const Error& error) override {
      server.refusals.push_back(error.message);
      Answer(400);
    }
    void OnData(std::string_view data, bool end) override {
      server.content += data.size();
      sender.Consume(data.size());
      if (end) {
        Answer(200);
      }
    }
    void OnTrailers(Headers&) override { Answer(200); }
    void OnReset(const Error& error) override {
      server.resets.push_back(error.message);
      if (error.code == ErrorCode::kClientGone) {
        server.streams_.erase(this);
      } else {
        Answer(400);
      }
    }
    void OnCredit() override { SendMore(); }
    void Answer(uint16_t status) {
      auto* const head = arena.New<ResponseHead>(arena);
      head->status = status;
      head->framing = Framing::kLength;
      left = server.answer_bytes;
      head->content_length = left;
      sender.SendHeaders(*head, left == 0);
      SendMore();
    }
    // A piece at a time, as content comes from an endpoint.
    void SendMore() {
      if (left == 0) {
        return;
      }
      const std::string piece(std::min<size_t>(left, 16384), 'c');
      left -= piece.size();
      sender.SendData(piece, left == 0);
    }

    RawServer& server;
    Arena arena;
    ResponseSender& sender;
    size_t left = 0;
  };

 public:
  explicit RawServer(size_t answer_bytes = 3, const CodecLimits& limits = {})
      : answer_bytes(answer_bytes),
        limits_(limits),
        codec_(NewH2ServerCodec(*this, sink_, buffers_, limits_)) {
    Flush();
    Send(std::string(kPreface) + SettingsFrame() + SettingsAck());
  }
  ~RawServer() { Lose(); }

  // The transport is gone.
  void Lose() {
    if (!lost_) {
      lost_ = true;
      codec_->OnTransportLost({ErrorCode::kClientGone, ErrorSource::kDownstream, "the end"});
    }
  }
  // Whether the connection goes on.
  bool Send(std::string_view bytes) {
    input_.append(bytes);
    while (!input_.empty() && !closed_) {
      // A copy of its own, so that a sanitizer sees reads past its end.
      const std::vector<char> copy(input_.begin(), input_.end());
      const size_t used = codec_->OnInput({copy.data(), copy.size()});
      input_.erase(0, used);
      Flush();
      if (used == 0) {
        break;
      }
    }
    return !closed_;
  }
  // From here on nothing that the codec writes leaves.
  void Stall() { sink_.stalled = true; }
  size_t stalled() const { return sink_.bytes().size(); }
  bool wants_input() const { return codec_->input_room() != 0; }

  size_t open_streams() const { return streams_.size(); }

  size_t answer_bytes;
  std::vector<std::string> requests;
  std::vector<std::string> refusals;
  std::vector<std::string> resets;
  std::vector<std::string> faults;      // What OnPeerFault() was told.
  std::map<int, int> frames_sent;       // By type.
  std::map<uint32_t, int> resets_sent;  // By code.
  int goaway = -1;                      // The code of the last one.
  size_t content = 0;
  size_t sent = 0;  // Bytes.

 private:
  RequestEvents& OnStream(ResponseSender& sender) override {
    auto stream = std::make_unique<Stream>(*this, sender);
    Stream* const key = stream.get();
    return *(streams_[key] = std::move(stream));
  }
  Arena& StreamArena(RequestEvents& stream) override { return static_cast<Stream&>(stream).arena; }
  void OnStreamDone(RequestEvents& stream) override {
    streams_.erase(&static_cast<Stream&>(stream));
  }
  void OnInputWanted() override {}
  void OnCloseWanted(bool) override { closed_ = true; }
  void OnPeerFault(PeerFault, std::string_view what) override { faults.emplace_back(what); }

  void Flush() {
    while (sink_.flush_wanted) {
      sink_.flush_wanted = false;
      codec_->OnFlush();
    }
    if (sink_.stalled) {
      return;
    }
    output_ += sink_.Take();
    size_t at = 0;
    while (output_.size() - at >= 9) {
      const auto byte = [&](size_t i) { return static_cast<uint8_t>(output_[at + i]); };
      const size_t length = byte(0) << 16 | byte(1) << 8 | byte(2);
      if (output_.size() - at < 9 + length) {
        break;
      }
      const auto word = [&](size_t i) {
        return uint32_t{byte(i)} << 24 | byte(i + 1) << 16 | byte(i + 2) << 8 | byte(i + 3);
      };
      ++frames_sent[byte(3)];
      if (byte(3) == NGHTTP2_RST_STREAM) {
        ++resets_sent[word(9)];
      } else if (byte(3) == NGHTTP2_GOAWAY) {
        goaway = static_cast<int>(word(13));
      }
      at += 9 + length;
      sent += 9 + length;
    }
    output_.erase(0, at);
  }

  ArenaPool arenas_;
  BufferPool buffers_;
  Sink sink_;
  std::string input_;
  std::string output_;
  const CodecLimits limits_;
  bool closed_ = false;
  bool lost_ = false;
  std::map<Stream*, std::unique_ptr<Stream>> streams_;
  std::unique_ptr<ServerCodec> codec_;
};

}  // namespace gatehouse::http
