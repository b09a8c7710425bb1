# SPDX-License-Identifier: Apache-2.0
"""The identity provider of tools/identity_provider, and a browser that logs in there."""

import base64
import hashlib
import html.parser
import http.client
import http.cookies
import json
import os
import pathlib
import re
import secrets
import selectors
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse

from gatehouse import PATIENCE

# Where the sources are: in Bazel's tree there are links to them.
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tools/identity_provider"
REDIRECT = "http://127.0.0.1:8088/callback"


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

    def __init__(self, test, directory, port=None):
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
        return Browser().get(self.url + path)

    def keys(self):
        """The ids of those that are published."""
        return [key["kid"] for key in json.loads(self.get("/jwks").text)["keys"]]


class Page:
    def __init__(self, url, response):
        self.url = url
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()

    @property
    def location(self):
        """Where it redirects to; None when it doesn't."""
        to = self.headers.get("location")
        return urllib.parse.urljoin(self.url, to) if to and 300 <= self.status < 400 else None


class _Form(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.action = None
        self.fields = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form" and self.action is None:
            self.action = attrs.get("action", "")
        elif tag == "input" and attrs.get("name"):
            self.fields[attrs["name"]] = attrs.get("value") or ""


class Browser:
    """Keeps cookies, as one does; goes where it is told to, and fills in forms."""

    def __init__(self):
        self.cookies = {}

    def request(self, method, url, body=None, headers=None):
        parts = urllib.parse.urlsplit(url)
        headers = dict(headers or {})
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
        try:
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request(method, target or "/", body=body, headers=headers)
            page = Page(url, connection.getresponse())
        finally:
            connection.close()
        for line in page.headers.get_all("set-cookie") or []:
            for name, morsel in http.cookies.SimpleCookie(line).items():
                if morsel.value:
                    self.cookies[name] = morsel.value
                else:
                    self.cookies.pop(name, None)
        return page

    def get(self, url, headers=None):
        return self.request("GET", url, headers=headers)

    def submit(self, page, **filled_in):
        """Sends the page's form."""
        form = _Form(page.text)
        if form.action is None:
            raise AssertionError(f"no form at {page.url}: {page.status} {page.text[:500]}")
        return self.post(urllib.parse.urljoin(page.url, form.action), {**form.fields, **filled_in})

    def post(self, url, fields):
        return self.request(
            "POST", url, urllib.parse.urlencode(fields),
            {"content-type": "application/x-www-form-urlencoded"},
        )  # fmt: skip


def log_in(provider, who="ann", resource="urn:example:orders", scope="openid orders.read"):
    """The authorization code flow with PKCE (RFC 7636), as an application and its user's browser
    do it. Returns what the token endpoint answers."""
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    state = secrets.token_urlsafe(8)
    browser = Browser()
    query = {
        "client_id": "shop", "response_type": "code", "redirect_uri": REDIRECT, "scope": scope,
        "resource": resource, "state": state, "code_challenge_method": "S256",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
    }  # fmt: skip
    page = browser.get(f"{provider.url}/auth?{urllib.parse.urlencode(query)}")
    for _ in range(12):  # Redirects and two forms: who it is, and whether the application may.
        if page.location is None:
            page = browser.submit(page, login=who, password="any")
        elif page.location.startswith(REDIRECT):
            break
        else:
            page = browser.get(page.location)
    if page.location is None or not page.location.startswith(REDIRECT):
        raise AssertionError(f"the login does not end: {page.url} {page.status} {page.text[:500]}")
    answer = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.location).query))
    if answer.get("state") != state or "code" not in answer:
        raise AssertionError(f"no code came back: {answer}")
    tokens = browser.post(
        provider.url + "/token",
        {
            "grant_type": "authorization_code", "client_id": "shop", "code": answer["code"],
            "redirect_uri": REDIRECT, "code_verifier": verifier, "resource": resource,
        },
    )  # fmt: skip
    if tokens.status != 200:
        raise AssertionError(f"no token: {tokens.status} {tokens.text}")
    return json.loads(tokens.text)


def decoded(token, part):
    """The header (0) or the claims (1) of a JWT, unverified."""
    text = token.split(".")[part]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
