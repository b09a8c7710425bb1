// SPDX-License-Identifier: Apache-2.0
#include "source/tls/records.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>

namespace gatehouse::tls {
namespace {

constexpr size_t kHeader = 5;
constexpr size_t kMaxPlain = 16 * 1024;                 // RFC 8446 section 5.1.
constexpr size_t kMaxSealed = kMaxPlain + 256;          // Section 5.2.
constexpr size_t kOverhead = 1 + TrafficKeys::kTag;     // The type and the tag.
constexpr uint64_t kRecordsPerKey = uint64_t{1} << 23;  // Section 5.5 allows AES-GCM 2^24.5.
// Empty records, KeyUpdates and the like, one after the other.
constexpr uint16_t kMaxIdleRecords = 32;

enum ContentType : uint8_t { kAlert = 21, kHandshake = 22, kApplicationData = 23 };
enum Alert : uint8_t {
  kCloseNotify = 0,
  kUnexpectedMessage = 10,
  kBadRecordMac = 20,
  kRecordOverflow = 22,
  kDecodeError = 50,
  kIllegalParameter = 47,
  kInternalError = 80,
  kUserCanceled = 90,
};
constexpr char kWarning = 1;
constexpr char kFatal = 2;
constexpr char kKeyUpdate = 24;

void PutHeader(size_t size, char* into) {
  into[0] = kApplicationData;
  into[1] = into[2] = 3;  // legacy_record_version: TLS 1.2's.
  into[3] = static_cast<char>(size >> 8);
  into[4] = static_cast<char>(size);
}

}  // namespace

TrafficSecrets::~TrafficSecrets() {
  OPENSSL_cleanse(client.data(), client.size());
  OPENSSL_cleanse(server.data(), server.size());
}

std::unique_ptr<Records> Records::Make(const TrafficSecrets& secrets, BufferPool& buffers) {
  const Suite* const suite = FindSuite(secrets.suite);
  if (suite == nullptr) {
    return nullptr;
  }
  std::unique_ptr<Records> made(new Records(*suite, secrets, buffers));
  return made->opens_.usable() && made->seals_.usable() ? std::move(made) : nullptr;
}

Records::Records(const Suite& suite, const TrafficSecrets& secrets, BufferPool& buffers)
    : opens_(suite, TrafficKeys::Use::kOpen, {secrets.client.data(), secrets.client_size}, 0),
      seals_(suite, TrafficKeys::Use::kSeal, {secrets.server.data(), secrets.server_size},
             secrets.sealed),
      plain_(buffers) {}

// ---- What comes ----

Records::State Records::Open(std::string_view& wire, char* into, size_t size, size_t* bytes,
                             Buffer& out) {
  if (!plain_.empty()) {
    const size_t taken = std::min(size, plain_.size());
    std::memcpy(into, plain_.view().data(), taken);
    plain_.Consume(taken);
    *bytes += taken;
  }
  while (plain_.empty() && *bytes < size) {
    const State state = TakeRecord(wire, into, size, bytes, out);
    if (state != State::kMore) {
      return state;
    }
  }
  return State::kMore;
}

// Whether a whole record begins `wire`: kMore. `*sealed`: the bytes behind its header.
Records::State Records::FindRecord(std::string_view wire, size_t* sealed, Buffer& out) {
  if (failure_ != nullptr) {
    return State::kFailed;
  }
  if (wire.size() < kHeader) {
    return State::kHungry;
  }
  *sealed = static_cast<size_t>(static_cast<uint8_t>(wire[3])) << 8 | static_cast<uint8_t>(wire[4]);
  if (static_cast<uint8_t>(wire[0]) != kApplicationData) {
    return Fail(kUnexpectedMessage, "a record that is not protected", out);
  }
  if (*sealed > kMaxSealed) {
    return Fail(kRecordOverflow, "a record of more than 16 KiB", out);
  }
  if (*sealed < kOverhead) {
    return Fail(*sealed < TrafficKeys::kTag ? kBadRecordMac : kUnexpectedMessage,
                "a record without content", out);
  }
  return wire.size() < kHeader + *sealed ? State::kHungry : State::kMore;
}

// One record. kMore: it has been dealt with.
Records::State Records::TakeRecord(std::string_view& wire, char* into, size_t size, size_t* bytes,
                                   Buffer& out) {
  size_t sealed = 0;
  if (const State found = FindRecord(wire, &sealed, out); found != State::kMore) {
    return found;
  }
  // Where there is room for all of it, content lands where it is wanted.
  const size_t opened = sealed - TrafficKeys::kTag;
  const bool in_place = size - *bytes >= opened;
  char* const at = in_place ? into + *bytes : plain_.Reserve(opened);
  if (!opens_.Open(wire.substr(0, kHeader), wire.substr(kHeader, sealed), at)) {
    return Fail(kBadRecordMac, "a record that the peer has not sealed", out);
  }
  wire.remove_prefix(kHeader + sealed);
  if (opened > kMaxPlain + 1) {
    return Fail(kRecordOverflow, "a record of more than 16 KiB", out);
  }
  size_t end = opened;
  while (end > 0 && at[end - 1] == 0) {
    --end;  // Padding (section 5.4).
  }
  if (end == 0) {
    return Fail(kUnexpectedMessage, "a record without a type", out);
  }
  const std::string_view content(at, end - 1);
  const auto type = static_cast<uint8_t>(at[end - 1]);
  if (type != kApplicationData || content.empty() || message_size_ > 0) {
    const State state = Deliver(type, content, out);
    plain_.Release();
    return state;
  }
  idle_records_ = 0;
  size_t taken = content.size();
  if (!in_place) {
    taken = std::min(size - *bytes, content.size());
    std::memcpy(into + *bytes, content.data(), taken);
    plain_.Commit(content.size());
    plain_.Consume(taken);
  }
  *bytes += taken;
  return State::kMore;
}

// What is no content, or is where there should be none.
Records::State Records::Deliver(uint8_t type, std::string_view content, Buffer& out) {
  if (++idle_records_ > kMaxIdleRecords) {
    return Fail(kUnexpectedMessage, "too many records without content", out);
  }
  switch (type) {
    case kApplicationData:
      return message_size_ == 0
                 ? State::kMore
                 : Fail(kUnexpectedMessage, "content in the middle of a message", out);
    case kAlert:
      return TakeAlert(content, out);
    case kHandshake:
      return TakeHandshake(content, out);
    default:
      return Fail(kUnexpectedMessage, "a record of an unknown type", out);
  }
}

Records::State Records::TakeAlert(std::string_view content, Buffer& out) {
  if (content.size() != 2 || message_size_ > 0) {
    return Fail(kDecodeError, "a malformed alert", out);
  }
  switch (static_cast<uint8_t>(content[1])) {
    case kCloseNotify:
      return State::kEnd;
    case kUserCanceled:
      return State::kMore;  // close_notify follows (section 6.1).
    default:
      // All others are fatal, whatever they say of themselves (section 6.2), and not answered.
      failure_ = "the peer has sent an alert";
      return State::kFailed;
  }
}

// Of what may come behind a handshake, a server can only get KeyUpdate (section 4.6.3).
Records::State Records::TakeHandshake(std::string_view content, Buffer& out) {
  if (content.empty()) {
    return Fail(kUnexpectedMessage, "an empty handshake record", out);
  }
  if (content.size() > message_.size() - message_size_) {
    return Fail(kUnexpectedMessage, "a handshake message that is not KeyUpdate", out);
  }
  std::copy(content.begin(), content.end(), message_.begin() + message_size_);
  message_size_ = static_cast<uint8_t>(message_size_ + content.size());
  constexpr std::array<char, 4> kBegin = {kKeyUpdate, 0, 0, 1};
  const size_t known = std::min<size_t>(message_size_, kBegin.size());
  if (!std::equal(message_.begin(), message_.begin() + known, kBegin.begin())) {
    return Fail(message_[0] == kKeyUpdate ? kDecodeError : kUnexpectedMessage,
                "a handshake message that is not KeyUpdate", out);
  }
  if (message_size_ < message_.size()) {
    return State::kMore;
  }
  message_size_ = 0;
  const char asked = message_[4];
  if (asked != 0 && asked != 1) {
    return Fail(kIllegalParameter, "a KeyUpdate that asks for something unknown", out);
  }
  if (!opens_.Update()) {
    return Fail(kInternalError, "no further keys", out);
  }
  // Due before the next content (section 4.6.3): who asks a thousand times gets one answer.
  update_due_ = update_due_ || asked == 1;
  return State::kMore;
}

Records::State Records::Fail(uint8_t alert, const char* reason, Buffer& out) {
  failure_ = reason;
  plain_.Release();
  const std::array<char, 2> message = {kFatal, static_cast<char>(alert)};
  SealRecord(kAlert, {message.data(), message.size()}, out);
  return State::kFailed;
}

// ---- What goes ----

bool Records::Seal(std::string_view plain, Buffer& out) {
  while (!plain.empty() && failure_ == nullptr) {
    const std::string_view piece = plain.substr(0, kMaxPlain);
    plain.remove_prefix(piece.size());
    const bool stale = update_due_ || seals_.sequence() >= kRecordsPerKey;
    const bool fresh = !stale || UpdateSeals(out);
    if (!fresh || !SealRecord(kApplicationData, piece, out)) {
      failure_ = "OpenSSL does not seal";
    }
  }
  return failure_ == nullptr;
}

bool Records::SealRecord(uint8_t type, std::string_view plain, Buffer& out) {
  const size_t sealed = plain.size() + kOverhead;
  char* const record = out.Reserve(kHeader + sealed);
  PutHeader(sealed, record);
  if (!seals_.Seal({record, kHeader}, plain, type, record + kHeader)) {
    return false;
  }
  out.Commit(kHeader + sealed);
  return true;
}

bool Records::UpdateSeals(Buffer& out) {
  update_due_ = false;
  constexpr std::array<char, 5> kMessage = {kKeyUpdate, 0, 0, 1, 0};
  return SealRecord(kHandshake, {kMessage.data(), kMessage.size()}, out) && seals_.Update();
}

void Records::Finish(Buffer& out) {
  constexpr std::array<char, 2> kMessage = {kWarning, kCloseNotify};
  if (failure_ == nullptr) {
    SealRecord(kAlert, {kMessage.data(), kMessage.size()}, out);
  }
}

}  // namespace gatehouse::tls
