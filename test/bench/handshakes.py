#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CPU time for a TLS 1.3 handshake, full and resumed: nginx's and the gateway's, taking turns.

The proxy runs on CPU 0, the client, Python's ssl, on CPU 1; how fast that is does not count. CPU
time is the kernel's schedstat, as in peers.py; a connection does the handshake and is closed.

usage: handshakes.py --ours BINARY [--peers nginx,...] [--rounds 3] [--secs 3] [--json]
"""

import argparse
import glob
import json
import os
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE
CONTEXT.minimum_version = ssl.TLSVersion.TLSv1_3

OURS = """
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: 1}}
listeners:
  - name: web
    address: "127.0.0.1:{port}"
    tls: {{certificates: [{{cert_file: "{directory}/crt.pem", key_file: "{directory}/key.pem"}}]}}
routes:
  - {{match: {{path_prefix: /}}, respond: {{status: 200, body: ok}}}}
"""
NGINX = """
worker_processes 1; daemon off; error_log {directory}/nginx_error crit; pid {directory}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off; ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:s:10m;
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096;
    ssl_certificate {directory}/crt.pem; ssl_certificate_key {directory}/key.pem;
    location / {{ return 200 ok; }}
  }}
}}
"""
HAPROXY = """
global
 nbthread 1
defaults
 mode http
 timeout client 10s
 timeout server 10s
 timeout connect 5s
frontend f
 bind 127.0.0.1:{port} ssl crt {directory}/both.pem alpn http/1.1
 http-request return status 200 content-type text/plain string ok
"""


def command(name, directory, port, ours):
    text = {"ours": OURS, "nginx": NGINX, "haproxy": HAPROXY}[name]
    path = os.path.join(directory, name + ".conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(text.format(port=port, directory=directory))
    return {
        "ours": [ours, "run", "-c", path],
        "nginx": ["nginx", "-c", path],
        "haproxy": ["haproxy", "-db", "-f", path],
    }[name]


def certificate(directory):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", f"{directory}/key.pem", "-out", f"{directory}/crt.pem", "-days", "30",
         "-subj", "/CN=localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    with open(f"{directory}/both.pem", "w", encoding="ascii") as both:
        for name in ("crt.pem", "key.pem"):
            with open(f"{directory}/{name}", encoding="ascii") as file:
                both.write(file.read())


def cpu(pid):
    """Nanoseconds of CPU, of the process and its children."""
    total, todo = 0, [pid]
    while todo:
        one = todo.pop()
        for task in glob.glob(f"/proc/{one}/task/*"):
            with open(task + "/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
            with open(task + "/children", encoding="ascii") as file:
                todo += [int(child) for child in file.read().split()]
    return total


def connect(port, session=None):
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    # Or the closure alert waits for a delayed acknowledgement, where no ticket follows a handshake.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return CONTEXT.wrap_socket(connection, session=session)


def session_of(port):
    """What a connection may be resumed with: tickets come behind the handshake."""
    connection = connect(port)
    connection.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
        raise SystemExit("no answer")
    session = connection.session
    connection.close()
    return session


def handshakes(port, session, seconds):
    """How many were done; with a session, all of them must have resumed it."""
    count, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        connection = connect(port, session)
        if connection.session_reused != (session is not None):
            raise SystemExit(f"port {port}: resumed: {connection.session_reused}")
        try:
            connection.unwrap()
        except OSError:
            pass  # Closed without a word: as good.
        connection.close()
        count += 1
    return count


def measure(names, options, directory):
    """{name: {kind: microseconds of CPU for a handshake}}"""
    processes, ports = {}, {}
    try:
        for name in names:
            with socket.create_server(("127.0.0.1", 0)) as free:
                ports[name] = free.getsockname()[1]
            processes[name] = subprocess.Popen(
                ["taskset", "-c", "0", *command(name, directory, ports[name], options.ours)],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        for name in names:
            for _ in range(200):
                try:
                    socket.create_connection(("127.0.0.1", ports[name]), timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.05)
        os.sched_setaffinity(0, {1})
        found = {name: {"full": [], "resumed": []} for name in names}
        for round_ in range(options.rounds + 1):  # The first warms up.
            for kind in ("full", "resumed"):
                for name in names:
                    session = session_of(ports[name]) if kind == "resumed" else None
                    before = cpu(processes[name].pid)
                    count = handshakes(ports[name], session, options.secs if round_ else 0.5)
                    if round_:
                        found[name][kind].append((cpu(processes[name].pid) - before) / 1e3 / count)
        return {
            name: {kind: statistics.median(values) for kind, values in kinds.items()}
            for name, kinds in found.items()
        }
    finally:
        for process in processes.values():
            process.terminate()
            process.wait(10)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", default="")
    parser.add_argument("--peers", default="nginx")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--secs", type=float, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    names = options.peers.split(",") + (["ours"] if options.ours else [])
    with tempfile.TemporaryDirectory(prefix="handshakes-") as directory:
        os.chmod(directory, 0o755)
        certificate(directory)
        found = measure(names, options, directory)
    if options.json:
        print(json.dumps(found))
        return
    for name, kinds in found.items():
        for kind, cost in kinds.items():
            print(f"{name:8} {kind:8} {cost:8.1f} us {1e6 / cost:8.0f} in a CPU second")


if __name__ == "__main__":
    sys.exit(main())
