#!/usr/bin/env bash
# Makes the certificate requests beside it anew: good and refused ones. Needs OpenSSL 3, and a Python with `cryptography` as
# first argument. The keys are thrown away; the tests read only what is checked in.
set -euo pipefail
cd "$(dirname "$0")"
python=${1:-python3}
key=$(mktemp)
trap 'rm -f "$key"' EXIT

request() { # request NAME OPTION…: signs a request by $key
  local name=$1; shift
  openssl req -new -key "$key" -subj "/CN=thermometer-7" "$@" -out "$name.pem"
}
make_key() { openssl genpkey -quiet -out "$key" "$@"; }

make_key -algorithm EC -pkeyopt ec_paramgen_curve:P-256
request p256
request p256-sha384 -sha384
request p256-sha1 -sha1
request p256-sha512 -sha512
request hostile -subj "/O=Gangway/OU=Root/CN=panel.example" \
  -addext "basicConstraints=critical,CA:TRUE,pathlen:9" -addext "keyUsage=critical,keyCertSign,cRLSign" \
  -addext "extendedKeyUsage=serverAuth,OCSPSigning" \
  -addext "subjectAltName=DNS:*.panel.example,DNS:localhost,IP:127.0.0.1,URI:gangway:device:dev_0,email:root@panel.example"
openssl ec -in "$key" -conv_form compressed -out "$key.compressed" 2>/dev/null
mv "$key.compressed" "$key"
request p256-compressed

make_key -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit
request p256-explicit
make_key -algorithm EC -pkeyopt ec_paramgen_curve:P-384
request p384 -sha384
make_key -algorithm EC -pkeyopt ec_paramgen_curve:P-521
request p521
make_key -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1
request secp256k1
make_key -algorithm ED25519
request ed25519
make_key -algorithm ED448
request ed448

make_key -algorithm RSA -pkeyopt rsa_keygen_bits:2048
request rsa2048
request rsa2048-sha512 -sha512
request rsa2048-sha1 -sha1
request rsa2048-md5 -md5
request rsa2048-pss -sigopt rsa_padding_mode:pss
make_key -algorithm RSA -pkeyopt rsa_keygen_bits:4096
request rsa4096
make_key -algorithm RSA -pkeyopt rsa_keygen_bits:1024
request rsa1024
make_key -algorithm RSA -pkeyopt rsa_keygen_bits:2047
request rsa2047
make_key -algorithm RSA -pkeyopt rsa_keygen_bits:4160
request rsa4160
make_key -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3
request rsa2048-e3

# A key as the flawed library of CVE-2017-15361 makes them: primes k·M + (65537^a mod M), M the product of 126 primes.
"$python" - >"$key" <<'PYTHON'
import secrets
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

def is_prime(n):
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(32):
        x = pow(secrets.randbelow(n - 3) + 2, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True

small = [p for p in range(2, 710) if all(p % d for d in range(2, p))][:126]
product = 1
for p in small:
    product *= p

def flawed_prime():
    while True:
        top = (1 << 1023) + (1 << 1022)
        k = top // product + secrets.randbelow((1 << 1022) // product)
        candidate = k * product + pow(65537, secrets.randbelow(product), product)
        if candidate.bit_length() == 1024 and is_prime(candidate):
            return candidate

p, q = flawed_prime(), flawed_prime()
d = pow(65537, -1, (p - 1) * (q - 1))
numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(65537, p * q))
print(numbers.private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), end="")
PYTHON
request rsa2048-roca
