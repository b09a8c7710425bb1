# SPDX-License-Identifier: Apache-2.0
"""ip_access on real sockets: lists that change under load, entries over the admin endpoint, a disk
that is full, restarts, countries."""

import ipaddress
import json
import os
import random
import re
import signal
import struct
import threading
import time
import unittest

from gatehouse import Load, TERM, wait_until
from http1 import Http1Test, answering, config, ok, pss_bytes

MILLION = 1_000_000


def replace(path, text):
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(text)
    os.rename(path + ".new", path)


def million_lines(seed):
    """As many blocks, IPv4 and IPv6, none of them of this machine."""
    draw = random.Random(seed)
    lines = []
    for i in range(MILLION):
        bits = draw.getrandbits(64)
        if i % 2 == 0:
            lines.append(f"{128 + bits % 90}.{bits >> 8 & 255}.{bits >> 16 & 255}.{bits >> 24 & 255}")
        else:
            lines.append(f"2001:{bits & 0xffff:x}:{bits >> 16 & 0xffff:x}:{bits >> 32 & 0xffff:x}::/64")
    return "\n".join(lines) + "\n"


def country_db(countries):
    """A MaxMind database (format 2.0) of {block: code}: 24 bits a record, both families."""
    nodes, data = [[None, None]], b""

    def text(value):
        return bytes([2 << 5 | len(value)]) + value.encode()

    def number(kind, size, value):
        head = bytes([kind << 5 | size]) if kind < 8 else bytes([size, kind - 7])
        return head + value.to_bytes(size, "big")

    for block, code in countries.items():
        net = ipaddress.ip_network(block)
        length = net.prefixlen + (96 if net.version == 4 else 0)
        bits, at = int(net.network_address), 0
        for i in range(length):
            side = bits >> (127 - i) & 1
            if i + 1 == length:
                nodes[at][side] = -1 - len(data)
            else:
                if nodes[at][side] is None:
                    nodes[at][side] = len(nodes)
                    nodes.append([None, None])
                at = nodes[at][side]
        data += b"\xe1" + text("country") + b"\xe1" + text("iso_code") + text(code)
    tree = b""
    for node in nodes:
        for link in node:
            value = len(nodes) if link is None else link if link >= 0 else len(nodes) + 15 - link
            tree += value.to_bytes(3, "big")
    meta = {
        "node_count": number(6, 4, len(nodes)), "record_size": number(5, 2, 24),
        "ip_version": number(5, 2, 6), "database_type": text("Made-Country"),
        "binary_format_major_version": number(5, 2, 2),
        "binary_format_minor_version": number(5, 2, 0),
        "build_epoch": number(9, 8, 1_700_000_000), "languages": b"\0\4", "description": b"\xe0",
    }  # fmt: skip
    out = tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + bytes([7 << 5 | len(meta)])
    return out + b"".join(text(key) + value for key, value in meta.items())


class IpAccessTest(Http1Test):
    def serve(self, filters, top="", workers=1, listener="filters: [ban]", start=True, prepare=None):
        """A gateway with `filters`, in which {dir} is a folder of its own."""
        upstream = self.scripted(answering(lambda r: ok("hello\n")))
        gateway = self.gateway("")
        if prepare:
            prepare(gateway)
        text = config([upstream.address], listener=listener, workers=workers,
                      filters=filters.replace("{dir}", gateway.directory))  # fmt: skip
        gateway.write(text.replace("runtime: {", f"runtime: {{{top.replace('{dir}', gateway.directory)}"))
        return gateway.start() if start else gateway

    def metric(self, gateway, what, name="ban"):
        return gateway.metric(f'gatehouse_filter_ip_access_{what}_total{{filter="{name}"}}')

    def state(self, gateway, name="ban"):
        return gateway.json(f"/filters/{name}")["state"]

    def post(self, gateway, entries, status=200, name="ban"):
        answer = gateway.post(f"/filters/{name}/entries", json.dumps(entries))
        self.assertEqual(answer.status, status, answer.body)
        return answer.json()

    def again(self, gateway):
        """The same configuration in a new process."""
        gateway.signal(TERM)
        self.assertEqual(gateway.wait(), 0)
        gateway.process.stdout.close()
        gateway.banner, gateway.addresses = [], {}
        return gateway.start()


class FileTest(IpAccessTest):
    FILTER = 'ban: {type: ip_access, deny_file: "{dir}/deny.txt"}'

    def with_list(self, text, **more):
        return self.serve(self.FILTER, prepare=lambda g: replace(g.path("deny.txt"), text), **more)

    def test_edits_count_at_once_also_on_open_connections(self):
        gateway = self.with_list("192.0.2.1\n")
        wire = self.wire(gateway)
        self.assertEqual(wire.ask("/").status, 200)
        with open(gateway.path("deny.txt"), "a", encoding="ascii") as file:
            file.write("127.0.0.0/8 ; here\n")
        wait_until(lambda: wire.ask("/").status == 403, "banned, on the same connection")
        replace(gateway.path("deny.txt"), "192.0.2.1\n")
        wait_until(lambda: wire.ask("/").status == 200, "let in again, by a rename")

    def test_a_link_that_is_swapped(self):
        def prepare(gateway):
            for version, text in (("v1", "192.0.2.1\n"), ("v2", "127.0.0.1\n")):
                os.mkdir(gateway.path(version))
                replace(gateway.path(version + "/deny.txt"), text)
            os.symlink("v1", gateway.path("..data"))
            os.symlink("..data/deny.txt", gateway.path("deny.txt"))

        gateway = self.serve(self.FILTER, prepare=prepare)
        self.assertEqual(gateway.fetch("/").status, 200)
        os.symlink("v2", gateway.path("..new"))
        os.rename(gateway.path("..new"), gateway.path("..data"))
        wait_until(lambda: gateway.fetch("/").status == 403, "the other version")

    def test_bad_lines_change_nothing_and_are_told(self):
        gateway = self.with_list("127.0.0.1\n")
        self.assertEqual(gateway.fetch("/").status, 403)
        replace(gateway.path("deny.txt"), "192.0.2.1\nnonsense\n10.0.0.1/8\n")
        wait_until(lambda: self.metric(gateway, "bad_lines") == 2, "two bad lines")
        self.assertEqual(gateway.fetch("/").status, 403, "the last good list stays")
        trouble = self.state(gateway)["lists"][0]["trouble"]
        self.assertEqual([one["line"] for one in trouble["first"]], [2, 3])
        self.assertEqual(self.metric(gateway, "files_failed"), 1)
        wait_until(lambda: "nonsense" in gateway.stderr(), "the log names the line")
        self.change_deny(gateway, "[192.0.2.9]")
        told = "\n".join(one["message"] for one in self.report["diagnostics"])
        self.assertIn("what was read before stays in force", told)
        self.assertIn('"nonsense" is not', told)
        self.assertEqual(gateway.fetch("/").status, 403, "also over a reload")
        with open(gateway.path("deny.txt"), "w", encoding="ascii"):
            pass  # Emptied, as by somebody who is about to write it.
        self.change_deny(gateway, "[192.0.2.10]")
        self.assertEqual(gateway.fetch("/").status, 403, "an emptied list does not fall open")
        done = gateway.command("validate", "-c", gateway.config_path)
        self.assertEqual(done.returncode, 0, done.stderr)
        os.unlink(gateway.path("deny.txt"))
        wait_until(lambda: "No such file" in self.state(gateway)["lists"][0]["trouble"]["first"][0]["message"],
                   "it is gone, whether a reload found that or the watch")
        self.assertEqual(gateway.fetch("/").status, 403)
        replace(gateway.path("deny.txt"), "192.0.2.1\n")
        wait_until(lambda: gateway.fetch("/").status == 200, "a good one again")
        self.assertIsNone(self.state(gateway)["lists"][0]["trouble"])

    def change_deny(self, gateway, deny):
        """A reload of something else in the same filter."""
        with open(gateway.config_path, encoding="utf-8") as file:
            text = file.read()
        gateway.write(re.sub(r"type: ip_access,( deny: \[.*?\],)?",
                             f"type: ip_access, deny: {deny},", text))  # fmt: skip
        self.report = gateway.post("/reload").json()
        self.assertEqual(self.report["result"], "loaded", self.report)

    def test_a_million_blocks_while_requests_run(self):
        gateway = self.with_list("192.0.2.1\n", workers=2)
        before = pss_bytes(gateway.process.pid)
        text, other = million_lines(1) + "127.0.0.9\n", million_lines(2)
        with Load(gateway.addresses["web"], ["/"], rate=400) as load:
            wait_until(lambda: load.total > 100, "the load runs")
            slowest = self.watch_latency(gateway)
            replace(gateway.path("deny.txt"), text)
            began = time.monotonic()
            wait_until(lambda: self.metric(gateway, "files_read") == 1, "a million blocks")
            took = time.monotonic() - began
            replace(gateway.path("deny.txt"), other)
            wait_until(lambda: self.metric(gateway, "files_read") == 2, "another million")
            worst = slowest()
        self.assertEqual(load.failures, [])
        state = self.state(gateway)["lists"][0]
        self.assertEqual(state["entries"], MILLION)
        self.assertLess(state["bytes"], 64 << 20)
        grown = pss_bytes(gateway.process.pid) - before
        longest = gateway.metric('gatehouse_worker_longest_task_seconds{worker="0"}')
        print(f"1M blocks: {took:.2f} s after the write (100 ms of it waiting for quiet), "
              f"{state['bytes'] >> 20} MiB, process +{grown >> 20} MiB, slowest request "
              f"{worst * 1000:.1f} ms, longest task {longest * 1000:.1f} ms")  # fmt: skip
        self.assertLess(took, 10)  # Slack for sanitizers and busy machines.

    def watch_latency(self, gateway):
        """Requests one after another, until the function that this returns tells the slowest."""
        stop, worst = threading.Event(), [0.0]
        wire = self.wire(gateway)

        def run():
            while not stop.is_set():
                began = time.monotonic()
                wire.ask("/")
                worst[0] = max(worst[0], time.monotonic() - began)

        thread = threading.Thread(target=run)
        thread.start()

        def end():
            stop.set()
            thread.join()
            return worst[0]

        return end


class EntriesTest(IpAccessTest):
    FILTER = "ban: {type: ip_access, max_entries: 20000}"
    KEPT = 'state_dir: "{dir}/state", '

    def test_a_ban_ends_an_open_connection_s_requests_and_then_itself(self):
        gateway = self.serve(self.FILTER, workers=2)
        wire = self.wire(gateway)
        self.assertEqual(wire.ask("/").status, 200)
        answer = self.post(gateway, {"cidr": "127.0.0.1", "ttl": "2s", "reason": "scan"})
        self.assertEqual((answer["added"], answer["kept"]), (1, False))
        self.assert_error(wire.ask("/"), 403, "denied")
        listed = gateway.json("/filters/ban/entries")["entries"]
        self.assertEqual([(e["cidr"], e["reason"]) for e in listed], [("127.0.0.1", "scan")])
        wait_until(lambda: wire.ask("/").status == 200, "it has ended")
        wait_until(lambda: self.state(gateway)["entries"]["count"] == 0, "and is let go")

    def test_a_storm_is_written_seldom_and_survives_a_restart(self):
        gateway = self.serve(self.FILTER, top=self.KEPT)
        count = 10_000
        began = time.monotonic()
        for i in range(count // 10):
            for j in range(10):
                address = f"10.{i >> 8}.{i & 255}.{j}"
                self.post(gateway, {"cidr": address, "ttl": "1h"})
        took = time.monotonic() - began
        self.post(gateway, {"cidr": "127.0.0.1", "reason": "the last one"})
        writes = self.metric(gateway, "state_writes")
        print(f"{count} POSTs in {took:.1f} s: {writes} writes")
        self.assertLessEqual(writes, took + 2)
        told = gateway.stderr()
        self.assertLessEqual(told.count("admin request"), took / 10 + 2)
        self.assertLessEqual(told.count("entries of a filter were changed"), took + 2)
        self.assertIn('first="deny 10.0.0.0"', told)
        self.assertEqual(gateway.fetch("/").status, 403)
        self.again(gateway)
        self.assertEqual(self.state(gateway)["entries"]["count"], count + 1)
        self.assertEqual(gateway.fetch("/").status, 403)
        page = gateway.json("/filters/ban/entries?limit=3&after=10.0.0.1")
        self.assertEqual([e["cidr"] for e in page["entries"]], ["10.0.0.2", "10.0.0.3", "10.0.0.4"])
        self.assertEqual(page["next"], "10.0.0.4")
        answer = self.post(gateway, {"cidr": "127.0.0.1", "remove": True})
        self.assertEqual((answer["removed"], answer["kept"]), (1, True))
        self.assertEqual(gateway.fetch("/").status, 200)

    def test_a_ban_that_was_answered_as_kept_survives_a_crash(self):
        gateway = self.serve(self.FILTER, top=self.KEPT)
        self.assertTrue(self.post(gateway, {"cidr": "127.0.0.1"})["kept"])
        gateway.signal(signal.SIGKILL)
        gateway.wait()
        gateway.process.stdout.close()
        gateway.addresses = {}
        gateway.start()
        self.assertEqual(gateway.fetch("/").status, 403)

    def test_past_the_limit_nothing_is_lost(self):
        gateway = self.serve("ban: {type: ip_access, max_entries: 2}")
        self.post(gateway, {"entries": [{"cidr": "10.0.0.1"}, {"cidr": "10.0.0.2"}]})
        answer = self.post(gateway, {"cidr": "127.0.0.1"}, status=507)
        self.assertEqual(answer["error"], "too_many_entries")
        self.assertEqual(len(gateway.json("/filters/ban/entries")["entries"]), 2)
        answer = self.post(gateway, {"entries": [{"cidr": "x"}, {}]}, status=400)
        self.assertIn("entries[1]: needs", answer["message"])
        self.assertEqual(gateway.fetch("/").status, 200)

    def test_a_disk_that_takes_nothing(self):
        gateway = self.serve(self.FILTER, top=self.KEPT, start=False)
        with open(gateway.path("state"), "w", encoding="ascii") as file:
            file.write("no folder\n")
        gateway.start()
        answer = self.post(gateway, {"cidr": "127.0.0.1"})
        self.assertFalse(answer["kept"])
        self.assertEqual(answer["message"], "in force, not kept: Not a directory")
        self.assertEqual(gateway.fetch("/").status, 403)
        self.assertEqual(self.state(gateway)["entries"]["trouble"], "Not a directory")
        wait_until(lambda: self.metric(gateway, "state_failures") >= 1, "it is counted")
        os.unlink(gateway.path("state"))  # Now there is room.
        wait_until(lambda: self.metric(gateway, "state_writes") == 1, "it was tried again")
        self.again(gateway)
        self.assertEqual(gateway.fetch("/").status, 403)

    def test_a_full_disk(self):
        def prepare(gateway):
            os.makedirs(gateway.path("state/ip_access"))
            os.symlink("/dev/full", gateway.path("state/ip_access/ban.new"))

        gateway = self.serve(self.FILTER, top=self.KEPT, prepare=prepare)
        answer = self.post(gateway, {"cidr": "127.0.0.1"})
        self.assertEqual(answer["message"], "in force, not kept: No space left on device")
        self.assertEqual(gateway.fetch("/").status, 403)
        self.assertEqual(os.listdir(gateway.path("state/ip_access")), [], "no remains")
        wait_until(lambda: self.metric(gateway, "state_writes") == 1, "it was tried again")
        self.assertTrue(self.state(gateway)["entries"]["kept"])

    def test_a_damaged_file_is_moved_aside(self):
        gateway = self.serve(self.FILTER, top=self.KEPT)
        self.post(gateway, {"cidr": "127.0.0.1"})
        gateway.signal(TERM)
        gateway.wait()
        gateway.process.stdout.close()
        path = gateway.path("state/ip_access/ban")
        with open(path, "r+b") as file:
            file.truncate(60)
        done = gateway.command("validate", "-c", gateway.config_path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(os.path.exists(path), "validate leaves it alone")
        gateway.addresses = {}
        gateway.start()
        self.assertEqual(gateway.fetch("/").status, 200)
        self.assertEqual(os.listdir(gateway.path("state/ip_access")), ["ban.damaged"])
        self.assertEqual(self.state(gateway)["entries"]["trouble"], "its end is missing")
        self.assertIn("entries of a filter are lost", gateway.stderr())

    def test_reloads_and_routes_keep_the_entries(self):
        gateway = self.serve(self.FILTER)
        self.post(gateway, {"cidr": "127.0.0.1"})
        with open(gateway.config_path, encoding="utf-8") as file:
            text = file.read()
        gateway.write(text.replace("max_entries: 20000", "max_entries: 20000, deny: [192.0.2.1]")
                      .replace("filters: [ban]", "filters: [{use: ban, deny: [192.0.2.2]}]"))
        self.assertEqual(gateway.post("/reload").json()["result"], "loaded")
        self.assertEqual(gateway.fetch("/").status, 403)
        self.post(gateway, {"cidr": "127.0.0.1", "remove": True})
        self.assertEqual(gateway.fetch("/").status, 200)


class CountryTest(IpAccessTest):
    FILTER = (
        'ban: {type: ip_access, country: {database: "{dir}/c.mmdb", deny: [KP]}},'
        ' access_log: {path: "{dir}/log", format: json}'
    )

    def test_a_database_that_is_replaced_and_one_that_is_damaged(self):
        def write(gateway, content):
            with open(gateway.path("new"), "wb") as file:
                file.write(content)
            os.rename(gateway.path("new"), gateway.path("c.mmdb"))

        gateway = self.serve(
            self.FILTER, listener="trusted_proxies: [127.0.0.1], filters: [access_log, ban]",
            prepare=lambda g: write(g, country_db({"192.0.2.0/24": "KP", "2001:db8::/32": "DE"})),
        )  # fmt: skip
        wire = self.wire(gateway)

        def status(client):
            return wire.ask("/", fields=f"x-forwarded-for: {client}\r\n").status

        self.assertEqual([status(ip) for ip in ("192.0.2.7", "2001:db8::1", "10.0.0.1")],
                         [403, 200, 200])  # fmt: skip
        done = gateway.command(
            "route", "-c", gateway.config_path, "http://x/", "--client-ip", "192.0.2.7"
        )
        self.assertIn("192.0.2.7 is denied by country KP", done.stdout)
        write(gateway, country_db({"2001:db8::/32": "KP"}))
        wait_until(lambda: status("2001:db8::1") == 403, "the new one")
        self.assertEqual(status("192.0.2.7"), 200)
        with open(gateway.path("c.mmdb"), "r+b") as file:
            file.truncate(100)  # In place, under the feet of who might have mapped it.
        wait_until(lambda: self.metric(gateway, "files_failed") == 1, "the damaged one")
        self.assertEqual(status("2001:db8::1"), 403)
        country = self.state(gateway)["country"]
        self.assertIn("is not a MaxMind database", country["trouble"]["first"][0]["message"])
        self.assertEqual(country["built"], "2023-11-14T22:13:20.000Z")


if __name__ == "__main__":
    unittest.main()
