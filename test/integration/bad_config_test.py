# SPDX-License-Identifier: Apache-2.0
"""Configurations that can't be had, or are not what they should be: what was loaded before goes on,
the cause is named where operators look, nothing leaks, and the next good file is taken."""

import os
import re
import shutil
import socket
import threading
import unittest

import gatehouse
from gatehouse import GatewayTest, wait_until

NOBODY = 65534
MIB = 1024 * 1024


def config(word="one", more=""):
    """The word is in it twice: a mixture of two texts shows."""
    return f"""
version: 1
admin: {{address: 127.0.0.1:0}}
runtime: {{workers: 2, drain_timeout: 5s}}
listeners:
  - {{name: web, address: 127.0.0.1:0}}
{more}
routes:
  - {{name: word, match: {{path: /word}}, respond: {{status: 200, body: "{word}"}}}}
  - {{name: again, match: {{path: /again}}, respond: {{status: 200, body: "{word}"}}}}
"""


def sanitized():
    """A sanitizer needs memory of its own."""
    with open(gatehouse.BINARY, "rb") as file:
        return re.search(rb"__[at]san_init", file.read()) is not None


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 30)
)


class BadConfigTest(GatewayTest):
    def setUp(self):
        self.words = 0

    # ---- what is asked of the gateway ----

    def status(self, gateway):
        return gateway.json("/config/status")

    def word(self, gateway):
        return gateway.fetch("/word").body

    def usage(self, gateway):
        """(descriptors, threads)"""
        folder = f"/proc/{gateway.process.pid}"
        return len(os.listdir(folder + "/fd")), len(os.listdir(folder + "/task"))

    def memory(self, gateway):
        """The most that was ever resident, in bytes."""
        with open(f"/proc/{gateway.process.pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        raise AssertionError("no VmHWM")

    def failed(self, gateway):
        return self.status(gateway)["attempts"]["failed"]

    def causes(self, gateway):
        """What /config/status says of the latest attempt, in one text."""
        last = self.status(gateway)["last"]
        return "\n".join([last.get("error", "")] + [one["text"] for one in last["diagnostics"]])

    def put_aside(self, path):
        """Makes room at `path`, whatever is there."""
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.remove(path)

    def expect_refused(self, gateway, spoil, cause, trigger="file"):
        """`spoil` makes the configuration bad; `cause` is then to be read in the status."""
        before, word = self.failed(gateway), self.word(gateway)
        spoil()
        if trigger == "POST":
            self.assertEqual(gateway.post("/reload").status, 422)
        wait_until(lambda: self.failed(gateway) > before, f"a failed attempt: {cause}")
        wait_until(lambda: cause in self.causes(gateway), f"the cause: {cause}")
        self.assertEqual(gateway.metric("gatehouse_config_last_reload_success"), 0)
        self.assertEqual(self.word(gateway), word)

    def expect_taken(self, gateway, more=""):
        """The next good file is taken."""
        self.words += 1
        word = f"good{self.words}"
        self.put_aside(gateway.path("gatehouse.yaml"))
        gateway.replace(config(word, more))
        wait_until(lambda: self.word(gateway) == word, f"the word {word}")
        wait_until(
            lambda: gateway.metric("gatehouse_config_last_reload_success") == 1, "the success"
        )

    def check(self, gateway, spoil, cause, trigger="file", most_memory=48 * MIB, more=""):
        """Refused and mended again and again: nothing grows."""
        self.expect_refused(gateway, spoil, cause, trigger)
        self.expect_taken(gateway, more)
        usage, memory = self.usage(gateway), self.memory(gateway)
        for _ in range(3):
            self.expect_refused(gateway, spoil, cause, trigger)
            self.expect_taken(gateway, more)
        wait_until(lambda: self.usage(gateway) <= usage, f"not more than {usage}")
        if not sanitized():
            self.assertLess(self.memory(gateway) - memory, most_memory)

    def started(self):
        return self.gateway(config()).start()

    def writer(self, gateway, text, mode="w"):
        def write():
            with open(gateway.path("gatehouse.yaml"), mode) as file:
                file.write(text)

        return write

    # ---- the file's text ----

    def test_a_half_written_file(self):
        gateway = self.started()
        text = config("whole")
        half = text[: text.index("respond")]
        self.check(gateway, self.writer(gateway, half), "not valid YAML")
        self.expect_refused(gateway, self.writer(gateway, half), "gatehouse.yaml:")
        with open(gateway.path("gatehouse.yaml"), "a", encoding="utf-8") as file:
            file.write(text[len(half) :])
        wait_until(lambda: self.word(gateway) == "whole", "the whole file")

    def test_an_empty_file(self):
        gateway = self.started()
        self.check(gateway, self.writer(gateway, ""), "empty configuration")

    def test_bytes_that_are_no_text(self):
        gateway = self.started()
        self.check(gateway, self.writer(gateway, b"\x7fELF\0\1\2\xff", "wb"), "character")

    def test_an_alias_bomb(self):
        gateway = self.started()
        self.check(gateway, self.writer(gateway, BOMB + config()), "values")

    def test_an_anchor_inside_itself(self):
        gateway = self.started()
        spoil = self.writer(gateway, config() + "x: &x [1, *x]\n")
        self.check(gateway, spoil, "an alias inside what it stands for")

    def test_nesting_without_end(self):
        gateway = self.started()
        self.check(gateway, self.writer(gateway, "x: " + "[" * 100_000), "nest")

    def test_a_hundred_megabytes(self):
        gateway = self.started()
        before = self.memory(gateway)

        def spoil():
            with open(gateway.path("gatehouse.yaml"), "wb") as file:
                file.write(b"#")
                file.truncate(100 * MIB)

        self.check(gateway, spoil, "larger than 64MiB", most_memory=8 * MIB)
        if not sanitized():
            # Refused before it was read.
            self.assertLess(self.memory(gateway) - before, 32 * MIB)

    def test_just_below_the_limit(self):
        gateway = self.started()
        spoil = self.writer(gateway, "# " + "x" * (63 * MIB) + "\nlisteners: 5\n")
        self.check(gateway, spoil, "listeners: expected a list", most_memory=160 * MIB)

    def test_ten_thousand_mistakes(self):
        gateway = self.started()
        spoil = self.writer(gateway, config() + "".join(f"key{i}: 1\n" for i in range(30_000)))
        self.check(gateway, spoil, "unknown key", most_memory=160 * MIB)

    # ---- the file itself ----

    def test_a_file_that_vanishes(self):
        gateway = self.started()
        path = gateway.path("gatehouse.yaml")
        self.check(gateway, lambda: os.remove(path), "No such file or directory")

    def test_something_else_in_its_place(self):
        gateway = self.started()
        path = gateway.path("gatehouse.yaml")

        def bind():
            with socket.socket(socket.AF_UNIX) as end:
                here = os.getcwd()
                os.chdir(gateway.directory)  # The paths of sockets are short.
                try:
                    end.bind("gatehouse.yaml")
                finally:
                    os.chdir(here)

        for make, cause in (
            (lambda: os.mkdir(path), "it is a directory"),
            (lambda: os.mkfifo(path), "it is a pipe"),
            (bind, "it is a socket"),
            (lambda: os.symlink("gatehouse.yaml", path), "Too many levels of symbolic links"),
            (lambda: os.symlink("nowhere", path), "No such file or directory"),
            (lambda: os.symlink("/dev/zero", path), "larger than 64MiB"),
            (lambda: os.symlink("/dev/null", path), "empty configuration"),
        ):
            with self.subTest(cause):

                def spoil(make=make):
                    self.put_aside(path)
                    make()

                self.check(gateway, spoil, cause, most_memory=160 * MIB)

    def test_a_pipe_holds_nothing_up(self):
        gateway = self.started()
        path = gateway.path("gatehouse.yaml")
        self.put_aside(path)
        os.mkfifo(path)
        self.assertEqual(gateway.post("/reload").status, 422)
        gateway.signal(gatehouse.TERM)
        self.assertEqual(gateway.wait(), 0)

    def test_a_file_that_may_not_be_read(self):
        gateway = self.gateway(config())
        if os.geteuid() == 0:  # Whom no permission stops.
            gateway.binary = gateway.path("gatehouse")
            shutil.copy(gatehouse.BINARY, gateway.binary)
            os.chown(gateway.directory, NOBODY, NOBODY)
            os.chmod(gateway.directory, 0o755)
            gateway.user = NOBODY
        gateway.start()
        path = gateway.path("gatehouse.yaml")
        self.check(gateway, lambda: os.chmod(path, 0), "Permission denied")
        self.expect_refused(gateway, lambda: os.chmod(path, 0), "Permission denied")
        gateway.write(config("readable"))
        os.chmod(path, 0o644)
        wait_until(lambda: self.word(gateway) == "readable", "the permission to be seen")

    # ---- what it includes ----

    def test_an_included_file_that_is_bad(self):
        more = "include: [extra.yaml]"
        gateway = self.gateway(config(more=more))
        extra = gateway.path("extra.yaml")
        good = "routes:\n  - {name: extra, match: {path: /extra}, respond: {status: 200}}\n"

        def put(text):
            self.put_aside(extra)
            with open(extra, "w", encoding="utf-8") as file:
                file.write(text)

        put(good)
        gateway.start()

        def replaced(make):
            def spoil():
                self.put_aside(extra)
                make()

            return spoil

        for make, cause in (
            (lambda: None, 'extra.yaml": No such file'),
            (lambda: os.mkdir(extra), "is a directory"),
            (lambda: os.mkfifo(extra), "it is a pipe"),
            (lambda: put(good[:30]), "not valid YAML"),
            (lambda: put(BOMB), "extra.yaml:"),
            (lambda: put("#" * (65 * MIB)), "larger than"),
            (lambda: put(good.replace("extra,", "word,")), 'the name "word" is taken'),
        ):
            with self.subTest(cause):
                usage = None
                for _ in range(3):
                    self.expect_refused(gateway, replaced(make), cause)
                    put(good)
                    self.expect_taken(gateway, more)
                    wait_until(
                        lambda u=usage: u is None or self.usage(gateway) <= u, "nothing to leak"
                    )
                    usage = usage or self.usage(gateway)

    # ---- races ----

    def served(self, gateway):
        return self.word(gateway), gateway.fetch("/again").body

    def expect_the_file_to_be_served(self, gateway):
        """Nothing writes any more."""
        with open(gateway.path("gatehouse.yaml"), encoding="utf-8") as file:
            word = file.read().split('body: "')[1].split('"')[0]
        wait_until(lambda: self.served(gateway) == (word, word), f"the last file: {word}")
        wait_until(lambda: not self.status(gateway)["reloading"], "the end of reloading")
        self.assertEqual(gateway.metric("gatehouse_config_last_reload_success"), 1)
        self.assertEqual(self.served(gateway), (word, word))

    def watch_for_mixtures(self, gateway, work):
        """Runs `work` while the effective configuration is looked at."""
        mixtures, looks, stop = [], [], threading.Event()

        def look():
            while not stop.is_set():
                words = re.findall(r'body: "?(\w+)', gateway.get("/config").body)
                looks.append(words)
                if len(words) != 2 or words[0] != words[1]:
                    mixtures.append(words)

        thread = threading.Thread(target=look)
        thread.start()
        try:
            work()
        finally:
            stop.set()
            thread.join()
        self.assertEqual(mixtures, [])
        self.assertGreater(len(looks), 3)

    def test_two_writers_that_rename(self):
        gateway = self.started()
        padding = "# " + "x" * 200_000 + "\n"  # So that a read takes more than a moment.

        def write(name):
            for i in range(150):
                temporary = gateway.path(f"{name}.new")
                with open(temporary, "w", encoding="utf-8") as file:
                    file.write(config(f"{name}{i}") + padding)
                os.rename(temporary, gateway.path("gatehouse.yaml"))

        def race():
            writers = [threading.Thread(target=write, args=(name,)) for name in ("left", "right")]
            for thread in writers:
                thread.start()
            while any(thread.is_alive() for thread in writers):
                gateway.post("/reload")
            for thread in writers:
                thread.join()

        usage = self.usage(gateway)
        self.watch_for_mixtures(gateway, race)
        self.expect_the_file_to_be_served(gateway)
        wait_until(lambda: self.usage(gateway)[1] <= usage[1], "no more threads")
        for one in self.status(gateway)["last"]["diagnostics"]:
            self.fail(one["text"])

    def test_a_link_that_is_swapped_while_it_is_read(self):
        gateway = self.gateway(config())
        link, path = gateway.path("current"), gateway.path("gatehouse.yaml")
        padding = "# " + "x" * 1_000_000 + "\n"

        def publish(i):
            folder = gateway.path(f"version{i}")
            os.mkdir(folder)
            with open(os.path.join(folder, "gatehouse.yaml"), "w", encoding="utf-8") as file:
                file.write(config(f"v{i}") + padding * (i % 3))
            os.symlink(folder, link + ".new")
            os.rename(link + ".new", link)

        os.remove(path)
        publish(0)
        os.symlink("current/gatehouse.yaml", path)
        gateway.start()

        def race():
            done = threading.Event()

            def ask():
                while not done.is_set():
                    gateway.post("/reload")

            asker = threading.Thread(target=ask)
            asker.start()
            for i in range(1, 60):
                publish(i)
            done.set()
            asker.join()

        self.watch_for_mixtures(gateway, race)
        self.expect_the_file_to_be_served(gateway)
        self.assertEqual(self.word(gateway), "v59")


if __name__ == "__main__":
    unittest.main()
