# SPDX-License-Identifier: Apache-2.0
"""The admin endpoint over real connections, and the commands that ask it."""

import threading
import unittest

from gatehouse import GatewayTest, request

CONFIG = """
version: 1
admin: {{address: "{admin}"{tokens}}}
runtime: {{workers: 2}}
listeners:
  - {{name: web, address: 127.0.0.1:0, filters: [mark]}}
filters:
  mark: {{type: headers, response: {{set: {{x-mark: "1"}}}}}}
clusters:
  users:
    endpoints:
      - {{address: 127.0.0.1:9, weight: 2, labels: {{version: v2}}}}
routes:
  - {{name: ping, match: {{path: /ping}}, respond: {{status: 200, body: pong}}}}
  - name: canary
    match: {{host: "*.example.org", path_prefix: /users, headers: {{x-release: canary}}}}
    cluster: users
    labels: {{version: v2}}
"""


def config(admin="127.0.0.1:0", tokens=""):
    return CONFIG.format(admin=admin, tokens=tokens)


class AdminTest(GatewayTest):
    def test_every_page_answers(self):
        gateway = self.gateway(config()).start()
        index = gateway.get("/")
        self.assertEqual(index.headers["content-type"], "text/plain; charset=utf-8")
        pages = [line.split()[1] for line in index.body.splitlines() if line.startswith("GET")]
        self.assertGreater(len(pages), 10)
        for page in pages:
            path = page.split("?")[0]
            if "*" in path:
                continue  # Stands for names; their own tests ask for them.
            answer = gateway.get(path + ("?url=http://a/" if path == "/route" else ""))
            self.assertEqual(answer.status, 200, path)
            self.assertEqual(answer.headers["cache-control"], "no-store", path)
            head = request(
                gateway.admin, path + ("?url=http://a/" if path == "/route" else ""), "HEAD"
            )
            self.assertEqual((head.status, head.body), (200, ""), path)

    def test_what_is_served(self):
        gateway = self.gateway(config()).start()
        for _ in range(3):
            self.assertEqual(gateway.fetch("/ping").status, 200)
        listener = gateway.json("/listeners")["listeners"][0]
        self.assertEqual(listener["address"], "%s:%d" % gateway.addresses["web"])
        self.assertEqual(listener["filters"], ["mark"])
        self.assertEqual(listener["responses"]["2xx"], 3)
        ping, canary = gateway.json("/routes")["routes"]
        self.assertEqual(ping["requests"], 3)
        self.assertEqual(ping["respond"]["status"], 200)
        self.assertEqual(canary["match"]["hosts"], ["*.example.org"])
        self.assertEqual(canary["match"]["headers"], {"x-release": "canary"})
        self.assertEqual(canary["forward"][0]["labels"], {"version": "v2"})
        cluster = gateway.json("/clusters")["clusters"][0]
        self.assertEqual(
            cluster["endpoints"],
            [{"address": "127.0.0.1:9", "weight": 2, "labels": {"version": "v2"}}],
        )
        self.assertEqual(
            gateway.json("/filters")["filters"],
            [
                {
                    "name": "mark",
                    "type": "headers",
                    "required": False,
                    "listeners": ["web"],
                    "routes": 2,
                }
            ],
        )
        self.assertEqual(gateway.json("/server")["state"], "serving")
        self.assertEqual(gateway.json("/config/status")["epoch"], 1)
        self.assertIn("drain_timeout: 30s", gateway.get("/config").body)

    def test_the_route_tester_says_why(self):
        gateway = self.gateway(config()).start()
        asked = "/route?method=GET&url=http://api.example.org/users/7"
        taken = gateway.json(asked + "&header=x-release:canary")
        self.assertEqual(taken["route"]["name"], "canary")
        missed = gateway.json(asked)
        self.assertIsNone(missed["route"])
        self.assertIn("x-release", str(missed["near_misses"]))
        self.assertEqual(gateway.get("/route").status, 400)

    def test_metrics(self):
        gateway = self.gateway(config()).start()
        gateway.fetch("/ping")
        metrics = gateway.get("/metrics")
        self.assertTrue(metrics.headers["content-type"].startswith("text/plain; version=0.0.4"))
        self.assertEqual(gateway.metric('gatehouse_route_requests_total{route="ping"}'), 1)
        self.assertGreater(gateway.metric("process_resident_memory_bytes"), 1 << 20)
        self.assertGreater(gateway.metric("process_open_fds"), 5)
        self.assertGreater(gateway.metric("process_start_time_seconds"), 1 << 30)
        self.assertEqual(gateway.metric("gatehouse_config_last_reload_success"), 1)
        stats = gateway.json("/stats?filter=route_requests")
        self.assertEqual(stats['gatehouse_route_requests_total{route="ping"}'], 1)
        self.assertTrue(all("route_requests" in name for name in stats))

    def test_many_ask_at_once(self):
        gateway = self.gateway(config()).start()
        failures = []

        def ask():
            for path in ("/metrics", "/routes", "/clusters", "/stats", "/config/status") * 4:
                answer = gateway.get(path)
                if answer.status != 200:
                    failures.append((path, answer.status))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(failures, [])

    def test_keep_alive_and_pipelining_work_as_on_any_listener(self):
        gateway = self.gateway(config()).start()
        client = self.client(gateway.admin)
        for _ in range(3):
            self.assertEqual(client.exchange("/healthz"), (200, "ok\n"))
            self.assertEqual(client.exchange("/metrics")[0], 200)

    def test_mistakes_of_callers(self):
        gateway = self.gateway(config()).start()
        missing = gateway.get("/nothing")
        self.assertEqual((missing.status, missing.json()["error"]), (404, "not_found"))
        wrong = gateway.get("/reload")
        self.assertEqual((wrong.status, wrong.headers["allow"]), (405, "POST"))
        self.assertEqual(gateway.post("/logging?level=loud").status, 400)

    def test_validate_changes_nothing(self):
        gateway = self.gateway(config()).start()
        good = gateway.post("/config/validate", body=config())
        self.assertEqual((good.status, good.json()["valid"]), (200, True), good.body)
        bad = gateway.post("/config/validate", body=config().replace("respond", "repsond"))
        self.assertEqual(bad.status, 422)
        suggestions = [one.get("suggestion") for one in bad.json()["diagnostics"]]
        self.assertIn("respond", suggestions)
        for _ in range(50):
            gateway.post("/config/validate", body=config().replace("users", "other"))
        self.assertNotIn("other", gateway.get("/metrics").body)
        self.assertEqual(gateway.json("/config/status")["epoch"], 1)

    def test_validate_tells_no_secrets(self):
        gateway = self.gateway(config(), environment={"SECRET": "hunter2"}).start()
        text = config().replace("workers: 2", 'workers: "${SECRET}"').replace(
            "filters:\n", "filters:\n  deny: {type: ip_access, deny_file: /etc/passwd}\n"
        )
        answer = gateway.post("/config/validate", body=text)
        self.assertEqual(answer.status, 422)
        self.assertIn("runtime.workers", answer.body)
        self.assertIn("/etc/passwd", answer.body)
        self.assertNotIn("hunter2", answer.body)
        self.assertNotIn("root:", answer.body)

    def test_tokens(self):
        gateway = self.gateway(
            config(tokens=', tokens: {read: ["${READ}"], write: ["${WRITE}", "${NONE:-}"]}'),
            environment={"READ": "reader", "WRITE": "writer"},
        ).start()
        bearer = lambda token: {"Authorization": f"Bearer {token}"}
        self.assertEqual(gateway.get("/healthz").status, 200)
        self.assertEqual(gateway.get("/metrics").status, 401)
        self.assertEqual(gateway.get("/metrics", headers=bearer("reader")).status, 200)
        self.assertEqual(gateway.get("/metrics", headers=bearer("other")).status, 401)
        self.assertEqual(gateway.post("/reload", headers=bearer("reader")).status, 403)
        self.assertEqual(gateway.post("/reload", headers=bearer("writer")).status, 200)
        shown = gateway.get("/config", headers=bearer("writer")).body
        self.assertNotIn("writer", shown.replace("writers", ""))
        self.assertNotIn("reader", shown)

        address = "%s:%d" % gateway.admin
        refused = gateway.command("status", "--address", address)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("wants a token", refused.stderr)
        given = gateway.command("status", "--address", address, "--token", "reader")
        self.assertEqual(given.returncode, 0, given.stderr)
        found = gateway.command("reload", "--address", address, "-c", gateway.config_path)
        self.assertEqual(found.returncode, 0, found.stderr)
        read_only = gateway.command("drain", "--address", address, "--token", "reader")
        self.assertEqual(read_only.returncode, 1)
        self.assertIn("read only", read_only.stderr)

    def test_pages_of_other_sites_change_nothing(self):
        gateway = self.gateway(config()).start()
        own = "http://%s:%d" % gateway.admin
        for headers in ({"Host": "rebound.example"}, {"Origin": "http://evil.example"}):
            for path in ("/reload", "/drain", "/quit", "/logging?level=off"):
                self.assertEqual(gateway.post(path, headers=headers).status, 403, (path, headers))
        self.assertEqual(gateway.post("/reload", headers={"Origin": own}).status, 200)
        self.assertEqual(gateway.get("/server").json()["state"], "serving")

    def test_a_unix_socket(self):
        gateway = self.gateway(config())
        path = gateway.path("admin.sock")
        gateway.write(config(admin=f"unix:{path}"))
        gateway.launch()
        gateway._read_banner()
        done = gateway.command("status", "-c", gateway.config_path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("serving", done.stdout)

    def test_commands_when_nobody_listens(self):
        gateway = self.gateway(config())
        for command in ("reload", "drain", "status"):
            done = gateway.command(command, "--address", "127.0.0.1:1")
            self.assertEqual(done.returncode, 1)
            self.assertIn("nobody listens on 127.0.0.1:1", done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_status_in_words(self):
        gateway = self.gateway(config()).start()
        done = gateway.command("status", "--address", "http://%s:%d" % gateway.admin)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("serving", done.stdout)
        self.assertIn("epoch 1", done.stdout)


if __name__ == "__main__":
    unittest.main()
