# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 by clients that others wrote: curl, nghttp, h2load, Node, httpx, Chromium. In the clear with
prior knowledge, and in TLS by ALPN; nginx serves files behind the gateway."""

import json
import os
import re
import shutil
import subprocess
import unittest

from certificates import Authority
from either import Endpoint
from gatehouse import GatewayTest, wait_until
from http1 import LONG, lines_of, pattern
from programs import nginx, run, tool

CONFIG = """
version: 1
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: 1}}
listeners:
  - {{name: web, address: "127.0.0.1:0", filters: [log]}}
  - name: sealed
    address: "127.0.0.1:0"
    tls: {{certificates: [{{cert_file: {pair[0]}, key_file: {pair[1]}}}]}}
    filters: [log]
filters:
  log: {{type: access_log, path: {log}, format: json}}
clusters:
  files: {{endpoints: ["{files}"]}}
  echo: {{endpoints: ["{echo}"]}}
routes:
  - {{match: {{path_prefix: /echo}}, cluster: echo}}
  - {{match: {{path_prefix: /}}, cluster: files}}
"""

PAGE = """<!doctype html><title>loading</title><link rel="stylesheet" href="style.css">
<p id="out">waiting</p>
<script>
const names = [...Array(30).keys()].map((i) => `part${i}.bin`);
Promise.all(names.map((name) => fetch(name).then((got) => got.arrayBuffer())))
  .then((all) => {
    const bytes = all.reduce((sum, one) => sum + one.byteLength, 0);
    return fetch('echo', {method: 'POST', body: new Uint8Array(300000)})
      .then((got) => got.arrayBuffer())
      .then((back) => {
        const color = getComputedStyle(document.getElementById('out')).color;
        document.getElementById('out').textContent = `${bytes} bytes, ${back.byteLength} back, ${color}`;
      });
  })
  .catch((error) => { document.getElementById('out').textContent = String(error); });
</script>
"""

NODE = """
const http2 = require('http2');
const fs = require('fs');
const crypto = require('crypto');
const [url, ca] = process.argv.slice(1);
const session = http2.connect(url, {ca: fs.readFileSync(ca), servername: 'a.test'});
session.on('error', (error) => { console.log('session: ' + error); process.exit(1); });
function ask(i) {
  return new Promise((resolve, reject) => {
    const body = crypto.randomBytes(i * 700);
    const stream = session.request({':method': 'POST', ':path': '/echo/' + i});
    const parts = [];
    stream.on('response', (head) => { if (head[':status'] !== 200) reject(new Error(head[':status'])); });
    stream.on('data', (part) => parts.push(part));
    stream.on('end', () => Buffer.concat(parts).equals(body) ? resolve() : reject(new Error('differs: ' + i)));
    stream.on('error', reject);
    stream.write(body.subarray(0, body.length / 2));
    stream.end(body.subarray(body.length / 2));
  });
}
Promise.all([...Array(100).keys()].map(ask)).then(() => { console.log('all'); session.close(); },
  (error) => { console.log(String(error)); process.exit(1); });
"""


def answer(exchange):
    exchange.respond(200, [("content-type", "application/octet-stream")], exchange.read_all())


class Http2ClientsTest(GatewayTest):
    def setUp(self):
        self.gate = self.gateway("")
        os.chmod(self.gate.directory, 0o755)  # nginx's worker is another user.
        self.authority = Authority(self.gate.path("tls"))
        pair = self.authority.pair("server", "a.test", "127.0.0.1")
        files = nginx(self, self.gate.path("n"), "large_client_header_buffers 8 64k; default_type text/html; types { text/css css; }")
        self.www = self.gate.path("n/www")
        self.log = self.gate.path("access.log")
        echo = Endpoint("h1", answer)
        self.addCleanup(echo.stop)
        self.gate.write(CONFIG.format(pair=pair, log=self.log, files=files, echo=echo.address))
        self.gate.start()
        self.clear = "http://{}:{}".format(*self.gate.addresses["web"])
        self.sealed = "https://{}:{}".format(*self.gate.addresses["sealed"])

    def file(self, name, content):
        with open(os.path.join(self.www, name), "wb") as out:
            out.write(content)
        return content

    def protocols(self, count):
        """The set of what the first `count` lines of the access log say."""
        wait_until(lambda: len(lines_of(self.log)) >= count, f"{count} lines")
        return {json.loads(line)["protocol"] for line in lines_of(self.log)}

    # ---- curl ----

    def curl(self, *arguments):
        return run(
            tool("curl", "curl"), "-sS", "--max-time", "60", "--cacert", self.authority.file, *arguments
        ).stdout

    def test_curl(self):
        body = self.file("page.bin", pattern(3 << 20))
        version = ("-o", self.gate.path("got"), "-w", "%{http_version} %{http_code} %{num_connects}\n")
        for options, url in (
            (["--http2-prior-knowledge"], self.clear),
            (["--http2"], self.sealed),
        ):
            out = self.curl(*options, *version, f"{url}/page.bin")
            self.assertEqual(out, b"2 200 1\n")
            with open(self.gate.path("got"), "rb") as file:
                self.assertTrue(file.read() == body)
            back = self.curl(*options, "--data-binary", f"@{self.www}/page.bin", f"{url}/echo")
            self.assertTrue(back == body)
            # Of unknown length, and with 100-continue.
            back = self.curl(*options, "-H", "Expect: 100-continue", "-T", "-", f"{url}/echo")
            self.assertEqual(back, b"")
            head = self.curl(*options, "-I", f"{url}/page.bin").decode()
            self.assertTrue(head.startswith("HTTP/2 200"), head)
            self.assertIn(f"content-length: {len(body)}", head)
            missing = self.curl(*options, "-w", "%{http_code}", "-o", "/dev/null", f"{url}/none")
            self.assertEqual(missing, b"404")
        self.assertEqual(self.protocols(10), {"HTTP/2"})

    def test_curl_that_would_upgrade(self):
        """In the clear --http2 asks with Upgrade: h2c, which RFC 9113 has taken out: HTTP/1.1 it is."""
        self.file("page", b"content")
        out = self.curl("--http2", "-w", " %{http_version}", f"{self.clear}/page")
        self.assertEqual(out, b"content 1.1")

    def test_curl_many_at_once(self):
        self.file("page", pattern(50_000))
        config = self.gate.path("urls")
        with open(config, "w", encoding="ascii") as file:
            for i in range(200):
                file.write(f'url = "{self.sealed}/page?{i}"\noutput = "/dev/null"\n')
        out = self.curl("--http2", "-Z", "--parallel-max", "50", "-w", "%{http_code} %{http_version}\n", "-K", config)
        self.assertEqual(out.decode().splitlines(), ["200 2"] * 200)
        self.assertLessEqual(
            self.gate.metric('gatehouse_listener_connections_accepted_total{listener="sealed"}'), 50
        )

    # ---- nghttp2's ----

    def test_nghttp(self):
        body = self.file("page", pattern(300_000))
        for url in (self.clear, self.sealed):
            for options in ([], ["-w", "10", "-W", "12"], ["--continuation"], ["-m", "20"], ["-p", "255"]):
                out = run(
                    tool("nghttp", "nghttp2-client"), "-nv", "--no-verify-peer", *options, f"{url}/page"
                ).stdout.decode("utf-8", "replace")
                count = 20 if "-m" in options else 1
                self.assertEqual(out.count(":status: 200"), count, (options, out[-2000:]))
                self.assertEqual(out.count(f"content-length: {len(body)}"), count)
                self.assertNotIn("RST_STREAM", out)
                # Its own GOAWAY says NO_ERROR; ours too.
                codes = set(re.findall(r"error_code=(\w+)", out))
                self.assertLessEqual(codes, {"NO_ERROR"})
        got = run(
            tool("nghttp", "nghttp2-client"), "--no-verify-peer", "-d", f"{self.www}/page", f"{self.sealed}/echo"
        ).stdout
        self.assertTrue(got == body)

    def test_h2load(self):
        self.file("page", pattern(2000))
        for url in (self.clear, self.sealed):
            for more in (["-m", "32"], ["-m", "40", "-w", "14", "-W", "16"]):
                out = run(
                    tool("h2load", "nghttp2-client"), "-n", "5000", "-c", "10", *more, f"{url}/page"
                ).stdout.decode()
                self.assertIn("5000 succeeded, 0 failed, 0 errored, 0 timeout", out)
                self.assertIn("status codes: 5000 2xx", out)
                self.assertRegex(out, r"Application protocol: h2")
        out = run(
            tool("h2load", "nghttp2-client"), "-n", "300", "-c", "4", "-m", "10", "-d", f"{self.www}/page",
            f"{self.sealed}/echo",
        ).stdout.decode()  # fmt: skip
        self.assertIn("300 succeeded, 0 failed, 0 errored, 0 timeout", out)

    # ---- languages' ----

    def test_node(self):
        for url in (self.clear, self.sealed):
            self.assertEqual(run("node", "-e", NODE, url, self.authority.file).stdout, b"all\n")
        self.assertEqual(self.protocols(200), {"HTTP/2"})
        for listener in ("web", "sealed"):
            accepted = f'gatehouse_listener_connections_accepted_total{{listener="{listener}"}}'
            self.assertEqual(self.gate.metric(accepted), 1)

    def test_httpx(self):
        import httpx

        body = self.file("page", pattern(100_000))
        with httpx.Client(http2=True, http1=False, verify=self.authority.file) as client:
            for i in range(20):
                got = client.get(f"{self.sealed}/page?{i}")
                self.assertEqual((got.status_code, got.http_version), (200, "HTTP/2"))
                self.assertTrue(got.content == body)
            self.assertTrue(client.post(f"{self.sealed}/echo", content=body).content == body)

    @unittest.skipUnless(LONG, "a browser: tools/test --long")
    def test_chromium(self):
        self.file("index.html", PAGE.encode())
        self.file("style.css", b"p { color: rgb(1, 2, 3); }")
        for i in range(30):
            self.file(f"part{i}.bin", pattern(10_000 + i))
        profile = self.gate.path("profile")
        self.addCleanup(shutil.rmtree, profile, True)
        out = subprocess.run(
            [
                tool("chromium", "chromium"), "--headless", "--no-sandbox", "--disable-gpu",
                "--disable-dev-shm-usage", "--ignore-certificate-errors", "--no-first-run",
                "--disable-background-networking", f"--user-data-dir={profile}",
                "--virtual-time-budget=20000", "--dump-dom", self.sealed + "/",
            ],
            capture_output=True, timeout=180, check=False, text=True,
        )  # fmt: skip
        total = sum(10_000 + i for i in range(30))
        self.assertIn(f"{total} bytes, 300000 back, rgb(1, 2, 3)", out.stdout, out.stderr[-2000:])
        self.assertEqual(self.protocols(33), {"HTTP/2"})
        self.assertLessEqual(
            self.gate.metric('gatehouse_listener_connections_accepted_total{listener="sealed"}'), 4
        )


if __name__ == "__main__":
    unittest.main()
