"""A device that speaks idprov, written from the protocol's description alone: it knows nothing of this repository.

    idprov.py DIRECTORY-URL DEVICE-ID SECRET-FILE FOLDER

1. Reads the directory without trusting anybody, and from then on trusts the CA that stands there alone.
2. Makes a key, asks for a certificate with an HMAC by its secret, and verifies the HMAC of the answer.
3. Renews with its certificate instead of the secret, and asks for its status.

Prints one JSON object: the status of each step. The key and the certificate are in FOLDER.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import ssl
import sys
import urllib.parse
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


def certificate(text):
    """Implementations send PEM, or base64 of PEM."""
    return text if "-----BEGIN" in text else base64.b64decode(text).decode()


def sign(message, secret):
    """The protocol signs what Go writes: compact, the fields in their order, an empty signature."""
    text = json.dumps({**message, "signature": ""}, separators=(",", ":"), ensure_ascii=False)
    for symbol in "<>&":
        text = text.replace(symbol, f"\\u{ord(symbol):04x}")
    return base64.b64encode(hmac.new(secret, text.encode(), hashlib.sha256).digest()).decode()


def ask(context, url, message=None):
    data = None if message is None else json.dumps(message).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, context=context, timeout=20) as answer:
        return json.load(answer)


def main():
    directory_url, device, secret_file, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4])
    secret = secret_file.read_bytes().strip()
    nobody = ssl.create_default_context()
    nobody.check_hostname, nobody.verify_mode = False, ssl.CERT_NONE
    directory = ask(nobody, directory_url)
    (folder / "ca.pem").write_text(certificate(directory["caCert"]))
    trusting = ssl.create_default_context(cafile=folder / "ca.pem")
    endpoints = {name: urllib.parse.urljoin(directory_url, path) for name, path in directory["endpoints"].items()}

    key_file = folder / "key.pem"
    if not key_file.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        key_file.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain))
    key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    request = {"deviceID": device, "ip": "192.0.2.7", "mac": "AA:BB:CC:DD:EE:FF", "publicKeyPEM": public.decode()}
    answer = ask(trusting, endpoints["postProvisionRequest"], {**request, "signature": sign(request, secret)})
    told = {"provision": answer["status"], "retrySec": answer.get("retrySec", 0)}
    if answer["status"] == "Approved":
        unsigned = {name: value for name, value in answer.items() if name != "signature"}
        assert hmac.compare_digest(sign(unsigned, secret), answer["signature"]), "the server does not know the secret"
        mine = x509.load_pem_x509_certificate(certificate(answer["clientCert"]).encode())
        assert mine.public_key() == key.public_key()
        told["subject"] = mine.subject.rfc4514_string()
        (folder / "device.pem").write_text(certificate(answer["clientCert"]))

        known = ssl.create_default_context(cafile=folder / "ca.pem")
        known.load_cert_chain(folder / "device.pem", key_file)
        renewed = ask(known, endpoints["postProvisionRequest"], {**request, "signature": ""})
        assert hmac.compare_digest(
            sign({name: value for name, value in renewed.items() if name != "signature"}, b""), renewed["signature"]
        )
        told["renewal"] = renewed["status"]
        status = ask(known, endpoints["status"].replace("{deviceID}", urllib.parse.quote(device, safe="")))
        told["state"] = status["status"]
        assert certificate(status["clientCert"]).startswith("-----BEGIN CERTIFICATE-----")
    print(json.dumps(told))


if __name__ == "__main__":
    main()
