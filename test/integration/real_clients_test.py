# SPDX-License-Identifier: Apache-2.0
"""Programs that others wrote, on both sides: curl, wrk, h2load, Node's client, nginx."""

import hashlib
import json
import os
import re
import unittest

from http1 import Http1Test, answering, by_target, config, echo, pattern
from programs import nginx, run, tool


class CurlTest(Http1Test):
    def curl(self, gateway, *arguments, path="/"):
        host, port = gateway.addresses["web"]
        command = [tool("curl", "curl"), "-sS", "--max-time", "60", *arguments]
        if path is not None:
            command.append(f"http://{host}:{port}{path}")
        return run(*command).stdout

    def url(self, gateway, path):
        host, port = gateway.addresses["web"]
        return f"http://{host}:{port}{path}"

    def test_keep_alive(self):
        gateway = self.start(self.scripted(answering(by_target)))
        urls = [self.url(gateway, f"/{i}") for i in range(20)]
        out = self.curl(gateway, "-w", "%{num_connects}\n", *urls, path=None).decode()
        self.assertEqual(re.findall(r"GET (/\d+)\n", out), [f"/{i}" for i in range(20)])
        self.assertEqual(sum(int(n) for n in re.findall(r"^(\d)$", out, re.MULTILINE)), 1)

    def test_forms_and_large_uploads(self):
        upstream = self.scripted(answering(echo))
        gateway = self.start(upstream)
        self.assertEqual(self.curl(gateway, "-d", "a=1&b=2"), b"a=1&b=2")
        self.assertEqual(
            upstream.last().get("content-type"), "application/x-www-form-urlencoded"
        )
        body = pattern(8 << 20)
        with open(gateway.path("large"), "wb") as file:
            file.write(body)
        at = "@" + gateway.path("large")
        self.assertTrue(self.curl(gateway, "--data-binary", at) == body)
        # curl waits a second for 100 and then goes on; nobody here says it.
        self.assertTrue(
            self.curl(gateway, "-H", "Expect: 100-continue", "--data-binary", at) == body
        )
        chunked = self.curl(
            gateway, "-T", gateway.path("large"), "-H", "Transfer-Encoding: chunked"
        )
        self.assertTrue(chunked == body)
        self.assertEqual((upstream.last(4).method, upstream.last(4).framing), ("PUT", "chunked"))

    def test_errors_are_readable(self):
        gateway = self.start("127.0.0.1:1")
        out = self.curl(gateway, "-i", "-H", "Accept: application/json").decode()
        head, _, body = out.partition("\r\n\r\n")
        self.assertIn("503", head.splitlines()[0])
        self.assertEqual(json.loads(body)["error"], "connect_failed")


class NginxTest(Http1Test):
    """nginx serves files behind the gateway."""

    def behind(self):
        gateway = self.gateway("")
        directory = gateway.path("n")
        address = nginx(
            self, directory, 'location = /count { return 200 "$connection $connection_requests\\n"; }'
        )
        gateway.write(config([address]))
        os.chmod(gateway.directory, 0o755)  # nginx's worker is another user.
        return gateway.start(), os.path.join(directory, "www")

    def test_files_of_all_sizes(self):
        gateway, www = self.behind()
        wire = self.wire(gateway)
        for size in (0, 1, 1000, 65536, 3 << 20):
            body = pattern(size)
            with open(os.path.join(www, f"{size}.bin"), "wb") as file:
                file.write(body)
            response = wire.ask(f"/{size}.bin")
            self.assertEqual(response.status, 200)
            self.assertEqual(
                hashlib.sha256(response.body).digest(), hashlib.sha256(body).digest(), size
            )
        tag = response.get("etag")
        self.assertEqual(wire.ask(f"/{size}.bin", fields=f"if-none-match: {tag}\r\n").status, 304)
        part = wire.ask(f"/{size}.bin", fields="range: bytes=10-19\r\n")
        self.assertEqual((part.status, part.body), (206, body[10:20]))
        self.assertEqual(wire.ask(f"/{size}.bin", "HEAD").get("content-length"), str(size))
        self.assertEqual(wire.ask("/none").status, 404)
        # One connection served all of it, and still does.
        self.assertEqual(len({wire.ask("/count").text.split()[0] for _ in range(10)}), 1)
        self.assertEqual(self.cluster_metric(gateway, "connections_opened_total"), 1)

    def load(self, gateway):
        host, port = gateway.addresses["web"]
        return f"http://{host}:{port}/page.html"

    def page(self, www):
        with open(os.path.join(www, "page.html"), "wb") as file:
            file.write(pattern(2000))

    def test_wrk(self):
        gateway, www = self.behind()
        self.page(www)
        out = run(
            tool("wrk", "wrk"), "-t1", "-c32", "-d2s", "--timeout", "20s", self.load(gateway)
        ).stdout.decode()
        self.assertNotIn("Socket errors", out)
        self.assertNotIn("Non-2xx", out)
        self.assertGreater(int(re.search(r"(\d+) requests in", out).group(1)), 100)

    def test_h2load(self):
        gateway, www = self.behind()
        self.page(www)
        out = run(
            tool("h2load", "nghttp2-client"), "--h1", "-n", "5000", "-c", "32", "-m", "4",
            self.load(gateway),
        ).stdout.decode()  # fmt: skip
        self.assertIn("5000 succeeded, 0 failed, 0 errored, 0 timeout", out)
        self.assertIn("status codes: 5000 2xx", out)


class NodeTest(Http1Test):
    """Node's client with keep-alive, where Node is installed: tools/install does not ask for it."""

    SCRIPT = """
const http = require('http');
const agent = new http.Agent({keepAlive: true, maxSockets: 4});
const [host, port] = process.argv.slice(1);
function ask(i) {
  return new Promise((resolve, reject) => {
    const body = 'x'.repeat(i * 1000);
    const request = http.request({host, port, path: '/' + i, method: 'POST', agent}, (response) => {
      let text = '';
      response.on('data', (chunk) => { text += chunk; });
      response.on('end', () => text === body ? resolve() : reject(new Error('differs: ' + i)));
    });
    request.on('error', reject);
    request.write(body.slice(0, body.length / 2));   // Chunked.
    request.end(body.slice(body.length / 2));
  });
}
Promise.all([...Array(100).keys()].map(ask)).then(() => { console.log('all'); agent.destroy(); });
"""

    def test_requests_at_once(self):
        upstream = self.scripted(answering(echo))
        gateway = self.start(upstream)
        host, port = gateway.addresses["web"]
        out = run("node", "-e", self.SCRIPT, host, str(port)).stdout
        self.assertEqual(out, b"all\n")
        self.assertLessEqual(self.listener_metric(gateway, "connections_accepted_total"), 4)
        self.assertEqual(len(upstream.requests), 100)


if __name__ == "__main__":
    unittest.main()
