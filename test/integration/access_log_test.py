# SPDX-License-Identifier: Apache-2.0
"""The access log end to end: what it tells of a request's stages and of the filters' verdicts, which
requests it wants, where lines go, and that no secret is among them."""

import base64
import json
import re
import socket
import threading
import unittest

from gatehouse import wait_until
from http1 import Http1Test, answering, config, echo, lines_of, ok, refusing_address

STAGES = (
    'total: "%DURATION%", request: "%REQUEST_DURATION%", filters: "%FILTERS_DURATION%", '
    'connect: "%CONNECT_DURATION%", wait: "%RESPONSE_WAIT%", response: "%RESPONSE_DURATION%", '
    'upstream: "%UPSTREAM_DURATION%", gateway: "%GATEWAY_DURATION%"'
)
WHO = 'status: "%RESPONSE_CODE%", filter: "%FILTER%", verdicts: "%VERDICTS%", error: "%ERROR%"'


def after(seconds):
    """A stage that takes its time: what is measured here can't be waited for in another way."""
    threading.Event().wait(seconds)


class LogTest(Http1Test):
    def logging(self, *upstreams, fields="", filters="", before="", after_="", **arguments):
        """A gateway that logs `fields`, and a function that gives the next lines of its log."""
        gateway = self.gateway("")
        path = gateway.path("access.log")
        log = f'log: {{type: access_log, path: "{path}", format: json, fields: {{{fields}}}}}'
        chain = ", ".join(name for name in ("log", before) if name)
        gateway.write(
            config(
                [getattr(upstream, "address", upstream) for upstream in upstreams],
                listener=f"filters: [{chain}]" + arguments.pop("listener", ""),
                filters=log + (", " + filters if filters else ""),
                **arguments,
            )
        )
        gateway.start()
        return gateway, self.reader(path)

    def reader(self, path):
        seen = 0

        def more(count=1):
            nonlocal seen
            wait_until(lambda: len(lines_of(path)) >= seen + count, f"{count} more in {path}")
            out = [json.loads(line) for line in lines_of(path)[seen : seen + count]]
            seen += count
            return out if count > 1 else out[0]

        return more


class StagesTest(LogTest):
    def assert_stages(self, line, **expected):
        """Those named take at least so many milliseconds, and the others hardly any."""
        for name in ("filters", "connect", "wait", "response"):
            least = expected.get(name, 0)
            self.assertGreaterEqual(line[name], least - 5, (name, line))
            if least == 0:
                self.assertLess(line[name], 190, (name, line))
        self.assertAlmostEqual(
            line["connect"] + line["wait"] + line["response"], line["upstream"], delta=0.01
        )
        self.assertAlmostEqual(line["gateway"], line["total"] - line["upstream"], delta=0.01)

    def test_an_upstream_that_takes_its_time(self):
        def slow(wire, upstream):
            while True:
                upstream.request(wire)
                after(0.2)
                wire.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab")
                after(0.3)
                wire.send("cd")

        gateway, lines = self.logging(self.scripted(slow), fields=STAGES)
        wire = self.wire(gateway)
        for _ in range(2):
            wire.ask("/")
            line = lines()
            self.assert_stages(line, wait=200, response=300)
            self.assertLess(line["request"], 100)

    def test_a_client_that_takes_its_time(self):
        gateway, lines = self.logging(self.scripted(answering(echo)), fields=STAGES)
        wire = self.wire(gateway)
        wire.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab")
        after(0.3)
        wire.send("cd")
        wire.response()
        line = lines()
        self.assertGreaterEqual(line["request"], 295)
        self.assert_stages(line, wait=300)

    def test_a_filter_that_takes_its_time(self):
        def judge(request):
            after(0.25)
            return ok(b"")

        authority = self.scripted(answering(judge))
        upstream = self.scripted(answering(echo))
        gateway, lines = self.logging(
            upstream, fields=STAGES, before="ask",
            filters=f'ask: {{type: forward_auth, url: "http://{authority.address}/verify"}}',
        )  # fmt: skip
        self.assertEqual(self.wire(gateway).ask("/").status, 200)
        self.assert_stages(lines(), filters=250)

    def test_what_the_gateway_answers_itself(self):
        gateway, lines = self.logging(
            "127.0.0.1:1", fields=STAGES,
            top="  - {name: here, match: {path: /here, methods: [GET]}, respond: {status: 204}}",
        )  # fmt: skip
        with open(gateway.config_path, encoding="utf-8") as file:
            text = file.read()
        head, _, rest = text.rpartition("  - {name: all")
        here = [row for row in rest.splitlines() if "name: here" in row][0]
        gateway.replace(head + here + "\n  - {name: all" + rest.replace(here, ""))
        self.assertEqual(gateway.post("/reload").status, 200)
        self.assertEqual(self.wire(gateway).ask("/here").status, 204)
        line = lines()
        self.assertEqual(set(line), {"total", "request", "filters", "gateway"})
        self.assertGreater(line["filters"], 0)
        self.assertLessEqual(line["filters"], line["total"])

    def test_an_upstream_that_never_answers(self):
        def silent(wire, upstream):
            upstream.request(wire)
            wire.rest()

        gateway, lines = self.logging(
            self.scripted(silent), fields=STAGES, route="timeouts: {response_headers: 300ms}"
        )
        self.assertEqual(self.wire(gateway).ask("/").status, 504)
        line = lines()
        self.assertGreaterEqual(line["wait"], 295)
        self.assertNotIn("response", line)


class VerdictsTest(LogTest):
    def test_each_filter_that_refuses_is_named(self):
        authority = self.scripted(answering(lambda r: b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n"))
        chains = {
            "key": "{keys: [{name: acme, sha256: " + "ab" * 32 + "}], type: api_key}",
            "login": '{type: basic_auth, users: ["bob:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="]}',
            "token": "{type: jwt, issuer: i, audiences: [a], jwks: {inline: {keys: [{kty: oct, k: "
            + "A" * 43 + "}]}}}",
            "gate": "{type: rbac, rules: [{name: nobody, action: deny}]}",
            "small": "{type: max_body, max_bytes: 4B}",
            "ask": f'{{type: forward_auth, url: "http://{authority.address}/"}}',
        }  # fmt: skip
        expected = {
            "key": (401, "no credentials"),
            "login": (401, "no credentials"),
            "token": (401, "no credentials"),
            "gate": (403, 'denied by rule "nobody"'),
            "small": (413, "too large"),
            "ask": (403, "denied"),
        }
        upstream = self.scripted(answering(echo))
        for name, definition in chains.items():
            with self.subTest(name):
                gateway, lines = self.logging(
                    upstream, fields=WHO, before=name, filters=f"{name}: {definition}"
                )
                self.wire(gateway).ask("/", "POST", body=b"123456")
                line = lines()
                status, verdict = expected[name]
                self.assertEqual(line.pop("status"), status)
                self.assertTrue(line.pop("error"))
                self.assertEqual(line, {"filter": name, "verdicts": {name: verdict}})

    def test_who_let_it_in_and_who_did_not(self):
        secret = base64.b64encode(b"bob:foo").decode()
        gateway, lines = self.logging(
            self.scripted(answering(echo)), fields=WHO, before="login, gate",
            filters='login: {type: basic_auth, users: ["bob:{SHA}C+7Hteo/D9vJXQ3UfzxbwnXaijM="]}, '
            'gate: {type: rbac, rules: [{name: readers, action: allow, methods: [GET]}]}',
        )  # fmt: skip
        fields = f"authorization: Basic {secret}\r\n"
        wire = self.wire(gateway)
        self.assertEqual(wire.ask("/", fields=fields).status, 200)
        line = lines()
        self.assertNotIn("filter", line)
        self.assertEqual(
            line["verdicts"], {"login": "allowed", "gate": 'allowed by rule "readers"'}
        )
        wire.ask("/", "DELETE", fields=fields)
        line = lines()
        self.assertEqual(line["filter"], "gate")
        self.assertEqual(
            line["verdicts"], {"login": "allowed", "gate": "denied: no rule applies"}
        )

    def test_a_limit_and_the_fallback_that_answers_for_it(self):
        fields = (
            WHO + ', limit: "%LIMIT%", left: "%LIMIT_REMAINING%", reset: "%LIMIT_RESET%", '
            'by: "%LIMIT_FILTER%", fallback: "%FALLBACK%", labels: "%LABELS%", one: "%LABEL(v)%"'
        )
        upstream = self.scripted(answering(echo))
        for route in ("", "fallback: {status: 200, body: later, when: [rate_limited]}"):
            with self.subTest(route):
                gateway, lines = self.logging(
                    (f"{{address: '{upstream.address}', labels: {{v: v2}}}}",),
                    fields=fields, before="slow", filters="slow: {type: rate_limit, rate: 1/m}",
                    route="labels: {v: v2}" + (", " + route if route else ""),
                )  # fmt: skip
                wire = self.wire(gateway)
                self.assertEqual(wire.ask("/").status, 200)
                line = lines()
                self.assertNotIn("filter", line)
                self.assertEqual((line["limit"], line["left"], line["by"]), (1, 0, "slow"))
                self.assertEqual((line["labels"], line["one"]), ({"v": "v2"}, "v2"))
                self.assertEqual(wire.ask("/").status, 200 if route else 429)
                line = lines()
                self.assertEqual((line["filter"], line["by"]), ("slow", "slow"))
                self.assertGreater(line["reset"], 50_000)
                self.assertIn("slow", line["verdicts"])
                self.assertEqual(line.get("fallback"), "rate_limited" if route else None)

    def test_the_breaker_and_another_cluster(self):
        bad = self.scripted(answering(lambda r: b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"))

        def slow(request):
            after(0.2)
            return echo(request)

        other = self.scripted(answering(slow))
        gateway, lines = self.logging(
            bad,
            fields=WHO + ', breaker: "%BREAKER%", fallback: "%FALLBACK%", to: "%ENDPOINT%", ' + STAGES,
            cluster="circuit_breaker: {error_count: 1, open_for: 1h}}\n"
            f'  other: {{endpoints: ["{other.address}"]',
            route="fallback: {when: [circuit_open], cluster: other}",
        )
        wire = self.wire(gateway)
        self.assertEqual(wire.ask("/").status, 500)
        line = lines()
        self.assertEqual((line["breaker"], line.get("fallback")), ("closed", None))
        self.assertEqual(wire.ask("/").status, 200)
        line = lines()
        self.assertEqual((line["fallback"], line["to"]), ("circuit_open", other.address))
        self.assertNotIn("filter", line)
        self.assertGreaterEqual(line["wait"], 195)
        self.assertLess(line["filters"], 100)

    def test_the_gateway_s_own_errors_are_no_filter_s(self):
        held, refusing = refusing_address()
        self.addCleanup(held.close)
        gateway, lines = self.logging(
            refusing, fields=WHO, before="small", filters="small: {type: max_body}"
        )
        self.assertEqual(self.wire(gateway).ask("/").status, 503)
        line = lines()
        self.assertEqual((line["error"], line.get("filter")), ("connect_failed", None))

    def test_the_default_line_names_the_filter(self):
        gateway = self.gateway("")
        path = gateway.path("access.log")
        gateway.write(
            config(
                ["127.0.0.1:1"], listener="filters: [log, gate]",
                filters=f'log: {{type: access_log, path: "{path}", format: json}}, '
                "gate: {type: rbac, rules: [{name: nobody, action: deny}]}",
            )
        )  # fmt: skip
        gateway.start()
        self.wire(gateway).ask("/")
        self.assertEqual(self.reader(path)()["filter"], "gate")


class ConditionsTest(LogTest):
    def by_path(self, request):
        status = int(request.target.split("?")[0].rpartition("/")[2] or 200)
        return f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n".encode()

    def test_several_sinks_each_with_its_own(self):
        gateway = self.gateway("")
        everything, errors, posts = (gateway.path(name) for name in ("all", "errors", "posts"))
        gateway.write(
            config(
                [self.scripted(answering(self.by_path)).address], listener="filters: [log]",
                filters=f"""log: {{type: access_log, template: "%METHOD% %RESPONSE_CODE%", sinks: [
    {{path: "{everything}"}},
    {{path: "{errors}", format: json, fields: {{code: "%RESPONSE_CODE%"}},
      when: [{{status: [5xx, 429]}}, {{errors: true}}]}},
    {{path: "{posts}", when: {{methods: POST, not: {{status: 404}}}}}}]}}""",
            )
        )  # fmt: skip
        gateway.start()
        wire = self.wire(gateway)
        for method, status in (("GET", 200), ("GET", 503), ("POST", 404), ("POST", 429), ("GET", 201)):
            wire.ask(f"/{status}", method)
        wait_until(lambda: len(lines_of(everything)) == 5, "all of them")
        wait_until(lambda: lines_of(errors) == ['{"code":503}', '{"code":429}'], "errors")
        wait_until(lambda: lines_of(posts) == ["POST 429"], "posts")
        self.assertEqual(lines_of(everything)[0], "GET 200")
        state = gateway.json("/filters/log")
        self.assertEqual(
            [sink["to"] for sink in state["state"]["sinks"]], [everything, errors, posts]
        )
        lines = gateway.metric('gatehouse_filter_access_log_lines_total{filter="log"}')
        self.assertEqual(lines, 8)

    def test_a_sample_and_all_that_is_slow(self):
        gateway = self.gateway("")
        path = gateway.path("log")

        def script(wire, upstream):
            while True:
                request = upstream.request(wire)
                if request.target == "/slow":
                    after(0.3)
                wire.send(ok(b""))

        gateway.write(
            config(
                [self.scripted(script).address], listener="filters: [log]",
                filters=f'log: {{type: access_log, path: "{path}", template: "%PATH%", '
                "when: [{min_duration: 250ms}, {sample: 0.1}]}",
            )
        )  # fmt: skip
        gateway.start()
        wire = self.wire(gateway)
        for _ in range(10):
            wire.send("GET /quick HTTP/1.1\r\nhost: a\r\n\r\n" * 200)
            for _ in range(200):
                wire.response()
        wire.ask("/slow")
        wait_until(lambda: "/slow" in lines_of(path), "the slow one")
        # 200 of 2,000 are expected; 6 standard deviations are 80.
        self.assertGreater(lines_of(path).count("/quick"), 120)
        self.assertLess(lines_of(path).count("/quick"), 280)


class SyslogTest(LogTest):
    def syslog(self, address, more="", extra=""):
        upstream = self.scripted(answering(echo))
        gateway = self.start(
            upstream, listener="filters: [log]",
            filters=f'log: {{type: access_log, template: "%METHOD% %PATH%", {extra} '
            f'syslog: {{address: "{address}"{more}}}}}',
        )  # fmt: skip
        return gateway

    def receiver(self, family, address):
        receiver = socket.socket(family, socket.SOCK_DGRAM)
        self.addCleanup(receiver.close)
        receiver.bind(address)
        receiver.settimeout(30)
        return receiver

    def test_udp(self):
        receiver = self.receiver(socket.AF_INET, ("127.0.0.1", 0))
        gateway = self.syslog(f"udp://127.0.0.1:{receiver.getsockname()[1]}")
        self.wire(gateway).ask("/a")
        self.assertRegex(
            receiver.recv(65536).decode(),
            rf"^<134>1 \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z \S+ gatehouse "
            rf"{gateway.process.pid} access - GET /a$",
        )

    def test_a_unix_socket_that_comes_later(self):
        with_path = self.gateway("")
        path = with_path.path("log.socket")
        gateway = self.syslog(f"unix:{path}", ", facility: daemon, severity: notice, tag: web")
        self.wire(gateway).ask("/early")
        wait_until(lambda: path in gateway.stderr(), "it is said that nobody takes it")
        receiver = self.receiver(socket.AF_UNIX, path)
        self.assertRegex(
            receiver.recv(65536).decode(),
            rf"^<29>[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d web\[{gateway.process.pid}\]: GET /early$",
        )

    def test_tcp_and_a_server_that_restarts(self):
        server = socket.create_server(("127.0.0.1", 0))
        address = server.getsockname()
        gateway = self.syslog(f"tcp://127.0.0.1:{address[1]}")
        wire = self.wire(gateway)
        wire.ask("/one")
        server.settimeout(30)
        connection, _ = server.accept()
        connection.settimeout(30)
        self.assert_frame(connection, "GET /one")
        server.close()
        connection.close()
        wire.ask("/two")
        wait_until(
            lambda: gateway.json("/filters/log")["state"]["sinks"][0]["write_errors"] > 0, "noticed"
        )
        server = socket.create_server(address)
        self.addCleanup(server.close)
        server.settimeout(30)
        connection, _ = server.accept()
        self.addCleanup(connection.close)
        connection.settimeout(30)
        self.assert_frame(connection, "GET /two")

    def assert_frame(self, connection, text):
        got = b""
        while not (match := re.match(rb"(\d+) ", got)) or len(got) < match.end() + int(match[1]):
            chunk = connection.recv(65536)
            self.assertTrue(chunk, got)
            got += chunk
        self.assertEqual(len(got), match.end() + int(match[1]), got)
        self.assertTrue(got.decode().endswith(text), got)

    def test_a_server_that_reads_nothing_stops_nobody(self):
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        gateway = self.syslog(f"tcp://127.0.0.1:{server.getsockname()[1]}", extra="buffer: 64KiB,")
        wire = self.wire(gateway)
        one = f"GET /{'x' * 3000} HTTP/1.1\r\nhost: a\r\n\r\n" * 20
        name = 'gatehouse_filter_access_log_dropped_total{filter="log"}'
        for _ in range(400):
            wire.send(one)
            for _ in range(20):
                self.assertEqual(wire.response().status, 200)
            if gateway.metric(name) > 0:
                return
        self.fail("nothing was dropped of 24 MB of lines")

    def test_long_lines_are_cut(self):
        receiver = self.receiver(socket.AF_INET, ("127.0.0.1", 0))
        gateway = self.syslog(
            f"udp://127.0.0.1:{receiver.getsockname()[1]}", ", max_bytes: 480B"
        )
        self.wire(gateway).ask("/" + "y" * 3000)
        message = receiver.recv(65536)
        self.assertEqual(len(message), 480)
        self.assertTrue(message.endswith(b"yy..."))


class SecretsTest(LogTest):
    SECRET = "s3cr3tXYZ"

    def everywhere(self, wire):
        """A request with a secret in each place that can hold one."""
        s = self.SECRET
        queries = [
            f"token={s}", f"a=1&access_token={s}&b=2", f"acc%65ss_token={s}", f"API-Key={s}",
            f"user[password]={s}", f"user%5Bpassword%5D={s}", f"x=1;secret={s}", f"code={s};{s}",
            f"next=%2Fcb%3Ftoken%3D{s}", f"next=%252Fcb%253Fid_token%253D{s}%2526a%253D1",
            f"X-Amz-Signature={s}", f"invite={s}", f"k={s}", f"token={s}=={s}", f"ticket={s}",
        ]  # fmt: skip
        fields = "".join(
            f"{name}: {value}\r\n"
            for name, value in {
                "authorization": f"Bearer {s}", "proxy-authorization": f"Basic {s}",
                "cookie": f"session={s}; theme={s}", "x-api-key": s, "x-auth-token": s,
                "x-own": s, "x-session-key": s, "referer": f"https://bob:{s}@a.test/?token={s}",
                "x-original-url": f"/cb?code={s}",
            }.items()
        )  # fmt: skip
        for query in queries:
            wire.ask(f"/a?{query}", fields=fields)
        return len(queries)

    def gateway_with(self, redact=""):
        s = self.SECRET
        names = ("authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token",
                 "x-own", "x-session-key", "referer", "x-original-url")  # fmt: skip
        fields = ", ".join(f'{name}: "%REQ({name})%"' for name in names)
        fields += ', target: "%TARGET%", both: "a %TARGET% b", cut: "%REQ(authorization):9%", '
        fields += 'set: "%RESP(set-cookie)%", to: "%RESP(location)%"'
        upstream = self.scripted(
            answering(lambda r: ok("x", f"set-cookie: a={s}\r\nlocation: /b?code={s}#token={s}\r\n"))
        )
        gateway = self.gateway("")
        paths = [gateway.path(name) for name in ("json", "text", "default")]
        gateway.write(
            config(
                [upstream.address], listener="filters: [log, key]",
                filters=f"""log: {{type: access_log, {redact} sinks: [
    {{path: "{paths[0]}", fields: {{{fields}}}}},
    {{path: "{paths[1]}", format: text}},
    {{path: "{paths[2]}", format: json}}]}},
  key: {{type: api_key, allow_missing: true, from: [{{header: x-own}}, {{query: k}}],
        keys: [{{name: acme, sha256: {'ab' * 32}}}]}}""",
            )
        )  # fmt: skip
        return gateway.start(), paths

    def test_they_are_in_no_line(self):
        gateway, paths = self.gateway_with("redact: {headers: [x-session-key], query: [invite]},")
        count = self.everywhere(self.wire(gateway))
        for path in paths:
            wait_until(lambda: len(lines_of(path)) == count, path)
            with open(path, encoding="utf-8") as file:
                self.assertNotIn(self.SECRET, file.read())
        self.assertNotIn(self.SECRET, gateway.stderr())
        line = json.loads(lines_of(paths[0])[1])
        self.assertEqual(line["authorization"], "Bearer ***")
        self.assertEqual(line["cut"], "Bearer **")
        self.assertEqual(line["target"], "/a?a=1&access_token=***&b=2")
        self.assertEqual(line["both"], "a /a?a=1&access_token=***&b=2 b")
        self.assertEqual(line["cookie"], "***")
        self.assertEqual(line["referer"], "https://***@a.test/?token=***")

    def test_what_another_filter_takes_after_a_reload(self):
        gateway, paths = self.gateway_with("redact: {headers: [x-session-key], query: [invite]},")
        with open(gateway.config_path, encoding="utf-8") as file:
            text = file.read()
        gateway.replace(text.replace("{header: x-own}", "{header: x-new}"))
        self.assertEqual(gateway.post("/reload").status, 200)
        count = self.everywhere(self.wire(gateway))
        wait_until(lambda: len(lines_of(paths[0])) == count, "lines")
        self.assertNotIn(self.SECRET, "".join(lines_of(paths[0])), "x-own stays hidden")

    def test_off_is_off_and_said(self):
        gateway, paths = self.gateway_with("redact: off,")
        self.everywhere(self.wire(gateway))
        wait_until(lambda: lines_of(paths[0]), "lines")
        self.assertIn(f"Bearer {self.SECRET}", lines_of(paths[0])[0])
        checked = gateway.command("validate", "-c", gateway.config_path)
        self.assertIn("as they come", checked.stdout + checked.stderr)


if __name__ == "__main__":
    unittest.main()
