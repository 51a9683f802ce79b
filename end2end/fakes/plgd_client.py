# A plgd client application as far as Gangway meets it. It follows client-application 2024-10 with its odd parts: a state that works
# once and for a minute, tokens whose keys it was told by whoever came first, everything in memory, 401, 400, 404 and 503 with
# google.rpc.Status, a blank line between the items of a stream, 15 seconds for owning a device. Time is told to it, never waited for.
import base64, http.server, json, re, threading, time, urllib.parse, uuid

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

OCF_IDENTITY = x509.ObjectIdentifier("1.3.6.1.4.1.44924.1.6")


class Refusal(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def owner_id(claim):
    try:
        found = uuid.UUID(claim)
        return found if found.int else uuid.uuid5(uuid.NAMESPACE_URL, claim)
    except ValueError:
        return uuid.uuid5(uuid.NAMESPACE_URL, claim)


def request(key, name, **extra):
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
    builder = builder.add_extension(x509.BasicConstraints(ca=extra.get("ca", False), path_length=None), critical=True)
    builder = builder.add_extension(x509.KeyUsage(True, False, False, False, True, False, False, False, False), critical=True)
    builder = builder.add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH, OCF_IDENTITY]), critical=False)
    return base64.b64encode(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)).decode()


def check_chain(encoded, key):
    try:
        chain = x509.load_pem_x509_certificates(base64.b64decode(encoded))
    except ValueError as error:
        raise Refusal(400, 3, f"cannot parse certificate: {error}")
    leaf, root = chain[0], chain[-1]
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    found = re.fullmatch(r"uuid:([0-9a-f-]{36})", names[0].value if names else "")
    if ExtendedKeyUsageOID.CLIENT_AUTH not in usages or OCF_IDENTITY not in usages or not found:
        raise Refusal(400, 3, "not an identity certificate")
    if leaf.public_key().public_numbers() != key.public_key().public_numbers() or root.issuer != root.subject:
        raise Refusal(500, 13, "cannot use certificate")
    return found.group(1)


class Client:
    def __init__(self):
        self.lock = threading.Lock()
        self.ahead, self.jumps, self.registers = 0.0, [], ["registering", "registered"]
        self.asked, self.bearers, self.asks_for_ca = [], [], False
        self.forget()
        kinds = {"Lamp": "UNOWNED", "Valve": "OWNED", "": "UNSUPPORTED"}
        self.devices = {str(uuid.uuid4()): {"name": name, "ownership": kind, "cps": ["uninitialized"], "onboarded": None}
                        for name, kind in kinds.items()}

    def forget(self):
        self.mode, self.owner, self.owner_id, self.keys, self.states, self.psk = "UNINITIALIZED", "", None, None, {}, None
        self.key = ec.generate_private_key(ec.SECP256R1())

    def now(self):
        return time.monotonic() + self.ahead

    def claims(self, header):
        token = header[7:] if header.lower().startswith("bearer ") else ""
        try:
            head, payload, signature = token.split(".")
            return json.loads(decode(head)), json.loads(decode(payload)), f"{head}.{payload}".encode(), decode(signature)
        except ValueError:
            raise Refusal(401, 16, "cannot get token from request")

    # After initialisation a token has to be of the initialising owner, by a key that was told then.
    def check(self, header):
        if self.mode == "UNINITIALIZED":
            raise Refusal(503, 14, "service is not initialized")
        if self.mode == "PRE_SHARED_KEY":
            return
        head, payload, signed, signature = self.claims(header)
        jwk = next((k for k in self.keys["keys"] if k["kid"] == head.get("kid")), None)
        if not jwk:
            raise Refusal(401, 16, "cannot validate token: could not find key")
        numbers = ec.EllipticCurvePublicNumbers(*(int.from_bytes(decode(jwk[c]), "big") for c in "xy"), ec.SECP256R1())
        pair = utils.encode_dss_signature(*(int.from_bytes(half, "big") for half in (signature[:32], signature[32:])))
        try:
            numbers.public_key().verify(pair, signed, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise Refusal(401, 16, "cannot validate token: signature is invalid")
        if owner_id(payload.get("sub", "")) != self.owner_id:
            raise Refusal(401, 16, "owner of token is not owner of client")

    def challenge(self, csr, seconds, **kept):
        state = str(uuid.uuid4())
        self.states[state] = {"until": self.now() + seconds, **kept}
        # A person who went for a coffee: the clock jumps once the challenge is out.
        self.ahead += self.jumps.pop(0) if self.jumps else 0
        return {"identityCertificateChallenge": {"certificateSigningRequest": csr, "state": state}}

    def take(self, state, status, code, message):
        kept = self.states.pop(state, None)
        if not kept or kept["until"] < self.now():
            raise Refusal(status, code, message)
        return kept

    def initialise(self, header, body):
        if self.mode != "UNINITIALIZED":
            raise Refusal(400, 9, "already initialized")
        if "preSharedKey" in body:
            shared = body["preSharedKey"]
            if not shared.get("subjectId") or len(shared.get("key", "")) < 16:
                raise Refusal(400, 3, "invalid preSharedKey")
            self.psk, self.mode = shared, "PRE_SHARED_KEY"
            return {}
        claim = self.claims(header)[1].get("sub")
        if not claim:
            raise Refusal(401, 16, "cannot get owner from token")
        keys = body.get("jwks")
        if not keys or not isinstance(keys.get("keys"), list):
            raise Refusal(400, 3, "cannot parse jwks")
        return self.challenge(request(self.key, f"uuid:{owner_id(claim)}", ca=self.asks_for_ca), 60, keys=keys)

    def finish(self, header, state, body):
        if self.mode != "UNINITIALIZED":
            raise Refusal(400, 9, "already initialized")
        kept = self.take(state, 400, 3, "invalid state")
        claim = self.claims(header)[1].get("sub", "")
        if check_chain(body.get("certificate", ""), self.key) != str(owner_id(claim)):
            raise Refusal(400, 3, "invalid owner id")
        self.mode, self.owner, self.owner_id, self.keys = "X509", claim, owner_id(claim), kept["keys"]
        return {}

    def own(self, device_id, body):
        device = self.device(device_id)
        if self.mode == "PRE_SHARED_KEY":
            device["ownership"] = "OWNED"
            return {}
        # A device makes its key once.
        key = device.setdefault("key", ec.generate_private_key(ec.SECP256R1()))
        seconds = int(body.get("timeout", 15_000_000_000)) / 1e9
        return self.challenge(request(key, f"uuid:{device_id}"), seconds, key=key)

    def finish_own(self, device_id, state, body):
        if self.mode != "X509":
            raise Refusal(501, 12, "not supported")
        kept = self.take(state, 404, 5, "cannot find own state")
        if check_chain(body.get("certificate", ""), kept["key"]) != device_id:
            raise Refusal(400, 3, "invalid device id")
        self.device(device_id)["ownership"] = "OWNED"
        return {}

    def device(self, device_id):
        if device_id not in self.devices:
            raise Refusal(404, 5, f"device {device_id} not found")
        return self.devices[device_id]

    def act(self, device_id, verb, body):
        device = self.device(device_id)
        if device["ownership"] != "OWNED":
            raise Refusal(403, 7, "device is not owned")
        if verb == "disown":
            device.update(ownership="UNOWNED", cps=["uninitialized"])
        elif verb == "onboard":
            for field in ("coapGatewayAddress", "authorizationCode", "authorizationProviderName", "hubId", "certificateAuthorities"):
                if not body.get(field):
                    raise Refusal(400, 3, f"invalid {field}")
            device.update(onboarded=body, cps=list(self.registers))
        else:
            device["cps"] = ["uninitialized"]
        return {}

    def configuration(self):
        return {
            "version": "0.5.0", "isInitialized": self.mode != "UNINITIALIZED", "deviceAuthenticationMode": self.mode, "owner": self.owner,
            "ui": {"defaultDiscoveryTimeout": "2000000000"},
            "remoteProvisioning": {"mode": "USER_AGENT" if self.mode == "X509" else "MODE_NONE", "jwtOwnerClaim": "sub",
                                   "userAgent": {"csrChallengeStateExpiration": "60000000000"}},
        }


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    # CORS as the client does it: any origin, no credentials.
    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        if self.headers.get("Origin"):
            self.send_header("Access-Control-Allow-Origin", "*")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_OPTIONS(self):
        self.answer(204, Access_Control_Allow_Methods="GET, DELETE, POST, PUT, OPTIONS",
                    Access_Control_Allow_Headers="Authorization,Content-Type,Accept,Origin")

    def do_GET(self):
        self.serve("GET", {})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.serve("POST", json.loads(body or b"{}"))

    def serve(self, method, body):
        path = urllib.parse.urlsplit(self.path).path
        with CLIENT.lock:
            if path == "/_control":
                CLIENT.__dict__.update(body)
                return self.answer(200, b"{}")
            if path == "/_told":
                told = {"asked": CLIENT.asked, "bearers": CLIENT.bearers, "mode": CLIENT.mode, "owner": CLIENT.owner, "psk": CLIENT.psk,
                        "devices": [{name: value for name, value in d.items() if name != "key"} for d in CLIENT.devices.values()]}
                return self.answer(200, json.dumps(told).encode())
            if path == "/_restart":
                CLIENT.forget()
                return self.answer(200, b"{}")
            header = self.headers.get("Authorization", "")
            if header:
                CLIENT.bearers.append(header)
            try:
                status, result = 200, self.route(method, path, header, body)
            except Refusal as refusal:
                status, result = refusal.status, {"code": refusal.code, "message": refusal.message, "details": []}
            named = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "*", path)
            CLIENT.asked.append(f"{method} {named} {status}")
            self.answer(status, result if isinstance(result, bytes) else json.dumps(result).encode())

    def route(self, method, path, header, body):
        if (method, path) == ("GET", "/.well-known/configuration"):
            return CLIENT.configuration()
        if method == "POST" and path == "/api/v1/initialize":
            return CLIENT.initialise(header, body)
        if method == "POST" and path.startswith("/api/v1/initialize/"):
            return CLIENT.finish(header, path.rsplit("/", 1)[1], body)
        if path.startswith("/api/v1/"):
            CLIENT.check(header)
        if (method, path) == ("POST", "/api/v1/reset"):
            CLIENT.forget()
            return {}
        if (method, path) == ("GET", "/api/v1/devices"):
            items = [{"result": {"id": id, "types": ["oic.d.test"], "ownershipStatus": d["ownership"]} | ({"name": d["name"]} if d["name"] else {})}
                     for id, d in sorted(CLIENT.devices.items())]
            return "".join(json.dumps(item) + "\n\n" for item in items).encode()
        parts = path.split("/")[4:]
        if method == "POST" and len(parts) == 2 and parts[1] == "own":
            return CLIENT.own(parts[0], body)
        if method == "POST" and len(parts) == 3 and parts[1] == "own":
            return CLIENT.finish_own(parts[0], parts[2], body)
        if method == "POST" and len(parts) == 2 and parts[1] in ("disown", "onboard", "offboard"):
            return CLIENT.act(parts[0], parts[1], body)
        if method == "GET" and parts[1:] == ["resources", "CoapCloudConfResURI"]:
            device = CLIENT.device(parts[0])
            status = device["cps"].pop(0) if len(device["cps"]) > 1 else device["cps"][0]
            return {"types": ["oic.r.coapcloudconf"], "data": {"content": {"cps": status}}}
        raise Refusal(404, 5, "Not Found")


CLIENT = Client()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
