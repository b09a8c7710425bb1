# SPDX-License-Identifier: Apache-2.0
"""Which folder may include which (DESIGN.md, "The house"), and where each library may show."""

import functools

import cpp
from tree import Finding

# What a folder builds on; what those build on is allowed with it.
BUILDS_ON = {
    "base": [],
    "event": ["base"],
    "tls": ["event", "config", "observe"],
    "config": ["base"],
    "http": ["base"],
    "observe": ["base"],
    "pipeline": ["http", "event", "config", "observe"],
    "filters": ["pipeline"],
    "route": ["pipeline"],
    "upstream": ["pipeline", "tls"],
    "registry": ["pipeline", "upstream"],
    "xds": ["registry", "route"],
    "proxy": ["route", "upstream"],
    "admin": ["proxy", "registry", "xds"],
    "server": ["admin", "filters"],
    "main.cc": ["server"],
}

# A library's headers, and the only paths that may include them.
LIBRARIES = {
    "event2/": ["source/event/"],
    "yaml-cpp/": ["source/config/"],
    "openssl/": ["source/tls/", "source/base/digest", "source/base/hmac"],
    "nghttp2/": ["source/http/h2/"],
    "crypt.h": ["source/filters/auth/password_hash"],
    "apr-1.0/": ["source/filters/auth/password_hash"],
    "ares": ["source/upstream/dns/"],
    "CLI/": ["source/main.cc", "source/server/cli"],
    "httplib.h": ["source/server/"],
    "spdlog/": ["source/base/log"],
    "rhonabwy.h": ["source/filters/auth/jose_library"],
    "maxminddb.h": ["source/filters/security/country_db"],
    "jansson.h": ["source/filters/auth/jwk"],
}


@functools.lru_cache(maxsize=None)
def allowed(folder):
    """`folder` itself and everything below it."""
    return {folder}.union(*(allowed(below) for below in BUILDS_ON[folder]))


def check_folders(tree):
    for path in tree.cpp("source/"):
        folder = path.split("/")[1]
        if folder not in BUILDS_ON:
            yield Finding("layering", path, 0, f"source/{folder} is not in the table of layers")
            continue
        for line, include in cpp.includes(tree.text(path)):
            parts = include.split("/")
            if parts[0] == "source" and parts[1] not in allowed(folder):
                message = f"{folder}/ must not include {include}"
                yield Finding("layering", path, line, message)


def check_libraries(tree):
    for path in tree.cpp("source/"):
        for line, include in cpp.includes(tree.text(path)):
            for prefix, places in LIBRARIES.items():
                if include.startswith(prefix) and not path.startswith(tuple(places)):
                    message = f"<{include}> belongs behind {' or '.join(places)}"
                    yield Finding("library", path, line, message)


CHECKS = [check_folders, check_libraries]
