# Certificates, digests and signatures by openssl 3. Sourced by bdc.sh; runs in LC_ALL=C.

SM2_USER_ID=1234567812345678

# read_certificate FILE: CERTIFICATE_ID, the lower-case hex SHA-256 of its DER; CERTIFICATE_KEY, its public key in PEM;
# CERTIFICATE_ALGORITHM, the name in RFC 9421 of what fits that key.
read_certificate() {
  local text line
  CERTIFICATE_ID='' CERTIFICATE_KEY='' CERTIFICATE_ALGORITHM=''
  text=$(openssl x509 -in "$1" -noout -fingerprint -sha256 -pubkey) || return 1
  while IFS= read -r line; do
    case $line in
      *Fingerprint=*)
        line=${line#*=}
        line=${line//:/}
        CERTIFICATE_ID=${line,,}
        ;;
      *) CERTIFICATE_KEY+=$line$'\n' ;;
    esac
  done <<<"$text"
  # How the DER of a key begins tells what it is: id-ecPublicKey with the curve sm2p256v1 or prime256v1, rsaEncryption.
  case ${CERTIFICATE_KEY#*-----BEGIN PUBLIC KEY-----$'\n'} in
    MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0*) CERTIFICATE_ALGORITHM=sm2-sm3 ;;
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQc*) CERTIFICATE_ALGORITHM=ecdsa-p256-sha256 ;;
    MII???ANBgkqhkiG9w0BAQEFAA*) CERTIFICATE_ALGORITHM=rsa-v1_5-sha256 ;;
    *) return 1 ;;
  esac
}

# digest VARIABLE NAME FILE: base64, NAME as Content-Digest has it.
digest() {
  local text
  text=$(openssl dgst "-${2/sha-/sha}" -r "$3") || return 1
  base64_of_hex "$1" "${text%% *}"
}

# sign VARIABLE FILE: by BDC_KEY, in base64, as it stands in a Signature header.
sign() {
  local -n signature_given=$1
  local file=$2 text hex pass=()
  [[ -z ${BDC_KEY_PASS:-} ]] || pass=(-passin env:BDC_KEY_PASS)
  if [[ $ALGORITHM == sm2-sm3 ]]; then
    openssl pkeyutl -sign -inkey "$BDC_KEY" ${pass[@]+"${pass[@]}"} -rawin -digest sm3 \
      -pkeyopt "distid:$SM2_USER_ID" -in "$file" -out "$WORK/own.der" || return 1
    signature_given=$(openssl base64 -A -in "$WORK/own.der")
    return
  fi
  text=$(openssl dgst -sha256 -sign "$BDC_KEY" ${pass[@]+"${pass[@]}"} -hex "$file") || return 1
  hex=${text##*= }
  if [[ $ALGORITHM == ecdsa-p256-sha256 ]]; then raw_of_der hex "$hex" || return 1; fi
  base64_of_hex signature_given "$hex"
}

# verify FILE SIGNATURE: whether SIGNATURE, in base64, is that of the certificate that was read last, over FILE.
verify() {
  local hex signature=$WORK/answer.signature key=$WORK/public.pem
  hex_of_base64 hex "$2" || return 1
  case $CERTIFICATE_ALGORITHM:${#hex} in
    # r || s and nothing else for P-256; for SM2 that or DER. openssl takes DER.
    ecdsa-p256-sha256:128 | sm2-sm3:128) der_of_raw hex "$hex" ;;
    ecdsa-p256-sha256:*) return 1 ;;
  esac
  bytes_of_hex "$hex" >"$signature"
  printf '%s' "$CERTIFICATE_KEY" >"$key"
  if [[ $CERTIFICATE_ALGORITHM == sm2-sm3 ]]; then
    openssl pkeyutl -verify -pubin -inkey "$key" -rawin -digest sm3 -pkeyopt "distid:$SM2_USER_ID" \
      -in "$1" -sigfile "$signature" >/dev/null 2>&1
  else
    openssl dgst -sha256 -verify "$key" -signature "$signature" "$1" >/dev/null 2>&1
  fi
}
