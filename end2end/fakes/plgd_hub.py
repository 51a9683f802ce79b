# A plgd hub as far as Gangway meets it: the authority where people sign in, the configuration, the certificate authority. It
# follows hub 2025-07 with its odd parts: PEM in base64, a blank line between the items of a stream, 401 and 400 with
# google.rpc.Status, a chain that ends with the root, the previous certificate of a key on the revocation list at once.
import base64, datetime, hashlib, http.server, json, re, secrets, sys, threading, time, urllib.parse, uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLIENT, AUDIENCE = "web", "https://hub.test"
X500 = uuid.UUID("6ba7b814-9dad-11d1-80b4-00c04fd430c8")


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Hub:
    def __init__(self):
        self.lock = threading.Lock()
        self.id = str(uuid.uuid4())
        self.codes, self.tokens, self.refresh, self.records, self.revoked, self.asked = {}, {}, {}, {}, set(), []
        self.loses, self.lifetimes = 0, []
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.token_key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "plgd hub root")])
        now = datetime.datetime.now(datetime.timezone.utc)
        self.root = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(self.key, hashes.SHA256())
        )

    def issue(self, owner, nonce):
        lifetime = self.lifetimes.pop(0) if self.lifetimes else 3600
        access, renewal = self.access_token(owner, lifetime), secrets.token_urlsafe(24)
        self.tokens[access] = (owner, time.time() + lifetime)
        self.refresh[renewal] = owner
        claims = {"iss": f"{BASE}/auth", "aud": CLIENT, "sub": owner, "email": f"{owner}@hub.test", "exp": int(time.time()) + lifetime}
        if nonce:
            claims["nonce"] = nonce
        return {"access_token": access, "id_token": self.signed("JWT", claims), "refresh_token": renewal, "expires_in": lifetime, "token_type": "Bearer"}

    # RFC 9068.
    def access_token(self, owner, lifetime):
        claims = {"iss": f"{BASE}/auth", "aud": AUDIENCE, "sub": owner, "exp": int(time.time()) + lifetime, "jti": secrets.token_urlsafe(12)}
        return self.signed("at+jwt", claims)

    # ES256. Whoever knows the keys below /auth/jwks can tell whose it is.
    def signed(self, kind, claims):
        signed = ".".join(encode(json.dumps(part).encode()) for part in ({"alg": "ES256", "typ": kind, "kid": "hub-1"}, claims))
        pair = utils.decode_dss_signature(self.token_key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{encode(b''.join(number.to_bytes(32, 'big') for number in pair))}"

    def jwks(self):
        numbers = self.token_key.public_key().public_numbers()
        point = {name: encode(number.to_bytes(32, "big")) for name, number in (("x", numbers.x), ("y", numbers.y))}
        return {"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "hub-1", **point}]}

    def owner(self, header):
        token = header[7:] if header.lower().startswith("bearer ") else ""
        owner, until = self.tokens.get(token, (None, 0))
        return owner if until > time.time() else None

    def sign(self, owner, body):
        owner_id = uuid.uuid5(uuid.NAMESPACE_URL, owner)
        try:
            pem = base64.b64decode(json.loads(body)["certificateSigningRequest"])
            csr = x509.load_pem_x509_csr(pem)
        except Exception:
            raise ValueError("cannot parse certificate signing request: pem not found")
        if not csr.is_signature_valid:
            raise ValueError("invalid signature")
        names = csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        name = names[0].value if names else str(owner_id)
        found = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", name)
        if found and found.group() == self.id:
            raise ValueError(f"common name {name} contains same value as hub id")
        spki = csr.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        device = found.group() if found and "uuid:" + found.group() in name and found.group() != str(owner_id) else ""
        if device and any(r["commonName"] == name and r["spki"] != spki and r["owner"] == str(owner_id) for r in self.records.values()):
            raise ValueError(f"common name {name} with different public key fingerprint exists")
        now = datetime.datetime.now(datetime.timezone.utc)
        leaf = (
            x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self.root.subject).public_key(csr.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=365))
            .add_extension(x509.KeyUsage(True, False, False, False, True, False, False, False, False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([
                ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH, x509.ObjectIdentifier("1.3.6.1.4.1.44924.1.6"),
            ]), critical=False).sign(self.key, hashes.SHA256())
        )
        chain = b"".join(c.public_bytes(serialization.Encoding.PEM) for c in (leaf, self.root))
        record_id = str(uuid.uuid5(X500, (name.encode() + spki).hex()))
        if record_id in self.records:
            self.revoked.add(self.records[record_id]["credential"]["serial"])
        self.records[record_id] = {
            "id": record_id, "owner": str(owner_id), "commonName": name, "deviceId": device, "spki": spki,
            "creationDate": str(time.time_ns()),
            "credential": {"date": str(time.time_ns()), "certificatePem": chain.decode(), "serial": str(leaf.serial_number)},
        }
        return {"certificate": base64.b64encode(chain).decode()}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", kind="application/json", **headers):
        self.send_response(status)
        origin = self.headers.get("Origin")
        if origin:
            self.send_header("Access-Control-Allow-Origin", origin)
            self.send_header("Access-Control-Allow-Credentials", "true")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def json(self, status, value):
        self.answer(status, json.dumps(value).encode())

    def problem(self, status, code, message):
        self.json(status, {"code": code, "message": message, "details": []})

    def do_OPTIONS(self):
        self.answer(204, Access_Control_Allow_Methods="GET, DELETE, POST, PUT, OPTIONS",
                    Access_Control_Allow_Headers="Authorization,Content-Type,Accept,Origin,correlation-id", Access_Control_Max_Age="1728000")

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = {name: values[0] for name, values in urllib.parse.parse_qs(url.query).items()}
        if url.path == "/.well-known/configuration":
            root = HUB.root.public_bytes(serialization.Encoding.PEM).decode()
            device = {"clientId": "device", "audience": AUDIENCE, "scopes": ["offline_access"], "providerName": "plgd", "grantType": "authorizationCode"}
            client = {"clientId": CLIENT, "audience": AUDIENCE, "scopes": ["offline_access"], "authority": f"{BASE}/auth"}
            return self.json(200, {"id": HUB.id, "currentTime": str(time.time_ns()), "jwtOwnerClaim": "sub", "authority": f"{BASE}/auth",
                                   "coapGateway": "coaps+tcp://127.0.0.1:5684", "certificateAuthority": BASE, "webOauthClient": client,
                                   "certificateAuthorities": root, "deviceOauthClient": device})
        if url.path == "/auth/.well-known/openid-configuration":
            return self.json(200, {"issuer": f"{BASE}/auth", "authorization_endpoint": f"{BASE}/auth/authorize",
                                   "token_endpoint": f"{BASE}/auth/token", "jwks_uri": f"{BASE}/auth/jwks", "response_modes_supported": ["query", "fragment"],
                                   "code_challenge_methods_supported": ["S256"],
                                   "authorization_response_iss_parameter_supported": True})
        if url.path == "/auth/jwks":
            return self.json(200, HUB.jwks())
        if url.path == "/auth/authorize":
            fields = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in query.items())
            page = f'<title>Hub</title><form method="post" action="/auth/login">{fields}<label>Name <input name="owner"></label>' \
                   '<button name="answer" value="yes">Sign in</button><button name="answer" value="no">Turn back</button></form>'
            return self.answer(200, page.encode(), "text/html")
        if url.path == "/certificate-authority/api/v1/signing/records":
            with HUB.lock:
                owner = HUB.owner(self.headers.get("Authorization", ""))
                HUB.asked.append(f"GET records {200 if owner else 401}")
                if not owner:
                    return self.problem(401, 16, f"cannot access to {self.path}: invalid token")
                mine = [{k: v for k, v in r.items() if k != "spki"} for r in HUB.records.values()
                        if r["owner"] == str(uuid.uuid5(uuid.NAMESPACE_URL, owner))]
                return self.answer(200, "".join(json.dumps({"result": r}) + "\n\n" for r in mine).encode())
        if url.path == "/_asked":
            return self.json(200, {"asked": HUB.asked, "revoked": sorted(HUB.revoked)})
        self.problem(404, 5, "Not Found")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path
        with HUB.lock:
            if path == "/_control":
                HUB.__dict__.update(json.loads(body))
                return self.json(200, {})
            if path in ("/auth/login", "/auth/token"):
                form = {name: values[0] for name, values in urllib.parse.parse_qs(body.decode()).items()}
                return self.login(form) if path == "/auth/login" else self.token(form)
            if path in ("/api/v1/sign/identity-csr", "/certificate-authority/api/v1/sign/identity-csr"):
                return self.sign(body)
        self.problem(404, 5, "Not Found")

    def do_DELETE(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path != "/certificate-authority/api/v1/signing/records":
            return self.problem(404, 5, "Not Found")
        wanted = urllib.parse.parse_qs(url.query).get("idFilter", [])
        with HUB.lock:
            owner = HUB.owner(self.headers.get("Authorization", ""))
            HUB.asked.append(f"DELETE records {200 if owner else 401}")
            if not owner:
                return self.problem(401, 16, f"cannot access to {self.path}: invalid token")
            mine = [r["id"] for r in HUB.records.values() if r["owner"] == str(uuid.uuid5(uuid.NAMESPACE_URL, owner))]
            # Without a filter all of the owner go.
            gone = [record for record in mine if not wanted or record in wanted]
            for record in gone:
                HUB.revoked.add(HUB.records.pop(record)["credential"]["serial"])
            self.json(200, {"count": str(len(gone))})

    def login(self, form):
        back = {"state": form["state"], "iss": f"{BASE}/auth"}
        if form.get("answer") == "no":
            back |= {"error": "access_denied", "error_description": "the person turned back"}
        else:
            back["code"] = secrets.token_urlsafe(24)
            HUB.codes[back["code"]] = form
        mark = "#" if form.get("response_mode") == "fragment" else "?"
        self.answer(303, Location=form["redirect_uri"] + mark + urllib.parse.urlencode(back))

    def token(self, form):
        refuse = lambda what: self.json(400, {"error": "invalid_grant", "error_description": what})
        HUB.asked.append(f"POST token {form.get('grant_type')}")
        if form.get("grant_type") == "refresh_token":
            owner = HUB.refresh.pop(form.get("refresh_token"), None)
            return self.json(200, HUB.issue(owner, None)) if owner else refuse("the refresh token is not known")
        begun = HUB.codes.pop(form.get("code"), None)
        if not begun:
            return refuse("the code is not known")
        challenge = encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        for name, wrong in (("client_id", form.get("client_id")), ("redirect_uri", form.get("redirect_uri")), ("code_challenge", challenge)):
            if begun[name] != wrong:
                return refuse(f"{name} is another")
        self.json(200, HUB.issue(begun["owner"], begun.get("nonce")))

    def sign(self, body):
        owner = HUB.owner(self.headers.get("Authorization", ""))
        if not owner:
            HUB.asked.append("POST sign 401")
            return self.problem(401, 16, f"cannot access to {self.path}: invalid token")
        try:
            signed = HUB.sign(owner, body)
        except ValueError as error:
            HUB.asked.append("POST sign 400")
            return self.problem(400, 3, f"cannot sign identity certificate: {error}")
        HUB.asked.append("POST sign 200")
        if HUB.loses > 0:
            HUB.loses -= 1
            # The head arrives. Without a byte of an answer Chromium asks once more by itself, POST or not.
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin", "*"))
            self.send_header("Content-Length", "2000")
            self.end_headers()
            self.wfile.write(b"{")
            self.wfile.flush()
            self.close_connection = True
            return self.connection.shutdown(2)
        self.json(200, signed)


HUB = Hub()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
BASE = f"http://127.0.0.1:{server.server_address[1]}"
print(BASE, flush=True)
server.serve_forever()
