// SPDX-License-Identifier: Apache-2.0
// Preloaded into a process (LD_PRELOAD), counts each thread's system calls and allocations, and
// shows them in the file that GATEHOUSE_CALL_COUNTS names: one Slot for each thread that counted
// anything, in the machine's byte order (test/integration/call_counts.py reads them).
//
// A system call is a call of one of libc's functions below. Those that need none (the clocks, in
// the vDSO) and those inside libc itself (a mutex that has to wait) are not seen. operator new
// allocates through malloc.
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

namespace {

struct Slot {
  std::atomic<uint64_t> thread;
  std::atomic<uint64_t> calls;  // Of all kinds.
  std::atomic<uint64_t> waits;  // Those that wait for events.
  std::atomic<uint64_t> allocations;
};

constexpr size_t kSlots = 256;
Slot* slots = nullptr;
std::atomic<size_t> slots_used{0};
// Never from the heap: these are used inside malloc.
__attribute__((tls_model("initial-exec"))) thread_local Slot* own = nullptr;

Slot* Own() {
  if (own == nullptr && slots != nullptr) {
    const size_t at = slots_used.fetch_add(1);
    if (at < kSlots) {
      own = &slots[at];
      own->thread.store(static_cast<uint64_t>(gettid()));
    }
  }
  return own;
}

// One writer for each: no read-modify-write.
void Add(std::atomic<uint64_t> Slot::* counter) {
  if (Slot* slot = Own(); slot != nullptr) {
    std::atomic<uint64_t>& value = slot->*counter;
    value.store(value.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
}

__attribute__((constructor)) void OpenCounts() {
  const char* path = getenv("GATEHOUSE_CALL_COUNTS");
  const int fd = path == nullptr ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return;
  }
  if (ftruncate(fd, sizeof(Slot) * kSlots) == 0) {
    void* at = mmap(nullptr, sizeof(Slot) * kSlots, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    slots = at == MAP_FAILED ? nullptr : static_cast<Slot*>(at);
  }
  close(fd);
}

template <typename Function>
Function* Next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

// Defines libc's `name` as one that counts and goes on to the real one.
#define COUNTED(counter, result, name, parameters, arguments) \
  result name parameters {                                    \
    static auto* const real = Next<result parameters>(#name); \
    Add(&Slot::calls);                                        \
    if constexpr (&Slot::counter != &Slot::calls) {           \
      Add(&Slot::counter);                                    \
    }                                                         \
    return real arguments;                                    \
  }
#define CALL(result, name, parameters, arguments) \
  COUNTED(calls, result, name, parameters, arguments)
#define WAIT(result, name, parameters, arguments) \
  COUNTED(waits, result, name, parameters, arguments)

extern "C" {

// ---- memory ----

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) {
  Add(&Slot::allocations);
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  Add(&Slot::allocations);
  return __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) {
  Add(&Slot::allocations);
  return __libc_realloc(old, size);
}
void* memalign(size_t alignment, size_t size) {
  Add(&Slot::allocations);
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void** out, size_t alignment, size_t size) {
  *out = memalign(alignment, size);
  return *out == nullptr ? ENOMEM : 0;
}

// ---- sockets and files ----

CALL(ssize_t, read, (int fd, void* to, size_t size), (fd, to, size))
CALL(ssize_t, write, (int fd, const void* from, size_t size), (fd, from, size))
CALL(ssize_t, readv, (int fd, const iovec* to, int count), (fd, to, count))
CALL(ssize_t, writev, (int fd, const iovec* from, int count), (fd, from, count))
CALL(ssize_t, recv, (int fd, void* to, size_t size, int flags), (fd, to, size, flags))
CALL(ssize_t, send, (int fd, const void* from, size_t size, int flags), (fd, from, size, flags))
CALL(ssize_t, recvfrom,
     (int fd, void* to, size_t size, int flags, sockaddr* peer, socklen_t* peer_size),
     (fd, to, size, flags, peer, peer_size))
CALL(ssize_t, sendto,
     (int fd, const void* from, size_t size, int flags, const sockaddr* peer, socklen_t peer_size),
     (fd, from, size, flags, peer, peer_size))
CALL(ssize_t, recvmsg, (int fd, msghdr* to, int flags), (fd, to, flags))
CALL(ssize_t, sendmsg, (int fd, const msghdr* from, int flags), (fd, from, flags))
CALL(int, recvmmsg, (int fd, mmsghdr* to, unsigned count, int flags, timespec* time),
     (fd, to, count, flags, time))
CALL(int, sendmmsg, (int fd, mmsghdr* from, unsigned count, int flags), (fd, from, count, flags))
CALL(ssize_t, splice,
     (int in, __off64_t* in_at, int out, __off64_t* out_at, size_t size, unsigned flags),
     (in, in_at, out, out_at, size, flags))
CALL(ssize_t, sendfile, (int out, int in, off_t* at, size_t size), (out, in, at, size))
CALL(int, pipe2, (int fds[2], int flags), (fds, flags))
CALL(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
CALL(int, connect, (int fd, const sockaddr* to, socklen_t size), (fd, to, size))
CALL(int, accept4, (int fd, sockaddr* peer, socklen_t* size, int flags), (fd, peer, size, flags))
CALL(int, accept, (int fd, sockaddr* peer, socklen_t* size), (fd, peer, size))
CALL(int, shutdown, (int fd, int how), (fd, how))
CALL(int, close, (int fd), (fd))
CALL(int, setsockopt, (int fd, int level, int name, const void* value, socklen_t size),
     (fd, level, name, value, size))
CALL(int, getsockopt, (int fd, int level, int name, void* value, socklen_t* size),
     (fd, level, name, value, size))
CALL(int, getsockname, (int fd, sockaddr* out, socklen_t* size), (fd, out, size))
CALL(int, getpeername, (int fd, sockaddr* out, socklen_t* size), (fd, out, size))
CALL(int, stat, (const char* path, struct stat* out), (path, out))
CALL(int, fstat, (int fd, struct stat* out), (fd, out))

int ioctl(int fd, unsigned long request, ...) {
  static auto* const real = Next<int(int, unsigned long, void*)>("ioctl");
  va_list rest;
  va_start(rest, request);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  Add(&Slot::calls);
  return real(fd, request, argument);
}
int fcntl(int fd, int command, ...) {
  static auto* const real = Next<int(int, int, void*)>("fcntl");
  va_list rest;
  va_start(rest, command);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  Add(&Slot::calls);
  return real(fd, command, argument);
}

long syscall(long number, ...) {
  static auto* const real = Next<long(long, long, long, long, long, long, long)>("syscall");
  va_list rest;
  va_start(rest, number);
  long values[6];
  for (long& value : values) {
    value = va_arg(rest, long);
  }
  va_end(rest);
  Add(&Slot::calls);
  return real(number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

// ---- waiting ----

WAIT(int, epoll_wait, (int fd, epoll_event* out, int count, int timeout), (fd, out, count, timeout))
WAIT(int, epoll_pwait, (int fd, epoll_event* out, int count, int timeout, const sigset_t* signals),
     (fd, out, count, timeout, signals))
WAIT(int, epoll_pwait2,
     (int fd, epoll_event* out, int count, const timespec* timeout, const sigset_t* signals),
     (fd, out, count, timeout, signals))
WAIT(int, poll, (pollfd * fds, nfds_t count, int timeout), (fds, count, timeout))
WAIT(int, ppoll, (pollfd * fds, nfds_t count, const timespec* timeout, const sigset_t* signals),
     (fds, count, timeout, signals))
WAIT(int, select, (int count, fd_set* read, fd_set* write, fd_set* error, timeval* timeout),
     (count, read, write, error, timeout))
CALL(int, epoll_ctl, (int fd, int operation, int watched, epoll_event* event),
     (fd, operation, watched, event))
CALL(int, timerfd_settime, (int fd, int flags, const itimerspec* next, itimerspec* old),
     (fd, flags, next, old))
CALL(int, sched_yield, (), ())

// ---- pages ----

CALL(void*, mmap, (void* at, size_t size, int protection, int flags, int fd, off_t offset),
     (at, size, protection, flags, fd, offset))
CALL(int, munmap, (void* at, size_t size), (at, size))
CALL(int, madvise, (void* at, size_t size, int advice), (at, size, advice))

}  // extern "C"
