# SPDX-License-Identifier: Apache-2.0
"""Reloading: every way to ask for it, all or nothing, and no request lost meanwhile."""

import os
import threading
import time
import unittest

from gatehouse import HUP, GatewayTest, Load, listens, wait_until


def config(word="one", more="", routes="", head=""):
    return f"""
version: 1
admin: {{address: 127.0.0.1:0}}
runtime: {{workers: 2, drain_timeout: 5s}}
{head}
listeners:
  - {{name: web, address: 127.0.0.1:0}}
{more}
routes:
  - {{name: word, match: {{path: /word}}, respond: {{status: 200, body: "{word}"}}}}
{routes}
"""


class ReloadTest(GatewayTest):
    def word(self, gateway):
        return gateway.fetch("/word").body

    def wait_for_word(self, gateway, word):
        wait_until(lambda: self.word(gateway) == word, f"the word {word}")

    def last(self, gateway):
        return gateway.json("/config/status")["last"]

    # ---- ways to ask ----

    def test_the_file_is_edited_in_place(self):
        gateway = self.gateway(config()).start()
        self.assertEqual(self.word(gateway), "one")
        for word in ("two", "three"):
            gateway.write(config(word))
            self.wait_for_word(gateway, word)
        status = gateway.json("/config/status")
        self.assertEqual(status["epoch"], 3)
        self.assertEqual(status["last"]["trigger"], "file")

    def test_the_file_is_replaced_by_a_rename(self):
        gateway = self.gateway(config()).start()
        for word in ("two", "three"):
            gateway.replace(config(word))
            self.wait_for_word(gateway, word)

    def test_a_symbolic_link_is_swapped_as_kubernetes_does(self):
        gateway = self.gateway(config())
        link = gateway.path("..data")

        def publish(version, text):
            directory = gateway.path(f"..{version}")
            os.mkdir(directory)
            with open(os.path.join(directory, "gatehouse.yaml"), "w", encoding="utf-8") as file:
                file.write(text)
            os.symlink(f"..{version}", link + "_tmp")
            os.rename(link + "_tmp", link)

        os.remove(gateway.config_path)
        publish("v1", config())
        os.symlink(os.path.join("..data", "gatehouse.yaml"), gateway.config_path)
        gateway.start()
        self.assertEqual(self.word(gateway), "one")
        for version, word in (("v2", "two"), ("v3", "three")):
            publish(version, config(word))
            self.wait_for_word(gateway, word)

    def test_hangup(self):
        gateway = self.gateway(config()).start()
        before = gateway.json("/config/status")["attempts"]["unchanged"]
        gateway.signal(HUP)
        wait_until(
            lambda: gateway.json("/config/status")["attempts"]["unchanged"] > before, "an attempt"
        )
        self.assertEqual(self.last(gateway)["trigger"], "SIGHUP")
        gateway.write(config("two"))
        gateway.signal(HUP)
        self.wait_for_word(gateway, "two")

    def test_the_admin_endpoint_answers_when_all_workers_serve_it(self):
        gateway = self.gateway(config()).start()
        for i in range(20):
            gateway.write(config(f"word{i}"))
            answer = gateway.post("/reload")
            self.assertEqual(answer.status, 200, answer.body)
            self.assertEqual([self.word(gateway) for _ in range(4)], [f"word{i}"] * 4)

    def test_the_command_line(self):
        gateway = self.gateway(config()).start()
        address = "%s:%d" % gateway.admin
        gateway.write(config("two"))
        done = gateway.command("reload", "--address", address)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("epoch 2 is served", done.stdout)
        self.assertEqual(self.word(gateway), "two")

        gateway.write(config("three", routes="  - {name: bad, match: {pth: /x}, cluster: none}"))
        done = gateway.command("reload", "--address", address)
        self.assertEqual(done.returncode, 1)
        self.assertIn("gatehouse.yaml:", done.stderr)
        self.assertIn('did you mean "path"', done.stderr)
        self.assertIn("epoch 2 is still served", done.stderr)
        self.assertEqual(self.word(gateway), "two")

    def test_the_same_content_is_not_swapped(self):
        gateway = self.gateway(config()).start()
        report = gateway.post("/reload").json()
        self.assertEqual((report["result"], report["epoch"]), ("unchanged", 1))
        os.utime(gateway.config_path)
        self.assertEqual(gateway.post("/reload").json()["result"], "unchanged")

    def test_a_file_that_a_filter_reads_counts_as_content(self):
        text = config(more="filters: {deny: {type: ip_access, deny_file: deny.txt}}").replace(
            "name: web, address: 127.0.0.1:0", "name: web, address: 127.0.0.1:0, filters: [deny]"
        )
        gateway = self.gateway(text)
        gateway.write(text.replace("deny.txt", gateway.path("deny.txt")))
        with open(gateway.path("deny.txt"), "w", encoding="utf-8") as file:
            file.write("192.0.2.1\n")
        gateway.start()
        self.assertEqual(gateway.fetch("/word").status, 200)
        with open(gateway.path("deny.txt"), "w", encoding="utf-8") as file:
            file.write("192.0.2.1\n127.0.0.1\n")
        # The file is watched, too: either way it is in force after the reload.
        self.assertIn(gateway.post("/reload").json()["result"], ("loaded", "unchanged"))
        self.assertEqual(gateway.fetch("/word").status, 403)

    def test_many_callers_each_get_the_result_of_their_content(self):
        gateway = self.gateway(config()).start()
        gateway.write(config("two"))
        answers = []
        threads = [
            threading.Thread(target=lambda: answers.append(gateway.post("/reload")))
            for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([answer.status for answer in answers], [200] * 20)
        self.assertEqual({answer.json()["epoch"] for answer in answers}, {2})
        self.assertEqual(self.word(gateway), "two")

    # ---- all or nothing ----

    def test_a_broken_file_keeps_what_is_served(self):
        gateway = self.gateway(config()).start()
        gateway.write(
            config("two", routes="  - {match: {path: /x}, clutser: users}\n  - {match: 5}")
        )
        failed = wait_until(
            lambda: (status := self.last(gateway))["result"] == "failed" and status, "the failure"
        )
        self.assertEqual(self.word(gateway), "one")
        self.assertGreaterEqual(failed["errors"], 2)
        first = failed["diagnostics"][0]
        self.assertEqual(first["severity"], "error")
        self.assertTrue(first["file"].endswith("gatehouse.yaml"))
        self.assertEqual(first["line"], 11)
        self.assertEqual(gateway.json("/config/status")["epoch"], 1)
        self.assertEqual(gateway.metric("gatehouse_config_last_reload_success"), 0)
        self.assertEqual(gateway.metric("gatehouse_config_epoch"), 1)
        self.assertGreaterEqual(
            gateway.metric('gatehouse_config_reloads_total{result="failed"}'), 1
        )
        wait_until(lambda: "reload failed" in gateway.stderr(), "the log line")
        wait_until(lambda: "clutser" in gateway.stderr(), "the mistake in the log")

        gateway.write(config("three"))
        self.wait_for_word(gateway, "three")
        wait_until(
            lambda: gateway.metric("gatehouse_config_last_reload_success") == 1, "the metric"
        )

    def test_a_file_that_vanishes_fails_with_its_cause(self):
        gateway = self.gateway(config()).start()
        os.remove(gateway.config_path)
        answer = gateway.post("/reload")
        self.assertEqual(answer.status, 422)
        self.assertIn("No such file", answer.json()["error"])
        self.assertEqual(self.word(gateway), "one")
        gateway.write(config("two"))
        self.wait_for_word(gateway, "two")

    def test_an_address_that_is_taken_changes_nothing(self):
        gateway = self.gateway(config()).start()
        busy = self.upstream()
        gateway.write(
            config("two").replace(
                "routes:", f"  - {{name: second, address: '{busy.address}'}}\nroutes:"
            )
        )
        answer = gateway.post("/reload")
        self.assertEqual(answer.status, 422)
        self.assertIn("second", answer.json()["error"])
        self.assertIn(busy.address, answer.json()["error"])
        self.assertEqual(self.word(gateway), "one")
        self.assertEqual([one["name"] for one in gateway.json("/listeners")["listeners"]], ["web"])

    def test_what_needs_a_restart_is_said(self):
        gateway = self.gateway(config()).start()
        gateway.write(
            config("two")
            .replace("workers: 2", "workers: 3")
            .replace("drain_timeout", "state_dir: elsewhere, drain_timeout")
            .replace("address: 127.0.0.1:0}\nruntime", "address: 127.0.0.2:0}\nruntime")
        )
        report = gateway.post("/reload").json()
        self.assertEqual(report["result"], "loaded")
        wanted = ["runtime.workers", "runtime.state_dir", "admin.address"]
        self.assertEqual(report["restart_required"], wanted)
        self.assertEqual(self.last(gateway)["restart_required"], wanted)
        self.assertEqual(self.word(gateway), "two")
        wait_until(
            lambda: "next start only key=runtime.workers" in gateway.stderr(), "the log line"
        )
        done = gateway.command("reload", "--address", "%s:%d" % gateway.admin)
        self.assertIn("runtime.workers", done.stdout)

    def test_tokens_and_log_level_change_live(self):
        gateway = self.gateway(config()).start()
        gateway.write(
            config()
            .replace("address: 127.0.0.1:0}\nr", "address: 127.0.0.1:0, tokens: {write: [w]}}\nr")
            .replace("workers: 2", "workers: 2, log_level: error")
        )
        self.assertEqual(gateway.post("/reload").status, 200)
        self.assertEqual(gateway.get("/server").status, 401)
        answer = gateway.get("/logging", headers={"Authorization": "Bearer w"})
        self.assertEqual(answer.json(), {"level": "error"})

    def test_standard_input_cannot_be_reloaded(self):
        gateway = self.gateway(config(), arguments=("run", "-c", "-")).start(stdin=config())
        answer = gateway.post("/reload")
        self.assertEqual(answer.status, 422)
        self.assertIn("<stdin>", answer.json()["error"])
        self.assertEqual(self.word(gateway), "one")

    # ---- listeners ----

    def test_listeners_come_and_go(self):
        gateway = self.gateway(config()).start()
        second = "  - {name: second, address: 127.0.0.1:0}\nroutes:"
        gateway.write(config("two").replace("routes:", second))
        self.assertEqual(gateway.post("/reload").status, 200)
        listeners = {one["name"]: one for one in gateway.json("/listeners")["listeners"]}
        host, port = listeners["second"]["address"].split(":")
        kept = self.client((host, int(port)))
        self.assertEqual(kept.exchange("/word"), (200, "two"))

        gateway.write(config("three"))
        self.assertEqual(gateway.post("/reload").status, 200)
        self.assertEqual(self.word(gateway), "three")
        self.assertFalse(listens((host, int(port))))
        # The connection that was open gets an answer to what it had sent, or its end: no reset.
        kept.socket.settimeout(10)
        self.assertEqual(kept.socket.recv(1), b"")

    def test_a_connection_of_a_listener_that_stays_survives(self):
        gateway = self.gateway(config()).start()
        client = self.client(gateway.addresses["web"])
        for word in ("two", "three"):
            gateway.write(config(word, head=f"# {word}"))
            self.assertEqual(gateway.post("/reload").status, 200)
            self.assertEqual(client.exchange("/word"), (200, word))

    def test_a_listener_is_renamed_and_moved_without_losing_a_request(self):
        def at(name, address):
            return config(name).replace(
                "name: web, address: 127.0.0.1:0", f"name: {name}, address: {address}"
            )

        gateway = self.gateway(config("web")).start()
        port = gateway.addresses["web"][1]
        with Load(gateway.addresses["web"], ["/word"], 4, 200.0, reconnect_every=3) as load:
            for name, address in (
                ("web", f"127.0.0.1:{port}"),  # As it was, but by its number.
                ("front", f"127.0.0.1:{port}"),
                ("front", f"0.0.0.0:{port}"),
                ("web", f"127.0.0.1:{port}"),
            ):
                gateway.write(at(name, address))
                answer = gateway.post("/reload")
                self.assertEqual(answer.status, 200, answer.body)
                self.assertEqual(self.word(gateway), name)
                listener = gateway.json("/listeners")["listeners"][0]
                self.assertEqual((listener["name"], listener["address"]), (name, address))
                seen = load.total
                wait_until(lambda: load.total > seen + 20, "more requests")
        self.assertEqual(load.failures, [])
        self.assertEqual(load.refused, [0] * 4)

    def test_requests_under_way_on_a_removed_listener_are_answered(self):
        begun, go_on = threading.Event(), threading.Event()

        def slow(method, path):
            begun.set()
            go_on.wait(30)
            return 200, "slow"

        upstream = self.upstream(slow)
        cluster = f"clusters: {{slow: {{endpoints: ['{upstream.address}']}}}}"
        route = "  - {name: slow, match: {path: /slow}, cluster: slow}"
        both = config(more=f"  - {{name: second, address: 127.0.0.1:0}}\n{cluster}", routes=route)
        gateway = self.gateway(both).start()
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(gateway.fetch("/slow", listener="second"))
        )
        thread.start()
        self.assertTrue(begun.wait(30))
        gateway.write(config("two", more=cluster, routes=route))
        self.assertEqual(gateway.post("/reload").status, 200)
        go_on.set()
        thread.join(30)
        self.assertEqual([(one.status, one.body) for one in answers], [(200, "slow")])

    # ---- under load ----

    def storm(self, reloads, rate, clients):
        """Reloads, every other one broken, while clients ask: no request is lost, and nothing of a
        broken one is ever served."""
        upstream = self.upstream()
        cluster = f"clusters: {{up: {{endpoints: ['{upstream.address}']}}}}"
        route = "  - {name: up, match: {path: /up}, cluster: up}"
        text = lambda word: config(word, more=cluster, routes=route)
        gateway = self.gateway(text("start")).start()
        pace = threading.Event()
        with Load(gateway.addresses["web"], ["/word", "/up"], clients, rate, wrong="never") as load:
            for i in range(reloads):
                if i % 2 == 0:
                    gateway.replace(text(f"word{i}"))
                    self.assertEqual(gateway.post("/reload").status, 200)
                else:
                    gateway.write(text("never") + "nonsense: [")
                    self.assertEqual(gateway.post("/reload").status, 422)
                pace.wait(0.05)
        self.assertEqual(load.failures[:10], [])
        self.assertEqual(load.refused, [0] * clients)
        self.assertGreater(load.total, reloads)
        self.assertEqual(self.word(gateway), f"word{(reloads - 1) // 2 * 2}")
        # Old snapshots don't pile up: descriptors neither.
        self.assertLess(gateway.metric("process_open_fds"), 100)
        return load, gateway

    def test_twenty_reloads_lose_no_request(self):
        self.storm(reloads=20, rate=300.0, clients=4)

    @unittest.skipUnless(os.environ.get("LONG"), "the long run")
    def test_two_hundred_reloads_at_a_thousand_requests_a_second_lose_no_request(self):
        began = time.monotonic()
        load, gateway = self.storm(reloads=200, rate=1000.0, clients=16)
        rate = load.total / (time.monotonic() - began)
        print(f"{load.total} requests, {rate:.0f}/s")
        self.assertGreater(rate, 500)


if __name__ == "__main__":
    unittest.main()
