# SPDX-License-Identifier: Apache-2.0
"""What is attacked, and what an attack does to it: memory, CPU time, and how long others wait.

PEER=haproxy, nginx, nghttpx or h2o puts that program in the gateway's place: a test that finds
nothing there either may measure nothing.
"""

import json
import os
import resource
import socket
import subprocess
import sys
import time

from certificates import Authority
from frames import Frames, memory_kib
from gatehouse import PATIENCE, Gateway, listens, wait_until
from http1 import pattern
from programs import nginx, tool

PEER = os.environ.get("PEER", "")
PINGS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../long/pings.py")

CONFIG = """
version: 1
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: 1}}
listeners:
  - {{name: web, address: "127.0.0.1:0", limits: {{max_connections: 5000}}, timeouts: {{request_headers: 3s}}}}
  - name: sealed
    address: "127.0.0.1:0"
    limits: {{max_connections: 5000}}
    timeouts: {{request_headers: 3s}}
    tls: {{certificates: [{{cert_file: {pair[0]}, key_file: {pair[1]}}}]}}
clusters:
  up: {{endpoints: ["{upstream}"]}}
routes:
  - {{match: {{path: /up}}, respond: {{status: 200, body: up}}}}
  - {{match: {{path_prefix: /}}, cluster: up}}
"""


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class Attacked:
    """In front of an nginx that has /1m and /small, until `test` ends."""

    def __init__(self, test):
        self.gateway = Gateway("")
        os.chmod(self.gateway.directory, 0o755)  # nginx's worker is another user.
        test.addCleanup(self.gateway.stop)
        self.authority = Authority(self.gateway.path("tls"))
        pair = self.authority.pair("server", "a.test", "127.0.0.1")
        self.upstream = nginx(test, self.gateway.path("n"), "")
        for name, size in (("1m", 1 << 20), ("small", 100), ("up", 2)):
            with open(self.gateway.path(f"n/www/{name}"), "wb") as file:
                file.write(pattern(size) if size > 2 else b"up")
        if PEER:
            self._start_peer(test, pair)
        else:
            self.gateway.write(CONFIG.format(pair=pair, upstream=self.upstream))
            self.gateway.start()
            self.address = self.gateway.addresses["web"]
            self.sealed = self.gateway.addresses["sealed"]
            self.pid = self.gateway.process.pid
        self.h1 = self.address if not PEER else self.probe_address
        self.process = self.gateway.process

    def _start_peer(self, test, pair):
        clear, sealed, probe = (_free_port() for _ in range(3))
        directory, path = self.gateway.directory, self.gateway.path("peer.conf")
        both = self.gateway.path("both.pem")
        with open(both, "wb") as out:
            for part in pair:
                with open(part, "rb") as file:
                    out.write(file.read())
        text, command = {
            "haproxy": (
                "global\n nbthread 1\ndefaults\n mode http\n timeout client 10s\n timeout server 60s\n"
                " timeout connect 5s\n timeout http-request 3s\nfrontend f\n"
                f" bind 127.0.0.1:{clear} proto h2\n bind 127.0.0.1:{probe}\n"
                f" bind 127.0.0.1:{sealed} ssl crt {both} alpn h2,http/1.1\n default_backend b\n"
                f"backend b\n server s {self.upstream.replace('unix:', 'unix@')}\n",
                ["haproxy", "-db", "-f", path],
            ),
            "nginx": (
                f"daemon off; pid {directory}/p.pid; error_log {directory}/p.log; worker_processes 1;"
                "events { worker_connections 8192; } http { access_log off; keepalive_requests 1000000;"
                f"server {{ listen 127.0.0.1:{clear} http2; listen 127.0.0.1:{probe};"
                f"listen 127.0.0.1:{sealed} ssl http2; ssl_certificate {pair[0]};"
                f"ssl_certificate_key {pair[1]}; client_header_timeout 3s;"
                f"location / {{ proxy_pass http://{self.upstream}; }} }} }}",
                ["nginx", "-c", path],
            ),
            "nghttpx": (
                f"frontend=127.0.0.1,{clear};no-tls\nfrontend=127.0.0.1,{probe};no-tls\n"
                f"frontend=127.0.0.1,{sealed}\n"
                f"backend={self.upstream}\nworkers=1\nsingle-process=yes\n"
                f"private-key-file={pair[1]}\ncertificate-file={pair[0]}\n",
                ["nghttpx", f"--conf={path}"],
            ),
            "h2o": (
                "num-threads: 1\nuser: root\n"
                f"listen: {{host: 127.0.0.1, port: {clear}}}\nlisten: {{host: 127.0.0.1, port: {probe}}}\n"
                f"listen: {{host: 127.0.0.1, port: {sealed}, ssl: {{certificate-file: {pair[0]}, key-file: {pair[1]}}}}}\n"
                "hosts: {default: {paths: {/: {proxy.reverse.url: 'http://["
                f"{self.upstream}]/'}}}}}}}}\n",
                ["h2o", "-c", path],
            ),
        }[PEER]
        self.gateway.write("")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        with open(self.gateway.path("stderr"), "wb") as out:
            self.gateway.stderr_path = out.name
            self.gateway.process = subprocess.Popen(
                [tool(command[0], PEER), *command[1:]], stdout=subprocess.PIPE, stderr=out
            )
        self.address, self.sealed = ("127.0.0.1", clear), ("127.0.0.1", sealed)
        self.probe_address = ("127.0.0.1", probe)
        self.pid = self.gateway.process.pid
        wait_until(lambda: listens(self.sealed), PEER)
        wait_until(lambda: listens(self.address), PEER)

    def context(self, protocols=("h2",)):
        return self.authority.client_context(protocols)

    def client(self, values=None, tls=False):
        """A connection whose SETTINGS have been exchanged."""
        if tls:
            return Frames(self.sealed, self.context(), values).ready()
        return Frames(self.address, None, values).ready()

    def client_h1(self):
        """What a request over TLS is answered."""
        connection = socket.create_connection(self.sealed, timeout=PATIENCE)
        with self.context(["http/1.1"]).wrap_socket(connection, server_hostname="a.test") as tls:
            tls.sendall(b"GET /small HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n")
            return handshake_ends(tls)

    def cpu_seconds(self):
        """Of the process and its children."""
        total, todo = 0, [self.pid]
        while todo:
            one = todo.pop()
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/schedstat", encoding="ascii") as file:
                    total += int(file.read().split()[0])
                with open(f"/proc/{one}/task/{task}/children", encoding="ascii") as file:
                    todo += [int(child) for child in file.read().split()]
        return total / 1e9

    def memory_kib(self):
        return memory_kib(self.pid)


class Watched:
    """Measures what happens inside `with`: `growth_kib`, `cpu`, and `p99`, seconds that others'
    requests took meanwhile, from a process of its own."""

    def __init__(self, attacked):
        self.attacked = attacked

    def __enter__(self):
        host, port = self.attacked.h1
        self.pings = subprocess.Popen(
            [sys.executable, "-B", PINGS, host, str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.memory, self.cpu_before = self.attacked.memory_kib(), self.attacked.cpu_seconds()
        self.began = time.monotonic()
        self.most = self.memory
        return self

    def look(self):
        """Takes the memory into account as it is now."""
        self.most = max(self.most, self.attacked.memory_kib())

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.began
        self.look()
        self.cpu = self.attacked.cpu_seconds() - self.cpu_before
        # Some requests behind it, too: what it left to do holds them up.
        end = time.monotonic() + max(0.3, 0.6 - self.seconds)
        while time.monotonic() < end:
            self.look()
        out, _ = self.pings.communicate(b"x", timeout=PATIENCE * 2)
        if self.pings.returncode != 0:
            raise AssertionError(f"others were not served: {out!r}")
        took = sorted(json.loads(out))
        self.p99 = took[int(len(took) * 0.99)] / 1e6 if took else float("inf")
        self.growth_kib = self.most - self.memory


def raise_fd_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def handshake_ends(connection, seconds=PATIENCE):
    """Reads until the other end closes; what it sent."""
    connection.settimeout(seconds)
    out = b""
    try:
        while part := connection.recv(65536):
            out += part
    except OSError:  # Reset, or closed by the test itself.
        pass
    return out
