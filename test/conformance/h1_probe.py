#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""h1_probe: black-box HTTP/1.1 conformance and request-smuggling probe for a proxy.

It starts its own recording upstream on 127.0.0.1:UPSTREAM_PORT, sends each case's raw bytes to the
proxy at HOST:PORT (which must forward every path and Host to that upstream), and reports per case
whether the proxy rejected, forwarded (with the exact bytes that reached the upstream), or hung.
Python 3 standard library only; talks to loopback only.

  h1_probe.py --host 127.0.0.1 --port 8080 --upstream-port 9000 --cases h1_cases.json \
              --name mine --out mine.json [--only REGEX] [--min-must N] [--min-pass N]
  h1_probe.py --merge a.json b.json ...      # markdown score table of several result files
  h1_probe.py --lint --cases h1_cases.json   # check the case file

Case fields (see h1_cases.json):
  id, group, level (must | should | sec), rule, phase (request | response)
  send    list of steps: "bytes as latin-1 text", {"rep":[text,n]}, {"wait":s}, {"until":n final
          responses or "100"}, {"shut":true} half-close, {"close":true} close
  up      what the upstream does once it has a whole request: absent = echo 200;
          {"send":[steps], "close":bool, "early":bool (answer before the body, then drain), "rst":bool,
          "tunnel":bool (echo bytes as <...> after the answer)}.
          It applies to the first request of the case only; later ones get the echo.
  expect  accept      forwarded whole, final status 2xx (or in "status"), and all checks hold
          reject      nothing complete reaches the upstream AND 4xx/5xx or close
                      (phase response: client gets 5xx, or a visibly incomplete/aborted message)
          no-forward  reject, or forwarded only in a clean form: no framing flag and the checks hold
          any         must answer or close in time, and whatever is forwarded is clean
  status  final statuses accepted instead of the class default;  exact: statuses the RFC names (extra
          column, not needed to pass);  local_ok: a 2xx made by the proxy itself is fine
  fwd_has/fwd_not   regexes on every forwarded head;  fwd_body exact decoded body of the first one
  fwd_n [lo,hi]     how many complete requests may reach the upstream
  resp_has/resp_not regexes on all bytes the client got;  resp_body;  resp_n [lo,hi];  closed bool
  allow   framing flags tolerated;  may_wait: silence is fine;  methods: for response parsing
Flags on forwarded bytes that fail a case unless allowed: cl+te dup-cl bad-cl dup-te te-not-chunked
te-obfuscated te-http10 bare-lf bare-cr nul ctl obs-fold ws-colon bad-name bad-line dup-host
no-host bad-chunk. The same flags on a response head the client got fail it too ("allow_resp").
An upstream connection is closed after every case, so no state leaks from one to the next.
"""
import argparse, json, re, select, socket, sys, threading, time

L1 = "latin-1"
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")


def expand(step):
    if isinstance(step, str):
        return step.encode(L1)
    if isinstance(step, dict) and "rep" in step:
        return step["rep"][0].encode(L1) * int(step["rep"][1])
    return None


# ---------------------------------------------------------------- upstream
class Msg:
    __slots__ = ("head", "body", "raw", "complete", "flags", "line", "headers")

    def __init__(self):
        self.head = self.body = self.raw = b""
        self.complete = False
        self.flags, self.line, self.headers = [], b"", []


def analyse_head(head, response=False):
    """Strict reading of a head: returns (line, headers, flags)."""
    fl = []
    body = head
    if re.search(rb"(?<!\r)\n", body):
        fl.append("bare-lf")
    if re.search(rb"\r(?!\n)", body):
        fl.append("bare-cr")
    if b"\0" in body:
        fl.append("nul")
    if re.search(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]", body):
        fl.append("ctl")
    lines = [x.rstrip(b"\r") for x in body.split(b"\n")]
    line, hs = lines[0], []
    if not (re.match(rb"HTTP/1\.[01] [1-9]\d\d( .*)?\Z", line) if response else
            re.match(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [^\s]+ HTTP/1\.[01]\Z", line)):
        fl.append("bad-line")
    for h in lines[1:]:
        if not h:
            continue
        if h[:1] in b" \t":
            fl.append("obs-fold")
            continue
        n, sep, v = h.partition(b":")
        if not sep:
            fl.append("bad-name")
            continue
        if n != n.rstrip():
            fl.append("ws-colon")
        if not TOKEN.match(n.strip()):
            fl.append("bad-name")
        hs.append((n.strip().lower(), v.strip(b" \t")))
    cls = [v for n, v in hs if n == b"content-length"]
    tes = [v for n, v in hs if n == b"transfer-encoding"]
    hosts = [v for n, v in hs if n == b"host"]
    if cls and tes:
        fl.append("cl+te")
    if len(cls) > 1:
        fl.append("dup-cl")
    if any(not re.match(rb"[0-9]{1,19}\Z", v) for v in cls):
        fl.append("bad-cl")
    if len(tes) > 1:
        fl.append("dup-te")
    for v in tes:
        codings = [c.strip().lower() for c in v.split(b",") if c.strip()]
        if not codings or codings[-1] != b"chunked":
            fl.append("te-not-chunked")
        if codings.count(b"chunked") > 1 or not re.match(rb"[A-Za-z0-9, \t\-]+\Z", v):
            fl.append("te-obfuscated")
    if tes and (line.startswith(b"HTTP/1.0") or line.endswith(b"HTTP/1.0")):
        fl.append("te-http10")
    if response:
        return line, hs, sorted(set(fl))
    if len(hosts) > 1:
        fl.append("dup-host")
    if not hosts and line.endswith(b"HTTP/1.1"):
        fl.append("no-host")
    return line, hs, sorted(set(fl))


def read_chunked(buf, i):
    """Returns (end, body, ok) or None when more bytes are needed."""
    out, ok = b"", True
    while True:
        j = buf.find(b"\n", i)
        if j < 0:
            return None
        ln = buf[i:j]
        if not ln.endswith(b"\r"):
            ok = False
        ln = ln.rstrip(b"\r")
        size, _, ext = ln.partition(b";")
        if not re.match(rb"[0-9A-Fa-f]{1,16}\Z", size.rstrip(b" \t")) or re.search(rb"[\0\r\x7f]", ext):
            ok = False
        try:
            n = int(size.strip() or b"x", 16)
        except ValueError:
            return len(buf), out, False
        i = j + 1
        if n == 0:
            while True:
                j = buf.find(b"\n", i)
                if j < 0:
                    return None
                ln = buf[i:j]
                i = j + 1
                if not ln.endswith(b"\r"):
                    ok = False
                if not ln.rstrip(b"\r"):
                    return i, out, ok
                if not TOKEN.match(ln.partition(b":")[0]):
                    ok = False
        if n < 0:
            return len(buf), out, False
        if len(buf) < i + n + 2:
            return None
        out += buf[i:i + n]
        i += n
        if buf[i:i + 2] != b"\r\n":
            return len(buf), out, False
        i += 2


def parse_request(buf, early):
    """One request from buf: (Msg, consumed) when whole, (Msg, 0) when partial, (None, 0) when empty."""
    m = Msg()
    start = 0
    while buf[start:start + 2] == b"\r\n":
        start += 2
    b = buf[start:]
    if not b:
        return None, 0
    e = re.search(rb"\r?\n\r?\n", b)
    if not e:
        m.raw = m.head = b
        return m, 0
    m.head = b[:e.end()]
    m.line, m.headers, m.flags = analyse_head(b[:e.end()])
    i = e.end()
    cls = [v for n, v in m.headers if n == b"content-length"]
    tes = [v for n, v in m.headers if n == b"transfer-encoding"]
    if early:
        m.raw, m.complete = b, False
        return m, len(buf)
    if tes:
        r = read_chunked(b, i)
        if r is None:
            m.raw = b
            return m, 0
        i, m.body, ok = r
        if not ok:
            m.flags = sorted(set(m.flags) | {"bad-chunk"})
    elif cls and re.match(rb"[0-9]{1,19}\Z", cls[0]):
        n = int(cls[0])
        if len(b) < i + n:
            m.raw = b
            return m, 0
        m.body, i = b[i:i + n], i + n
    m.raw, m.complete = b[:i], True
    return m, start + i


class Upstream:
    def __init__(self, host, port):
        self.lock = threading.Lock()
        self.msgs, self.partials, self.conns, self.script, self.first = [], {}, set(), None, True
        self.last, self.serial = 0.0, 0
        self.s = socket.socket()
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.s.bind((host, port))
        self.s.listen(128)
        threading.Thread(target=self.loop, daemon=True).start()

    def loop(self):
        while True:
            try:
                c, _ = self.s.accept()
            except OSError:
                return
            with self.lock:
                self.conns.add(c)
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def begin(self, script):
        with self.lock:
            self.msgs, self.partials, self.script, self.first = [], {}, script, True

    def drop_all(self):
        with self.lock:
            cs = list(self.conns)
        for c in cs:
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def serve(self, c):
        buf, asked = b"", False
        with self.lock:
            self.serial += 1
            me = self.serial
        try:
            while True:
                try:
                    d = c.recv(262144)
                except OSError:
                    break
                if not d:
                    break
                buf += d
                stop = False
                while True:
                    with self.lock:
                        self.last = time.time()
                        script = self.script if self.first else None
                        m, used = parse_request(buf, bool(script and script.get("early")))
                        if m is None or not used:
                            if m is not None:
                                self.partials[me] = m
                                if not asked and not script and re.search(rb"(?im)^expect:[ \t]*100-continue\r?$", m.head) and b"\r\n\r\n" in m.head:
                                    asked = True
                                    c.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                            break
                        self.partials.pop(me, None)
                        asked = False
                        self.first = False
                        self.msgs.append(m)
                    buf = buf[used:]
                    if not self.reply(c, m, script):
                        stop = True
                        break
                if stop:
                    break
        finally:
            with self.lock:
                self.conns.discard(c)
            try:
                c.close()
            except OSError:
                pass

    def reply(self, c, m, script):
        try:
            if script:
                for st in script.get("send", []):
                    b = expand(st)
                    if b is not None:
                        c.sendall(b)
                    elif "wait" in st:
                        time.sleep(st["wait"])
                if script.get("early"):           # drain, so that closing does not reset the answer away
                    c.settimeout(0.3)
                    end = time.time() + 1.5
                    try:
                        while time.time() < end and c.recv(262144):
                            pass
                    except OSError:
                        pass
                    return False
                if script.get("tunnel"):
                    while True:
                        d = c.recv(65536)
                        if not d:
                            return False
                        c.sendall(b"<" + d + b">")
                if script.get("rst"):
                    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    return False
                return not script.get("close")
            parts = m.line.split(b" ")
            path = parts[1] if len(parts) > 1 else b"?"
            body = b"echo " + parts[0][:32] + b" " + path[:64] + b" n=%d\n" % len(m.body)
            h = b"HTTP/1.1 200 OK\r\nX-Echo: 1\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body)
            c.sendall(h + (b"" if parts[0] == b"HEAD" else body))
            return True
        except OSError:
            return False


# ---------------------------------------------------------------- client side
class Resp:
    def __init__(self):
        self.status, self.head, self.body, self.complete, self.framing = 0, b"", b"", False, ""


def parse_responses(buf, methods, eof):
    """Parse what the client got. Returns (list of Resp, leftover, error text)."""
    out, i, k = [], 0, 0
    while i < len(buf):
        e = re.search(rb"\r?\n\r?\n", buf[i:])
        r = Resp()
        if not e:
            if not re.match(rb"HTTP/1\.[01] \d{3}", buf[i:]) and len(buf) - i >= 12:
                return out, buf[i:], "not-http"
            r.head = buf[i:]
            mm = re.match(rb"HTTP/1\.[01] (\d{3})", r.head)
            r.status = int(mm.group(1)) if mm else 0
            out.append(r)
            return out, b"", ""
        head = buf[i:i + e.end()]
        mm = re.match(rb"HTTP/1\.[01] (\d{3})", head)
        if not mm:
            return out, buf[i:], "not-http"
        r.head, r.status = head, int(mm.group(1))
        i += e.end()
        hs = {}
        for ln in head.split(b"\n")[1:]:
            n, _, v = ln.rstrip(b"\r").partition(b":")
            hs.setdefault(n.strip().lower(), []).append(v.strip())
        meth = methods[min(k, len(methods) - 1)] if methods else "GET"
        if 100 <= r.status < 200 and r.status != 101:
            r.complete, r.framing = True, "1xx"
            out.append(r)
            continue
        k += 1
        te = b",".join(hs.get(b"transfer-encoding", [])).lower()
        if meth == "HEAD" or r.status in (204, 304):
            r.complete, r.framing = True, "none"
        elif r.status == 101:
            r.body, r.complete, r.framing, i = buf[i:], True, "tunnel", len(buf)
        elif te:
            g = read_chunked(buf, i)
            r.framing = "chunked"
            if g is None:
                r.body, i = buf[i:], len(buf)
            else:
                i, r.body, r.complete = g
        elif b"content-length" in hs and re.match(rb"\d+\Z", hs[b"content-length"][0]):
            n = int(hs[b"content-length"][0])
            r.framing, r.body = "cl", buf[i:i + n]
            r.complete = len(r.body) == n
            i += len(r.body)
        else:
            r.framing, r.body, r.complete, i = "close", buf[i:], eof, len(buf)
        out.append(r)
        if not r.complete:
            break
    return out, buf[i:], ""


class Client:
    def __init__(self, host, port, timeout, methods):
        self.s = socket.create_connection((host, port), timeout=3)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.s.setblocking(False)
        self.buf, self.out, self.eof, self.rst, self.dead = b"", b"", False, False, False
        self.deadline = time.time() + timeout
        self.methods = methods

    def pump(self, t):
        """Move bytes for up to t seconds; returns True when something was read."""
        if self.eof or self.dead:
            time.sleep(min(t, 0.01))
            return False
        r, w, _ = select.select([self.s], [self.s] if self.out else [], [], max(0, t))
        got = False
        if w:
            try:
                n = self.s.send(self.out[:262144])
                self.out = self.out[n:]
            except BlockingIOError:
                pass
            except OSError:
                self.out = b""
        if r:
            try:
                d = self.s.recv(262144)
                if d:
                    self.buf += d
                    got = True
                else:
                    self.eof = True
            except BlockingIOError:
                pass
            except OSError:
                self.eof = self.rst = True
        return got

    def finals(self):
        rs, left, err = parse_responses(self.buf, self.methods, self.eof)
        return [r for r in rs if not (100 <= r.status < 200 and r.status != 101)], rs, left, err

    def flush(self):
        while self.out and not self.eof and time.time() < self.deadline:
            self.pump(0.05)

    def step(self, st):
        b = expand(st)
        if b is not None:
            self.out += b
            self.flush()
        elif "wait" in st:
            end = time.time() + st["wait"]
            while time.time() < end and not self.eof:
                self.pump(end - time.time())
        elif "until" in st:
            end = time.time() + st.get("max", 1.0)
            while time.time() < end and not self.eof:
                f, rs, _, _ = self.finals()
                if st["until"] == "100":
                    if any(r.status == 100 for r in rs) or f:
                        break
                elif len([r for r in f if r.complete]) >= st["until"]:
                    break
                self.pump(0.02)
        elif st.get("shut"):
            self.flush()
            try:
                self.s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        elif st.get("close"):
            self.flush()
            time.sleep(0.05)
            self.s.close()
            self.dead = True


def show(b, cap=1500):
    s = b.decode(L1).encode("unicode_escape").decode("ascii")
    return s if len(s) <= cap else s[:cap // 2] + "...[%d bytes]..." % len(b) + s[-cap // 4:]


def first_methods(case):
    if "methods" in case:
        return case["methods"]
    ms = []
    for st in case["send"]:
        b = expand(st)
        if b:
            ms += [x.decode() for x in re.findall(rb"(?:^|\r\n\r\n)\s*([A-Z]{3,12}) ", b)]
    return ms or ["GET"]


def run_case(case, a, up):
    res = {"id": case["id"], "group": case["group"], "level": case["level"], "expect": case["expect"]}
    up.begin(case.get("up"))
    timeout = case.get("timeout", a.timeout)
    t0 = time.time()
    while True:
        try:
            c = Client(a.host, a.port, timeout + 2, first_methods(case))
            break
        except OSError as e:
            res["proxy_down"] = True              # it died in the case before: give a supervisor time
            if time.time() - t0 > a.respawn_wait:
                res.update(outcome="no-connect", ok=False, why="connect: %s" % e)
                return res
            time.sleep(0.1)
    for st in case["send"]:
        c.step(st)
    want = case.get("want", 1)
    wait_close = case.get("closed") is True
    end = time.time() + timeout
    settle = None
    while time.time() < end:
        if c.dead:
            time.sleep(0.35)
            break
        if c.eof:
            break
        f, _, left, err = c.finals()
        done = len([r for r in f if r.complete]) >= want or bool(err)
        if done and not wait_close:
            if settle is None:
                settle = time.time() + a.linger
            if time.time() >= settle:
                break
        if c.pump(min(0.05, max(0.0, end - time.time()))) and settle is not None:
            settle = time.time() + a.linger
    for _ in range(40):                       # let the upstream side go quiet
        if time.time() - up.last > 0.04:
            break
        time.sleep(0.01)
    finals, allr, left, err = c.finals()
    with up.lock:
        msgs = list(up.msgs)
        parts = [m for m in up.partials.values()]
    for m in parts:
        if not m.flags and b"\n" in m.head:
            m.line, m.headers, m.flags = analyse_head(m.head)
    closed = c.eof
    if not c.dead:
        c.s.close()
    up.drop_all()
    complete = [m for m in msgs if m.complete]
    early = [m for m in msgs if not m.complete]
    seen = complete + early + parts
    st0 = finals[0].status if finals else 0
    dirty = sorted({f for m in seen for f in m.flags} - set(case.get("allow", [])))
    hung = not c.buf and not closed and not c.dead
    rdirty = sorted({f for r in allr if b"\n" in r.head for f in analyse_head(r.head, True)[2]} - set(case.get("allow_resp", [])))
    res["ms"] = int((time.time() - t0) * 1000)
    res["statuses"] = [r.status for r in allr]
    res["closed"] = closed
    res["forwarded"] = [show(m.raw) for m in complete]
    if parts or early:
        res["partial"] = [show(m.raw) for m in early + parts]
    if dirty:
        res["flags"] = dirty
    if rdirty:
        res["resp_flags"] = rdirty
    fwd = "forwarded" if complete else ("partial" if (parts or early) else "blocked")
    cli = "status %d" % st0 if st0 else ("closed" if closed else ("client-closed" if c.dead else ("raw" if c.buf else "hung")))
    if err:
        cli += "+" + err
    res["outcome"] = fwd + "/" + cli
    if case.get("phase") == "response" or a.verbose:
        res["client_got"] = show(c.buf)
    why = []
    heads = [m.head.decode(L1) for m in seen]
    got = c.buf.decode(L1)

    def checks():
        w = []
        if dirty:
            w.append("forwarded unclean: " + ",".join(dirty))
        if rdirty:
            w.append("client got unclean: " + ",".join(rdirty))
        for rx in case.get("fwd_not", []):
            if any(re.search(rx, h) for h in heads):
                w.append("forwarded head matches " + rx)
        if seen:
            for rx in case.get("fwd_has", []):
                if not any(re.search(rx, h) for h in heads):
                    w.append("forwarded head lacks " + rx)
        if "fwd_body" in case and complete and complete[0].body != case["fwd_body"].encode(L1):
            w.append("body forwarded as " + show(complete[0].body, 80))
        lo, hi = case.get("fwd_n", [0, 99])
        if not lo <= len(complete) <= hi:
            w.append("%d requests reached the upstream" % len(complete))
        for rx in case.get("resp_not", []):
            if re.search(rx, got):
                w.append("client got " + rx)
        if "resp_n" in case and not case["resp_n"][0] <= len(finals) <= case["resp_n"][1]:
            w.append("%d responses" % len(finals))
        if "closed" in case and case["closed"] != closed:
            w.append("connection left open" if case["closed"] else "connection closed")
        return w

    def positive():
        w = []
        for rx in case.get("resp_has", []):
            if not re.search(rx, got):
                w.append("client lacks " + rx)
        if "resp_body" in case and (not finals or finals[0].body != case["resp_body"].encode(L1)):
            w.append("body seen " + (show(finals[0].body, 80) if finals else "none"))
        return w

    def rejected():
        if case.get("phase") == "response":
            if not finals:
                return closed
            return st0 >= 500 or (not finals[0].complete and closed)
        if complete:
            return False
        if "status" in case and st0:
            return st0 in case["status"]
        return st0 >= 400 or (closed and not st0)

    exp = case["expect"]
    if err and (exp != "no-forward" or case.get("phase") == "response"):
        why.append("client got bytes that are not HTTP")
    if exp == "accept":
        ok_status = case.get("status") or range(200, 300)
        if hung:
            why.append("hung")
        elif st0 not in ok_status:
            why.append("status %d" % st0 if st0 else "no response")
        elif not finals[0].complete:
            why.append("response incomplete")
        elif not complete and not early and not case.get("local_ok"):
            why.append("not forwarded")
        if not why:
            why += checks() + positive()
    elif exp == "reject":
        if not rejected():
            why.append("hung" if hung else "not rejected (%s)" % res["outcome"])
        else:
            why += [x for x in checks() if not x.startswith("forwarded unclean")]
    elif exp == "no-forward":
        if hung and not case.get("may_wait"):
            why.append("hung")
        elif not rejected():
            why += checks()
    elif exp == "any":
        if hung and not case.get("may_wait"):
            why.append("hung")
        else:
            why += checks()
    res["ok"] = not why
    if why:
        res["why"] = "; ".join(why)
    if "exact" in case:
        res["exact"] = bool(not why and st0 in case["exact"])
    return res


# ---------------------------------------------------------------- reports
def summarise(results):
    s = {}
    for r in results:
        for key in ("all", "level:" + r["level"], "group:" + r["group"]):
            p = s.setdefault(key, [0, 0])
            p[0] += r["ok"]
            p[1] += 1
    for r in results:
        if "exact" in r:
            p = s.setdefault("exact", [0, 0])
            p[0] += r["exact"]
            p[1] += 1
    s["hung"] = [sum("hung" in r.get("outcome", "") and not r["ok"] for r in results), len(results)]
    s["crashed"] = [sum(bool(r.get("crashed")) for r in results), len(results)]
    s["unclean"] = [sum(bool(r.get("flags")) and not r["ok"] for r in results), len(results)]
    return s


def merge(files):
    rs = [json.load(open(f)) for f in files]
    names = [r["name"] for r in rs]
    sums = [summarise(r["results"]) for r in rs]
    keys = [k for k in sums[0]]
    order = ["all"] + sorted(k for k in keys if k.startswith("level:")) + sorted(k for k in keys if k.startswith("group:")) + ["exact", "unclean", "hung", "crashed"]
    print("| score | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    for k in order:
        if k in keys:
            print("| %s | " % k + " | ".join("%d/%d" % tuple(s.get(k, [0, 0])) if k not in ("unclean", "hung", "crashed") else str(s[k][0]) for s in sums) + " |")
    print("\n| failed case | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    idx = [{r["id"]: r for r in x["results"]} for x in rs]
    for cid in idx[0]:
        row = [x.get(cid) for x in idx]
        if any(r and not r["ok"] for r in row):
            print("| %s (%s) | " % (cid, row[0]["level"]) + " | ".join("" if r and r["ok"] else (r["outcome"] if r else "-") for r in row) + " |")


def lint(cases):
    ids, bad = set(), 0
    for c in cases:
        e = []
        if c["id"] in ids:
            e.append("duplicate id")
        ids.add(c["id"])
        for k in ("group", "level", "rule", "send", "expect"):
            if k not in c:
                e.append("lacks " + k)
        if c.get("level") not in ("must", "should", "sec") or c.get("expect") not in ("accept", "reject", "no-forward", "any"):
            e.append("level or expect")
        for k in ("fwd_has", "fwd_not", "resp_has", "resp_not"):
            for rx in c.get(k, []):
                re.compile(rx)
        for st in c["send"]:
            expand(st)
        if e:
            bad += 1
            print(c["id"], e)
    print("%d cases, %d bad" % (len(cases), bad))
    return 1 if bad else 0


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--host", default="127.0.0.1")
    p.add_argument("--port", type=int)
    p.add_argument("--upstream-port", type=int)
    p.add_argument("--cases")
    p.add_argument("--name", default="proxy")
    p.add_argument("--out")
    p.add_argument("--only", default="")
    p.add_argument("--timeout", type=float, default=2.5)
    p.add_argument("--linger", type=float, default=0.2)
    p.add_argument("--respawn-wait", type=float, default=5.0)
    p.add_argument("--min-pass", type=int, default=0)
    p.add_argument("--min-must", type=int, default=0)
    p.add_argument("--verbose", action="store_true")
    p.add_argument("--merge", nargs="+")
    p.add_argument("--lint", action="store_true")
    a = p.parse_args()
    if a.merge:
        return merge(a.merge)
    cases = json.load(open(a.cases))["cases"]
    if a.lint:
        return lint(cases)
    if not a.host.startswith("127.") and a.host not in ("localhost", "::1"):
        p.error("loopback only")
    up = Upstream("127.0.0.1", a.upstream_port)
    base = {"id": "baseline", "group": "x", "level": "must", "expect": "accept",
            "send": ["GET /baseline HTTP/1.1\r\nHost: a.test\r\n\r\n"]}
    for _ in range(5):
        r = run_case(base, a, up)
        if r["ok"]:
            break
        time.sleep(1)
    else:
        print("baseline GET through the proxy fails: %s" % r)
        return 2
    results = []
    for c in cases:
        if a.only and not re.search(a.only, c["id"]) and not re.search(a.only, c["group"]):
            continue
        time.sleep(0.02)
        r = run_case(c, a, up)
        if (c.get("phase") != "response" and not r.get("forwarded") and not r.get("partial")
                and any(s in (502, 503, 504) for s in r.get("statuses", []))):
            time.sleep(0.5)                   # the pool may have been reset under it: once more
            r = run_case(c, a, up)
            r["retried"] = True
        if r.get("proxy_down") and results and not results[-1].get("crashed"):
            q = results[-1]
            q.update(ok=False, crashed=True, why="proxy died; " + q.get("why", ""))
            if "exact" in q:
                q["exact"] = False
            print("FAIL %-34s proxy died in this case" % q["id"])
        results.append(r)
        if a.verbose or not r["ok"]:
            print("%-4s %-34s %-8s %-11s %-24s %s" % ("ok" if r["ok"] else "FAIL", r["id"], r["level"], r["expect"], r["outcome"], r.get("why", "")))
            sys.stdout.flush()
    s = summarise(results)
    for k in sorted(s):
        print("%-22s %d/%d" % (k, s[k][0], s[k][1]))
    if a.out:
        with open(a.out, "w") as f:
            json.dump({"name": a.name, "summary": s, "results": results}, f, indent=0)
    n, must = s["all"], s.get("level:must", [0, 0])
    print("%d passed, %d failed" % (n[0], n[1] - n[0]))
    return 1 if n[0] < a.min_pass or must[0] < a.min_must else 0


if __name__ == "__main__":
    sys.exit(main())
