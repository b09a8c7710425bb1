# SPDX-License-Identifier: Apache-2.0
"""Starting and ending: what is printed, in which order things stop, and the exit codes."""

import os
import threading
import time
import unittest

from gatehouse import INT, TERM, USR1, USR2, GatewayTest, Load, listens, request, wait_until

CONFIG = """
version: 1
admin: {{address: 127.0.0.1:0}}
runtime: {{workers: 2, drain_timeout: {timeout}, shutdown_delay: {delay}}}
listeners:
  - {{name: web, address: 127.0.0.1:0}}
clusters:
  up: {{endpoints: ["{upstream}"]}}
routes:
  - {{name: ping, match: {{path: /ping}}, respond: {{status: 200, body: pong}}}}
  - {{name: up, match: {{path_prefix: /up}}, cluster: up}}
"""


def config(upstream="127.0.0.1:9", timeout="30s", delay="0s"):
    return CONFIG.format(upstream=upstream, timeout=timeout, delay=delay)


class Gate:
    """An upstream's answer that waits until it is let go."""

    def __init__(self):
        self.begun = threading.Event()
        self.open = threading.Event()

    def __call__(self, method, path):
        self.begun.set()
        self.open.wait(60)
        return 200, "slow"


class DrainTest(GatewayTest):
    def slow(self, timeout="30s", delay="0s"):
        """A gateway with one request under way, and what answers that."""
        gate = Gate()
        self.addCleanup(gate.open.set)
        upstream = self.upstream(gate)
        gateway = self.gateway(config(upstream.address, timeout, delay)).start()
        answers = []

        def ask():
            try:
                answers.append(gateway.fetch("/up").status)
            except OSError as error:
                answers.append(repr(error))

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        self.assertTrue(gate.begun.wait(30))
        return gateway, gate, thread, answers

    def test_an_idle_process_ends_at_once(self):
        for signal in (TERM, INT):
            gateway = self.gateway(config()).start()
            began = time.monotonic()
            gateway.signal(signal)
            self.assertEqual(gateway.wait(), 0)
            self.assertLess(time.monotonic() - began, 10)

    def test_what_is_under_way_is_answered(self):
        gateway, gate, thread, answers = self.slow()
        gateway.signal(TERM)
        wait_until(lambda: gateway.get("/readyz").status == 503, "not ready")
        self.assertEqual(gateway.get("/readyz").body, "draining\n")
        self.assertEqual(gateway.get("/healthz").status, 200)
        wait_until(lambda: not listens(gateway.addresses["web"]), "refused")
        self.assertIsNone(gateway.process.poll())
        gate.open.set()
        thread.join(30)
        self.assertEqual(answers, [200])
        self.assertEqual(gateway.wait(), 0)

    def test_a_second_signal_forces(self):
        gateway, _, thread, answers = self.slow()
        gateway.signal(TERM)
        wait_until(lambda: gateway.get("/readyz").status == 503, "not ready")
        began = time.monotonic()
        gateway.signal(TERM)
        self.assertEqual(gateway.wait(), 2)
        self.assertLess(time.monotonic() - began, 10)

    def test_draining_takes_no_longer_than_it_may(self):
        gateway, _, thread, answers = self.slow(timeout="300ms")
        gateway.signal(TERM)
        self.assertEqual(gateway.wait(), 3)
        thread.join(30)
        self.assertNotEqual(answers, [200])
        self.assertIn("drain timed out", gateway.stderr())

    def test_readiness_fails_before_connections_are_refused(self):
        gateway = self.gateway(config(delay="1500ms")).start()
        gateway.signal(TERM)
        wait_until(lambda: gateway.get("/readyz").status == 503, "not ready")
        self.assertEqual(gateway.fetch("/ping").body, "pong")
        wait_until(lambda: not listens(gateway.addresses["web"]), "refused")
        self.assertEqual(gateway.wait(), 0)

    def test_the_admin_endpoint_drains_too(self):
        gateway, gate, thread, answers = self.slow()
        answer = gateway.post("/drain")
        self.assertEqual((answer.status, answer.json()), (202, {"state": "draining"}))
        self.assertEqual(gateway.get("/readyz").status, 503)
        self.assertEqual(gateway.post("/reload").status, 422)
        # An orchestrator's TERM after its hook has asked for draining is the first signal.
        gateway.signal(TERM)
        self.assertEqual(gateway.post("/drain").status, 202)
        gate.open.set()
        thread.join(30)
        self.assertEqual(answers, [200])
        self.assertEqual(gateway.wait(), 0)

    def test_quit_ends_at_once(self):
        gateway, _, _, _ = self.slow()
        began = time.monotonic()
        self.assertEqual(gateway.post("/quit").status, 202)
        self.assertEqual(gateway.wait(), 0)
        self.assertLess(time.monotonic() - began, 10)

    def under_load(self, paths, clients, rate, reconnect_every):
        upstream = self.upstream()
        gateway = self.gateway(config(upstream.address)).start()
        load = Load(gateway.addresses["web"], paths, clients, rate, reconnect_every)
        with load:
            wait_until(lambda: load.total > 200, "some requests")
            gateway.signal(TERM)
            load.join()
        self.assertEqual(load.failures[:10], [])
        self.assertEqual(load.refused, [1] * clients)
        self.assertEqual(gateway.wait(), 0)

    def test_under_load_every_request_is_answered(self):
        self.under_load(["/ping", "/up"], clients=8, rate=400.0, reconnect_every=50)

    def test_under_load_every_connection_that_is_made_is_served(self):
        for _ in range(3):
            self.under_load(["/ping"], clients=24, rate=20000.0, reconnect_every=1)


class StartTest(GatewayTest):
    def test_a_port_in_use(self):
        holder = self.upstream()
        text = config().replace("web, address: 127.0.0.1:0", f"web, address: '{holder.address}'")
        gateway = self.gateway(text).launch()
        self.assertEqual(gateway.wait(), 1)
        self.assertIn("web", gateway.stderr())
        self.assertIn(f"{holder.address}: the address is in use", gateway.stderr())
        self.assertEqual(len(gateway.stderr().splitlines()), 1)

    def test_the_admin_port_in_use(self):
        holder = self.upstream()
        text = config().replace("admin: {address: 127.0.0.1:0}", f"admin: {{address: '{holder.address}'}}")
        gateway = self.gateway(text).launch()
        self.assertEqual(gateway.wait(), 1)
        self.assertIn("admin", gateway.stderr())
        self.assertIn(holder.address, gateway.stderr())

    def test_every_mistake_is_named(self):
        text = config().replace("workers: 2", "wrokers: 2").replace("cluster: up", "cluster: upp")
        gateway = self.gateway(text).launch()
        self.assertEqual(gateway.wait(), 1)
        self.assertIn('did you mean "workers"', gateway.stderr())
        self.assertIn('did you mean "up"', gateway.stderr())

    def test_no_such_file(self):
        gateway = self.gateway(config())
        os.remove(gateway.config_path)
        gateway.launch()
        self.assertEqual(gateway.wait(), 1)
        self.assertIn("gatehouse.yaml", gateway.stderr())
        self.assertIn("No such file", gateway.stderr())

    def test_the_start_is_at_most_six_lines(self):
        many = "".join(f"  - {{name: web{i}, address: 127.0.0.1:0}}\n" for i in range(40))
        text = config().replace("clusters:", many + "clusters:\n  unused: {endpoints: [127.0.0.1:9]}")
        gateway = self.gateway(text).start()
        shown = gateway.banner + gateway.stderr().splitlines()
        self.assertLessEqual(len(shown), 6, shown)
        self.assertIn("and 33 more", "\n".join(shown))
        self.assertIn("warnings", shown[-1])
        self.assertEqual(len(gateway.json("/listeners")["listeners"]), 41)

    def test_proxy_needs_no_file(self):
        upstream = self.upstream(lambda method, path: (200, f"{method} {path}"))
        gateway = self.gateway(
            "", arguments=("proxy", "--listen", "127.0.0.1:0", "--to", f":{upstream.port}")
        ).start()
        self.assertEqual(gateway.fetch("/a?b", listener="proxy").body, "GET /a?b")
        gateway.signal(TERM)
        self.assertEqual(gateway.wait(), 0)

    def test_hostnames_are_resolved_before_the_first_request(self):
        upstream = self.upstream()
        gateway = self.gateway(config(f"localhost:{upstream.port}")).start()
        self.assertEqual(gateway.fetch("/up").status, 200)
        hosts = gateway.json("/clusters")["clusters"][0]["hosts"]
        self.assertEqual(hosts[0]["hostname"], "localhost")
        self.assertIn("127.0.0.1", hosts[0]["addresses"])

    def test_a_unix_socket_is_removed_in_the_end(self):
        gateway = self.gateway(config())
        path = gateway.path("web.sock")
        gateway.write(config().replace("web, address: 127.0.0.1:0", f"web, address: 'unix:{path}'"))
        gateway.start()
        self.assertTrue(os.path.exists(path))
        gateway.signal(TERM)
        self.assertEqual(gateway.wait(), 0)
        self.assertFalse(os.path.exists(path))

    def test_logs_are_reopened(self):
        log = "filters: {{access_log: {{path: '{path}'}}}}\nlisteners:"
        gateway = self.gateway(config())
        path = gateway.path("access.log")
        text = config().replace("listeners:", log.format(path=path))
        gateway.write(text.replace("web, address: 127.0.0.1:0", "web, address: 127.0.0.1:0, filters: [access_log]"))
        gateway.start()

        def lines(name):
            try:
                with open(name, encoding="utf-8") as file:
                    return len(file.readlines())
            except FileNotFoundError:
                return 0

        gateway.fetch("/ping")
        wait_until(lambda: lines(path) == 1, "the first line")
        os.rename(path, path + ".1")
        gateway.signal(USR1)
        wait_until(lambda: os.path.exists(path), "the new file")
        gateway.fetch("/ping")
        wait_until(lambda: lines(path) == 1, "the second line")
        self.assertEqual(lines(path + ".1"), 1)

    def test_hot_restart_is_named_and_harmless(self):
        gateway = self.gateway(config()).start()
        gateway.signal(USR2)
        wait_until(lambda: "hot restart is not supported yet" in gateway.stderr(), "the log line")
        self.assertEqual(request(gateway.addresses["web"], "/ping").status, 200)


if __name__ == "__main__":
    unittest.main()
