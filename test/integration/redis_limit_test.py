# SPDX-License-Identifier: Apache-2.0
"""rate_limit with a real Redis: gateways that share a limit, and all that can become of Redis."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from gatehouse import PATIENCE, GatewayTest, Upstream, wait_until

PASSWORD = "s3cret/pass@word"
IN_URL = "s3cret%2Fpass%40word"
# docs/redis.md gives operators this one.
ACL = "~gatehouse:limit:* resetchannels -@all +evalsha +script|load +ping +time +get +set"


class Redis:
    """A redis-server of a test's own, on a port that stays its own over restarts."""

    def __init__(self, *settings):
        self.directory = tempfile.mkdtemp(prefix="gatehouse-redis-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.settings = settings
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
            + ["--enable-debug-command", "yes", "--dir", self.directory, *self.settings],
            stdout=subprocess.DEVNULL,
        )
        wait_until(lambda: "PONG" in self.cli("PING") or "NOAUTH" in self.cli("PING"), "Redis")

    def cli(self, *words, password=None):
        login = ["--no-auth-warning", "-a", password] if password else []
        done = subprocess.run(
            ["redis-cli", "-p", str(self.port), *login, *words],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return done.stdout + done.stderr

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


class Load:
    """One connection that asks for `path` again and again, and keeps what came."""

    def __init__(self, gateway, path):
        self.statuses = {}
        self.waits = []
        self.error = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(gateway, path), daemon=True)
        self.thread.start()

    def _run(self, gateway, path):
        connection = http.client.HTTPConnection(*gateway.addresses["web"], timeout=PATIENCE)
        try:
            while not self.ended.is_set():
                began = time.monotonic()
                connection.request("GET", path)
                response = connection.getresponse()
                response.read()
                self.waits.append((began, time.monotonic() - began))
                self.statuses[response.status] = self.statuses.get(response.status, 0) + 1
        except OSError as error:
            self.error = error
        finally:
            connection.close()

    def stop(self):
        self.ended.set()
        self.thread.join(PATIENCE)
        if self.error is not None:
            raise self.error
        return self.statuses


class RedisLimitTest(GatewayTest):
    def setUp(self):
        self.upstream = Upstream()
        self.addCleanup(self.upstream.stop)

    def redis(self, *settings):
        redis = Redis(*settings)
        self.addCleanup(redis.stop)
        return redis

    def config(self, store, more="", rate="rate: 1/h, burst: 10"):
        return f"""
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: 1}}
listeners: [{{name: web, address: "127.0.0.1:0"}}]
filters:
  shared: {{type: rate_limit, {rate}, key: {{header: x-key}}, store: "{store}", {more}}}
clusters: {{up: {{endpoints: ["127.0.0.1:{self.upstream.port}"]}}}}
routes:
  - {{match: {{path_prefix: /limited}}, filters: [shared], cluster: up}}
  - {{match: {{path_prefix: /}}, cluster: up}}
"""

    def start(self, redis, more="", **arguments):
        return self.gateway(
            self.config(f"redis://127.0.0.1:{redis.port}", more, **arguments)
        ).start()

    def statuses(self, gateway, count, key="k"):
        return [
            gateway.fetch("/limited", headers={"x-key": key}).status for _ in range(count)
        ]

    def errors(self, gateway, kind):
        return gateway.metric(f'gatehouse_redis_errors_total{{kind="{kind}"}}')

    def says(self, gateway, text):
        """In its log, which another thread writes."""
        wait_until(lambda: text in gateway.stderr(), text)

    def back(self, gateway):
        wait_until(lambda: gateway.metric("gatehouse_redis_away") == 0, "Redis is back")

    def test_two_gateways_share_one_limit(self):
        redis = self.redis()
        one, other = self.start(redis), self.start(redis)
        got = []
        for _ in range(8):
            got += self.statuses(one, 1) + self.statuses(other, 1)
        self.assertEqual(got[:10], [200] * 10)
        self.assertEqual(got[10:], [429] * 6)
        self.assertEqual(self.statuses(other, 1, "another"), [200])
        # What Redis keeps says nothing of the key, and is as long for every key.
        self.assertEqual(self.statuses(one, 1, "x" * 30000), [200])
        for key in redis.cli("KEYS", "*").split():
            self.assertRegex(key, r"\Agatehouse:limit:shared:[0-9a-f]{40}\Z")

    def test_stopped_in_mid_run_under_allow(self):
        redis = self.redis()
        gateway = self.start(redis, "on_store_failure: allow", rate="rate: 1000000/s")
        limited = [Load(gateway, "/limited") for _ in range(4)]
        plain = Load(gateway, "/plain")
        wait_until(lambda: len(limited[0].waits) > 50, "load")
        stopped = time.monotonic()
        redis.signal(signal.SIGSTOP)
        wait_until(lambda: gateway.metric("gatehouse_redis_away") == 1, "it is seen")
        seen = len(limited[0].waits)
        wait_until(lambda: len(limited[0].waits) > seen + 200, "load goes on")
        redis.signal(signal.SIGCONT)
        self.back(gateway)
        seen = gateway.metric("gatehouse_redis_calls_total")
        wait_until(lambda: gateway.metric("gatehouse_redis_calls_total") > seen + 50, "asked again")
        for load in limited:
            self.assertEqual(set(load.stop()), {200})
        self.assertEqual(set(plain.stop()), {200})
        late = sorted(wait for began, wait in plain.waits if began > stopped)
        self.assertLess(late[int(len(late) * 0.99)], 0.05, "other routes don't wait")
        # Four asked when it stopped; they waited for the timeout, nobody else did.
        waits = [wait for load in limited for _, wait in load.waits if wait > 0.09]
        self.assertLessEqual(len(waits), 4 * 3)
        self.assertLess(max(waits), 0.5)
        self.says(gateway, "Redis is back")
        log = gateway.stderr()
        self.assertEqual(log.count("Redis is away"), log.count("Redis is back"))

    def test_killed_and_restarted_under_deny(self):
        redis = self.redis()
        gateway = self.start(redis, "on_store_failure: deny")
        self.assertEqual(self.statuses(gateway, 1), [200])
        redis.kill()
        answer = wait_until(
            lambda: (lambda a: a if a.status == 503 else None)(gateway.fetch("/limited")), "503"
        )
        self.assertEqual(answer.headers["x-gatehouse-error"], "limiter_unavailable")
        self.assertEqual(gateway.fetch("/plain").status, 200)
        redis.start()
        self.back(gateway)
        self.assertEqual(self.statuses(gateway, 11), [200] * 10 + [429])  # It forgot everything.

    def test_local_counts_while_redis_is_away(self):
        redis = self.redis()
        gateway = self.start(redis, "on_store_failure: local")
        redis.kill()
        self.assertEqual(self.statuses(gateway, 12), [200] * 10 + [429] * 2)

    def test_a_redis_that_sleeps(self):
        redis = self.redis()
        gateway = self.start(redis, "on_store_failure: allow", rate="rate: 1000000/s")
        self.assertEqual(self.statuses(gateway, 1), [200])
        sleep = threading.Thread(target=redis.cli, args=("DEBUG", "SLEEP", "1"))
        sleep.start()
        load = Load(gateway, "/limited")
        wait_until(lambda: gateway.metric("gatehouse_redis_away") == 1, "it is seen")
        sleep.join(PATIENCE)
        self.back(gateway)
        self.assertEqual(set(load.stop()), {200})
        self.assertGreaterEqual(self.errors(gateway, "timeout"), 1)

    def test_scripts_flushed_in_mid_run(self):
        redis = self.redis()
        gateway = self.start(redis, "on_store_failure: deny", rate="rate: 1000000/s")
        loads = [Load(gateway, "/limited") for _ in range(4)]
        wait_until(lambda: len(loads[0].waits) > 20, "load")
        for _ in range(5):
            self.assertIn("OK", redis.cli("SCRIPT", "FLUSH"))
            seen = len(loads[0].waits)
            wait_until(lambda seen=seen: len(loads[0].waits) > seen + 20, "load")
        for load in loads:
            self.assertEqual(set(load.stop()), {200})
        self.assertGreaterEqual(gateway.metric("gatehouse_redis_script_loads_total"), 6)

    def test_a_replica_refuses(self):
        redis = self.redis()
        gateway = self.start(redis, "on_store_failure: deny")
        self.assertEqual(self.statuses(gateway, 1), [200])
        redis.cli("REPLICAOF", "127.0.0.1", "1")
        self.assertEqual(self.statuses(gateway, 1), [503])
        self.assertGreaterEqual(self.errors(gateway, "refused"), 1)
        self.says(gateway, "READONLY")
        redis.cli("REPLICAOF", "NO", "ONE")
        self.assertEqual(self.statuses(gateway, 1), [200])
        self.says(gateway, "Redis takes calls again")

    def test_passwords(self):
        redis = self.redis("--requirepass", PASSWORD)
        nobody = self.start(redis, "on_store_failure: deny")
        self.assertEqual(self.statuses(nobody, 1), [503])
        self.says(nobody, "NOAUTH")
        wrong = self.gateway(
            self.config(f"redis://:not-it-at-all@127.0.0.1:{redis.port}", "on_store_failure: deny")
        ).start()
        self.assertEqual(self.statuses(wrong, 2), [503] * 2)
        self.says(wrong, "WRONGPASS")
        self.assertNotIn("not-it-at-all", wrong.stderr())
        right = self.gateway(self.config(f"redis://:{IN_URL}@127.0.0.1:{redis.port}/3")).start()
        self.assertEqual(self.statuses(right, 11), [200] * 10 + [429])
        self.assertIn("db3:keys=1", redis.cli("INFO", "keyspace", password=PASSWORD))
        for shown in (
            right.command("config", "--effective", "-c", right.config_path).stdout,
            right.get("/config").body,
        ):
            self.assertIn("redis://:***@127.0.0.1", shown)
            self.assertNotIn(IN_URL, shown)
        for page in ("/filters/shared", "/filters", "/config/status", "/stats"):
            self.assertNotIn("s3cret", right.get(page).body)
        self.assertNotIn("s3cret", right.stderr())

    def test_a_user_with_the_least_rights(self):
        redis = self.redis()
        self.assertIn("OK", redis.cli("ACL", "SETUSER", "gate", "on", f">{PASSWORD}", *ACL.split()))
        gateway = self.gateway(
            self.config(f"redis://gate:{IN_URL}@127.0.0.1:{redis.port}", "on_store_failure: deny")
        ).start()
        self.assertEqual(self.statuses(gateway, 11), [200] * 10 + [429])
        redis.cli("SCRIPT", "FLUSH")
        self.assertEqual(self.statuses(gateway, 1), [429])
        redis.signal(signal.SIGSTOP)
        self.assertEqual(self.statuses(gateway, 1), [503])
        redis.signal(signal.SIGCONT)
        self.back(gateway)  # A probe has the rights it needs.
        self.assertEqual(self.statuses(gateway, 1), [429])
        # Each of them is needed.
        for right in ("+evalsha", "+script|load", "+time", "+get", "+set"):
            rest = [word for word in ACL.split() if word != right]
            redis.cli("SCRIPT", "FLUSH")
            redis.cli("ACL", "SETUSER", "gate", "reset", "on", f">{PASSWORD}", *rest)
            redis.cli("CLIENT", "KILL", "USER", "gate")
            self.assertEqual(self.statuses(gateway, 1, "new" + right), [503], right)

    def test_the_gateway_ends_with_calls_under_way(self):
        redis = self.redis()
        gateway = self.start(redis, "on_store_failure: allow, store_timeout: 20s")
        self.assertEqual(self.statuses(gateway, 1), [200])
        redis.signal(signal.SIGSTOP)
        waiting = [socket.create_connection(gateway.addresses["web"]) for _ in range(5)]
        for client in waiting:
            self.addCleanup(client.close)
            client.sendall(b"GET /limited HTTP/1.1\r\nhost: a\r\n\r\n")
        wait_until(lambda: gateway.metric("gatehouse_redis_calls_active") == 5, "they ask")
        waiting[0].close()  # Who leaves is not told, and nobody gets its answer.
        gateway.signal(signal.SIGTERM)
        gateway.signal(signal.SIGINT)
        self.assertEqual(gateway.wait(), 2)  # Told twice: at once, and in order.
        self.assertNotIn("ERROR: AddressSanitizer", gateway.stderr())

    def test_something_else_listens_there(self):
        with socket.create_server(("127.0.0.1", 0)) as server:

            def serve():
                try:
                    while True:
                        connection, _ = server.accept()
                        with connection:
                            connection.recv(4096)
                            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"x" * 100000)
                except OSError:
                    pass

            threading.Thread(target=serve, daemon=True).start()
            port = server.getsockname()[1]
            gateway = self.gateway(
                self.config(f"redis://127.0.0.1:{port}", "on_store_failure: allow")
            ).start()
            self.assertEqual(self.statuses(gateway, 20), [200] * 20)
            wait_until(lambda: self.errors(gateway, "malformed") >= 1, "it is seen")

    def test_a_socket_file(self):
        directory = tempfile.mkdtemp(prefix="gatehouse-redis-")
        self.addCleanup(shutil.rmtree, directory, True)
        path = os.path.join(directory, "redis.sock")
        self.redis("--unixsocket", path)
        gateway = self.gateway(self.config(f"unix://{path}?db=2")).start()
        self.assertEqual(self.statuses(gateway, 11), [200] * 10 + [429])


if __name__ == "__main__":
    unittest.main()
