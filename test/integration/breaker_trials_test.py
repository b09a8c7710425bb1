# SPDX-License-Identifier: Apache-2.0
"""Circuit breakers: trials that break off, wait, or have nobody who waits for them."""

import socket
import threading
import time
import unittest

from breaker_test import Moody, MoodyTest, leave, one_cluster
from gatehouse import wait_until


class Breaking(Moody):
    """Breaks off in the middle of the content when `broken`."""

    broken = False

    def _serve(self, connection):
        try:
            while connection.recv(65536):
                with self.lock:
                    self.requests += 1
                if self.broken:
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nabc")
                    self.go_on.wait(0.05)  # It dies while it sends.
                    leave(connection)
                    return
                connection.sendall(b"HTTP/1.1 %d X\r\ncontent-length: 0\r\n\r\n" % self.mood)
        except OSError:
            pass


class BreakerTrialsTest(MoodyTest):
    def ask(self, gateway, count):
        """At once; gives the statuses, 0 for a response that broke off."""
        statuses = []

        def fetch():
            try:
                statuses.append(gateway.fetch("/").status)
            except Exception:  # http.client.IncompleteRead, ConnectionResetError
                statuses.append(0)

        threads = [threading.Thread(target=fetch) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return statuses

    def test_responses_that_break_off_do_not_close_the_circuit(self):
        upstream = Breaking()
        self.addCleanup(upstream.stop)
        gateway = self.start(one_cluster(upstream, "{open_for: 200ms, max_open_for: 400ms}"))
        upstream.mood = 500
        self.break_it(gateway)
        upstream.broken = True
        for _ in range(3):
            wait_until(lambda: self.state(gateway) == "half_open", "half-open")
            self.assertEqual(self.ask(gateway, 6).count(0), 3)
            wait_until(lambda: self.state(gateway) == "open", "open again")
        breaker = self.breaker(gateway)
        self.assertEqual(breaker["cause"], "3 of 3 trials failed")
        self.assertEqual(breaker["trials_total"]["good"], 0)
        self.assertNotIn("circuit closed", gateway.stderr())
        self.assertRegex(gateway.stderr(), "3 of 3 trials failed\" for=400ms", "it doubles")

    def test_a_quiet_time_is_not_taken_from_the_trials(self):
        upstream = self.moody()
        gateway = self.start(one_cluster(upstream, "{open_for: 100ms, trial_timeout: 500ms}"))
        upstream.mood = 500
        self.break_it(gateway)
        wait_until(lambda: self.state(gateway) == "half_open", "half-open")
        quiet = time.monotonic() + 0.7
        wait_until(lambda: time.monotonic() > quiet, "longer than trial_timeout")
        upstream.answer = lambda method, path: (upstream.go_on.wait(0.2), (200, "well\n"))[1]
        self.assertEqual(sorted(self.ask(gateway, 9)), [200] * 3 + [503] * 6)
        self.assertEqual(self.state(gateway), "closed")
        self.assertEqual(self.breaker(gateway)["cause"], "3 of 3 trials went well")

    def test_clients_that_reset_do_not_let_everybody_through(self):
        upstream = self.moody()
        gateway = self.start(one_cluster(upstream, "{open_for: 300ms, trial_timeout: 1s}"))
        upstream.mood = 500
        self.break_it(gateway)
        wait_until(lambda: self.state(gateway) == "half_open", "half-open")
        upstream.mood = "hang"
        before = upstream.requests
        rejected = self.breaker(gateway)["rejected"]
        for count in range(1, 21):
            client = socket.create_connection(gateway.addresses["web"])
            client.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")

            def met(count=count):
                now = self.breaker(gateway)
                return upstream.requests - before + now["rejected"] - rejected >= count

            wait_until(met, "it tried, or was turned away")
            leave(client)
            active = 'gatehouse_cluster_requests_active{cluster="users"}'
            wait_until(lambda: gateway.metric(active) == 0, "gone")
            if self.state(gateway) == "open":
                break
        self.assertEqual(upstream.requests - before, 6)
        wait_until(lambda: self.state(gateway) == "open", "open again")
        self.assertEqual(self.breaker(gateway)["cause"], "no trial had a result in 1s")

    def test_who_waited_for_a_connection_tells_nothing(self):
        upstream = self.moody()
        gateway = self.start(
            one_cluster(
                upstream,
                "{min_requests: 4}",
                ", limits: {max_connections: 1}",
                ", timeouts: {response_headers: 500ms}",
            )
        )
        delay = [0.3]
        upstream.answer = lambda method, path: (upstream.go_on.wait(delay[0]), (200, "well\n"))[1]
        for _ in range(4):
            statuses = self.ask(gateway, 8)
            self.assertEqual(set(statuses), {200, 504})
        breaker = self.breaker(gateway)
        self.assertEqual((breaker["state"], breaker["window"]["failed"]), ("closed", 0))
        self.assertNotIn("circuit opened", gateway.stderr())
        # One that has had its time is to blame.
        delay[0] = 0.8
        for _ in range(8):
            self.ask(gateway, 1)
        wait_until(lambda: self.state(gateway) == "open", "open")


if __name__ == "__main__":
    unittest.main()
