# AWS IoT's data endpoint as far as Gangway meets it: a real mosquitto that wants client certificates, and beside it what answers
# to fleet provisioning (AWS IoT Developer Guide, "Device provisioning MQTT API"), in JSON and in CBOR. ministack has neither
# create-from-csr nor CBOR.
#
#   aws_mqtt.py FOLDER [--trust FILE] [--without-csr] [--hook PYTHON] [--iot URL]
#
# FILE holds certificates of those who make claims. The first line of output is JSON: where it is, and its CA. Each further line is
# a message that was published.
import argparse, contextlib, datetime, hashlib, ipaddress, json, os, pathlib, secrets, signal, socket, subprocess, sys, threading

import cbor2
import paho.mqtt.client as mqtt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

arguments = argparse.ArgumentParser()
arguments.add_argument("folder", type=pathlib.Path)
arguments.add_argument("--trust", type=pathlib.Path)
arguments.add_argument("--without-csr", action="store_true")
arguments.add_argument("--hook", type=pathlib.Path)
# The control plane that knows afterwards of what was registered here.
arguments.add_argument("--iot")
arguments = arguments.parse_args()
folder = arguments.folder
folder.mkdir(parents=True, exist_ok=True)
NOW = datetime.datetime.now(datetime.timezone.utc)
CREATE, PROVISION = "$aws/certificates/create-from-csr/", "$aws/provisioning-templates/"


def named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


ca_key = ec.generate_private_key(ec.SECP256R1())
ca_name = named("Amazon Root CA of a test")


def sign(key, name, *extensions, ca=False):
    builder = (
        x509.CertificateBuilder().subject_name(name).issuer_name(ca_name).public_key(key)
        .serial_number(x509.random_serial_number()).not_valid_before(NOW - datetime.timedelta(hours=1))
        .not_valid_after(NOW + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(ca_key, hashes.SHA256())


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def write(name, text):
    path = folder / name
    path.write_text(text)
    return str(path)


def write_key(name, key):
    path = folder / name
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    path.chmod(0o644)
    return str(path)


ca = pem(sign(ca_key.public_key(), ca_name, ca=True))
hosts = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
server_key, own_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
ca_file = write("ca.pem", ca)
trusted = write("trusted.pem", ca + (arguments.trust.read_text() if arguments.trust else ""))
server = write("server.pem", pem(sign(server_key.public_key(), named("localhost"), hosts)))
own = write("responder.pem", pem(sign(own_key.public_key(), named("responder"))))
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
configuration = write("mosquitto.conf", f"""listener {port} 127.0.0.1
cafile {trusted}
certfile {server}
keyfile {write_key("server.key", server_key)}
require_certificate true
allow_anonymous true
persistence false
user {os.environ.get("USER", "root")}
""")
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
broker = subprocess.Popen(["mosquitto", "-c", configuration], env={**os.environ, "PATH": PATH}, stdout=sys.stderr, stderr=sys.stderr)
tokens = {}
hook, control = {}, None
if arguments.iot:
    import botocore.session

    control = botocore.session.Session().create_client(
        "iot", region_name="eu-central-1", endpoint_url=arguments.iot, aws_access_key_id="test", aws_secret_access_key="test"
    )
if arguments.hook:
    exec(compile(arguments.hook.read_text(), arguments.hook, "exec"), hook)


class Refused(Exception):
    def __init__(self, status, code, message):
        self.answer = {"statusCode": status, "errorCode": code, "errorMessage": message}


def create_from_csr(request):
    try:
        csr = x509.load_pem_x509_csr(request["certificateSigningRequest"].encode())
    except Exception:
        raise Refused(400, "InvalidCertificateSigningRequest", "CSR violates constraints")
    certificate = sign(csr.public_key(), named("AWS IoT Certificate"))
    token = secrets.token_urlsafe(24)
    tokens[token] = certificate
    identity = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()
    return {"certificateOwnershipToken": token, "certificateId": identity, "certificatePem": pem(certificate)}


def provision(template, request):
    if request.get("certificateOwnershipToken") not in tokens:
        raise Refused(400, "InvalidCertificateOwnershipToken", "The certificate ownership token is not valid")
    parameters = dict(request.get("parameters", {}))
    if hook:
        with contextlib.redirect_stdout(sys.stderr):
            verdict = hook["handler"]({"parameters": parameters, "certificatePem": pem(tokens[request["certificateOwnershipToken"]])}, None)
        if not verdict["allowProvisioning"]:
            raise Refused(403, "AccessDenied", "The pre-provisioning hook does not allow provisioning")
        parameters |= verdict.get("parameterOverrides", {})
    serial = parameters.get("SerialNumber")
    if serial is None:
        raise Refused(400, "InvalidParameters", "The parameter SerialNumber is missing")
    certificate = tokens.pop(request["certificateOwnershipToken"])
    if control:
        control.register_certificate_without_ca(certificatePem=pem(certificate), status="ACTIVE")
    return {"thingName": parameters.get("ThingName", f"thermometer-{serial}"), "deviceConfiguration": {"interval_secs": "60"}}


def answer(topic, payload):
    form = topic.rsplit("/", 1)[1]
    read, write = (json.loads, lambda it: json.dumps(it).encode()) if form == "json" else (cbor2.loads, cbor2.dumps)
    try:
        try:
            request = read(payload)
        except Exception:
            raise Refused(400, "InvalidPayload", "The payload cannot be read")
        if topic.startswith(CREATE):
            done = create_from_csr(request)
        else:
            done = provision(topic.split("/")[2], request)
        return "accepted", write(done)
    except Refused as refused:
        return "rejected", write(refused.answer)


def on_message(client, _, message):
    topic = message.topic
    if topic.endswith(("/accepted", "/rejected")):
        return
    print(json.dumps({"topic": topic, "retain": message.retain, "payload": message.payload.decode(errors="replace")}), flush=True)
    if topic.startswith(CREATE) and not arguments.without_csr or topic.startswith(PROVISION):
        verdict, payload = answer(topic, message.payload)
        client.publish(f"{topic}/{verdict}", payload, qos=1)


ready = threading.Event()


def on_connect(client, *_):
    client.subscribe([("$aws/#", 1), ("#", 1)])


responder = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="responder")
responder.on_connect, responder.on_message = on_connect, on_message
responder.on_subscribe = lambda *_: ready.set()
responder.tls_set(ca_file, own, write_key("responder.key", own_key))
for _ in range(100):
    try:
        responder.connect("127.0.0.1", port)
        break
    except OSError:
        if broker.poll() is not None:
            sys.exit("mosquitto does not start")
        threading.Event().wait(0.05)
responder.loop_start()
if not ready.wait(20):
    broker.kill()
    sys.exit("mosquitto does not answer")
print(json.dumps({"endpoint": f"localhost:{port}", "ca": ca}), flush=True)


def end(*_):
    broker.terminate()
    broker.wait()
    os._exit(0)


signal.signal(signal.SIGTERM, end)
# Whoever started this holds its standard input; when that is gone, this goes too.
sys.stdin.read()
end()
