# SPDX-License-Identifier: Apache-2.0
"""Certificates for one run of a test: an authority of its own and what it signs."""

import datetime
import ipaddress
import os
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

_KEY_FORMAT = (
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)


class Authority:
    """Writes its certificate to DIRECTORY/ca.pem, and pairs that it signed beside it."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority for tests")])
        certificate = self._built(self.name, self.key, True, [])
        self.file = self._write("ca.pem", certificate.public_bytes(_KEY_FORMAT[0]))

    def pair(self, name, *hosts, days=90, kind="ec"):
        """(certificate file, key file) for `hosts`: names, addresses or URIs. With negative `days`
        it has expired."""
        key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else _rsa_key()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
        certificate = self._built(subject, key, False, hosts, days)
        return (
            self._write(name + ".crt", certificate.public_bytes(_KEY_FORMAT[0])),
            self._write(name + ".key", key.private_bytes(*_KEY_FORMAT)),
        )

    def staple(self, name, certificate_file):
        """A file with what this authority says of a certificate: good, for a day."""
        with open(certificate_file, "rb") as file:
            certificate = x509.load_pem_x509_certificate(file.read())
        with open(self.file, "rb") as file:
            issuer = x509.load_pem_x509_certificate(file.read())
        now = datetime.datetime.utcnow()
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                certificate, issuer, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD,
                now - datetime.timedelta(hours=1), now + datetime.timedelta(days=1), None, None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, issuer)
        )  # fmt: skip
        response = builder.sign(self.key, hashes.SHA256())
        return self._write(name, response.public_bytes(serialization.Encoding.DER))

    def _built(self, subject, key, authority, hosts, days=90):
        now = datetime.datetime.utcnow()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=min(days, 0), hours=-1))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if hosts:
            names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def _write(self, name, content):
        path = os.path.join(self.directory, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    # ---- contexts of Python's own ----

    def client_context(self, protocols=()):
        """Of a client that believes this authority only."""
        context = ssl.create_default_context(cafile=self.file)
        if protocols:
            context.set_alpn_protocols(list(protocols))
        return context

    def server_context(self, pair, protocols=()):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        if protocols:
            context.set_alpn_protocols(list(protocols))
        return context


def _rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _general_name(host):
    if "://" in host:
        return x509.UniformResourceIdentifier(host)
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
