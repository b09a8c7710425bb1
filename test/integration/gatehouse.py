# SPDX-License-Identifier: Apache-2.0
"""What the integration tests share: a gateway of their own, upstreams, clients, bounded waits.

Everything listens on port 0 of a loopback address, so tests run side by side.
"""

import http.client
import json
import os
import re
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

_BUILT = os.path.join(os.path.dirname(__file__), "../../bazel-bin/source/gatehouse")
BINARY = os.path.abspath(os.environ.get("GATEHOUSE", _BUILT))
# How long anything may take that should take no time. Sanitizers and busy machines are slow.
PATIENCE = float(os.environ.get("PATIENCE", "30"))

_pause = threading.Event()  # Never set: only waited on, in short steps.


def wait_until(predicate, what, seconds=PATIENCE):
    """Returns the first true value of `predicate()`; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        _pause.wait(0.01)


class Answer:
    """A response, read whole."""

    def __init__(self, response):
        self.status = response.status
        self.body = response.read().decode("utf-8", "replace")
        self.headers = {name.lower(): value for name, value in response.getheaders()}

    def json(self):
        return json.loads(self.body)


def request(address, path, method="GET", body=None, headers=None, timeout=PATIENCE):
    """One request on a connection of its own. `address`: (host, port)."""
    connection = http.client.HTTPConnection(*address, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def listens(address):
    """Whether a connection to (host, port) is made."""
    try:
        socket.create_connection(address, timeout=PATIENCE).close()
        return True
    except ConnectionRefusedError:
        return False


class Gateway:
    """A `gatehouse run` in a directory of its own."""

    def __init__(self, config, arguments=("run", "-c", "{config}"), environment=None):
        self.directory = tempfile.mkdtemp(prefix="gatehouse-")
        self.config_path = os.path.join(self.directory, "gatehouse.yaml")
        self.write(config)
        self.arguments = [part.format(config=self.config_path) for part in arguments]
        self.environment = dict(os.environ, **(environment or {}))
        self.binary = BINARY
        self.user = None  # A user and group id to run as; None: whoever runs the test.
        self.process = None
        self.banner = []
        self.addresses = {}  # By listener.
        self.admin = None

    # ---- the configuration ----

    def write(self, config):
        """Replaces the text in place, as an editor without backups does."""
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(config)

    def replace(self, config):
        """Replaces the file by a rename, as careful editors and deployment tools do."""
        temporary = self.config_path + ".new"
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(config)
        os.rename(temporary, self.config_path)

    # ---- the process ----

    def launch(self, stdin=None):
        """Starts the process and waits for nothing."""
        self.stderr_path = os.path.join(self.directory, "stderr")
        with open(self.stderr_path, "ab") as stderr:
            self.process = subprocess.Popen(
                [self.binary, *self.arguments],
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=self.directory,
                env=self.environment,
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else [],
            )
        if stdin is not None:
            self.process.stdin.write(stdin.encode())
            self.process.stdin.close()
        return self

    def start(self, stdin=None):
        """Starts the process and waits until it serves."""
        self.launch(stdin)
        self._read_banner()
        if self.admin is not None:
            wait_until(lambda: self.get("/readyz").status == 200, "ready")
        return self

    def _read_banner(self):
        text = b""
        deadline = time.monotonic() + PATIENCE
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\nloaded " not in text or not text.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise AssertionError(f"not started within {PATIENCE} s: {self.stderr()}")
                chunk = os.read(self.process.stdout.fileno(), 65536)
                if not chunk:
                    raise AssertionError(f"ended with {self.wait()}: {self.stderr()}")
                text += chunk
        self.banner = text.decode().splitlines()
        for line in self.banner:
            if line.startswith("listening"):
                for name, host, port in re.findall(r"(\S+) (\[?[0-9a-f.:]+\]?):(\d+)", line):
                    self.addresses[name] = (host.strip("[]"), int(port))
            if match := re.match(r"admin +https?://(.*):(\d+)$", line):
                self.admin = (match.group(1), int(match.group(2)))

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=PATIENCE):
        """The exit code."""
        return self.process.wait(seconds)

    def stop(self):
        """Ends the process, whatever state it is in, and removes its directory."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait(PATIENCE)
            self.process.stdout.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def stderr(self):
        with open(self.stderr_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def path(self, name):
        return os.path.join(self.directory, name)

    # ---- asking it ----

    def get(self, path, headers=None):
        return request(self.admin, path, headers=headers)

    def post(self, path, body=None, headers=None):
        return request(self.admin, path, "POST", body, headers)

    def json(self, path):
        answer = self.get(path)
        if answer.status != 200:
            raise AssertionError(f"GET {path}: {answer.status} {answer.body}")
        return answer.json()

    def metric(self, name):
        """The value of a series, written as in /metrics."""
        for line in self.get("/metrics").body.splitlines():
            if line.rpartition(" ")[0] == name:
                value = float(line.rpartition(" ")[2])
                return int(value) if value.is_integer() else value
        raise AssertionError(f"no metric {name}")

    def fetch(self, path, listener="web", **arguments):
        return request(self.addresses[listener], path, **arguments)

    def command(self, *arguments, environment=None):
        """Runs `gatehouse ARGUMENTS` to its end."""
        return subprocess.run(
            [BINARY, *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            cwd=self.directory,
            env=dict(self.environment, **(environment or {})),
            check=False,
        )


class GatewayTest(unittest.TestCase):
    """Stops what a test started, and shows the gateway's log when it fails."""

    def gateway(self, config, **arguments):
        gateway = Gateway(config, **arguments)
        self.addCleanup(gateway.stop)
        self.addCleanup(self._show, gateway)
        return gateway

    def client(self, address):
        """A connected Client."""
        client = Client(address)
        self.addCleanup(client.close)
        self.assertTrue(client.connect())
        return client

    def upstream(self, *arguments, **named):
        upstream = Upstream(*arguments, **named)
        self.addCleanup(upstream.stop)
        return upstream

    def _show(self, gateway):
        result = self._outcome.result
        failed = any(test is self for test, _ in result.failures + result.errors)
        if gateway.process is None:
            return
        log = gateway.stderr()
        if failed:
            print(f"---- {self.id()}\n{log[-4000:]}")
        found = re.search(r"(?s)(WARNING|ERROR): \w+Sanitizer.*|runtime error: .*", log)
        if found:
            raise AssertionError(found.group()[:8000])


class Upstream:
    """An HTTP/1.1 server on threads: `answer(method, path)` gives (status, body)."""

    def __init__(self, answer=lambda method, path: (200, "upstream\n")):
        self.answer = answer
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.socket.getsockname()[1]
        self.connections = []
        self.lock = threading.Lock()
        self.requests = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with self.lock:
                self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pending = b""
        try:
            while True:
                while b"\r\n\r\n" not in pending:
                    chunk = connection.recv(65536)
                    if not chunk:
                        return
                    pending += chunk
                head, _, pending = pending.partition(b"\r\n\r\n")
                method, path, _ = head.split(b"\r\n")[0].decode().split(" ")
                with self.lock:
                    self.requests += 1
                status, body = self.answer(method, path)
                content = body.encode()
                connection.sendall(
                    b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(content)) + content
                )
        except OSError:
            pass
        finally:
            connection.close()

    def stop(self):
        self.socket.close()
        with self.lock:
            for connection in self.connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class Client:
    """A keep-alive connection that tells a refused connect from a lost request."""

    def __init__(self, address):
        self.address = address
        self.socket = None
        self.pending = b""

    def connect(self):
        """False when nobody listens any more."""
        try:
            self.socket = socket.create_connection(self.address, timeout=PATIENCE)
        except ConnectionRefusedError:
            return False
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""
        return True

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def exchange(self, path):
        """(status, body) of one request. Raises OSError or AssertionError when it is lost."""
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nhost: test\r\n\r\n".encode())
        while b"\r\n\r\n" not in self.pending:
            self._receive()
        head, _, self.pending = self.pending.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
        while len(self.pending) < length:
            self._receive()
        body, self.pending = self.pending[:length], self.pending[length:]
        if re.search(rb"(?i)\r\nconnection: *close", head):
            self.close()
        return int(head.split(b" ")[1]), body.decode()

    def _receive(self):
        chunk = self.socket.recv(65536)
        if not chunk:
            raise AssertionError(f"closed without an answer, after {self.pending!r}")
        self.pending += chunk


class Load:
    """Clients on threads, together at a given rate, until stopped or refused. What goes wrong is
    kept in `failures`."""

    def __init__(self, address, paths, clients=4, rate=400.0, reconnect_every=20, wrong=""):
        self.address = address
        self.wrong = wrong  # A body that must not be answered.
        self.paths = paths
        self.interval = clients / rate
        self.reconnect_every = reconnect_every
        self.stopping = threading.Event()
        self.failures = []
        self.answered = [0] * clients
        self.refused = [0] * clients
        self.threads = [threading.Thread(target=self._run, args=(i,)) for i in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopping.set()
        self.join()

    def join(self):
        for thread in self.threads:
            thread.join(PATIENCE)

    @property
    def total(self):
        return sum(self.answered)

    def _run(self, index):
        client = Client(self.address)
        due = time.monotonic()
        count = 0
        while not self.stopping.is_set():
            try:
                if client.socket is None and not client.connect():
                    self.refused[index] += 1
                    return
            except OSError as error:
                self.failures.append(("connect", repr(error)))
                return
            path = self.paths[count % len(self.paths)]
            try:
                status, body = client.exchange(path)
                if status != 200 or (self.wrong and self.wrong in body):
                    self.failures.append((path, status, body))
                    client.close()
            except (OSError, AssertionError) as error:
                self.failures.append((path, repr(error)))
                client.close()
            self.answered[index] += 1
            count += 1
            if count % self.reconnect_every == 0:
                client.close()
            due += self.interval
            self.stopping.wait(max(0.0, due - time.monotonic()))
        client.close()


TERM, INT, HUP = signal.SIGTERM, signal.SIGINT, signal.SIGHUP
USR1, USR2 = signal.SIGUSR1, signal.SIGUSR2
