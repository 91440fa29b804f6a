# HTTP message signatures (RFC 9421) and digests (RFC 9530): what is signed, and what an answer is held to.
# Sourced by bdc.sh; runs in LC_ALL=C.

CREATED_SKEW_SECONDS=300

# Headers by lower-case name: those of the request, and those that came.
declare -A SENT=() CAME=()
# Of the request, for its own signature and for what binds the answer to it.
METHOD='' TARGET_URI='' STATUS='' LABEL=sig1

# read_headers FILE: CAME, of the last message in what curl wrote down.
read_headers() {
  local line name value
  CAME=()
  while IFS= read -r line || [[ -n $line ]]; do
    line=${line%$'\r'}
    if [[ $line == HTTP/* ]]; then
      CAME=()
      continue
    fi
    name=${line%%:*}
    name=${name,,}
    [[ $line == *:* && $name =~ ^[a-z0-9_-]+$ ]] || continue
    value=${line#*:}
    value=${value#"${value%%[![:space:]]*}"}
    value=${value%"${value##*[![:space:]]}"}
    if [[ -n ${CAME[$name]+x} ]]; then value="${CAME[$name]}, $value"; fi
    CAME[$name]=$value
  done <"$1"
}

# sign_request: adds Signature-Input and Signature to SENT, with a fresh nonce.
sign_request() {
  local name components='"@method" "@target-uri"' base parameters created signature
  base="\"@method\": $METHOD"$'\n'"\"@target-uri\": $TARGET_URI"
  for name in content-digest content-type idempotency-key x-operator; do
    [[ -n ${SENT[$name]:-} ]] || continue
    components+=" \"$name\""
    base+=$'\n'"\"$name\": ${SENT[$name]}"
  done
  printf -v created '%(%s)T' -1
  parameters="($components);created=$created;keyid=\"$KEYID\";alg=\"$ALGORITHM\";nonce=\"$(openssl rand -hex 16)\""
  printf '%s\n"@signature-params": %s' "$base" "$parameters" >"$WORK/request.base"
  sign signature "$WORK/request.base" || return 1
  SENT[signature]="$LABEL=:$signature:"
  SENT[signature-input]="$LABEL=$parameters"
}

# Why a message is not to be believed, in Chinese and in English.
WHY_ZH='' WHY_EN=''
unbelievable() {
  WHY_ZH=$1 WHY_EN=$2
  return 1
}

# verify_message BODYFILE NEEDED...: holds what came to be the gateway's word. NEEDED are components, in the form
# `"@method";req`, that the signature must cover beside those that any message of the gateway must.
verify_message() {
  local body=$1 input=${CAME[signature-input]:-} parameters rest component base= covered=' ' needed value
  shift
  [[ $input =~ ^([a-z*][a-z0-9_.*-]*)=(\((.*)\)(;[^\(\)]*))$ ]] ||
    unbelievable '没有唯一的签名' 'there is not exactly one signature' || return
  local label=${BASH_REMATCH[1]} whole=${BASH_REMATCH[2]}
  rest=${BASH_REMATCH[3]} parameters=${BASH_REMATCH[4]}

  local form='^("[a-z0-9@_-]+"(;[a-z]+(="[a-z0-9_.*-]*")?)*)( (.+))?$'
  while [[ -n $rest ]]; do
    [[ $rest =~ $form ]] || unbelievable "签名组件格式错误：$rest" "components are malformed: $rest" || return
    component=${BASH_REMATCH[1]} rest=${BASH_REMATCH[5]}
    [[ $covered != *" $component "* ]] || unbelievable "组件重复：$component" "$component occurs twice" || return
    component_value "$component" || return
    covered+="$component "
    base+="$component: $VALUE"$'\n'
  done

  # The digest of an empty body too: else a body could be taken away.
  needed=("$@" '"content-digest"')
  [[ ! -s $body ]] || needed+=('"content-type"')
  [[ -z ${CAME[trace-receipt]+x} ]] || needed+=('"trace-receipt"')
  [[ -z ${CAME[idempotency-key]+x} ]] || needed+=('"idempotency-key"')
  for value in "${needed[@]}"; do
    [[ $covered == *" $value "* ]] ||
      unbelievable "签名未覆盖 $value" "the signature does not cover $value" || return
  done

  verify_parameters "$parameters" || return
  [[ ${CAME[signature]:-} =~ ^([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]+=*):$ && ${BASH_REMATCH[1]} == "$label" ]] ||
    unbelievable 'Signature 头格式错误' 'the header Signature is malformed' || return
  local signature=${BASH_REMATCH[2]}
  printf '%s"@signature-params": %s' "$base" "$whole" >"$WORK/answer.base"
  verify "$WORK/answer.base" "$signature" ||
    unbelievable '签名与报文不符' 'the signature is not that of the message' || return
  verify_digest "$body"
}

# VALUE of a component of what came, or with `req` of the request that it answers.
component_value() {
  local name=${1%%\"[; ]*} parameters
  name=${name#\"} name=${name%\"}
  parameters=${1#\""$name"\"}
  VALUE=
  case "$parameters $name" in
    ' @status') VALUE=$STATUS ;;
    ';req @method') VALUE=$METHOD ;;
    ';req @target-uri') VALUE=$TARGET_URI ;;
    # Of a push, which is a request itself.
    ' @method') [[ -z $STATUS ]] && VALUE=$METHOD ;;
    ' @target-uri') [[ -z $STATUS ]] && VALUE=$TARGET_URI ;;
    *' @'*) ;;
    ' '*) VALUE=${CAME[$name]:-} ;;
    ';req '*) VALUE=${SENT[$name]:-} ;;
    ";req;key=\"$LABEL\" signature" | ";key=\"$LABEL\";req signature") VALUE=${SENT[signature]#"$LABEL="} ;;
  esac
  [[ -n $VALUE ]] || unbelievable "签名覆盖了报文中没有的 $1" "the signature covers $1, which is not there"
}

# Reads the certificate of BDC_GATEWAY_CERTS that the parameters name.
verify_parameters() {
  local rest=$1 created= keyid= alg= nonce= expires= now file
  local form='^;([a-z*][a-z0-9_.*-]*)=("([^"\]*)"|([0-9]{1,12}))(;.*)?$'
  while [[ -n $rest ]]; do
    [[ $rest =~ $form ]] || unbelievable '签名参数格式错误' 'the parameters are malformed' || return
    case ${BASH_REMATCH[1]} in
      created) created=${BASH_REMATCH[4]} ;;
      expires) expires=${BASH_REMATCH[4]} ;;
      keyid) keyid=${BASH_REMATCH[3]} ;;
      alg) alg=${BASH_REMATCH[3]} ;;
      nonce) nonce=${BASH_REMATCH[3]} ;;
    esac
    rest=${BASH_REMATCH[5]}
  done
  [[ -n $created && -n $keyid && -n $alg && -n $nonce ]] ||
    unbelievable '缺少 created、keyid、alg 或 nonce' 'created, keyid, alg or nonce is missing' || return
  printf -v now '%(%s)T' -1
  local offset=$((10#$created - now))
  ((offset <= CREATED_SKEW_SECONDS && -offset <= CREATED_SKEW_SECONDS)) ||
    unbelievable "签名时间与本机相差 $offset 秒" "it was signed $offset s from this machine's clock" || return
  [[ -z $expires ]] || ((10#$expires > now)) || unbelievable '签名已过期' 'the signature has expired' || return
  local IFS=:
  for file in $BDC_GATEWAY_CERTS; do
    read_certificate "$file" && [[ $CERTIFICATE_ID == "$keyid" ]] || continue
    [[ $CERTIFICATE_ALGORITHM == "$alg" ]] || unbelievable "算法 $alg 与证书不符" "$alg does not fit the certificate"
    return
  done
  unbelievable "签名证书 $keyid 不在 BDC_GATEWAY_CERTS 中" "the certificate $keyid is none of BDC_GATEWAY_CERTS"
}

# Every digest of a known algorithm must fit, and one must be there.
verify_digest() {
  local body=$1 member name is known=0
  local IFS=,
  for member in ${CAME[content-digest]:-}; do
    member=${member#"${member%%[! ]*}"}
    name=${member%%=*}
    case $name in sha-256 | sha-512 | sm3) ;; *) continue ;; esac
    digest is "$name" "$body" && [[ $member == "$name=:$is:" ]] ||
      unbelievable '报文体与摘要不一致' 'the body does not have its Content-Digest' || return
    known=1
  done
  ((known)) || unbelievable '没有可用的报文摘要' 'there is no digest of a known algorithm'
}
