# SPDX-License-Identifier: Apache-2.0
"""Circuit breakers: endpoints that turn bad, slow, refuse and reset, before four workers."""

import socket
import struct
import threading
import time
import unittest

from gatehouse import Client, GatewayTest, Upstream, wait_until

WORKERS = 4


def config(clusters, routes, workers=WORKERS, filters=""):
    return f"""
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: {workers}, drain_timeout: 1s}}
listeners:
  - {{name: web, address: "127.0.0.1:0"}}
{filters}
clusters:
{clusters}
routes:
{routes}
"""


def one_cluster(upstream, breaker="{}", more="", route=""):
    return config(
        f"  users: {{endpoints: [{upstream.address}], circuit_breaker: {breaker}{more}}}",
        f"  - {{name: users, match: {{path_prefix: /}}, cluster: users{route}}}",
    )


class Moody(Upstream):
    """An endpoint that answers as it feels: a status, or "reset", or "hang" until told to go on."""

    def __init__(self):
        self.mood = 200
        self.go_on = threading.Event()
        self.held = 0
        super().__init__(self._answer)

    def _answer(self, method, path):
        if self.mood == "reset":
            raise OSError
        if self.mood == "hang":
            with self.lock:
                self.held += 1
            self.go_on.wait(30)
            return 200, "late\n"
        return self.mood, "upstream\n"


    def stop(self):
        """Connections are refused from now on."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)  # Wakes accept(), which would take one more.
        except OSError:
            pass
        super().stop()


def leave(client):
    """Closes with a RST: nobody waits for the answer any more."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class Traffic:
    """Clients on threads, at a rate together. `answers`: (when, status, whether the circuit is
    open)."""

    def __init__(self, address, rate, clients=8):
        self.address = address
        self.interval = clients / rate
        self.stopping = threading.Event()
        self.answers = []
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)

    def _run(self):
        client = Client(self.address)
        due = time.monotonic()
        while not self.stopping.is_set():
            try:
                if client.socket is None:
                    client.connect()
                status, body = client.exchange("/")
                self.answers.append((time.monotonic(), status, "circuit_open" in body))
            except (OSError, AssertionError):
                self.answers.append((time.monotonic(), 0, False))
                client.close()
            due += self.interval
            self.stopping.wait(max(0.0, due - time.monotonic()))
        client.close()


class MoodyTest(GatewayTest):
    def moody(self):
        upstream = Moody()
        self.addCleanup(upstream.stop)
        self.addCleanup(upstream.go_on.set)
        return upstream

    def start(self, text):
        return self.gateway(text).start()

    def breaker(self, gateway, labels=None, cluster="users"):
        for one in gateway.json("/clusters")["clusters"]:
            if one["name"] == cluster:
                for breaker in one["circuit_breakers"]:
                    if breaker["labels"] == (labels or {}):
                        return breaker
        raise AssertionError(f"no breaker of {cluster} with {labels}")

    def state(self, gateway, **named):
        return self.breaker(gateway, **named)["state"]

    def break_it(self, gateway, count=20, path="/"):
        """Requests one after the other; then time enough for the next one to look."""
        for _ in range(count):
            gateway.fetch(path)
        wait_until(lambda: self.state(gateway) == "open", "open")


class BreakerTest(MoodyTest):
    # ---- opening and closing ----

    def test_opens_within_a_second_at_1000_a_second_then_exactly_three_try(self):
        upstream = self.moody()
        gateway = self.start(one_cluster(upstream, "{open_for: 2s}"))
        with Traffic(gateway.addresses["web"], 1000) as traffic:
            wait_until(lambda: self.breaker(gateway)["window"]["requests"] > 5000, "a full window")
            began = time.monotonic()
            upstream.mood = 500
            wait_until(lambda: any(is_open for _, _, is_open in traffic.answers), "open")
            opened = min(at for at, _, is_open in traffic.answers if is_open)
            print(f"open {opened - began:.3f} s after turning bad")
            self.assertLess(opened - began, 1.0)
            wait_until(lambda: self.breaker(gateway)["trials_total"]["failed"] == 0, "none tried")
            before = upstream.requests
            transitions = 'gatehouse_cluster_breaker_transitions_total{cluster="users",to="%s"}'
            for phase in (1, 2):
                wait_until(
                    lambda phase=phase: gateway.metric(transitions % "open") == 1 + phase,
                    "it opened again",
                )
                self.assertEqual(upstream.requests - before, 3 * phase, "exactly three tried")
            self.assertEqual(self.breaker(gateway)["trials_total"]["failed"], 6)
            self.assertIn("trials failed", self.breaker(gateway)["cause"])
            upstream.mood = 200
            wait_until(lambda: self.state(gateway) == "closed", "closed")
        self.assertGreater(self.breaker(gateway)["rejected"], 1000)
        log = gateway.stderr()
        self.assertRegex(log, r"circuit opened cluster=users .*cause=\"\d+ of \d+ requests failed")
        self.assertIn("circuit half-open cluster=users", log)
        self.assertIn("circuit closed cluster=users", log)

    def test_of_many_at_once_exactly_the_half_open_number_gets_through(self):
        upstream = self.moody()
        gateway = self.start(
            one_cluster(upstream, "{open_for: 500ms, trial_timeout: 30s, half_open_requests: 5}")
        )
        upstream.mood = 503
        self.break_it(gateway)
        upstream.mood = "hang"
        answers = []

        def ask():
            answers.append(gateway.fetch("/").status)

        wait_until(lambda: self.state(gateway) == "half_open", "half-open")
        before = upstream.requests
        threads = [threading.Thread(target=ask) for _ in range(60)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answers) == 55, "all others have been turned away")
        self.assertEqual(set(answers), {503})
        self.assertEqual(upstream.requests - before, 5)
        self.assertEqual(self.breaker(gateway)["trials"], {"left": 0, "under_way": 5})
        upstream.go_on.set()
        for thread in threads:
            thread.join(30)
        self.assertEqual(answers.count(200), 5)
        self.assertEqual(self.state(gateway), "closed")

    def test_what_the_client_is_told(self):
        upstream = self.moody()
        gateway = self.start(one_cluster(upstream, "{open_for: 30s, min_requests: 5}"))
        upstream.mood = 500
        self.break_it(gateway, 5)
        answer = gateway.fetch("/")
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.headers["x-gatehouse-error"], "circuit_open")
        self.assertIn(int(answer.headers["retry-after"]), range(28, 31))
        breaker = self.breaker(gateway)
        self.assertEqual(breaker["cause"], "5 of 5 requests failed in 10s")
        self.assertGreater(breaker["seconds_left"], 25)
        state = 'gatehouse_cluster_breaker_state{cluster="users"}'
        self.assertEqual(gateway.metric(state), 2)
        self.assertEqual(
            gateway.metric('gatehouse_cluster_breaker_rejected_total{cluster="users"}'), 1
        )

    def opens_by(self, mood, breaker="", route="", count=20):
        upstream = self.moody()
        gateway = self.start(one_cluster(upstream, "{min_requests: 20%s}" % breaker, route=route))
        for _ in range(20):
            self.assertEqual(gateway.fetch("/").status, 200)
        upstream.mood = mood
        for _ in range(count):
            gateway.fetch("/")
        wait_until(lambda: self.state(gateway) == "open", "open")
        return self.breaker(gateway)["cause"]

    def test_resets_open_it(self):
        self.assertIn("20 of 40 requests failed", self.opens_by("reset"))

    def test_timeouts_open_it(self):
        cause = self.opens_by("hang", route=", timeouts: {response_headers: 50ms}")
        self.assertIn("20 of 40 requests failed", cause)

    def test_slow_ones_open_it(self):
        upstream = self.moody()
        breaker = "{min_requests: 10, slow_after: 20ms, error_ratio: 0}"
        gateway = self.start(one_cluster(upstream, breaker))
        pause = threading.Event()
        answer = upstream.answer
        upstream.answer = lambda method, path: (pause.wait(0.05), answer(method, path))[1]
        for _ in range(10):
            self.assertEqual(gateway.fetch("/").status, 200)
        wait_until(lambda: self.state(gateway) == "open", "open")
        self.assertEqual(
            self.breaker(gateway)["cause"], "10 of 10 requests took longer than 20ms in 10s"
        )

    def test_refused_connections_open_it(self):
        upstream = self.moody()
        gateway = self.start(one_cluster(upstream))
        upstream.stop()
        self.break_it(gateway)
        self.assertIn("20 of 20 requests failed", self.breaker(gateway)["cause"])

    def test_what_is_not_the_endpoints_fault_does_not_count(self):
        upstream = self.moody()
        gateway = self.start(
            one_cluster(upstream, "{min_requests: 5}", ", limits: {max_requests: 1}")
        )
        for status in (404, 429, 501, 505):
            upstream.mood = status
            for _ in range(10):
                self.assertEqual(gateway.fetch("/").status, status)
        self.assertEqual(self.breaker(gateway)["window"]["failed"], 0)
        # Clients that leave, and a limit of our own.
        upstream.mood = "hang"
        for count in range(1, 11):
            client = socket.create_connection(gateway.addresses["web"])
            client.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            wait_until(lambda count=count: upstream.held == count, "it hangs")
            self.assertEqual(gateway.fetch("/").headers["x-gatehouse-error"], "overloaded")
            leave(client)
            wait_until(
                lambda: gateway.metric('gatehouse_cluster_requests_active{cluster="users"}') == 0,
                "gone",
            )
        breaker = self.breaker(gateway)
        self.assertEqual((breaker["state"], breaker["window"]["failed"]), ("closed", 0))
        self.assertEqual(breaker["window"]["requests"], 40)

    def test_trials_whose_clients_leave_give_their_places_back(self):
        upstream = self.moody()
        gateway = self.start(one_cluster(upstream, "{open_for: 300ms, trial_timeout: 60s}"))
        upstream.mood = 500
        self.break_it(gateway)
        wait_until(lambda: self.state(gateway) == "half_open", "half-open")
        upstream.mood = "hang"
        for count in range(1, 4):
            client = socket.create_connection(gateway.addresses["web"])
            client.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            wait_until(lambda count=count: upstream.held == count, "it tries")
            leave(client)
            wait_until(
                lambda count=count: self.breaker(gateway)["trials_total"]["none"] == count, "void"
            )
        upstream.mood = 200
        for _ in range(3):
            self.assertEqual(gateway.fetch("/").status, 200)
        self.assertEqual(self.state(gateway), "closed")

    # ---- labels ----

    def labelled(self, v1, v2, scope):
        return config(
            f"""
  users:
    endpoints:
      - {{address: "{v1.address}", labels: {{version: v1}}}}
      - {{address: "{v2.address}", labels: {{version: v2}}}}
    circuit_breaker: {{min_requests: 5, open_for: 30s, scope: {scope}}}
""",
            """
  - {match: {path: /v1}, cluster: users, labels: {version: v1}}
  - {match: {path: /v2}, cluster: users, labels: {version: v2}}
  - {match: {path: /any}, cluster: users}
""",
        )

    def test_a_bad_version_does_not_open_the_others_circuit(self):
        v1, v2 = self.moody(), self.moody()
        v2.mood = 500
        gateway = self.start(self.labelled(v1, v2, "labels"))
        for _ in range(5):
            gateway.fetch("/v2")
        wait_until(lambda: self.state(gateway, labels={"version": "v2"}) == "open", "v2 is open")
        self.assertEqual(gateway.fetch("/v2").headers["x-gatehouse-error"], "circuit_open")
        for _ in range(20):
            self.assertEqual(gateway.fetch("/v1").status, 200)
        self.assertEqual(self.state(gateway, labels={"version": "v1"}), "closed")
        self.assertEqual(self.state(gateway), "closed")
        state = 'gatehouse_cluster_breaker_state{cluster="users",labels="version=v2"}'
        self.assertEqual(gateway.metric(state), 2)
        explained = gateway.json("/route?url=http://a/v2")
        self.assertEqual(explained["forward"]["arms"][0]["breaker"]["state"], "open")

    def test_with_the_clusters_scope_there_is_one(self):
        v1, v2 = self.moody(), self.moody()
        v2.mood = 500
        gateway = self.start(self.labelled(v1, v2, "cluster"))
        for _ in range(5):
            gateway.fetch("/v2")
        wait_until(lambda: self.state(gateway) == "open", "open")
        self.assertEqual(gateway.fetch("/v1").headers["x-gatehouse-error"], "circuit_open")

    # ---- by hand, and reloads ----

    def test_by_hand(self):
        upstream = self.moody()
        text = one_cluster(upstream, "{min_requests: 5}")
        gateway = self.start(text)
        opened = gateway.post("/clusters/users/breaker?state=open")
        self.assertEqual(opened.status, 200)
        self.assertEqual(opened.json()["circuit_breakers"][0]["state"], "open")
        self.assertEqual(gateway.fetch("/").status, 503)
        gateway.replace(text.replace("name: users, match", "name: people, match"))
        self.assertEqual(gateway.post("/reload").status, 200)
        self.assertEqual(gateway.fetch("/").status, 503, "a reload leaves it as it is")
        self.assertEqual(gateway.post("/clusters/users/breaker?state=closed").status, 200)
        upstream.mood = 500
        for _ in range(30):
            self.assertEqual(gateway.fetch("/").status, 500, "held closed")
        self.assertTrue(self.breaker(gateway)["manual"])
        self.assertEqual(gateway.post("/clusters/users/breaker?state=auto").status, 200)
        self.break_it(gateway, 6)
        upstream.mood = 200
        gateway.post("/clusters/users/breaker?state=open&for=300ms")
        wait_until(lambda: gateway.fetch("/").status == 200, "the command has ended")
        wait_until(lambda: gateway.fetch("/") and self.state(gateway) == "closed", "closed")

    def test_commands_that_cant_be_carried_out(self):
        upstream = self.moody()
        gateway = self.start(
            config(
                f"  users: {{endpoints: [{upstream.address}], circuit_breaker: {{}}}}\n"
                f"  bare: {{endpoints: [{upstream.address}]}}",
                "  - {match: {path: /u}, cluster: users}\n  - {match: {path: /b}, cluster: bare}",
            )
        )
        for path, status, error in [
            ("nobody/breaker?state=open", 404, "no_cluster"),
            ("bare/breaker?state=open", 404, "no_breaker"),
            ("users/breaker?state=open&labels=a=b", 404, "no_breaker"),
            ("users/breaker?state=ajar", 400, "bad_state"),
            ("users/breaker", 400, "bad_state"),
            ("users/breaker?state=open&for=5", 400, "bad_duration"),
            ("users/breaker?state=open&for=0s", 400, "bad_duration"),
            ("users/breaker?state=auto&for=5s", 400, "bad_duration"),
            ("users/breaker?state=open&fro=30s", 400, "bad_parameter"),
            ("users/breaker?state=open&for=30s&for=1s", 400, "bad_parameter"),
            ("users/breaker?state=open&label=a=b", 400, "bad_parameter"),
        ]:
            answer = gateway.post("/clusters/" + path)
            self.assertEqual((answer.status, answer.json()["error"]), (status, error), path)
        self.assertEqual(gateway.get("/clusters/users/breaker").status, 405)
        misspelt = gateway.post("/clusters/users/breaker?state=open&fro=30s")
        self.assertEqual(
            misspelt.json()["message"], 'unknown parameter "fro" (did you mean "for"?)'
        )
        self.assertEqual(self.state(gateway), "closed")
        self.assertNotIn("circuit command", gateway.stderr())
        gateway.post("/clusters/users/breaker?state=closed&for=30s")
        gateway.post("/clusters/users/breaker?state=closed&for=40s")
        log = gateway.stderr()
        self.assertIn('circuit command cluster=users labels="" state=closed for=30s', log)
        self.assertIn('circuit command cluster=users labels="" state=closed for=40s', log)

    def test_the_state_survives_reloads_under_load(self):
        upstream = self.moody()
        text = one_cluster(upstream, "{open_for: 60s}", ", limits: {max_requests: 1000}")
        gateway = self.start(text)
        upstream.mood = 500
        self.break_it(gateway)
        with Traffic(gateway.addresses["web"], 400) as traffic:
            wait_until(lambda: len(traffic.answers) > 50, "traffic")
            before = upstream.requests
            for i in range(20):
                gateway.replace(text.replace("max_requests: 1000", f"max_requests: {2000 + i}"))
                self.assertEqual(gateway.post("/reload").status, 200)
            wait_until(lambda: len(traffic.answers) > 500, "more traffic")
            self.assertEqual(upstream.requests, before, "nothing got through")
            self.assertEqual(self.breaker(gateway)["cause"], "20 of 20 requests failed in 10s")
            gateway.replace(text.replace("open_for: 60s", "open_for: 61s"))
            self.assertEqual(gateway.post("/reload").status, 200)
            wait_until(lambda: upstream.requests > before, "another definition begins closed")
        self.assertEqual({status for _, status, _ in traffic.answers}, {500, 503})

    def test_counts_in_the_window_survive_a_reload(self):
        upstream = self.moody()
        text = one_cluster(upstream, "{}", ", limits: {max_requests: 1000}")
        gateway = self.start(text)
        upstream.mood = 500
        for _ in range(12):
            gateway.fetch("/")
        gateway.replace(text.replace("max_requests: 1000", "max_requests: 1001"))
        self.assertEqual(gateway.post("/reload").status, 200)
        self.assertEqual(self.breaker(gateway)["window"]["failed"], 12)
        self.break_it(gateway, 8)


class FallbackTest(MoodyTest):
    """What routes answer instead."""

    STATIC = "status: 200, headers: {x-from: fallback}, body: '[]', content_type: application/json"

    def one(self, upstream, fallback, more="", breaker="{min_requests: 5}", route=""):
        return one_cluster(upstream, breaker, more, f", fallback: {{{fallback}}}{route}")

    def assert_static(self, answer, reason):
        self.assertEqual((answer.status, answer.body), (200, "[]"))
        self.assertEqual(answer.headers["x-gatehouse-fallback"], reason)
        self.assertEqual(answer.headers["x-from"], "fallback")
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertNotIn("x-gatehouse-error", answer.headers)
        self.assertNotIn("retry-after", answer.headers)

    def test_an_answer_while_the_circuit_is_open(self):
        upstream = self.moody()
        gateway = self.start(self.one(upstream, self.STATIC))
        upstream.mood = 500
        self.break_it(gateway, 5)
        self.assert_static(gateway.fetch("/"), "circuit_open")
        head = gateway.fetch("/", method="HEAD")
        self.assertEqual((head.status, head.body, head.headers["content-length"]), (200, "", "2"))
        self.assertEqual(gateway.metric('gatehouse_route_fallbacks_total{route="users"}'), 2)
        explained = gateway.json("/route?url=http://a/")
        self.assertEqual(explained["fallback"]["respond"], {"status": 200, "bytes": 2})

    def test_an_answer_for_each_reason(self):
        cases = [
            ("reset", "when: [reset]", "reset", ""),
            ("hang", "when: [timeout]", "timeout", ", timeouts: {response_headers: 50ms}"),
            (503, "when: [5xx]", "503", ""),
            (502, "when: [502]", "502", ""),
        ]
        for mood, when, reason, route in cases:
            upstream = self.moody()
            upstream.mood = mood
            gateway = self.start(self.one(upstream, f"{when}, {self.STATIC}", route=route))
            self.assert_static(gateway.fetch("/"), reason)
        upstream = self.moody()
        gateway = self.start(self.one(upstream, f"when: [no_healthy], {self.STATIC}"))
        upstream.stop()
        self.assert_static(gateway.fetch("/"), "no_healthy")

    def test_what_it_is_not_for_is_answered_as_ever(self):
        upstream = self.moody()
        gateway = self.start(self.one(upstream, f"when: [timeout, 503], {self.STATIC}"))
        for mood, status in [(500, 500), (404, 404), ("reset", 502)]:
            upstream.mood = mood
            self.assertEqual(gateway.fetch("/").status, status)

    def test_overloaded(self):
        upstream = self.moody()
        gateway = self.start(
            self.one(upstream, f"when: [overloaded], {self.STATIC}", ", limits: {max_requests: 1}")
        )
        upstream.mood = "hang"
        thread = threading.Thread(target=gateway.fetch, args=("/",))
        thread.start()
        wait_until(lambda: upstream.held == 1, "one is under way")
        self.assert_static(gateway.fetch("/"), "overloaded")
        upstream.go_on.set()
        thread.join(30)

    def test_a_body_from_a_file_is_read_again_by_reloads(self):
        upstream = self.moody()
        text = self.one(upstream, "body_file: empty.json, when: [503]")
        gateway = self.gateway(text)
        with open(gateway.path("empty.json"), "w", encoding="utf-8") as file:
            file.write("one")
        gateway.start()
        upstream.mood = 503
        self.assertEqual(gateway.fetch("/").body, "one")
        with open(gateway.path("empty.json"), "w", encoding="utf-8") as file:
            file.write("two")
        self.assertNotIn("unchanged", gateway.post("/reload").body)
        self.assertEqual(gateway.fetch("/").body, "two")
        self.assertIn("unchanged", gateway.post("/reload").body)

    def two(self, users, other, fallback, other_more="", filters="", route=""):
        return config(
            f"  users: {{endpoints: [{users.address}], circuit_breaker: {{min_requests: 5}}}}\n"
            f"  other: {{endpoints: [{other.address}]{other_more}}}",
            f"  - {{name: users, match: {{path_prefix: /}}, cluster: users, fallback: {{{fallback}}},"
            f" rewrite: {{prefix: /api}}{route}}}",
            filters=filters,
        )

    def test_another_cluster(self):
        users, other = self.moody(), self.moody()
        paths = []
        other.answer = lambda method, path: (paths.append((method, path)), (200, "other\n"))[1]
        when = "when: [circuit_open, no_healthy, timeout, reset, 503], cluster: other"
        gateway = self.start(
            self.two(users, other, when, route=", timeouts: {response_headers: 200ms}")
        )
        for mood, reason in [(503, "503"), ("reset", "reset"), ("hang", "timeout")]:
            users.mood = mood
            answer = gateway.fetch("/a?b=c")
            self.assertEqual((answer.status, answer.body), (200, "other\n"))
            self.assertEqual(answer.headers["x-gatehouse-fallback"], reason)
        users.mood = 500
        self.break_it(gateway, 5)
        answer = gateway.fetch("/a?b=c", method="POST", body="x" * 100_000)
        self.assertEqual((answer.status, answer.body), (200, "other\n"))
        self.assertEqual(paths[:3], [("GET", "/api/a?b=c")] * 3)
        self.assertEqual(paths[3], ("POST", "/api/a?b=c"))

    def test_when_the_other_cluster_fails_too_its_error_is_the_answer(self):
        users, other = self.moody(), self.moody()
        gateway = self.start(self.two(users, other, "when: [503, reset], cluster: other"))
        users.mood, other.mood = 503, "reset"
        answer = gateway.fetch("/")
        self.assertEqual((answer.status, answer.headers["x-gatehouse-error"]), (502, "upstream_reset"))
        other.mood = 503
        self.assertEqual(gateway.fetch("/").status, 503)
        self.assertEqual((users.requests, other.requests), (2, 2), "one try each")

    def test_the_other_clusters_breaker_is_asked(self):
        users, other = self.moody(), self.moody()
        gateway = self.start(
            self.two(users, other, "when: [503], cluster: other", ", circuit_breaker: {}")
        )
        gateway.post("/clusters/other/breaker?state=open")
        users.mood = 503
        answer = gateway.fetch("/")
        self.assertEqual((answer.status, answer.headers["x-gatehouse-error"]), (503, "circuit_open"))
        self.assertEqual(other.requests, 0)

    def test_uploads(self):
        """What came before there was a connection goes along; what an endpoint has seen does not."""
        users, other = BodyCounter(), BodyCounter()
        self.addCleanup(users.stop)
        self.addCleanup(other.stop)
        gateway = self.start(
            self.two(users, other, "when: [circuit_open, no_healthy, 503, reset], cluster: other")
        )
        body = "x" * 200_000
        users.status = 503
        answer = gateway.fetch("/", method="POST", body=body)
        self.assertEqual((answer.status, other.bodies), (503, []), "it had the content")
        users.status = 200
        users.stop()
        wait_until(
            lambda: gateway.fetch("/", method="POST", body=body).status == 200, "refused by now"
        )
        self.assertEqual(set(other.bodies), {200_000})
        gateway.post("/clusters/users/breaker?state=open")
        self.assertEqual(gateway.fetch("/", method="PUT", body=body).status, 200)
        self.assertEqual(set(other.bodies), {200_000})

    LIMIT = "filters: {slow_down: {type: rate_limit, rate: 1/m, burst: 1, headers: off}}"

    def test_rate_limited(self):
        upstream = self.moody()
        text = self.one(upstream, f"when: [rate_limited], {self.STATIC}", route=", filters: [slow_down]")
        gateway = self.start(text.replace("clusters:", self.LIMIT + "\nclusters:", 1))
        self.assertEqual(gateway.fetch("/").body, "upstream\n")
        self.assert_static(gateway.fetch("/"), "rate_limited")
        self.assertEqual(upstream.requests, 1)

    # The key of the limit is one that all share; the filters behind it ask for more.
    LIMITED = """filters:
  one: {type: rate_limit, rate: 1/h, key: route}
  again: {type: concurrency, max: 1}
  key: {type: api_key, keys: [{name: app, sha256: "%s"}], header: x-user}
  small: {type: max_body, max_bytes: 250KiB}
""" % (
        "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"  # Of "secret".
    )

    def limited(self, users, other):
        gateway = self.start(
            self.two(
                users,
                other,
                "when: [rate_limited], cluster: other",
                filters=self.LIMITED,
                route=", filters: [one, again, key, small]",
            )
        )
        secret = {"x-api-key": "secret"}
        self.assertEqual(gateway.fetch("/", headers=secret).status, 200)
        return gateway, secret

    def test_who_is_limited_meets_the_filters_behind(self):
        users, other = self.moody(), self.moody()
        seen = []
        other.answer = lambda method, path: (seen.append(path), (200, "other\n"))[1]
        gateway, secret = self.limited(users, other)
        for wrong in ({}, {"x-api-key": "guess", "x-user": "root"}):
            answer = gateway.fetch("/", headers=wrong)
            self.assertEqual(answer.status, 401)
            self.assertNotIn("x-gatehouse-fallback", answer.headers)
        answer = gateway.fetch("/", method="POST", body="x" * 300_000, headers=secret)
        self.assertEqual((answer.status, other.requests), (413, 0))
        answer = gateway.fetch("/a?b=c", headers=secret)
        self.assertEqual((answer.status, answer.body), (200, "other\n"))
        self.assertEqual(answer.headers["x-gatehouse-fallback"], "rate_limited")
        self.assertEqual(seen, ["/api/a?b=c"])
        self.assertEqual((users.requests, other.requests), (1, 1))

    def test_the_content_of_who_is_limited(self):
        users, other = BodyCounter(), BodyCounter()
        self.addCleanup(users.stop)
        self.addCleanup(other.stop)
        gateway, secret = self.limited(users, other)
        for size in (0, 5, 200_000):
            answer = gateway.fetch("/", method="POST", body="x" * size, headers=secret)
            self.assertEqual(answer.status, 200, size)
        self.assertEqual(other.bodies, [0, 5, 200_000])

    def test_refusals_that_are_the_requests_own_fault_stay(self):
        users, other = self.moody(), self.moody()
        gateway = self.start(
            self.two(
                users,
                other,
                "when: [circuit_open, rate_limited, 5xx], cluster: other",
                filters="filters: {small: {type: max_body, max_bytes: 10B}}",
                route=", filters: [small]",
            )
        )
        self.assertEqual(gateway.fetch("/", method="POST", body="x" * 100).status, 413)
        self.assertEqual(other.requests, 0)

    def test_a_response_whose_head_has_left_is_broken_off(self):
        """There is nothing to fall back to; it counts as a failure all the same."""
        users = HalfResponse()
        self.addCleanup(users.stop)
        gateway = self.start(self.one(users, f"when: [reset, timeout], {self.STATIC}"))
        for _ in range(5):
            client = socket.create_connection(gateway.addresses["web"], timeout=30)
            self.addCleanup(client.close)
            client.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            received = b""
            while not received.endswith(b"half"):
                received += client.recv(65536)
            users.go_on.set()
            try:
                self.assertEqual(client.recv(65536), b"")
            except ConnectionResetError:
                pass
        wait_until(lambda: self.state(gateway) == "open", "open")
        self.assertEqual(self.breaker(gateway)["cause"], "5 of 5 requests failed in 10s")

    def test_the_answer_passes_the_response_filters(self):
        upstream = self.moody()
        text = self.one(upstream, f"when: [503], {self.STATIC}", route=", filters: [mark]")
        mark = "filters: {mark: {type: headers, response: {set: {x-mark: seen}}}}"
        gateway = self.start(text.replace("clusters:", mark + "\nclusters:", 1))
        upstream.mood = 503
        answer = gateway.fetch("/")
        self.assert_static(answer, "503")
        self.assertEqual(answer.headers["x-mark"], "seen")

    def test_a_filters_own_requests_ask_the_breaker(self):
        guard, users = self.moody(), self.moody()
        guard.mood = 500
        gateway = self.start(
            config(
                f"  users: {{endpoints: [{users.address}]}}\n"
                f"  guard: {{endpoints: [{guard.address}], circuit_breaker: {{min_requests: 5}}}}",
                "  - {match: {path_prefix: /}, cluster: users, filters: [ask]}",
                filters="filters: {ask: {type: forward_auth, cluster: guard}}",
            )
        )
        for _ in range(5):
            self.assertNotEqual(gateway.fetch("/").status, 200)
        wait_until(lambda: self.state(gateway, cluster="guard") == "open", "open")
        before = guard.requests
        self.assertNotEqual(gateway.fetch("/").status, 200)
        self.assertEqual(guard.requests, before)


class HalfResponse(Moody):
    """Breaks off in the middle of the content, when it is told to go on."""

    def _serve(self, connection):
        try:
            while b"\r\n\r\n" not in connection.recv(65536):
                pass
            self.go_on.clear()
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
            self.go_on.wait(30)
        except OSError:
            pass
        finally:
            connection.close()


class BodyCounter(Moody):
    """Reads content of a declared length. `bodies`: how much each request had."""

    def __init__(self):
        self.status = 200
        self.bodies = []
        super().__init__()

    def _serve(self, connection):
        pending = b""
        try:
            while True:
                while b"\r\n\r\n" not in pending:
                    chunk = connection.recv(65536)
                    if not chunk:
                        return
                    pending += chunk
                head, _, pending = pending.partition(b"\r\n\r\n")
                fields = dict(
                    line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line
                )
                length = int(fields.get(b"content-length", b"0"))
                while len(pending) < length:
                    chunk = connection.recv(65536)
                    if not chunk:
                        return
                    pending += chunk
                pending = pending[length:]
                with self.lock:
                    self.requests += 1
                    self.bodies.append(length)
                connection.sendall(b"HTTP/1.1 %d X\r\ncontent-length: 0\r\n\r\n" % self.status)
        except OSError:
            pass
        finally:
            connection.close()


if __name__ == "__main__":
    unittest.main()
