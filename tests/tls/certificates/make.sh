#!/usr/bin/env bash
# Makes the certificates of these tests anew: `bash tests/tls/certificates/make.sh`, with OpenSSL 3.
# They are for tests only, and those that are not meant to have expired are valid until the year
# 2999. Nothing keeps the authority's key.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
touch "$work/index"
cat >"$work/config" <<CONFIG
[ca]
default_ca = authority
[authority]
database = $work/index
new_certs_dir = $work
rand_serial = yes
unique_subject = no
default_md = sha256
policy = policy
[policy]
commonName = supplied
[req]
distinguished_name = name
[name]
CONFIG

# FILE FIRST-DAY LAST-DAY EXTENSIONS SIGNER...
certificate() {
    local file=$1 first=$2 last=$3 extensions=$4
    shift 4
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/$file.key"
    openssl req -new -config "$work/config" -subj "/CN=steadfast test $file" \
        -key "$work/$file.key" -out "$work/$file.csr"
    openssl ca -batch -notext -config "$work/config" \
        -startdate "${first}000000Z" -enddate "${last}000000Z" \
        -extfile <(printf '%b' "$extensions") -in "$work/$file.csr" -out "$work/$file.pem" "$@"
}

signed() {
    certificate "$1" "$2" "$3" "basicConstraints=critical,CA:false\nsubjectAltName=$4\n" \
        -cert "$work/authority.pem" -keyfile "$work/authority.key"
    cat "$work/$1.pem" "$work/$1.key" >"$1.pem"
}

here=DNS:localhost,IP:127.0.0.1,IP:::1
certificate authority 20200101 29991231 "basicConstraints=critical,CA:true\nkeyUsage=keyCertSign\n" \
    -selfsign -keyfile "$work/authority.key"
cp "$work/authority.pem" .
signed server 20200101 29991231 "$here"
signed expired 20200101 20200102 "$here"
signed early 29981231 29991231 "$here"
signed elsewhere 20200101 29991231 DNS:elsewhere.example
signed client 20200101 29991231 DNS:client.example
certificate self-signed 20200101 29991231 "basicConstraints=critical,CA:false\nsubjectAltName=$here\n" \
    -selfsign -keyfile "$work/self-signed.key"
cat "$work/self-signed.pem" "$work/self-signed.key" >self-signed.pem
