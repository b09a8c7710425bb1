# SPDX-License-Identifier: Apache-2.0
"""rbac in the real gateway, behind a filter that finds out who is calling: verdicts, headers, log,
metrics, dry runs, reloads, and what `gatehouse route` and GET /route say of the same requests."""

import hashlib
import json
import unittest
import urllib.parse

from gatehouse import wait_until
from http1 import Http1Test, answering, by_target

RULES = """
      - {name: health, action: allow, path: /healthz}
      - {name: operators, action: allow, groups: [ops], path_prefix: /admin, methods: [GET]}
      - {name: no-one-else, action: deny, path_prefix: /admin}
      - {name: canaries, action: allow, labels: {version: v2}, headers: {x-canary: "1"}}
      - {name: office, action: allow, client_ip: [192.0.2.0/24], hosts: [a.test]}
      - {name: gold, action: allow, attributes: {plan: [gold]}}
      - {name: trial, action: deny, dry_run: true, groups: {none: [staff]}}
      - {name: staff, action: allow, groups: {any: [staff], none: [banned]}}"""


def config(upstream, rules=RULES, more="", listener="access_log, keys, set, access"):
    def key(name, more):
        digest = hashlib.sha256(f"key-of-{name}".encode()).hexdigest()
        return f"      - {{name: {name}, sha256: {digest}, {more}}}"

    keys = "\n".join([
        key("alice", "groups: [staff, ops]"),
        key("bob", "groups: [staff]"),
        key("carol", "groups: [staff, banned]"),
        key("robot", "attributes: {plan: gold}"),
    ])  # fmt: skip
    return f"""
admin: {{address: 127.0.0.1:0}}
listeners:
  - {{name: web, address: 127.0.0.1:0, trusted_proxies: [127.0.0.1], filters: [{listener}]}}
filters:
  access_log: {{path: access.log, format: json}}
  keys:
    type: api_key
    allow_missing: true
    keys:
{keys}
  set:
    type: headers
    request: {{set: {{x-user: "%IDENTITY(subject)%", x-groups: "%IDENTITY(groups)%"}}}}
  access:
    type: rbac
    {more}
    rules:{rules}
clusters:
  up: {{endpoints: [{{address: "{upstream}", labels: {{version: v2}}}}, {{address: "{upstream}"}}]}}
routes:
  - {{name: second, match: {{path_prefix: /v2}}, cluster: up, labels: {{version: v2}}}}
  - {{name: all, cluster: up}}
"""


def key(name):
    return f"x-api-key: key-of-{name}\r\n" if name else ""


class RbacTest(Http1Test):
    def serve(self, **arguments):
        upstream = self.scripted(answering(by_target))
        self.text = lambda **more: config(upstream.address, **more)
        gateway = self.gateway("")
        gateway.write(self.text(**arguments))
        gateway.start()
        return gateway, upstream, self.wire(gateway)

    def status(self, wire, name, target="/", method="GET", fields=""):
        return wire.ask(target, method, key(name) + fields).status

    def last_line(self, gateway, count):
        def lines():
            try:
                with open(gateway.path("access.log"), encoding="utf-8") as file:
                    return file.read().split("\n")[:-1]
            except FileNotFoundError:
                return []

        wait_until(lambda: len(lines()) >= count, f"{count} lines")
        return json.loads(lines()[count - 1])

    def counter(self, gateway, what, rule=None):
        labels = 'filter="access"' + (f',rule="{rule}"' if rule else "")
        return gateway.metric(f"gatehouse_filter_rbac_{what}_total{{{labels}}}")

    def test_verdicts(self):
        gateway, _, wire = self.serve()
        for name, target, method, expected in [
            (None, "/healthz", "GET", 200),
            (None, "/healthz/", "GET", 403),
            ("alice", "/admin", "GET", 200),
            ("alice", "/admin/users", "GET", 200),
            ("alice", "/%61dmin", "GET", 200),  # Seen as routes see it.
            ("bob", "/%61dmin", "GET", 403),
            ("bob", "/x/../admin", "GET", 403),
            ("bob", "/administrators", "GET", 200),
            ("alice", "/admin", "DELETE", 403),
            ("bob", "/", "GET", 200),
            ("carol", "/", "GET", 403),
            ("robot", "/", "GET", 200),
            (None, "/", "GET", 403),
        ]:
            got = self.status(wire, name, target, method)
            self.assertEqual(got, expected, (name, target, method))
        self.assertEqual(self.status(wire, None, "/v2", fields="x-canary: 1\r\n"), 200)
        self.assertEqual(self.status(wire, None, "/", fields="x-canary: 1\r\n"), 403)
        self.assertEqual(self.status(wire, None, fields="x-forwarded-for: 192.0.2.9\r\n"), 200)
        self.assertEqual(self.counter(gateway, "decided", "no-one-else"), 3)

    def test_who_is_refused_is_in_the_log_and_not_in_the_answer(self):
        gateway, upstream, wire = self.serve()
        answer = wire.ask("/admin", fields=key("bob") + "accept: application/json\r\n")
        self.assertEqual(answer.status, 403)
        self.assertIsNone(answer.get("www-authenticate"))
        self.assertNotIn("no-one-else", answer.text)
        self.assertNotIn("bob", answer.text)
        line = self.last_line(gateway, 1)
        self.assertEqual(
            (line["subject"], line["status"], line["error"], line["error_detail"]),
            ("bob", 403, "not_permitted", 'access: rule "no-one-else" denies'),
        )
        self.assertEqual(self.status(wire, None), 403)
        line = self.last_line(gateway, 2)
        self.assertNotIn("subject", line)
        self.assertEqual(line["error_detail"], "access: no rule applies")
        self.assertEqual(upstream.requests, [])

    def test_who_is_calling_is_told_upstream(self):
        _, upstream, wire = self.serve()
        forged = "x-user: root\r\nx-groups: ops\r\n"
        self.assertEqual(self.status(wire, "alice", fields=forged), 200)
        self.assertEqual(upstream.last(1).all("x-user"), ["alice"])
        self.assertEqual(upstream.last(1).all("x-groups"), ["staff,ops"])
        self.assertEqual(self.status(wire, None, "/healthz", fields=forged), 200)
        self.assertFalse(upstream.last(2).has("x-user") or upstream.last(2).has("x-groups"))

    def test_dry_run_of_the_whole(self):
        gateway, _, wire = self.serve(more="dry_run: true")
        self.assertEqual(self.status(wire, "bob", "/admin"), 200)
        self.assertEqual(self.status(wire, "bob", "/admin/again"), 200)
        self.assertEqual(self.status(wire, None), 200)
        self.assertEqual(self.status(wire, "bob"), 200)
        self.assertEqual(self.counter(gateway, "would_deny"), 3)
        self.assertEqual(self.counter(gateway, "allowed"), 1)
        self.assertEqual(self.counter(gateway, "denied"), 0)

        def told():
            return [line for line in gateway.stderr().split("\n") if "rbac would deny" in line]

        wait_until(lambda: len(told()) >= 2, "the log tells of both")
        self.assertEqual(len(told()), 2, told())  # One for the rule, however often it decides.
        self.assertIn(
            "filter=access rule=no-one-else subject=bob method=GET path=/admin client=127.0.0.1 "
            "route=all held_back=0",
            told()[0],
        )

    def test_dry_run_of_a_rule_and_its_end_by_reload(self):
        gateway, _, wire = self.serve(rules="""
      - {name: robots, action: deny, dry_run: true, attributes: {plan: gold}}
      - {name: known, action: allow, authenticated: true}""")  # fmt: skip
        self.assertEqual(self.status(wire, "robot"), 200)
        self.assertEqual(self.status(wire, "bob"), 200)
        self.assertEqual(self.counter(gateway, "would_deny"), 1)
        self.assertEqual(self.counter(gateway, "decided", "robots"), 1)
        gateway.write(self.text(rules="""
      - {name: robots, action: deny, attributes: {plan: gold}}
      - {name: known, action: allow, authenticated: true}"""))  # fmt: skip
        self.assertEqual(gateway.post("/reload").status, 200)
        self.assertEqual(self.status(wire, "robot"), 403)
        self.assertEqual(self.status(wire, "bob"), 200)

    def test_the_explanation_is_the_verdict(self):
        gateway, _, wire = self.serve()
        people = {
            None: [],
            "alice": ["subject=alice", "kind=api_key", "groups=staff,ops"],
            "carol": ["subject=carol", "kind=api_key", "groups=staff", "groups=banned"],
            "robot": ["subject=robot", "kind=api_key", "attributes.plan=gold"],
        }
        for name, identity in people.items():
            for target in ("/", "/healthz", "/admin"):
                verdict = self.status(wire, name, target)
                query = urllib.parse.urlencode(
                    [("url", f"http://a.test{target}"), *(("identity", one) for one in identity)]
                )
                answer = gateway.json(f"/route?{query}")
                says = answer["filters"][-1]["explanation"]
                denies = " denies" in says or "so it denies" in says
                self.assertEqual(denies, verdict == 403, (name, target, says))
        arguments = ["route", "-c", gateway.config_path, "http://a.test/admin"]
        done = gateway.command(*arguments, "--identity", "subject=alice", "--identity", "groups=ops")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("  identity  alice (jwt), groups: ops\n", done.stdout)
        self.assertIn(
            'access: rule "operators" allows: method is GET, groups has ops, path is under /admin\n',
            done.stdout,
        )
        done = gateway.command(*arguments)
        self.assertIn('access: rule "no-one-else" denies: path is under /admin; ', done.stdout)
        self.assertIn("(nobody is authenticated)", done.stdout)
        done = gateway.command(*arguments, "--identity", "user=alice")
        self.assertEqual(done.returncode, 1)
        self.assertIn("expected subject, kind, filter, groups,", done.stderr)
        bad = gateway.get("/route?url=http://a.test/&identity=alice")
        self.assertEqual(bad.status, 400)
        self.assertIn("FIELD=VALUE", bad.json()["message"])

    def test_asked_before_it_is_known(self):
        gateway, _, _ = self.serve()
        gateway.write(self.text(listener="access, keys"))
        done = gateway.command("validate", "-c", gateway.config_path)
        self.assertIn(
            'filter "access" has rules about who is calling, but filter "keys", which finds that out, '
            "comes after it",
            done.stderr,
        )


if __name__ == "__main__":
    unittest.main()
