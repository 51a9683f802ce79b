"""A device written from docs/protocol.md alone, in another language, on other libraries.

It enrols, says yes to every approval, opens a session, and ends. One JSON object per line on standard output, as
`gangway-device run --json` prints them. It shares no code with Gangway: where it fails, the document or the server is wrong.

usage: device.py SERVER-URL      (needs the packages spake2, cryptography and websockets)
"""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import sys
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import NameOID
from spake2 import SPAKE2_A
from websockets.asyncio.client import connect

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def say(event: str, **fields) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


class Channel:
    """Sealed messages in both directions (section 2, "Keys")."""

    def __init__(self, shared: bytes, claim: str):
        def derive(info: bytes) -> bytes:
            return HKDF(hashes.SHA256(), 32, b"gangway enrolment v1", info).derive(shared)

        self.confirm_device, self.confirm_browser = derive(b"confirm device"), derive(b"confirm browser")
        self.sealing, self.opening = ChaCha20Poly1305(derive(b"seal device")), ChaCha20Poly1305(derive(b"seal browser"))
        self.sent = self.received = 0
        self.claim = claim.encode()

    def seal(self, message: dict) -> str:
        box = self.sealing.encrypt(self.sent.to_bytes(12, "little"), json.dumps(message).encode(), self.claim)
        self.sent += 1
        return b64(box)

    def open(self, box: str) -> dict:
        text = self.opening.decrypt(self.received.to_bytes(12, "little"), base64.b64decode(box), self.claim)
        self.received += 1
        return json.loads(text)


class Device:
    def __init__(self, url: str):
        parts = urlsplit(url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.socket_url = self.origin.replace("http", "ws", 1)
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "independent")])
        self.csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(self.key, hashes.SHA256())

    async def enrol(self) -> str:
        """Returns the certificate chain."""
        async with connect(f"{self.socket_url}/api/v1/enrolment", subprotocols=["gangway.enrolment.v1"], compression=None) as socket:
            async def send(**message):
                await socket.send(json.dumps(message))

            await send(type="hello", agent="independent-device/1.0 (python)")
            nameplate = json.loads(await socket.recv())
            assert nameplate["type"] == "nameplate", nameplate
            secret = "".join(secrets.choice(ALPHABET) for _ in range(6))
            say("code", user_code=f"{nameplate['nameplate']}-{secret}")
            password = (nameplate["nameplate"] + secret).encode()

            channel = approval = chain = None
            asked = pakes = b""
            async for text in socket:
                message = json.loads(text)
                kind = message["type"]
                if kind == "problem":
                    raise SystemExit(f"problem: {message}")
                if kind == "claim":
                    spake = SPAKE2_A(password, idA=b"gangway device", idB=b"gangway browser")
                    mine, theirs = spake.start(), base64.b64decode(message["pake"])
                    channel, approval = Channel(spake.finish(theirs), message["claim"]), None
                    pakes = mine + theirs + message["claim"].encode()
                    confirm = hmac.digest(channel.confirm_device, pakes, "sha256")
                    await send(type="answer", claim=message["claim"], pake=b64(mine), confirm=b64(confirm))
                elif kind == "confirm":
                    expected = hmac.digest(channel.confirm_browser, pakes, "sha256")
                    assert hmac.compare_digest(expected, base64.b64decode(message["confirm"])), "wrong code"
                    introduction = {
                        "type": "introduction",
                        "csr": self.csr.public_bytes(serialization.Encoding.PEM).decode(),
                        "facts": {"hostname": "independent", "os": "any", "os_version": "1", "arch": "any", "software": "device.py", "software_version": "1.0"},
                        "link": nameplate["verification_uri"],
                        "accepts": ["certificate"],
                    }
                    await send(type="sealed", claim=message["claim"], box=channel.seal(introduction))
                elif kind == "approval":
                    approval = (message["organisation"], message["approver"])
                elif kind == "sealed":
                    inner = channel.open(message["box"])
                    if inner["type"] == "offer":
                        asked = (inner["organisation"], inner["approver"])
                        accepted = asked == approval
                        await send(type="sealed", claim=message["claim"], box=channel.seal({"type": "consent", "accepted": accepted}))
                    elif inner["type"] == "credential":
                        chain = inner["chain"]
                        leaf = self.check(chain, inner.get("trust_anchors"))
                        installed = {"type": "installed", "certificate_sha256": leaf}
                        await send(type="sealed", claim=message["claim"], box=channel.seal(installed))
                        await send(type="outcome", claim=message["claim"], outcome="enrolled")
                        say("installed", certificate_sha256=leaf)
                        return chain
                    elif inner["type"] == "refusal":
                        raise SystemExit(f"refused: {inner['reason']}")
                elif kind == "closed":
                    channel = None
        raise SystemExit("the server closed the connection")

    def check(self, chain: str, anchors: str | None) -> str:
        certificates = x509.load_pem_x509_certificates(chain.encode())
        leaf = certificates[0]
        assert leaf.public_key() == self.key.public_key(), "another key's certificate"
        path = certificates + (x509.load_pem_x509_certificates(anchors.encode()) if anchors else [])
        for child, issuer in zip(certificates, path[1:]):
            child.verify_directly_issued_by(issuer)
        return leaf.fingerprint(hashes.SHA256()).hex()

    async def open_session(self, chain: str) -> None:
        leaf = x509.load_pem_x509_certificates(chain.encode())[0]
        digest = hashlib.sha256(leaf.public_bytes(serialization.Encoding.DER)).digest()
        async with connect(f"{self.socket_url}/api/v1/session", subprotocols=["gangway.session.v1"], compression=None) as socket:
            challenge = json.loads(await socket.recv())
            signed = b"gangway session v1\0" + base64.b64decode(challenge["nonce"]) + self.origin.encode() + b"\0" + digest
            signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
            proof = {"type": "proof", "chain": chain, "signature": b64(signature), "counter": 1, "agent": "independent-device/1.0 (python)"}
            await socket.send(json.dumps(proof))
            welcome = json.loads(await socket.recv())
            assert welcome["type"] == "welcome", welcome
            say("online", device=welcome["device"])


async def main() -> None:
    device = Device(sys.argv[1])
    await device.open_session(await device.enrol())


asyncio.run(main())
