#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the tokens of jwt_tokens_test with another implementation: PyJWT and cryptography.

usage: test/filters/auth/make_tokens.py

Writes test/filters/auth/tokens/: keys.json (a JWKS with public keys and secrets), good.json (tokens
of every algorithm) and broken.json (what must be refused, and how). Keys are new each time.
"""

import base64
import hashlib
import hmac
import json
import pathlib

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

OUT = pathlib.Path(__file__).resolve().parent / "tokens"
ISSUER = "https://idp.example.com/"
CLAIMS = {"iss": ISSUER, "aud": "orders", "sub": "jane", "exp": 4102444800}
LONG_AGO = 1000000000

SECRETS = {bits: hashlib.shake_256(b"%d" % bits).digest(bits // 8) for bits in (256, 384, 512)}
RSA = rsa.generate_private_key(65537, 2048)
RSA_PINNED = rsa.generate_private_key(65537, 2048)
CURVES = {256: ec.SECP256R1(), 384: ec.SECP384R1(), 521: ec.SECP521R1()}
EC = {bits: ec.generate_private_key(curve) for bits, curve in CURVES.items()}
ED = ed25519.Ed25519PrivateKey.generate()
ROGUE_RSA = rsa.generate_private_key(65537, 2048)
ROGUE_EC = ec.generate_private_key(ec.SECP256R1())

NOT_A_JWT = "is not a JWT"
NOT_BASE64 = "is not base64url"
BAD_HEADER = "has a header that is not a JSON object"
BAD_ALGORITHM = "is not signed with an algorithm that is accepted"
BAD_SIGNATURE = "has a bad signature"
BAD_CLAIMS = "has claims that are not a JSON object"
BAD_DATE = "has an exp, nbf or iat that is not a date"
BAD_SUBJECT = "does not say who its subject is"
UNKNOWN_KEY = "is signed with an unknown key"
UNSUPPORTED = "has a header that asks for what is not supported"
OTHER_ISSUER = "is from another issuer"
OTHER_AUDIENCE = "is for another audience"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size=None):
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def rsa_jwk(key):
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}


def ec_jwk(key):
    numbers = key.public_key().public_numbers()
    bits = key.curve.key_size
    size = (bits + 7) // 8
    return {
        "kty": "EC",
        "crv": f"P-{bits}",
        "x": number(numbers.x, size),
        "y": number(numbers.y, size),
    }


def raw_public(key):
    return key.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )


def public_pem(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def jwks():
    keys = [
        {"kid": "rsa", "use": "sig", **rsa_jwk(RSA)},
        {"kid": "rsa-rs256", "alg": "RS256", **rsa_jwk(RSA_PINNED)},
        {"kid": "ed", "kty": "OKP", "crv": "Ed25519", "x": b64(raw_public(ED))},
    ]
    keys += [{"kid": f"ec{bits}", **ec_jwk(key)} for bits, key in EC.items()]
    keys += [{"kid": f"hs{bits}", "kty": "oct", "k": b64(key)} for bits, key in SECRETS.items()]
    return {"keys": keys}


# ---- signing by hand, so that anything can be signed ----


def mac(text, secret=SECRETS[256], hash_=hashlib.sha256):
    return hmac.new(secret, text.encode("utf-8", "surrogateescape"), hash_).digest()


def rs256(text, key=RSA):
    return key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())


def es256(text, key=EC[256]):
    r, s = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def part(value):
    """A part of a token: bytes as they are, anything else as JSON."""
    return b64(value if isinstance(value, bytes) else json.dumps(value).encode())


def token(header=None, claims=None, sign=mac, **changes):
    """Signed with the secret hs256, unless said otherwise. `changes` are of the claims."""
    header = {"alg": "HS256", "kid": "hs256"} if header is None else header
    claims = {**CLAIMS, **changes} if claims is None else claims
    text = f"{part(header)}.{part(claims)}"
    return f"{text}.{b64(sign(text))}"


def without(name):
    return {key: value for key, value in CLAIMS.items() if key != name}


def raw_claims(text):
    """Claims as text, so that they need not be JSON that Python would write."""
    return token(claims=text if isinstance(text, bytes) else text.encode())


def unused_bits(text):
    """`text` with a bit set in its last character that belongs to no byte."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(text) % 4 in (2, 3)
    return text[:-1] + alphabet[alphabet.index(text[-1]) | 1]


def good():
    out = {}
    for bits, key in SECRETS.items():
        out[f"HS{bits}"] = (key, f"hs{bits}")
    for bits in (256, 384, 512):
        out[f"RS{bits}"] = out[f"PS{bits}"] = (RSA, "rsa")
    out.update({"ES256": (EC[256], "ec256"), "ES384": (EC[384], "ec384")})
    out.update({"ES512": (EC[521], "ec521"), "EdDSA": (ED, "ed")})
    tokens = []
    for algorithm, (key, kid) in out.items():
        signed = jwt.encode(CLAIMS, key, algorithm, headers={"kid": kid})
        tokens.append({"name": algorithm, "token": signed})
        signed = jwt.encode(CLAIMS, key, algorithm)
        tokens.append({"name": f"{algorithm} without a kid", "token": signed})
    more = {
        "a key for one algorithm": jwt.encode(
            CLAIMS, RSA_PINNED, "RS256", headers={"kid": "rsa-rs256"}
        ),
        "one of several audiences": token(aud=["other", "orders"]),
        "exp with a fraction": token(exp=4102444800.5),
        "exp with an exponent": raw_claims(
            json.dumps(without("exp"))[:-1] + ', "exp": 4.1e9}'
        ),
        "a number for a subject": token(sub=7),
        "jku, x5u and jwk are not looked at": token(
            {
                "alg": "HS256",
                "kid": "hs256",
                "jku": "http://127.0.0.1:1/",
                "x5u": "http://127.0.0.1:1/",
                "jwk": rsa_jwk(ROGUE_RSA),
            }
        ),
        "white space in the JSON": token(
            b' {"alg" : "HS256",\n"kid":"hs256"} ', (json.dumps(CLAIMS, indent=4) + "\n").encode()
        ),
    }
    return tokens + [{"name": name, "token": text} for name, text in more.items()]


def shapes():
    header, claims, signature = token().split(".")
    yield "no parts", "x", NOT_A_JWT
    yield "one dot", f"{header}.{claims}", NOT_A_JWT
    yield "only dots", "..", NOT_A_JWT
    yield "no header", f".{claims}.{signature}", NOT_A_JWT
    yield "no claims", f"{header}..{signature}", NOT_A_JWT
    yield "four parts", f"{header}.{claims}.{signature}.", NOT_A_JWT
    yield "six parts", f"{header}.{claims}.{signature}...", NOT_A_JWT
    yield "encrypted: five parts", f"{header}.x.{claims}.x.{signature}", "is encrypted, which is not supported"
    yield "no signature", f"{header}.{claims}.", "is not signed"
    yield "JSON serialisation", json.dumps({"payload": claims, "protected": header, "signature": signature}), NOT_A_JWT
    yield "huge", token(pad="x" * 8192), "is too long"
    yield "huge header", token({"alg": "HS256", "kid": "hs256", "pad": "x" * 8192}), "is too long"
    yield "quoted", f'"{token()}"', NOT_BASE64
    yield "signature with padding", f"{header}.{claims}.{signature}=", NOT_BASE64
    yield "signature with a space inside", f"{header}.{claims}.{signature[:9]} {signature[9:]}", NOT_BASE64
    yield "signature in plain base64", f"{header}.{claims}.{signature[:-1]}+", NOT_BASE64
    yield "signature of no length", f"{header}.{claims}.{signature}AA", NOT_BASE64
    yield "signature with unused bits", f"{header}.{claims}.{unused_bits(signature)}", NOT_BASE64
    yield "signature with a NUL", f"{header}.{claims}.{signature[:-1]}\0", NOT_BASE64
    yield "signature with another alphabet", f"{header}.{claims}.{signature[:-1]}Ａ", NOT_BASE64
    yield "a comma and another token", f"{token()},{token()}", "is encrypted, which is not supported"

    def signed(head, body):
        return f"{head}.{body}.{b64(mac(f'{head}.{body}'))}"

    odd = part({"alg": "HS256", "kid": "hs256 "})
    odd = odd if len(odd) % 4 else part({"alg": "HS256", "kid": "hs256", "a": 1})
    yield "header with padding", signed(header + "==", claims), NOT_BASE64
    yield "header with unused bits", signed(unused_bits(odd), claims), NOT_BASE64
    yield "header with a line break", signed(header[:8] + "\n" + header[8:], claims), NOT_BASE64
    yield "claims with padding", signed(header, claims + "="), BAD_CLAIMS
    yield "claims with white space", signed(header, claims + " "), BAD_CLAIMS
    yield "claims in plain base64", signed(header, b64(b'{"a":"\xfb\xff"}').replace("-", "+").replace("_", "/")), BAD_CLAIMS


def headers():
    claims = part(CLAIMS)

    def raw(header):
        return token(header)

    yield "header is empty", raw(b"{}"), BAD_ALGORITHM
    yield "header is not JSON", raw(b"alg=HS256"), BAD_HEADER
    yield "header is a list", raw(["HS256"]), BAD_HEADER
    yield "header is a text", raw("HS256"), BAD_HEADER
    yield "header is null", raw(b"null"), BAD_HEADER
    yield "header ends too early", raw(b'{"alg":"HS256","kid":"hs256"'), BAD_HEADER
    yield "header goes on", raw(b'{"alg":"HS256","kid":"hs256"}{}'), BAD_HEADER
    yield "header goes on after a NUL", raw(b'{"alg":"HS256","kid":"hs256"}\0{}'), BAD_HEADER
    yield "header with a byte order mark", raw(b'\xef\xbb\xbf{"alg":"HS256","kid":"hs256"}'), BAD_HEADER
    yield "header in UTF-16", raw('{"alg":"HS256"}'.encode("utf-16")), BAD_HEADER
    yield "header that is not UTF-8", raw(b'{"alg":"HS256","kid":"hs256","a":"\xff"}'), BAD_HEADER
    yield "header with alg twice", raw(b'{"alg":"none","alg":"HS256","kid":"hs256"}'), BAD_HEADER
    yield "header with kid twice, once escaped", raw(b'{"alg":"HS256","kid":"hs256","k\\u0069d":"rsa"}'), BAD_HEADER
    yield "header that is deep", raw(b'{"alg":"HS256","kid":"hs256","a":' + b"[" * 100 + b"]" * 100 + b"}"), BAD_HEADER
    yield "header with a comment", raw(b'{"alg":"HS256",/**/"kid":"hs256"}'), BAD_HEADER
    yield "alg is missing", raw({"kid": "hs256"}), BAD_ALGORITHM
    for value in ("none", "None", "NONE", "nOnE", "", "hs256", "HS256 ", "HS1", "RS1", "ES256K", "A128KW", "dir"):
        yield f"alg is {value!r}", raw({"alg": value, "kid": "hs256"}), BAD_ALGORITHM
    for value in (None, 256, True, ["HS256"], {"HS256": 1}):
        yield f"alg is {json.dumps(value)}", raw({"alg": value, "kid": "hs256"}), BAD_ALGORITHM
    yield "alg none, no signature", f"{part({'alg': 'none'})}.{claims}.", "is not signed"
    yield "alg none, no third part", f"{part({'alg': 'none'})}.{claims}", NOT_A_JWT
    ours = {"alg": "HS256", "kid": "hs256"}
    yield "crit", raw({**ours, "crit": ["exp"]}), UNSUPPORTED
    yield "crit is empty", raw({**ours, "crit": []}), UNSUPPORTED
    yield "crit is null", raw({**ours, "crit": None}), UNSUPPORTED
    yield "b64 is false", raw({**ours, "b64": False, "crit": ["b64"]}), UNSUPPORTED
    yield "b64 is true", raw({**ours, "b64": True}), UNSUPPORTED
    yield "zip", raw({**ours, "zip": "DEF"}), UNSUPPORTED
    yield "enc", raw({**ours, "enc": "A128GCM"}), UNSUPPORTED


def keys():
    pem = public_pem(RSA)
    for name, kid in (("its kid", "rsa"), ("a kid that is there", "hs256")):
        why = BAD_ALGORITHM if kid == "rsa" else BAD_SIGNATURE
        header = {"alg": "HS256", "kid": kid}
        yield f"RS256 to HS256: PEM as secret, {name}", token(header, sign=lambda text: mac(text, pem)), why
        modulus = number(RSA.public_key().public_numbers().n)
        yield f"RS256 to HS256: n as secret, {name}", token(header, sign=lambda text: mac(text, modulus.encode())), why
    yield "RS256 to HS256: PEM as secret, no kid", token({"alg": "HS256"}, sign=lambda text: mac(text, pem)), BAD_SIGNATURE
    yield "ES256 to HS256: PEM as secret", token({"alg": "HS256", "kid": "ec256"}, sign=lambda text: mac(text, public_pem(EC[256]))), BAD_ALGORITHM
    yield "EdDSA to HS256: x as secret", token({"alg": "HS256", "kid": "ed"}, sign=lambda text: mac(text, raw_public(ED))), BAD_ALGORITHM
    yield "HS256 to RS256", token({"alg": "RS256", "kid": "hs256"}), BAD_ALGORITHM
    yield "RS256 as PS256", token({"alg": "PS256", "kid": "rsa"}, sign=rs256), BAD_SIGNATURE
    yield "PS256 as RS256", token({"alg": "RS256", "kid": "rsa"}, sign=lambda text: RSA.sign(text.encode(), padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())), BAD_SIGNATURE
    yield "PS256 with a key for RS256", jwt.encode(CLAIMS, RSA_PINNED, "PS256", headers={"kid": "rsa-rs256"}), BAD_ALGORITHM
    yield "RS512 with a key for RS256", jwt.encode(CLAIMS, RSA_PINNED, "RS512", headers={"kid": "rsa-rs256"}), BAD_ALGORITHM
    yield "ES384 with a P-256 key", jwt.encode(CLAIMS, EC[384], "ES384", headers={"kid": "ec256"}), BAD_ALGORITHM
    yield "ES256 with a P-384 key", token({"alg": "ES256", "kid": "ec384"}, sign=es256), BAD_ALGORITHM
    yield "EdDSA with an EC key", jwt.encode(CLAIMS, ED, "EdDSA", headers={"kid": "ec256"}), BAD_ALGORITHM
    yield "HS512 with a key of 32 bytes", token({"alg": "HS512", "kid": "hs256"}, sign=lambda text: mac(text, SECRETS[256], hashlib.sha512)), BAD_ALGORITHM
    yield "HS256 code, called HS384", token({"alg": "HS384", "kid": "hs384"}, sign=lambda text: mac(text, SECRETS[384])), BAD_SIGNATURE
    yield "half of a code", token(sign=lambda text: mac(text)[:16]), BAD_SIGNATURE
    yield "another secret", token(sign=lambda text: mac(text, SECRETS[512])), BAD_SIGNATURE
    yield "an empty secret", token(sign=lambda text: mac(text, b"")), BAD_SIGNATURE
    yield "another RSA key", token({"alg": "RS256", "kid": "rsa"}, sign=lambda text: rs256(text, ROGUE_RSA)), BAD_SIGNATURE
    yield "another EC key", token({"alg": "ES256", "kid": "ec256"}, sign=lambda text: es256(text, ROGUE_EC)), BAD_SIGNATURE
    yield "RSA signature of zeros", token({"alg": "RS256", "kid": "rsa"}, sign=lambda text: bytes(256)), BAD_SIGNATURE
    yield "RSA signature, one byte more", token({"alg": "RS256", "kid": "rsa"}, sign=lambda text: b"\0" + rs256(text)), BAD_SIGNATURE
    yield "RSA signature, one byte less", token({"alg": "RS256", "kid": "rsa"}, sign=lambda text: rs256(text)[:-1]), BAD_SIGNATURE
    es = {"alg": "ES256", "kid": "ec256"}
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    yield "ES256 signature of zeros", token(es, sign=lambda text: bytes(64)), BAD_SIGNATURE
    yield "ES256, r is 0", token(es, sign=lambda text: bytes(32) + es256(text)[32:]), BAD_SIGNATURE
    yield "ES256, s is 0", token(es, sign=lambda text: es256(text)[:32] + bytes(32)), BAD_SIGNATURE
    yield "ES256, r and s are the order", token(es, sign=lambda text: order.to_bytes(32, "big") * 2), BAD_SIGNATURE
    yield "ES256 in DER", token(es, sign=lambda text: EC[256].sign(text.encode(), ec.ECDSA(hashes.SHA256()))), BAD_SIGNATURE
    yield "ES256, one byte less", token(es, sign=lambda text: es256(text)[:-1]), BAD_SIGNATURE
    yield "ES256, one byte more", token(es, sign=lambda text: es256(text) + b"\0"), BAD_SIGNATURE
    yield "ES256, as long as ES384's", token(es, sign=lambda text: bytes(16) + es256(text)[:32] + bytes(16) + es256(text)[32:]), BAD_SIGNATURE
    yield "EdDSA signature of zeros", token({"alg": "EdDSA", "kid": "ed"}, sign=lambda text: bytes(64)), BAD_SIGNATURE
    yield "EdDSA of other text", token({"alg": "EdDSA", "kid": "ed"}, sign=lambda text: ED.sign(b"x")), BAD_SIGNATURE
    rogue = {"alg": "RS256", "jwk": rsa_jwk(ROGUE_RSA)}
    sign = lambda text: rs256(text, ROGUE_RSA)  # noqa: E731
    yield "jwk in the header, no kid", token(rogue, sign=sign), BAD_SIGNATURE
    yield "jwk in the header, its own kid", token({**rogue, "kid": "rogue"}, sign=sign), UNKNOWN_KEY
    yield "jwk in the header, our kid", token({**rogue, "kid": "rsa"}, sign=sign), BAD_SIGNATURE
    for name in ("jku", "x5u"):
        yield f"{name} in the header", token({"alg": "RS256", name: "http://127.0.0.1:1/keys"}, sign=sign), BAD_SIGNATURE
    yield "x5c in the header", token({"alg": "RS256", "x5c": ["AAAA"]}, sign=sign), BAD_SIGNATURE
    for kid in ("../../../../dev/null", "' OR 1=1 --", "hs256\0", "", "HS256", "hs256 ", "x" * 4000, "|id", "${HOME}", "<script>"):
        yield f"kid is {kid[:24]!r}", token({"alg": "HS256", "kid": kid}, sign=lambda text: mac(text, b"")), UNKNOWN_KEY
    for kid in (None, 7, ["hs256"], {"a": 1}, False):
        yield f"kid is {json.dumps(kid)}", token({"alg": "HS256", "kid": kid}), "has a header whose kid is not a text"
    head, claims, signature = token().split(".")
    other = part({**CLAIMS, "sub": "root"})
    yield "claims exchanged", f"{head}.{other}.{signature}", BAD_SIGNATURE
    yield "header exchanged", f"{part({'kid': 'hs256', 'alg': 'HS256'})}.{claims}.{signature}", BAD_SIGNATURE
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    yield "a bit of the signature", f"{head}.{claims}.{flipped}", BAD_SIGNATURE


def times():
    text = json.dumps(without("exp"))[:-1]
    yield "exp is missing", token(claims=without("exp")), "has no exp"
    yield "exp is over", token(exp=LONG_AGO), "has expired"
    yield "exp is 0", token(exp=0), "has expired"
    yield "nbf is to come", token(nbf=4102444799), "is not valid yet"
    for value in ("4102444800", "", True, None, [4102444800], {"a": 1}, -1, -0.5, 4102444800000, 1e300):
        yield f"exp is {json.dumps(value)}", token(exp=value), BAD_DATE
    for value in ("NaN", "Infinity", "-Infinity", "1e400", "0x10", "+1", "01", "1.", ".5", "1e"):
        yield f"exp is {value}", raw_claims(f'{text}, "exp": {value}}}'), BAD_CLAIMS
    yield "exp has a thousand digits", raw_claims(f'{text}, "exp": {"9" * 1000}}}'), BAD_CLAIMS
    yield "exp overflows 64 bits", raw_claims(f'{text}, "exp": 18446744073709551616}}'), BAD_DATE
    yield "exp twice", raw_claims(f'{text}, "exp": 1, "exp": 4102444800}}'), BAD_CLAIMS
    yield "nbf is a text", token(nbf="0"), BAD_DATE
    yield "nbf is null", token(nbf=None), BAD_DATE
    yield "iat is a text", token(iat="now"), BAD_DATE
    yield "iat is negative", token(iat=-5), BAD_DATE


def claims():
    for value in (None, "orders2", "ORDERS", "orders ", "", 7, True, [], ["other"], [["orders"]], {"orders": 1}, {"aud": "orders"}, "order"):
        yield f"aud is {json.dumps(value)}", token(aud=value), OTHER_AUDIENCE
    yield "aud is missing", token(claims=without("aud")), OTHER_AUDIENCE
    for value in (None, "", 7, [ISSUER], {"iss": ISSUER}, ISSUER[:-1], ISSUER.upper(), ISSUER + "x", "http" + ISSUER[5:]):
        yield f"iss is {json.dumps(value)}", token(iss=value), OTHER_ISSUER
    yield "iss is missing", token(claims=without("iss")), OTHER_ISSUER
    for value in (None, "", True, ["jane"], {"sub": "jane"}, []):
        yield f"sub is {json.dumps(value)}", token(sub=value), BAD_SUBJECT
    yield "sub is missing", token(claims=without("sub")), BAD_SUBJECT
    text = json.dumps(CLAIMS)
    yield "claims are a list", raw_claims(f"[{text}]"), BAD_CLAIMS
    yield "claims are a text", raw_claims('"jane"'), BAD_CLAIMS
    yield "claims are a number", raw_claims("7"), BAD_CLAIMS
    yield "claims are null", raw_claims("null"), BAD_CLAIMS
    yield "claims are empty", raw_claims("{}"), OTHER_ISSUER
    yield "claims go on", raw_claims(text + "{}"), BAD_CLAIMS
    yield "claims go on after a NUL", raw_claims(text + "\0x"), BAD_CLAIMS
    yield "claims with a trailing comma", raw_claims(text[:-1] + ",}"), BAD_CLAIMS
    yield "claims in single quotes", raw_claims(text.replace('"', "'")), BAD_CLAIMS
    yield "claims that are not UTF-8", raw_claims(text[:-1].encode() + b',"a":"\xc0\xaf"}'), BAD_CLAIMS
    yield "claims with half a surrogate", raw_claims(text[:-1] + ',"a":"\\ud800"}'), BAD_CLAIMS
    yield "sub twice", raw_claims(text[:-1] + ',"sub":"root"}'), BAD_CLAIMS
    yield "sub twice, once escaped", raw_claims(text[:-1] + ',"s\\u0075b":"root"}'), BAD_CLAIMS
    yield "a name twice further inside", raw_claims(text[:-1] + ',"a":[{"b":1,"b":2}]}'), BAD_CLAIMS
    yield "claims that are deep: lists", raw_claims(text[:-1] + ',"a":' + "[" * 2000 + "]" * 2000 + "}"), BAD_CLAIMS
    yield "claims that are deep: objects", raw_claims(text[:-1] + ',"a":' + '{"a":' * 500 + "1" + "}" * 500 + "}"), BAD_CLAIMS
    yield "claims that are deep and never end", raw_claims(text[:-1] + ',"a":' + "[" * 4000), BAD_CLAIMS
    yield "claims with too many values", raw_claims(text[:-1] + ',"a":[' + "1," * 2000 + "1]}"), BAD_CLAIMS
    yield "claims with too many names", raw_claims(text[:-1] + "," + ",".join(f'"{i}":[]' for i in range(700)) + ',"a":{' + ",".join(f'"{i}":[]' for i in range(400)) + "}}"), "is too long"


def broken():
    for group in (shapes, headers, keys, times, claims):
        for name, text, why in group():
            yield {"name": name, "token": text, "why": why}


def main():
    OUT.mkdir(exist_ok=True)
    for name, value in (("keys", jwks()), ("good", good()), ("broken", list(broken()))):
        (OUT / f"{name}.json").write_text(json.dumps(value, indent=1) + "\n")
        print(name, len(value))


if __name__ == "__main__":
    main()
