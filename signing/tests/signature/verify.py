# Verifies requests with botocore's own signer, apart from the code that signed them. Standard input has one JSON object per line:
# method, url, headers, body, secret, now (seconds). Prints what is wrong with each, or "good".
import datetime, hashlib, hmac, json, sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def verify(case):
    headers = {name.lower(): value for name, value in case["headers"].items()}
    scheme, rest = headers["authorization"].split(" ", 1)
    fields = dict(part.strip().split("=", 1) for part in rest.split(","))
    access_key, day, region, service, end = fields["Credential"].split("/")
    signed = fields["SignedHeaders"].split(";")
    at = headers["x-amz-date"]
    if (scheme, service, end) != ("AWS4-HMAC-SHA256", "iot", "aws4_request") or not at.startswith(day):
        return "scope"
    age = datetime.datetime.strptime(at, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc).timestamp() - case["now"]
    if abs(age) > 300:
        return "age"
    if not {"host", "x-amz-date"} <= set(signed) or any(name.startswith("x-amz-") and name not in signed for name in headers):
        return "something that must be signed is not"
    body = case["body"].encode()
    if headers.get("x-amz-content-sha256", hashlib.sha256(body).hexdigest()) != hashlib.sha256(body).hexdigest():
        return "body"
    kept = {name: headers[name] for name in signed if name in headers}
    request = AWSRequest(method=case["method"], url=case["url"], headers=kept, data=body)
    request.context["timestamp"] = at
    signer = SigV4Auth(Credentials(access_key, case["secret"]), service, region)
    wanted = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return "good" if hmac.compare_digest(wanted, fields["Signature"]) else "signature"


for line in sys.stdin:
    print(verify(json.loads(line)), flush=True)
