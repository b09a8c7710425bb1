# SPDX-License-Identifier: Apache-2.0
"""Lets tests that were written for the clear run in TLS: see OVER_TLS in http1.py."""

import atexit
import shutil
import tempfile

from certificates import Authority
from sealed import sealed

_directory = tempfile.mkdtemp(prefix="over-tls-")
atexit.register(shutil.rmtree, _directory, True)
_authority = Authority(_directory)
_pair = _authority.pair("server", "a.test")
_server = _authority.server_context(_pair, ["http/1.1"])
_client = _authority.client_context(["http/1.1"])


def listener():
    """Keys of a listener, in flow style."""
    return f"tls: {{certificates: [{{cert_file: {_pair[0]}, key_file: {_pair[1]}}}]}}"


def cluster():
    """Keys of a cluster, in flow style."""
    return f"tls: {{ca_file: {_authority.file}, server_name: a.test}}"


def connect(connection):
    """The client's end, in the clear."""
    return sealed(connection, _client, name="a.test")[0]


def serve(connection):
    """An endpoint's end, in the clear."""
    return sealed(connection, _server, server=True)[0]
