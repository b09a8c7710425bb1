#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""KiB by which a proxy grows while clients take nothing of 80 responses of 1 MiB: TLS, HTTP/2, one
connection whose streams have windows of 0.

usage: zero_window.py PORT PID
"""

import os
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../integration"))

from frames import held_at_zero_window  # noqa: E402


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    address = ("127.0.0.1", int(sys.argv[1]))
    # The first opens what stays open: connections to the upstream, caches.
    held_at_zero_window(address, int(sys.argv[2]), "/f", 2, context)
    print(held_at_zero_window(address, int(sys.argv[2]), "/f", 80, context), "KiB")


if __name__ == "__main__":
    main()
