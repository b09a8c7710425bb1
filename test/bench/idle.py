#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""User-space memory per idle keep-alive connection (PSS delta / connections) and binary size at rest.
usage: idle.py PORT PID [N [tls]]   (opens N connections, one request each, then idles 3 s)"""
import re, socket, ssl, sys, time, glob
port, pid, n = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 3000
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if sys.argv[4:] == ["tls"] else None
if context: context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
def tree(pid):
    out, todo = [], [pid]
    while todo:
        p = todo.pop(); out.append(p)
        for t in glob.glob(f"/proc/{p}/task/*/children"):
            try: todo += [int(x) for x in open(t).read().split()]
            except OSError: pass
    return out
def pss():
    return sum(int(re.search(r"Pss:\s+(\d+)", open(f"/proc/{p}/smaps_rollup").read()).group(1)) for p in tree(pid))
req = b"GET / HTTP/1.1\r\nHost: a.example\r\nUser-Agent: idle\r\n\r\n"
def one():
    s = socket.create_connection(("127.0.0.1", port)); s = context.wrap_socket(s) if context else s; s.sendall(req); s.settimeout(5); b = b""
    while b"\r\n\r\n" not in b or len(b.split(b"\r\n\r\n", 1)[1]) < 100:
        d = s.recv(4096)
        if not d: break
        b += d
    return s
w = [one() for _ in range(50)]; time.sleep(1); b0 = pss(); c = [one() for _ in range(n)]; time.sleep(3); b1 = pss()
print(f"base {b0} KiB, {n} idle connections: {b1} KiB, {(b1-b0)*1024/n:.0f} B/connection")
