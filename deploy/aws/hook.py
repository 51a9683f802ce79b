# Pre-provisioning hook of the template that Gangway uses (AWS IoT Developer Guide, "Pre-provisioning hooks"): a device is
# registered while Gangway has it approved and the very key of its certificate is being signed, and at no other time. AWS allows
# five seconds.
import base64, hashlib, json, os, re, time, urllib.error, urllib.request

PANEL, ORGANISATION = os.environ["PANEL"], os.environ["ORGANISATION"]
# A device waits for its certificate for minutes, not for hours.
LONGEST_MILLIS = 15 * 60 * 1000
token = os.environ.get("TOKEN")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None  # The token is for the panel alone.


panel = urllib.request.build_opener(NoRedirect)


def secret(again=False):
    global token
    if token is None or again:
        import boto3

        token = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["TOKEN_SECRET"])["SecretString"].strip()
    return token


# One element of DER: where its content begins and ends.
def element(der, at):
    length, begin = der[at + 1], at + 2
    if length & 0x80:
        begin, length = begin + (length & 0x7F), int.from_bytes(der[begin:begin + (length & 0x7F)], "big")
    return begin, begin + length


# The digest of a certificate's SubjectPublicKeyInfo (RFC 5280, 4.1): behind version, serial, algorithm, issuer, validity, subject.
def key_of(pem):
    der = base64.b64decode("".join(pem.split("-----")[2].split()))
    at, _ = element(der, element(der, 0)[0])
    for _ in range(6 if der[at] == 0xA0 else 5):
        at = element(der, at)[1]
    return hashlib.sha256(der[at:element(der, at)[1]]).hexdigest()


def ask(path, again=False):
    request = urllib.request.Request(f"{PANEL}/api/v1/{path}", headers={"Authorization": f"Bearer {secret(again)}"})
    try:
        with panel.open(request, timeout=2) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        # The token was replaced meanwhile.
        if refusal.code == 401 and not again and "TOKEN_SECRET" in os.environ:
            return ask(path, True)
        raise


def handler(event, _context):
    name = (event.get("parameters") or {}).get("Device", "")
    try:
        if not re.fullmatch(r"dev_[0-9a-z]{26}", name):
            raise ValueError("the parameter Device is no device of Gangway")
        found = ask(f"devices/{name}/keys/{key_of(event['certificatePem'])}/signing")
        if found["organisation"] != ORGANISATION:
            raise ValueError("the device is in another organisation")
        if time.time() * 1000 - found["approved_at"] > LONGEST_MILLIS:
            raise ValueError("the approval is too old")
    except Exception as reason:
        # What is wrong is for the log of this function; AWS tells the device no more than that it was refused.
        print(f"refused {name!r}: {reason}")
        return {"allowProvisioning": False}
    # The thing is named by Gangway's id, whatever the device states.
    return {"allowProvisioning": True, "parameterOverrides": {"ThingName": name}}
