#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small HTTP/1.1 service to put behind the gateway: answers every request with what it got.

usage: demo_service.py --name users --port 9001 --label version=v1 [--port 9003 --label ...]

Each --port is one instance of the service; the labels that follow it are that instance's. An
answer is JSON with the service's name and labels, the method and path that arrived, the headers
as they arrived and the body's length. To see what happens when a service is ill, ask for it:
`?status=500` is answered with that status, `?delay=2` after that many seconds. Runs until it is told
to stop.
"""

import argparse
import http.server
import json
import threading
import time
import urllib.parse


class AddLabel(argparse.Action):
    """Gives a label to the port before it."""

    def __call__(self, parser, namespace, values, option_string=None):
        key, separator, value = values.partition("=")
        if not namespace.port or not separator:
            parser.error("--label is KEY=VALUE and follows its --port")
        namespace.labels.setdefault(namespace.port[-1], {})[key] = value


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    wbufsize = -1  # Head and body leave at once: else the body would wait for the head's ACK.

    def wish(self, name, most):
        """A number that the query asks for; 0 without one."""
        query = urllib.parse.urlsplit(self.path).query
        text = urllib.parse.parse_qs(query).get(name, ["0"])[0]
        return min(int(text), most) if text.isascii() and text.isdigit() else 0

    def answer(self):
        time.sleep(self.wish("delay", most=60))
        status = self.wish("status", most=599)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told = {
            "service": self.server.service,
            "labels": self.server.labels,
            "method": self.command,
            "path": self.path,
            "headers": dict(self.headers.items()),
            "body_bytes": len(body),
        }
        text = (json.dumps(told, indent=2) + "\n").encode()
        self.send_response(status if status >= 200 else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, format, *args):
        """The gateway's access log says it all."""


def serve(name, port, labels):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.service, server.labels = name, labels
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--name", required=True, help="what the answers call this service")
    parser.add_argument("--port", type=int, action="append", required=True)
    parser.add_argument("--label", action=AddLabel, dest="labels", default={}, metavar="KEY=VALUE")
    options = parser.parse_args()
    for port in options.port:
        serve(options.name, port, options.labels.get(port, {}))
    threading.Event().wait()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
