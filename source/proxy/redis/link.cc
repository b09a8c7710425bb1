// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/redis/link.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>

#include "source/base/log.h"
#include "source/config/values.h"

namespace gatehouse::redis {
namespace {

using pipeline::RedisValue;

constexpr size_t kReadBytes = 16 * 1024;
// Each goes on with a request: thousands at once would keep others waiting.
constexpr int kToldPerTurn = 64;
// A server that has become a replica, or wants a password now, is left so often at most.
constexpr Duration kLeaveAgain = std::chrono::seconds(1);

// Redis' own words: cut, in one line.
std::string Bounded(std::string_view text) {
  constexpr size_t kMost = 200;
  std::string out(text.substr(0, kMost));
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text.size() > kMost ? out + "..." : out;
}

tl::unexpected<Error> Failure(std::string message) {
  return Fail(ErrorCode::kIo, ErrorSource::kUpstream, std::move(message));
}

}  // namespace

Link::Link(const LinkContext& context, const pipeline::RedisServer& server, Owner& owner)
    : context_(context),
      server_(server),
      owner_(owner),
      name_(Describe(server)),
      address_(context.resolver, server_, [this] { OnAddress(); }),
      socket_(context.loop, context.buffers, *this),
      window_(server.timeout),
      last_used_(context.loop.now()),
      random_(static_cast<uint32_t>(MonotonicNow().time_since_epoch().count())) {}

Link::~Link() {
  context_.table.Add(context_.metrics.active, -static_cast<int64_t>(calls_));
  context_.table.Add(context_.metrics.away, away_ ? -1 : 0);
}

std::string Link::About(std::string_view what) const {
  return "Redis at " + name_ + " " + std::string(what);
}

std::unique_ptr<pipeline::Pending> Link::Run(const pipeline::RedisScript& script,
                                             std::span<const std::string_view> keys,
                                             std::span<const std::string_view> arguments,
                                             Call::Done done) {
  std::unique_ptr<Call> call = store_.Take();
  call->script = &script;
  call->done = std::move(done);
  call->began = last_used_ = context_.loop.now();
  auto ticket = std::make_unique<Ticket>(*call);
  context_.table.Add(context_.metrics.calls);
  context_.table.Add(context_.metrics.active);
  ++calls_;
  if (away_) {
    FailSoon(std::move(call), Trouble::kAway, About("is away: " + why_away_));
    return ticket;
  }
  NoteCalm();
  if (!window_.Admits(sent_.size() + unsent_.size(), call->began)) {
    FailSoon(std::move(call), Trouble::kOverflow, About("is behind: it answers too slowly"));
    return ticket;
  }
  AppendScriptCall(call->command, script, keys, arguments);
  bytes_ += call->command.size();
  if (calls_ > kMaxCalls || bytes_ > kMaxBytes) {
    FailSoon(std::move(call), Trouble::kOverflow, About("is behind: too many calls are under way"));
    return ticket;
  }
  unsent_.push_back(std::move(call));
  context_.loop.Queue(*this);
  return ticket;
}

void Link::OnReady() {
  if (std::exchange(read_again_, false)) {
    OnSocketEvent();
  }
  if (state_ == State::kClosed && !unsent_.empty()) {
    Connect();
  }
  SendCalls();
  TellFailed();
}

// --- The connection ------------------------------------------------------------------------------

void Link::Connect() {
  state_ = State::kResolving;
  waiting_since_ = context_.loop.now();
  OnAddress();
  Watch();
}

void Link::OnAddress() {
  if (state_ != State::kResolving) {
    return;
  }
  const auto next = address_.Next();
  if (!next) {
    return;
  }
  if (!*next) {
    Lose(Trouble::kUnreachable, "can't be reached: " + next->error().message);
    return;
  }
  state_ = State::kConnecting;
  works_ = false;
  reader_ = std::make_unique<ReplyReader>();
  context_.table.Add(context_.metrics.connections);
  if (const int error = socket_.Connect(**next); error != 0) {
    Lose(Trouble::kUnreachable, std::string("can't be reached: ") + std::strerror(error));
  }
}

void Link::Greet() {
  state_ = State::kOpen;
  connected_at_ = context_.loop.now();
  Calls calls = std::exchange(unsent_, {});
  if (!server_.username.empty()) {
    Say(Call::Kind::kAuth, {"AUTH", server_.username, server_.password});
  } else if (!server_.password.empty()) {
    Say(Call::Kind::kAuth, {"AUTH", server_.password});
  }
  if (server_.database != 0) {
    Say(Call::Kind::kSelect, {"SELECT", std::to_string(server_.database)});
  }
  if (away_) {
    Say(Call::Kind::kPing, {"PING"});
  }
  for (std::unique_ptr<Call>& call : calls) {
    unsent_.push_back(std::move(call));
  }
  SendCalls();
}

void Link::Lose(Trouble trouble, const std::string& why) {
  const bool merely_closed = trouble == Trouble::kClosed && works_ && !away_;
  Drop(trouble, why);
  if (merely_closed) {
    return;
  }
  for (std::unique_ptr<Call>& call : std::exchange(unsent_, {})) {
    FailSoon(std::move(call), trouble, About(why));
  }
  GoAway(why);
}

void Link::Drop(Trouble trouble, const std::string& why) {
  socket_.Close();
  reader_.reset();
  loading_.clear();
  load_trouble_.clear();
  state_ = State::kClosed;
  for (std::unique_ptr<Call>& call : std::exchange(sent_, {})) {
    FailSoon(std::move(call), trouble, About(why));
  }
  context_.loop.Queue(*this);  // For what has not been sent.
}

void Link::GoAway(const std::string& why) {
  state_ = State::kAway;
  why_away_ = why;
  if (!away_) {
    away_ = true;
    away_since_ = context_.loop.now();
    context_.table.Add(context_.metrics.away);
    log::Warning("Redis is away", {{"server", name_}, {"why", why}});
  }
  // Workers and gateways that lost it together don't come back together.
  const auto jitter =
      std::uniform_int_distribution<Duration::rep>(pause_.count() / 2, pause_.count())(random_);
  pause_ = std::min(pause_ * 2, kLongestPause);
  watched_ = true;
  context_.loop.deadlines().ArmAfter(*this, Duration(jitter));
}

void Link::ComeBack() {
  away_ = false;
  context_.table.Add(context_.metrics.away, -1);
  const auto after =
      std::chrono::duration_cast<std::chrono::milliseconds>(context_.loop.now() - away_since_);
  log::Info("Redis is back", {{"server", name_}, {"after", config::FormatDuration(after)}});
}

// --- Calls out, answers in -----------------------------------------------------------------------

void Link::Say(Call::Kind kind, std::initializer_list<std::string_view> command,
               const pipeline::RedisScript* script) {
  std::unique_ptr<Call> call = store_.Take();
  call->kind = kind;
  call->script = script;
  AppendCommand(call->command, command);
  unsent_.push_back(std::move(call));
}

void Link::SendCalls() {
  if (state_ != State::kOpen || unsent_.empty()) {
    return;
  }
  while (!unsent_.empty()) {
    std::unique_ptr<Call> call = std::move(unsent_.front());
    unsent_.pop_front();
    if (call->kind == Call::Kind::kScript && !call->wanted()) {
      Finish(std::move(call));
      continue;
    }
    if (sent_.empty()) {
      waiting_since_ = context_.loop.now();
    }
    socket_.Write(call->command);
    call->sent = context_.loop.now();
    call->ahead = sent_.size();
    sent_.push_back(std::move(call));
  }
  Watch();
}

void Link::QueueSocketEvent() {
  read_again_ = true;
  context_.loop.Queue(*this);
}

void Link::OnSocketEvent() {
  if (state_ == State::kConnecting && socket_.connected()) {
    Greet();
  }
  ReadAnswers();
  if (socket_.open() && socket_.error() != 0) {
    const bool connecting = state_ == State::kConnecting;
    Lose(connecting ? Trouble::kUnreachable : Trouble::kClosed,
         (connecting ? "can't be reached: " : "closed the connection: ") +
             std::string(std::strerror(socket_.error())));
  }
}

void Link::ReadAnswers() {
  std::array<char, kReadBytes> bytes;
  int room = kToldPerTurn;
  while (state_ == State::kOpen && TakeAnswers(room)) {
    const event::Socket::ReadResult got = socket_.Read(bytes.data(), bytes.size());
    if (got.bytes > 0) {
      reader_->Feed({bytes.data(), got.bytes});
    } else if (got.state == event::Socket::ReadState::kEof) {
      Lose(Trouble::kClosed, "closed the connection");
    } else if (got.state != event::Socket::ReadState::kMore) {
      return;
    }
  }
}

bool Link::TakeAnswers(int& room) {
  while (state_ == State::kOpen) {
    if (room-- == 0) {
      QueueSocketEvent();
      return false;
    }
    const Result<const Reply*> next = reader_->Next();
    if (!next) {
      Lose(Trouble::kMalformed, "can't be understood: " + next.error().message);
    } else if (*next == nullptr) {
      return true;
    } else if (sent_.empty()) {
      const Reply& reply = **next;
      Lose(Trouble::kMalformed,
           "speaks unasked" + (reply.is_error ? ": " + Bounded(reply.value.text) : std::string()));
    } else {
      waiting_since_ = context_.loop.now();
      std::unique_ptr<Call> call = std::move(sent_.front());
      sent_.pop_front();
      window_.OnAnswer(call->ahead, waiting_since_ - call->sent);
      OnAnswer(std::move(call), **next);
    }
  }
  return false;
}

void Link::OnAnswer(std::unique_ptr<Call> call, const Reply& reply) {
  const std::string text = reply.is_error ? Bounded(reply.value.text) : "";
  switch (call->kind) {
    case Call::Kind::kScript:
      OnScriptAnswer(std::move(call), reply);
      return;
    case Call::Kind::kLoad:
      std::erase(loading_, call->script);
      load_trouble_ = text;
      break;
    case Call::Kind::kPing:
      if (reply.is_error && !text.starts_with("NOPERM")) {
        Lose(Trouble::kUnreachable, "does not take calls: " + text);
      } else {
        works_ = true;
        ComeBack();
      }
      break;
    case Call::Kind::kAuth:
      if (reply.is_error) {
        Lose(Trouble::kUnreachable, "does not take the user or password: " + text);
      }
      break;
    case Call::Kind::kSelect:
      if (reply.is_error) {
        Lose(Trouble::kUnreachable, "does not give the database: " + text);
      }
      break;
  }
  store_.Give(std::move(call));
}

void Link::OnScriptAnswer(std::unique_ptr<Call> call, const Reply& reply) {
  if (reply.is_error) {
    OnScriptError(std::move(call), reply.value.text);
    return;
  }
  works_ = true;
  pause_ = kFirstPause;
  if (std::exchange(refuses_, false)) {
    log::Info("Redis takes calls again", {{"server", name_}});
  }
  context_.table.Observe(context_.metrics.duration, context_.loop.now() - call->began);
  call->Tell(reply.value);
  Finish(std::move(call));
}

void Link::OnScriptError(std::unique_ptr<Call> call, std::string_view text) {
  const bool unknown = text.starts_with("NOSCRIPT");
  if (!call->wanted() || (unknown && !call->repeated)) {
    Repeat(std::move(call));
    return;
  }
  const std::string why = unknown && !load_trouble_.empty()
                              ? "does not load the script: " + load_trouble_
                              : "answered with an error: " + Bounded(text);
  const bool leave = (text.starts_with("READONLY") || text.starts_with("NOAUTH")) &&
                     context_.loop.now() - connected_at_ >= kLeaveAgain;
  context_.table.Observe(context_.metrics.duration, context_.loop.now() - call->began);
  if (!std::exchange(refuses_, true)) {
    log::Warning("Redis refuses calls", {{"server", name_}, {"why", why}});
  }
  FailSoon(std::move(call), Trouble::kRefused, About(why));
  if (leave) {  // Another server may have taken over its name.
    works_ = true;
    Lose(Trouble::kClosed, why);
  }
}

void Link::Repeat(std::unique_ptr<Call> call) {
  if (!call->wanted()) {
    Finish(std::move(call));
    return;
  }
  call->repeated = true;
  if (std::find(loading_.begin(), loading_.end(), call->script) == loading_.end()) {
    loading_.push_back(call->script);
    context_.table.Add(context_.metrics.script_loads);
    Say(Call::Kind::kLoad, {"SCRIPT", "LOAD", call->script->text}, call->script);
  }
  unsent_.push_back(std::move(call));
  context_.loop.Queue(*this);
}

void Link::FailSoon(std::unique_ptr<Call> call, Trouble trouble, std::string why) {
  if (call->kind != Call::Kind::kScript) {
    return;
  }
  if (!call->wanted()) {
    Finish(std::move(call));
    return;
  }
  context_.table.Add(context_.metrics.error(trouble));
  call->error = std::move(why);
  failed_.push_back(std::move(call));
  context_.loop.Queue(*this);
}

// Callers may ask again: that fails on the next turn.
void Link::TellFailed() {
  for (int room = kToldPerTurn; room > 0 && !failed_.empty(); --room) {
    std::unique_ptr<Call> call = std::move(failed_.front());
    failed_.pop_front();
    call->Tell(Failure(std::move(call->error)));
    Finish(std::move(call));
  }
  if (!failed_.empty()) {
    context_.loop.Queue(*this);
  }
}

void Link::Finish(std::unique_ptr<Call> call) {
  --calls_;
  bytes_ -= call->command.size();
  context_.table.Add(context_.metrics.active, -1);
  store_.Give(std::move(call));
}

// --- Time ----------------------------------------------------------------------------------------

void Link::Watch() {
  if (!watched_ && waits()) {
    watched_ = true;
    context_.loop.deadlines().ArmAfter(*this, server_.timeout);
  }
}

void Link::OnDeadline() {
  watched_ = false;
  if (state_ == State::kAway) {
    if (context_.loop.now() - last_used_ >= kUnused) {
      owner_.OnUnused(*this);
    } else {
      Connect();
    }
    return;
  }
  ReadAnswers();  // It may be this worker that was away.
  const MonotonicTime now = context_.loop.now();
  if (waits() && now - waiting_since_ >= server_.timeout) {
    const std::string_view what = state_ == State::kOpen ? "does not answer within "
                                  : state_ == State::kResolving
                                      ? "has a name that is not found within "
                                      : "does not take connections within ";
    Lose(Trouble::kTimeout, std::string(what) + config::FormatDuration(server_.timeout));
    return;
  }
  FailLate();
  NoteCalm();
  if (state_ == State::kAway || watched_) {
    return;
  }
  if (waits()) {
    MonotonicTime next = waiting_since_ + server_.timeout;
    const auto live =
        std::find_if(sent_.begin(), sent_.end(), [](const auto& call) { return call->wanted(); });
    if (live != sent_.end()) {
      next = std::min(next, (*live)->began + server_.timeout);
    }
    watched_ = true;
    context_.loop.deadlines().Arm(*this, next);
  } else if (now - last_used_ >= kUnused) {
    owner_.OnUnused(*this);
  } else {
    context_.loop.deadlines().Arm(*this, last_used_ + kUnused);
  }
}

// Calls whose time is over, while the server does answer. Their places are kept, or the answers
// would go to others.
void Link::FailLate() {
  const MonotonicTime now = context_.loop.now();
  bool any = false;
  for (std::unique_ptr<Call>& call : sent_) {
    if (call->wanted() && now - call->began >= server_.timeout) {
      any = true;
      std::unique_ptr<Call> place = store_.Take();
      place->script = call->script;
      place->began = call->began;
      place->sent = call->sent;
      place->ahead = call->ahead;
      std::swap(place, call);
      ++calls_;
      context_.table.Add(context_.metrics.active);
      FailSoon(std::move(place), Trouble::kTimeout,
               About("took longer than " + config::FormatDuration(server_.timeout)));
    }
  }
  if (any) {
    FallBehind();
  }
}

void Link::FallBehind() {
  if (!window_.narrow()) {
    log::Warning("Redis is behind", {{"server", name_}, {"waiting", sent_.size()}});
  }
  window_.OnLate(context_.loop.now());
  if (window_.Overfull(sent_.size())) {
    Drop(Trouble::kTimeout, "is behind: " + std::to_string(sent_.size()) + " calls waited for it");
  }
}

void Link::NoteCalm() {
  if (window_.Calm(context_.loop.now())) {
    log::Info("Redis keeps up again", {{"server", name_}});
  }
}

}  // namespace gatehouse::redis
