"""One end of the sealed channel, written from docs/protocol.md with python-spake2 and the cryptography package.

The interop test runs it against the Rust implementation. It talks JSON, one object a line, binary values in base64.

    peer.py browser     in: {code}, {claim, pake, confirm}   out: {pake}, {confirm}
    peer.py device      in: {code, claim, pake}, {confirm}   out: {pake, confirm}, {redeemed: true}
    peer.py vectors     prints the vectors that are checked in as protocol/vectors/seal.json
    peer.py signatures  prints the vectors that are checked in as protocol/vectors/signatures.json

After the handshake, in: {"box": …} is opened and answered by the box of {"type": "echo", "of": <what was in it>}; in:
{"seal": …} is answered by the box of that value. A handshake or a box that is not right ends in {"error": …}.
"""

import base64
import hashlib
import hmac
import json
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from spake2 import SPAKE2_A, SPAKE2_B
from spake2.ed25519_group import Ed25519Group

IDENTITIES = {"idA": b"gangway device", "idB": b"gangway browser"}


class Refused(Exception):
    """The other side is not who it should be."""


def derive(shared, info):
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=b"gangway enrolment v1", info=info)
    return kdf.derive(shared)


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


class Channel:
    def __init__(self, claim, sending, receiving):
        self.claim = claim.encode()
        self.sending, self.receiving = ChaCha20Poly1305(sending), ChaCha20Poly1305(receiving)
        self.sent = self.received = 0

    def seal(self, text):
        sealed = self.sending.encrypt(self.sent.to_bytes(12, "little"), text.encode(), self.claim)
        self.sent += 1
        return sealed

    def open(self, sealed):
        try:
            text = self.receiving.decrypt(self.received.to_bytes(12, "little"), sealed, self.claim)
        except InvalidTag:
            raise Refused("forged")
        self.received += 1
        return text.decode()


def keys(shared):
    names = [b"confirm device", b"confirm browser", b"seal device", b"seal browser"]
    return [derive(shared, name) for name in names]


def browser(read, write):
    code = read()["code"].encode()
    spake = SPAKE2_B(code, **IDENTITIES)
    ours = spake.start()
    write(pake=b64(ours))
    answer = read()
    theirs, claim = unb64(answer["pake"]), answer["claim"]
    confirm_device, confirm_browser, seal_device, seal_browser = keys(spake.finish(theirs))
    if not hmac.compare_digest(unb64(answer["confirm"]), mac(confirm_device, theirs, ours, claim.encode())):
        raise Refused("mismatch")
    write(confirm=b64(mac(confirm_browser, theirs, ours, claim.encode())))
    return Channel(claim, sending=seal_browser, receiving=seal_device)


def device(read, write):
    opening = read()
    theirs, claim = unb64(opening["pake"]), opening["claim"]
    spake = SPAKE2_A(opening["code"].encode(), **IDENTITIES)
    ours = spake.start()
    confirm_device, confirm_browser, seal_device, seal_browser = keys(spake.finish(theirs))
    write(pake=b64(ours), confirm=b64(mac(confirm_device, ours, theirs, claim.encode())))
    if not hmac.compare_digest(unb64(read()["confirm"]), mac(confirm_browser, ours, theirs, claim.encode())):
        raise Refused("mismatch")
    write(redeemed=True)
    return Channel(claim, sending=seal_device, receiving=seal_browser)


def converse(channel, read, write):
    while (line := read()) is not None:
        if "seal" in line:
            write(box=b64(channel.seal(json.dumps(line["seal"], ensure_ascii=False))))
        else:
            opened = json.loads(channel.open(unb64(line["box"])))
            write(box=b64(channel.seal(json.dumps({"type": "echo", "of": opened}, ensure_ascii=False))))


def vectors():
    """A whole handshake from fixed scalars. Hex; scalars are 32 bytes, little-endian."""
    code, claim = b"BCDFGHJKLM", "clm_01jd8r3k5m7n9p1q3s5t7v9x1z"
    scalars = [scalar(b"gangway vector, device"), scalar(b"gangway vector, browser")]
    a, b = SPAKE2_A(code, **IDENTITIES), SPAKE2_B(code, **IDENTITIES)
    pakes = []
    for side, fixed in zip((a, b), scalars):
        # The group object is shared, so each side is started with its own fixed "random" scalar in turn.
        side.params.group.random_scalar = lambda _entropy, fixed=fixed: fixed
        pakes.append(side.start())
    shared = a.finish(pakes[1])
    assert shared == b.finish(pakes[0])
    confirm_device, confirm_browser, seal_device, seal_browser = keys(shared)
    transcript = b"".join(pakes) + claim.encode()
    ends = {
        "device": Channel(claim, sending=seal_device, receiving=seal_browser),
        "browser": Channel(claim, sending=seal_browser, receiving=seal_device),
    }
    messages = [
        ("device", '{"type":"consent","accepted":true}'),
        ("browser", '{"type":"refusal","reason":"Das ist nicht mein Gerät."}'),
        ("device", '{"type":"failed","code":"chain_invalid","message":"✗"}'),
    ]
    boxes = [{"from": end, "json": text, "box": ends[end].seal(text).hex()} for end, text in messages]
    return {
        "code": "BCDF-GHJKLM",
        "password": code.hex(),
        "claim": claim,
        "scalar_device": scalars[0].to_bytes(32, "little").hex(),
        "scalar_browser": scalars[1].to_bytes(32, "little").hex(),
        "pake_device": pakes[0].hex(),
        "pake_browser": pakes[1].hex(),
        "shared": shared.hex(),
        "key_confirm_device": confirm_device.hex(),
        "key_confirm_browser": confirm_browser.hex(),
        "key_seal_device": seal_device.hex(),
        "key_seal_browser": seal_browser.hex(),
        "confirm_device": mac(confirm_device, transcript).hex(),
        "confirm_browser": mac(confirm_browser, transcript).hex(),
        "boxes": boxes,
    }


def signatures():
    """What a device signs to open a session and to renew, with an Ed25519 key, whose signatures are the same every time."""
    seed = hashlib.sha256(b"gangway vector, device key").digest()
    key = Ed25519PrivateKey.from_private_bytes(seed)
    nonce, origin = bytes(range(32)), "https://panel.example"
    leaf = hashlib.sha256(b"gangway vector, leaf certificate").digest()
    csr = hashlib.sha256(b"gangway vector, certificate request").digest()
    proof = b"gangway session v1\0" + nonce + origin.encode() + b"\0" + leaf
    renewal = b"gangway renew v1\0" + csr
    return {
        "ed25519_seed": seed.hex(),
        "ed25519_public_key": key.public_key().public_bytes_raw().hex(),
        "nonce": nonce.hex(),
        "origin": origin,
        "leaf_sha256": leaf.hex(),
        "proof_message": proof.hex(),
        "proof_signature": key.sign(proof).hex(),
        "csr_sha256": csr.hex(),
        "renewal_message": renewal.hex(),
        "renewal_signature": key.sign(renewal).hex(),
    }


def scalar(name):
    return int.from_bytes(hashlib.sha512(name).digest(), "little") % Ed25519Group.order()


def b64(data):
    return base64.b64encode(data).decode()


def unb64(text):
    return base64.b64decode(text, validate=True)


def read():
    line = sys.stdin.readline()
    return json.loads(line) if line else None


def write(**fields):
    print(json.dumps(fields), flush=True)


def main(role):
    if role in ("vectors", "signatures"):
        print(json.dumps({"vectors": vectors, "signatures": signatures}[role](), indent=2, ensure_ascii=False))
        return
    try:
        converse({"browser": browser, "device": device}[role](read, write), read, write)
    except Refused as reason:
        write(error=str(reason))


if __name__ == "__main__":
    main(sys.argv[1])
