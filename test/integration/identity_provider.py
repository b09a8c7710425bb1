# SPDX-License-Identifier: Apache-2.0
"""The identity provider of tools/identity_provider, running, and logins there."""

import base64
import json
import os
import pathlib
import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from gatehouse import PATIENCE

# Where the sources are: in Bazel's tree there are links to them.
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tools/identity_provider"
sys.path.insert(0, str(FOLDER))
import login  # noqa: E402


def node():
    """A Node that is new enough: the tree's own, or the system's."""
    own = list(FOLDER.glob("node_modules/node-linux-*/bin/node"))
    found = str(own[0]) if own else shutil.which("node")
    if found is None:
        raise AssertionError("node is missing: tools/install --test installs nodejs")
    if not (FOLDER / "node_modules/oidc-provider").is_dir():
        raise AssertionError(
            f"{FOLDER}/node_modules lacks oidc-provider: tools/install --test installs it by npm"
        )
    return found


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class IdentityProvider:
    """A running one. Its issuer is `url`."""

    def __init__(self, test, port=None):
        directory = tempfile.mkdtemp(prefix="identity-provider-")
        test.addCleanup(shutil.rmtree, directory)
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = os.path.join(directory, "provider.log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [
                    node(), str(FOLDER / "provider.mjs"), "--port", str(self.port),
                    "--keys", os.path.join(directory, "provider-keys.json"),
                ],
                stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        test.addCleanup(self.stop)
        self._wait_for(" is ready")

    def stop(self):
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def _wait_for(self, what):
        """Reads what it says until there is a line with `what`."""
        said = b""
        deadline = time.monotonic() + PATIENCE
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not re.search(what.encode() + rb".*\n", said):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise AssertionError(f"the provider does not say {what!r}: {said!r}")
                chunk = os.read(self.process.stdout.fileno(), 65536)
                if not chunk:
                    with open(self.log, encoding="utf-8") as log:
                        raise AssertionError(f"the provider ended: {log.read()[-2000:]}")
                said += chunk

    def add_key(self):
        """A new key, which signs from now on; the old ones stay published."""
        self.process.send_signal(signal.SIGUSR2)
        self._wait_for("keys: ")

    def forget_old_keys(self):
        self.process.send_signal(signal.SIGHUP)
        self._wait_for("keys: ")

    def get(self, path):
        return login.Browser().get(self.url + path)

    def keys(self):
        """The ids of those that are published."""
        return [key["kid"] for key in json.loads(self.get("/jwks").text)["keys"]]


def log_in(provider, who="ann", resource="urn:example:orders", scope="openid orders.read"):
    """What the token endpoint answers after a whole login."""
    one = login.Login(provider.url, resource, scope)
    return one.tokens(login.browse(one.address, who))


def decoded(token, part):
    """The header (0) or the claims (1) of a JWT, unverified."""
    text = token.split(".")[part]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
