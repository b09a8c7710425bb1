// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/head_writer.h"

#include <charconv>
#include <string_view>

#include "source/http/h1/field_parser.h"
#include "source/http/h1/output.h"
#include "source/http/message/byte_scan.h"
#include "source/http/message/connection_options.h"
#include "source/http/message/syntax.h"

namespace gatehouse::http {
namespace {

constexpr std::string_view kContentLength = "Content-Length: ";
constexpr std::string_view kChunked = "Transfer-Encoding: chunked\r\n";
constexpr std::string_view kClose = "Connection: close\r\n";
constexpr std::string_view kKeepAlive = "Connection: keep-alive\r\n";
constexpr std::string_view kWebSocket = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
constexpr size_t kMaxDigits = 20;
// Room for the framing and Connection fields, either of each, and the empty line.
constexpr size_t kMaxOwnFields =
    kContentLength.size() + kMaxDigits + kChunked.size() + kWebSocket.size() + 2 * kCrlf.size();

// One bit for each name that is never copied.
constexpr uint64_t Bit(Known known) { return uint64_t{1} << static_cast<unsigned>(known); }
static_assert(kKnownCount <= 64);

// Copies fields, runs of neighbouring lines at once.
class FieldCopier {
 public:
  explicit FieldCopier(const Headers& headers)
      : headers_(headers),
        names_fields_(headers.Has(Known::kConnection) &&
                      ReadConnectionOptions(headers).names_fields) {}

  // An upper bound of what Copy() writes.
  size_t MaxBytes() const {
    size_t bytes = 0;
    for (const Field& field : headers_) {
      bytes +=
          field.line_bytes != 0 ? field.line_bytes : field.name.size() + field.value.size() + 4;
    }
    return bytes;
  }

  char* Copy(char* out) const {
    std::string_view run;
    for (const Field& field : headers_) {
      if (field.name.empty() || IsSkipped(field)) {
        continue;
      }
      if (field.line_bytes != 0 && field.name.data() == run.data() + run.size()) {
        run = {run.data(), run.size() + field.line_bytes};
        continue;
      }
      out = Put(out, run);
      run = {};
      if (field.line_bytes != 0) {
        run = {field.name.data(), field.line_bytes};
      } else {
        out = PutAdded(out, field);
      }
    }
    return Put(out, run);
  }

 private:
  static constexpr uint64_t kNeverCopied = Bit(Known::kConnection) | Bit(Known::kContentLength) |
                                           Bit(Known::kHttp2Settings) | Bit(Known::kKeepAlive) |
                                           Bit(Known::kProxyConnection) | Bit(Known::kTe) |
                                           Bit(Known::kTransferEncoding) | Bit(Known::kUpgrade);

  bool IsSkipped(const Field& field) const {
    return (kNeverCopied & Bit(field.known)) != 0 ||
           (names_fields_ && IsNamedByConnection(headers_, field));
  }

  static char* PutAdded(char* out, const Field& field) {
    const char* const value_end = field.value.data() + field.value.size();
    if (!IsToken(field.name) || FindControl(field.value.data(), value_end) != value_end) {
      return out;
    }
    return Put(Put(Put(Put(out, field.name), ": "), field.value), kCrlf);
  }

  const Headers& headers_;
  const bool names_fields_;
};

char* PutFraming(char* out, const FramingField& framing) {
  if (framing.framing == Framing::kLength) {
    out = Put(out, kContentLength);
    out = std::to_chars(out, out + kMaxDigits, framing.content_length).ptr;
    return Put(out, kCrlf);
  }
  return framing.framing == Framing::kChunked ? Put(out, kChunked) : out;
}

char* PutConnection(char* out, ConnectionField connection) {
  switch (connection) {
    case ConnectionField::kNone:
      return out;
    case ConnectionField::kClose:
      return Put(out, kClose);
    case ConnectionField::kKeepAlive:
      return Put(out, kKeepAlive);
    case ConnectionField::kWebSocket:
      return Put(out, kWebSocket);
  }
  return out;
}

}  // namespace

void WriteRequestHead(const RequestHead& head, const FramingField& framing, ByteSink& sink,
                      std::string_view more_lines) {
  constexpr std::string_view kVersion = " HTTP/1.1\r\n";
  constexpr std::string_view kHost = "Host: ";
  const FieldCopier fields(head.headers);
  char* const begin = sink.Reserve(
      head.method_name.size() + 1 + head.target.size() + kVersion.size() + kHost.size() +
      head.authority.size() + kCrlf.size() + fields.MaxBytes() + kMaxOwnFields + more_lines.size());
  char* out = Put(begin, head.method_name);
  *out++ = ' ';
  out = Put(Put(out, head.target), kVersion);
  if (!head.headers.Has(Known::kHost)) {
    out = Put(Put(Put(out, kHost), head.authority), kCrlf);
  }
  out = fields.Copy(out);
  out = PutFraming(out, framing);
  out = PutConnection(out,
                      head.upgrade.empty() ? ConnectionField::kNone : ConnectionField::kWebSocket);
  out = Put(Put(out, more_lines), kCrlf);
  sink.Commit(out - begin);
}

void WriteResponseHead(const ResponseHead& head, const FramingField& framing,
                       ConnectionField connection, ByteSink& sink, std::string_view more_lines) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  constexpr size_t kStatusBytes = 4;  // Three digits and a space.
  const std::string_view reason = head.reason.empty() ? ReasonPhrase(head.status) : head.reason;
  const FieldCopier fields(head.headers);
  char* const begin = sink.Reserve(kVersion.size() + kStatusBytes + reason.size() + kCrlf.size() +
                                   fields.MaxBytes() + kMaxOwnFields + more_lines.size());
  char* out = Put(begin, kVersion);
  *out++ = static_cast<char>('0' + head.status / 100 % 10);
  *out++ = static_cast<char>('0' + head.status / 10 % 10);
  *out++ = static_cast<char>('0' + head.status % 10);
  *out++ = ' ';
  out = Put(Put(out, reason), kCrlf);
  out = PutFraming(fields.Copy(out), framing);
  out = Put(Put(PutConnection(out, connection), more_lines), kCrlf);
  sink.Commit(out - begin);
}

void WriteTrailerSection(const Headers& trailers, ByteSink& sink) {
  const FieldCopier fields(trailers);
  char* const begin = sink.Reserve(fields.MaxBytes() + kCrlf.size());
  char* out = Put(fields.Copy(begin), kCrlf);
  sink.Commit(out - begin);
}

}  // namespace gatehouse::http
