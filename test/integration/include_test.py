# SPDX-License-Identifier: Apache-2.0
"""Files that a configuration includes: they are part of it, also when they come, change and go."""

import json
import os
import re
import threading
import unittest

from gatehouse import GatewayTest, wait_until

MAIN = """
version: 1
admin: {address: 127.0.0.1:0}
runtime: {workers: 2, drain_timeout: 5s}
include: [routes/*.yaml, last.yaml]
listeners:
  - {name: web, address: 127.0.0.1:0}
routes:
  - {name: main, match: {path: /main}, respond: {status: 200, body: main}}
"""


def route(name, word):
    text = f"{{name: {name}, match: {{path: /{name}}}, respond: {{status: 200, body: {word}}}}}"
    return f"routes:\n  - {text}\n"


class IncludeTest(GatewayTest):
    def made(self, main=MAIN):
        gateway = self.gateway(main)
        os.mkdir(gateway.path("routes"))
        self.put(gateway, "routes/a.yaml", route("a", "one"))
        self.put(gateway, "last.yaml", route("last", "end"))
        return gateway

    def put(self, gateway, name, text):
        with open(gateway.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def body(self, gateway, path):
        answer = gateway.fetch(path)
        return answer.body if answer.status == 200 else answer.status

    def wait_for(self, gateway, path, body):
        wait_until(lambda: self.body(gateway, path) == body, f"{path}: {body}")

    def status(self, gateway):
        return gateway.json("/config/status")

    def test_all_files_are_served_and_shown(self):
        gateway = self.made().start()
        for path, body in (("/main", "main"), ("/a", "one"), ("/last", "end")):
            self.assertEqual(self.body(gateway, path), body)
        effective = gateway.get("/config").body
        self.assertIn("name: last", effective)
        self.assertNotIn("include", effective)
        listed = [one["name"] for one in gateway.json("/routes")["routes"]]
        self.assertEqual(listed, ["main", "a", "last"])

    def test_a_file_changes_appears_and_vanishes(self):
        gateway = self.made().start()
        self.put(gateway, "routes/a.yaml", route("a", "two"))
        self.wait_for(gateway, "/a", "two")
        self.put(gateway, "routes/b.yaml", route("b", "new"))
        self.wait_for(gateway, "/b", "new")
        self.put(gateway, "routes/b.yaml", route("b", "newer"))
        self.wait_for(gateway, "/b", "newer")
        os.remove(gateway.path("routes/b.yaml"))
        self.wait_for(gateway, "/b", 404)
        os.rename(gateway.path("routes/a.yaml"), gateway.path("routes/c.yaml"))
        wait_until(lambda: self.status(gateway)["epoch"] >= 6, "the new name")
        self.assertEqual(self.body(gateway, "/a"), "two")
        self.assertEqual(self.status(gateway)["attempts"]["failed"], 0)

    def test_the_directory_itself_goes_and_comes(self):
        gateway = self.made().start()
        os.rename(gateway.path("routes"), gateway.path("away"))
        self.wait_for(gateway, "/a", 404)
        os.rename(gateway.path("away"), gateway.path("routes"))
        self.wait_for(gateway, "/a", "one")

    def test_files_that_nobody_includes_cost_no_reload(self):
        gateway = self.made().start()
        before = self.status(gateway)["attempts"]
        for i in range(20):
            self.put(gateway, f"routes/.a.yaml.{i}", "routes: nonsense\n")
        self.put(gateway, "routes/a.yaml", route("a", "two"))
        self.wait_for(gateway, "/a", "two")
        after = self.status(gateway)["attempts"]
        self.assertEqual(after["loaded"], before["loaded"] + 1)
        self.assertLessEqual(after["unchanged"], before["unchanged"] + 1)

    def test_a_literal_file_that_vanishes_is_a_mistake_until_it_is_back(self):
        gateway = self.made().start()
        os.remove(gateway.path("last.yaml"))
        wait_until(lambda: self.status(gateway)["attempts"]["failed"] == 1, "a failed attempt")
        last = self.status(gateway)["last"]
        self.assertIn("last.yaml", last["diagnostics"][0]["message"])
        self.assertEqual(self.body(gateway, "/last"), "end")
        self.put(gateway, "last.yaml", route("last", "again"))
        self.wait_for(gateway, "/last", "again")

    def test_the_included_file_is_blamed_and_mending_it_is_enough(self):
        gateway = self.made().start()
        self.put(gateway, "routes/a.yaml", route("main", "two"))
        wait_until(lambda: self.status(gateway)["attempts"]["failed"] == 1, "a failed attempt")
        (mistake,) = self.status(gateway)["last"]["diagnostics"]
        self.assertEqual(mistake["file"], gateway.path("routes/a.yaml"))
        self.assertEqual((mistake["line"], mistake["column"]), (2, 12))
        self.assertIn(gateway.path("gatehouse.yaml:9:12"), mistake["message"])
        self.assertEqual(self.body(gateway, "/a"), "one")
        self.put(gateway, "routes/a.yaml", route("a", "mended"))
        self.wait_for(gateway, "/a", "mended")

    def test_after_a_main_file_that_was_broken_and_put_back_files_are_still_watched(self):
        gateway = self.made().start()
        gateway.write("version: [\n")
        wait_until(lambda: self.status(gateway)["attempts"]["failed"] == 1, "a failed attempt")
        gateway.write(MAIN)
        wait_until(lambda: self.status(gateway)["attempts"]["unchanged"] >= 1, "the old text")
        self.put(gateway, "routes/a.yaml", route("a", "two"))
        self.wait_for(gateway, "/a", "two")

    def test_the_same_content_is_not_swapped(self):
        gateway = self.made().start()
        self.assertEqual(gateway.post("/reload").json()["result"], "unchanged")
        os.utime(gateway.path("routes/a.yaml"))
        self.assertEqual(gateway.post("/reload").json()["result"], "unchanged")
        epoch = self.status(gateway)["epoch"]
        self.put(gateway, "routes/a.yaml", route("a", "two"))
        report = gateway.post("/reload").json()
        self.assertEqual((report["result"], report["epoch"] > epoch), ("loaded", True))

    def test_a_swap_of_all_files_at_once_is_never_served_half(self):
        gateway = self.gateway(MAIN)
        link = gateway.path("..data")

        def publish(version):
            directory = gateway.path(f"..{version}")
            os.makedirs(os.path.join(directory, "routes"))
            texts = {
                # Long enough that it is being parsed when the others are swapped.
                "gatehouse.yaml": MAIN.replace("body: main", f"body: {version}") + "# x\n" * 50_000,
                "routes/a.yaml": route("a", version),
                "last.yaml": route("last", version),
            }
            for name, text in texts.items():
                with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                    file.write(text)
            os.symlink(f"..{version}", link + "_tmp")
            os.rename(link + "_tmp", link)

        os.remove(gateway.config_path)
        publish("v0")
        for name in ("gatehouse.yaml", "routes", "last.yaml"):
            os.symlink(os.path.join("..data", name), gateway.path(name))
        gateway.start()
        mixtures = []
        stop = threading.Event()

        def look():
            while not stop.is_set():
                shown = gateway.get("/config").body
                words = re.findall(r'body: "?(v\d+)', shown)
                if len(words) != 3 or len(set(words)) != 1:
                    mixtures.append(words)

        def ask():
            while not stop.is_set():
                gateway.post("/reload")

        threads = [threading.Thread(target=work) for work in (look, ask)]
        for thread in threads:
            thread.start()
        try:
            for i in range(1, 61):
                publish(f"v{i}")
            self.wait_for(gateway, "/main", "v60")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual([self.body(gateway, p) for p in ("/main", "/a", "/last")], ["v60"] * 3)
        self.assertEqual(mixtures, [])

    def test_the_commands_that_look(self):
        gateway = self.made()
        done = gateway.command("validate", "-c", gateway.config_path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("3 routes", done.stderr)
        done = gateway.command("config", "-c", gateway.config_path, "--effective")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("name: last", done.stdout)
        done = gateway.command("route", "-c", "gatehouse.yaml", "/last", "--json")
        self.assertEqual(json.loads(done.stdout)["route"]["at"], "last.yaml:2:5")

    def test_standard_input_includes_relative_to_the_working_directory(self):
        gateway = self.made()
        gateway.arguments = ["run", "-c", "-"]
        gateway.start(stdin=MAIN)
        self.assertEqual(self.body(gateway, "/a"), "one")

    def test_checking_a_text_tells_nothing_of_other_files(self):
        gateway = self.made().start()
        self.put(gateway, "secret.yaml", "clusters: {hunter2: 5}\n")
        text = MAIN.replace("last.yaml", "secret.yaml")
        answer = gateway.post("/config/validate", body=text)
        self.assertEqual(answer.status, 422)
        self.assertNotIn("expected a mapping", answer.body)


if __name__ == "__main__":
    unittest.main()
