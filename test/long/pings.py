# SPDX-License-Identifier: Apache-2.0
"""Asks HOST PORT for /up on one connection, again and again, until its stdin ends; prints how many
microseconds each took, as JSON."""

import json
import select
import socket
import sys
import time


def main():
    connection = socket.create_connection((sys.argv[1], int(sys.argv[2])), 30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    took = []
    while not select.select([sys.stdin], [], [], 0)[0]:
        began = time.perf_counter()
        connection.sendall(b"GET /up HTTP/1.1\r\nhost: a\r\n\r\n")
        answer = b""
        while not answer.endswith(b"\r\n\r\nup"):
            part = connection.recv(65536)
            if not part:
                raise SystemExit(f"closed after {answer!r}")
            answer += part
        if not answer.startswith(b"HTTP/1.1 200"):
            raise SystemExit(repr(answer))
        took.append(round((time.perf_counter() - began) * 1e6))
    print(json.dumps(took))


if __name__ == "__main__":
    main()
