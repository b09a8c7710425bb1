#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Logs in at the identity provider of provider.mjs, as the application `shop`, and prints the access
token: OpenID Connect's authorization code flow with PKCE (RFC 6749, RFC 7636, RFC 8252).

usage: login.py [--issuer URL] [--audience orders] [--scope SCOPES] [--as NAME]

Without --as it prints the address to open in a browser, where any name and password will do, and
waits for it to come back. With --as it is the browser, too.
"""

import argparse
import base64
import hashlib
import html.parser
import http.client
import http.cookies
import http.server
import json
import secrets
import sys
import urllib.parse

PATIENCE = 30.0
REDIRECT = "http://127.0.0.1:8088/callback"


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


class Login:
    """One authorization: what is asked for, and the secrets that tie its steps together."""

    def __init__(self, issuer, resource, scope):
        self.issuer = issuer
        self.resource = resource
        self.scope = scope
        self.verifier = secrets.token_urlsafe(32)
        self.state = secrets.token_urlsafe(8)

    @property
    def address(self):
        """Where the user's browser begins."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "client_id": "shop", "response_type": "code", "redirect_uri": REDIRECT,
            "scope": self.scope, "resource": self.resource, "state": self.state,
            "code_challenge_method": "S256",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        }  # fmt: skip
        return f"{self.issuer}/auth?{urllib.parse.urlencode(query)}"

    def tokens(self, came_back):
        """What the token endpoint gives for where the browser came back to."""
        answer = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(came_back).query))
        if answer.get("state") != self.state or "code" not in answer:
            raise AssertionError(f"no code came back: {answer}")
        page = Browser().post(
            self.issuer + "/token",
            {
                "grant_type": "authorization_code", "client_id": "shop", "code": answer["code"],
                "redirect_uri": REDIRECT, "code_verifier": self.verifier,
                "resource": self.resource,
            },
        )  # fmt: skip
        if page.status != 200:
            raise AssertionError(f"no token: {page.status} {page.text}")
        return json.loads(page.text)


def browse(address, who):
    """Goes through the provider's pages as `who`, and returns where they lead back to."""
    browser = Browser()
    page = browser.get(address)
    for _ in range(12):  # Redirects and two forms: who it is, and whether the application may.
        if page.location is None:
            page = browser.submit(page, login=who, password="any")
        elif page.location.startswith(REDIRECT):
            return page.location
        else:
            page = browser.get(page.location)
    raise AssertionError(f"the login does not end: {page.url} {page.status} {page.text[:500]}")


def wait_for_browser(address):
    """Shows the address, and returns where the user's browser comes back to."""
    came_back = []

    class Callback(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            came_back.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            self.wfile.write(b"Logged in. The token is where you asked for it.\n")

        def log_message(self, *_):
            pass

    parts = urllib.parse.urlsplit(REDIRECT)
    with http.server.HTTPServer((parts.hostname, parts.port), Callback) as server:
        print(f"open {address}", file=sys.stderr)
        while not came_back or not came_back[-1].startswith(parts.path):
            server.handle_request()
    return came_back[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--issuer", default="http://127.0.0.1:9010")
    parser.add_argument("--audience", default="orders")
    parser.add_argument("--scope", default="openid orders.read")
    parser.add_argument("--as", dest="who", metavar="NAME")
    options = parser.parse_args()
    login = Login(options.issuer, f"urn:example:{options.audience}", options.scope)
    if options.who:
        came_back = browse(login.address, options.who)
    else:
        came_back = wait_for_browser(login.address)
    print(login.tokens(came_back)["access_token"])


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, OSError) as error:
        sys.exit(f"login: {error}")
