# SPDX-License-Identifier: Apache-2.0
"""Endpoints that speak HTTP/2: many requests on a connection, and what becomes of them when the
endpoint takes some back. Clients speak HTTP/1.1: who is in front makes no difference."""

import hashlib
import os
import shutil
import ssl
import subprocess
import tempfile
import threading
import unittest

import h2.events
import h2.settings

from gatehouse import PATIENCE, request, wait_until
from http1 import Http1Test, answering as http1_answering, config, ok, pattern
from http2_endpoint import Endpoint, Gone, answering

NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL = 0, 2, 7, 8
MAX_STREAMS = h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS
CONNECT_PROTOCOL = h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL
HTTP2 = "protocol: http2"


def in_parallel(count, run):
    """`run(i)` on that many threads; what each gave."""
    out = [None] * count

    def one(i):
        try:
            out[i] = run(i)
        except Exception as error:  # Compared with what was expected.
            out[i] = repr(error)

    threads = [threading.Thread(target=one, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return out


class Http2UpstreamTest(Http1Test):
    def endpoint(self, script, **arguments):
        endpoint = Endpoint(script, **arguments)
        self.addCleanup(lambda: self.assertEqual(endpoint.failures, []))
        self.addCleanup(endpoint.stop)
        return endpoint

    def ask(self, gateway, path="/", method="GET", body=None, headers=None):
        answer = request(gateway.addresses["web"], path, method, body, headers)
        return answer.status, answer.body

    # ---- messages ----

    def test_a_request_and_its_answer(self):
        seen = {}

        def script(peer, endpoint):
            stream = peer.request()
            seen.update(peer.heads[stream], body=peer.bodies[stream])
            peer.respond(stream, b"hello", fields=[("x-a", "1"), ("set-cookie", "a=1")])
            peer.end()

        endpoint = self.endpoint(script)
        gateway = self.start(endpoint, cluster=HTTP2)
        wire = self.wire(gateway)
        got = wire.ask(
            "/a?b=1", "POST", "X-Upper: yes\r\nConnection: x-hop\r\nX-Hop: 1\r\nTE: gzip\r\n", b"content"
        )
        self.assertEqual((got.status, got.body), (200, b"hello"))
        self.assertEqual((got.get("x-a"), got.get("set-cookie")), ("1", "a=1"))
        self.assertEqual(
            [seen.get(key) for key in (":method", ":path", ":scheme", ":authority", "x-upper", "body")],
            ["POST", "/a?b=1", "http", "a.test", "yes", b"content"],
        )
        for gone in ("connection", "x-hop", "te", "host", "transfer-encoding", "keep-alive"):
            self.assertNotIn(gone, seen)
        self.assertEqual(self.cluster_metric(gateway, "http2_connections_total"), 1)

    def test_trailers_and_interim_answers(self):
        def script(peer, endpoint):
            stream = peer.request()
            self.assertEqual(peer.trailers[stream].get("x-sum"), "7")
            peer.headers(stream, 103, [("link", "a")])
            peer.respond(stream, b"body", trailers=[("x-end", "1")])
            peer.end()

        gateway = self.start(self.endpoint(script), cluster=HTTP2)
        wire = self.wire(gateway)
        wire.send(
            b"POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\nte: trailers\r\n\r\n"
            b"3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n"
        )
        interim = wire.head()
        self.assertEqual((interim.status, interim.get("link")), (103, "a"))
        got = wire.response()
        self.assertEqual((got.status, got.body), (200, b"body"))

    def test_large_contents_both_ways(self):
        body = pattern(6 << 20)

        def script(peer, endpoint):
            while True:
                stream = peer.request()
                digest = hashlib.sha256(peer.bodies[stream]).hexdigest()
                peer.respond(stream, body, fields=[("x-digest", digest)])

        gateway = self.start(self.endpoint(script), cluster=HTTP2)
        for _ in range(2):
            wire = self.wire(gateway)
            got = wire.ask("/", "POST", body=body)
            self.assertEqual(got.get("x-digest"), hashlib.sha256(body).hexdigest())
            self.assertTrue(got.body == body)

    def test_a_slow_client_does_not_hold_up_the_others(self):
        def script(peer, endpoint):
            slow = peer.request()
            peer.headers(slow)
            while (room := min(peer.h2.local_flow_control_window(slow), 16384)) > 0:
                peer.data(slow, bytes(room), end=False)
            while True:
                stream = peer.request()
                peer.respond(stream, b"quick")

        endpoint = self.endpoint(script)
        gateway = self.start(endpoint, cluster=HTTP2)
        slow = self.wire(gateway)
        slow.send(b"GET /slow HTTP/1.1\r\nhost: a.test\r\n\r\n")
        slow.head()  # And reads no further.
        for _ in range(5):
            self.assertEqual(self.ask(gateway, "/quick"), (200, "quick"))
        self.assertEqual(len(endpoint.peers), 1)

    # ---- sharing ----

    def test_requests_share_a_connection(self):
        count = 20

        def script(peer, endpoint):
            streams = [peer.request() for _ in range(count)]  # All of them before the first answer.
            for stream in streams:
                peer.respond(stream, peer.heads[stream][":path"].encode())
            peer.end()

        endpoint = self.endpoint(script)
        gateway = self.start(endpoint, cluster=HTTP2)
        answers = in_parallel(count, lambda i: self.ask(gateway, f"/{i}"))
        self.assertEqual(answers, [(200, f"/{i}") for i in range(count)])
        self.assertEqual(len(endpoint.peers), 1)
        self.assertEqual(self.cluster_metric(gateway, "connections_active"), 1)
        self.assertEqual(self.cluster_metric(gateway, "requests_active"), 0)

    def test_our_limit_of_streams(self):
        def script(peer, endpoint):
            streams = [peer.request(), peer.request()]
            endpoint.count(len(streams))
            wait_until(lambda: len(endpoint.requests) == 2, "the other connection is full as well")
            for stream in streams:
                peer.respond(stream, b"ok")
            peer.end()

        endpoint = self.endpoint(script)
        gateway = self.start(endpoint, cluster=HTTP2 + ", limits: {max_streams: 2}")
        self.assertEqual(in_parallel(4, lambda i: self.ask(gateway)), [(200, "ok")] * 4)
        self.assertEqual(len(endpoint.peers), 2)

    def test_an_endpoint_that_allows_less_from_now_on(self):
        begun = threading.Event()

        def script(peer, endpoint):
            first = endpoint.count(None) == 1
            if first:
                peer.respond(peer.request(), b"first")
                peer.change({MAX_STREAMS: 1})
                peer.wait(h2.events.SettingsAcknowledged)
                begun.set()
            stream = peer.request()
            if first:
                wait_until(lambda: len(endpoint.peers) == 2, "another connection")
            peer.respond(stream, b"later")
            peer.end()

        endpoint = self.endpoint(script)
        gateway = self.start(endpoint, cluster=HTTP2)
        self.assertEqual(self.ask(gateway), (200, "first"))
        self.assertTrue(begun.wait(PATIENCE))
        self.assertEqual(in_parallel(2, lambda i: self.ask(gateway)), [(200, "later")] * 2)
        self.assertEqual(len(endpoint.peers), 2)

    def test_max_connections_of_one_stream(self):
        def script(peer, endpoint):
            while True:
                stream = peer.request()
                self.assertEqual(peer.h2.open_inbound_streams, 1)
                peer.respond(stream, b"ok")

        endpoint = self.endpoint(script, settings={MAX_STREAMS: 1})
        gateway = self.start(endpoint, cluster=HTTP2 + ", limits: {max_connections: 1}")
        self.assertEqual(self.ask(gateway), (200, "ok"))
        self.assertEqual(in_parallel(10, lambda i: self.ask(gateway)), [(200, "ok")] * 10)
        self.assertEqual(len(endpoint.peers), 1)

    def test_a_client_that_leaves_takes_only_its_stream(self):
        def script(peer, endpoint):
            streams = {peer.heads[s][":path"]: s for s in (peer.request(), peer.request())}
            endpoint.count(streams)
            self.assertEqual(peer.wait(h2.events.StreamReset).stream_id, streams["/leaves"])
            self.assertEqual(peer.resets[streams["/leaves"]], CANCEL)
            peer.respond(streams["/stays"], b"here")
            peer.end()

        endpoint = self.endpoint(script)
        gateway = self.start(endpoint, cluster=HTTP2)
        leaving, staying = self.wire(gateway), self.wire(gateway)
        leaving.send(b"GET /leaves HTTP/1.1\r\nhost: a.test\r\n\r\n")
        staying.send(b"GET /stays HTTP/1.1\r\nhost: a.test\r\n\r\n")
        wait_until(lambda: endpoint.requests, "both are under way")
        leaving.reset()
        self.assertEqual(staying.response().body, b"here")

    # ---- taken back ----

    def unprocessed(self, first, **arguments):
        """An endpoint whose first connection does `first(peer, stream)`; the next ones answer."""

        def script(peer, endpoint):
            number = len(endpoint.peers)
            while True:
                stream = peer.request()
                count = endpoint.count((number, peer.heads[stream][":method"], peer.bodies[stream]))
                if count == 1:
                    first(peer, stream)
                else:
                    peer.respond(stream, b"done")

        return self.endpoint(script, **arguments)

    def test_a_post_that_goaway_leaves_out_is_sent_again(self):
        endpoint = self.unprocessed(lambda peer, stream: peer.goaway(0))
        gateway = self.start(endpoint, cluster=HTTP2 + ", circuit_breaker: {error_count: 1, min_requests: 1}")
        self.assertEqual(self.ask(gateway, "/", "POST", b"small"), (200, "done"))
        self.assertEqual([one[2] for one in endpoint.requests], [b"small", b"small"])
        self.assertEqual(endpoint.requests[1][0], 2)
        self.assertEqual(self.cluster_metric(gateway, "retries_unprocessed_total"), 1)
        self.assertEqual(self.cluster_metric(gateway, "resets_total"), 0)
        # Nor is it a failure to the breaker.
        self.assertEqual(self.ask(gateway), (200, "done"))

    def test_a_refused_stream_is_sent_again(self):
        endpoint = self.unprocessed(lambda peer, stream: peer.reset(stream, REFUSED_STREAM))
        gateway = self.start(endpoint, cluster=HTTP2)
        self.assertEqual(self.ask(gateway, "/", "POST", b"small"), (200, "done"))
        self.assertEqual([one[0] for one in endpoint.requests], [1, 2])

    def test_who_refuses_all_is_not_asked_forever(self):
        def script(peer, endpoint):
            while True:
                stream = peer.request()
                endpoint.count(stream)
                peer.reset(stream, REFUSED_STREAM)

        endpoint = self.endpoint(script)
        gateway = self.start(endpoint, cluster=HTTP2)
        got = self.wire(gateway).ask("/")
        self.assert_error(got, 503, "upstream_unprocessed")
        self.assertEqual(len(endpoint.requests), 3)
        self.assert_none(gateway, "cluster_requests_active")

    def test_content_that_was_not_kept_is_not_sent_again(self):
        endpoint = self.unprocessed(lambda peer, stream: peer.goaway(0))
        gateway = self.start(endpoint, cluster=HTTP2)
        got = self.wire(gateway).ask("/", "POST", body=pattern(40_000))
        self.assert_error(got, 503, "upstream_unprocessed")
        self.assertEqual(len(endpoint.requests), 1)

    def test_what_may_have_been_done_is_not_done_twice(self):
        for first in (
            lambda peer, stream: peer.reset(stream, INTERNAL_ERROR),
            lambda peer, stream: peer.goaway(stream) or peer.socket.close(),
            lambda peer, stream: peer.socket.close(),
        ):
            endpoint = self.unprocessed(first)
            gateway = self.start(endpoint, cluster=HTTP2)
            got = self.wire(gateway).ask("/", "POST", body=b"pay")
            self.assert_error(got, 502, "upstream_reset")
            self.assertEqual(len(endpoint.requests), 1)
            endpoint.stop()

    def test_a_stream_that_the_endpoint_resets_is_not_repeated(self):
        def script(peer, endpoint):
            while True:
                stream = peer.request()
                endpoint.count(peer.heads[stream][":path"])
                if peer.heads[stream][":path"] == "/reset":
                    peer.reset(stream, INTERNAL_ERROR)
                else:
                    peer.respond(stream, b"ok")

        endpoint = self.endpoint(script)
        gateway = self.start(endpoint, cluster=HTTP2)
        self.assertEqual(self.ask(gateway), (200, "ok"))  # The connection is used again from here on.
        self.assert_error(self.wire(gateway).ask("/reset"), 502, "upstream_reset")
        self.assertEqual(endpoint.requests, ["/", "/reset"])
        self.assertEqual(self.cluster_metric(gateway, "retries_reused_total"), 0)
        self.assertEqual(len(endpoint.peers), 1)

    def test_many_resets_leave_the_connection_to_the_others(self):
        def script(peer, endpoint):
            waiting = peer.request()
            endpoint.count(waiting)
            for _ in range(250):
                peer.reset(peer.request(), INTERNAL_ERROR)
            peer.respond(waiting, b"patient")
            peer.end()

        endpoint = self.endpoint(script)
        gateway = self.start(endpoint, cluster=HTTP2)
        patient = self.wire(gateway)
        patient.send(b"GET /patient HTTP/1.1\r\nhost: a.test\r\n\r\n")
        wait_until(lambda: endpoint.requests, "it is under way")
        wire = self.wire(gateway)
        for _ in range(250):
            self.assertEqual(wire.ask("/", "POST").status, 502)
        self.assertEqual(len(endpoint.peers), 1)
        self.assertEqual(patient.response().body, b"patient")

    def test_an_endpoint_gone_silent_gets_no_further_requests(self):
        silent = threading.Event()
        self.addCleanup(silent.set)

        def script(peer, endpoint):
            while True:
                stream = peer.request()
                path = peer.heads[stream][":path"]
                if endpoint.count((peer is endpoint.peers[0], path)) == 3:
                    silent.wait()  # Not even PING is answered.
                elif path != "/long":
                    peer.respond(stream, b"ok")

        endpoint = self.endpoint(script)
        gateway = self.start(endpoint, text=self.impatient(endpoint))
        self.assertEqual(self.ask(gateway), (200, "ok"))
        long = self.wire(gateway)
        long.send(b"GET /long HTTP/1.1\r\nhost: a.test\r\n\r\n")
        wait_until(lambda: len(endpoint.requests) == 2, "it is under way")
        self.assertEqual(self.ask(gateway, "/quick")[0], 504)
        for _ in range(3):
            self.assertEqual(self.ask(gateway, "/quick"), (200, "ok"))
        self.assertEqual(len(endpoint.peers), 2)
        # What is under way there ends when PING has had its time, not its own.
        self.assert_error(long.response(), 502, "upstream_reset")
        self.assertEqual(self.cluster_metric(gateway, "connections_active"), 1)

    def test_an_endpoint_that_is_slow_alone_is_asked_again(self):
        def script(peer, endpoint):
            number = endpoint.peers.index(peer)
            while True:
                stream = peer.request()
                path = peer.heads[stream][":path"]
                endpoint.count((number, path))
                if path != "/quick/never":
                    peer.respond(stream, b"ok")

        endpoint = self.endpoint(script)
        gateway = self.start(endpoint, text=self.impatient(endpoint))
        self.assertEqual(self.ask(gateway), (200, "ok"))
        self.assertEqual(self.ask(gateway, "/quick/never")[0], 504)

        def served():
            self.assertEqual(self.ask(gateway, "/quick"), (200, "ok"))
            return (0, "/quick") in endpoint.requests

        wait_until(served, "the connection is of use again")

    @staticmethod
    def impatient(endpoint):
        """Two routes to it: one of them waits for a second only."""
        return f"""
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: 1}}
listeners: [{{name: web, address: "127.0.0.1:0"}}]
clusters: {{up: {{endpoints: ["{endpoint.address}"], {HTTP2}}}}}
routes:
  - {{match: {{path_prefix: /quick}}, cluster: up, timeouts: {{response_headers: 1s}}}}
  - {{match: {{path_prefix: /}}, cluster: up}}
"""

    def test_goaway_lets_what_is_under_way_end(self):
        going = threading.Event()

        def script(peer, endpoint):
            if endpoint.count(None) > 1:
                peer.respond(peer.request(), b"new")
                peer.fill()
            stream = peer.request()
            peer.headers(stream)
            peer.goaway(stream)
            going.set()
            wait_until(lambda: len(endpoint.peers) == 2, "another connection")
            peer.data(stream, b"old")
            try:
                while True:
                    peer.fill()
            except Gone:  # With its last stream.
                endpoint.count("closed")

        endpoint = self.endpoint(script)
        gateway = self.start(endpoint, cluster=HTTP2)
        old = self.wire(gateway)
        old.send(b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n")
        self.assertTrue(going.wait(PATIENCE))
        head = old.head()
        self.assertEqual(self.ask(gateway), (200, "new"))
        self.assertEqual(old.body(head).body, b"old")
        wait_until(lambda: "closed" in endpoint.requests, "the old connection is closed")

    def test_reused_connections_that_die(self):
        def script(peer, endpoint):
            while True:
                stream = peer.request()
                if endpoint.count(peer.heads[stream][":method"]) in (2, 4):
                    return
                peer.respond(stream, b"ok")

        endpoint = self.endpoint(script)
        gateway = self.start(endpoint, cluster=HTTP2)
        self.assertEqual(self.ask(gateway), (200, "ok"))
        self.assertEqual(self.ask(gateway), (200, "ok"))  # The third: sent again.
        self.assertEqual(self.cluster_metric(gateway, "retries_reused_total"), 1)
        self.assertEqual(self.ask(gateway, "/", "POST")[0], 502)
        self.assertEqual(endpoint.requests, ["GET", "GET", "GET", "POST"])

    def test_an_endpoint_that_speaks_http1(self):
        upstream = self.scripted(http1_answering(lambda r: ok()))
        upstream.failures = []
        gateway = self.start(upstream, cluster=HTTP2)
        got = self.wire(gateway).ask("/")
        self.assertIn(got.status, (502, 503))
        upstream.failures.clear()
        self.assert_none(gateway, "cluster_requests_active")

    # ---- upgrades ----

    WEBSOCKET = "GET /ws HTTP/1.1\r\nhost: a.test\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

    def test_a_websocket_that_cannot_be(self):
        endpoint = self.endpoint(answering(lambda peer, stream: b"ok"))
        gateway = self.start(endpoint, cluster=HTTP2, listener="upgrades: [websocket]")
        for _ in range(2):
            wire = self.wire(gateway)
            wire.send(self.WEBSOCKET.encode())
            self.assert_error(wire.response(), 503, "no_endpoint")
        self.assertEqual(self.ask(gateway), (200, "ok"))
        self.assertEqual(len(endpoint.peers), 1)

    def test_a_websocket_over_http2(self):
        seen = {}

        def script(peer, endpoint):
            stream = peer.head()
            seen.update(peer.heads[stream])
            peer.headers(stream)
            while len(peer.bodies[stream]) < 7:
                peer.fill()
            peer.data(stream, b"answer", end=False)
            peer.wait(h2.events.StreamEnded)
            peer.h2.end_stream(stream)
            peer.flush()
            peer.end()

        endpoint = self.endpoint(script, settings={CONNECT_PROTOCOL: 1})
        gateway = self.start(endpoint, cluster=HTTP2, listener="upgrades: [websocket]")
        wire = self.wire(gateway)
        wire.send(self.WEBSOCKET.encode())
        head = wire.head()
        self.assertEqual(head.status, 101)
        self.assertEqual(head.get("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        self.assertEqual((seen[":method"], seen[":protocol"]), ("CONNECT", "websocket"))
        wire.send(b"bytes..")
        self.assertEqual(wire.take(6), b"answer")
        wire.finish()
        self.assertTrue(wire.at_end())

    # ---- configuration ----

    def test_reload_while_streams_are_under_way(self):
        release = threading.Event()

        def script(peer, endpoint):
            while True:
                stream = peer.request()
                if peer.heads[stream][":path"] == "/slow":
                    endpoint.count(stream)
                    release.wait(PATIENCE)
                peer.respond(stream, b"ok")

        endpoint = self.endpoint(script)
        gateway = self.start(endpoint, cluster=HTTP2)
        slow = self.wire(gateway)
        slow.send(b"GET /slow HTTP/1.1\r\nhost: a.test\r\n\r\n")
        wait_until(lambda: endpoint.requests, "the slow one is under way")
        gateway.replace(config([endpoint.address], cluster=HTTP2 + ", timeouts: {connect: 2s}"))
        self.assertEqual(gateway.post("/reload").status, 200)
        self.assertEqual(self.ask(gateway), (200, "ok"))
        self.assertEqual(len(endpoint.peers), 2)
        release.set()
        self.assertEqual(slow.response().body, b"ok")
        wait_until(lambda: self.cluster_metric(gateway, "connections_active") == 1, "the old one is closed")


class NodeTest(Http1Test):
    SERVER = """
const http2 = require('http2');
const crypto = require('crypto');
const server = http2.createServer({settings: {enableConnectProtocol: true}});
server.on('stream', (stream, headers) => {
  const hash = crypto.createHash('sha256');
  stream.on('error', () => {});
  stream.on('data', (chunk) => hash.update(chunk));
  stream.on('end', () => {
    if (stream.destroyed) return;
    stream.respond({':status': 200, 'x-path': headers[':path']}, {waitForTrailers: true});
    stream.on('wantTrailers', () => stream.sendTrailers({'x-digest': 'none'}));
    stream.end(hash.digest('hex'));
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"""

    def test_many_at_once(self):
        node = subprocess.Popen(["node", "-e", self.SERVER], stdout=subprocess.PIPE)
        self.addCleanup(node.stdout.close)
        self.addCleanup(node.wait, PATIENCE)
        self.addCleanup(node.kill)
        gateway = self.start(f"127.0.0.1:{int(node.stdout.readline())}", cluster=HTTP2, workers=2)
        bodies = [pattern(10_000 * i, i) for i in range(16)]

        def ask(i):
            for _ in range(5):
                answer = request(gateway.addresses["web"], f"/{i}", "POST", bodies[i])
                if answer.body != hashlib.sha256(bodies[i]).hexdigest():
                    return (answer.status, answer.body)
            return True

        self.assertEqual(in_parallel(16, ask), [True] * 16)
        self.assertLessEqual(self.cluster_metric(gateway, "connections_active"), 2)


if __name__ == "__main__":
    unittest.main()
