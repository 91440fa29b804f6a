# One way of every call: signed, sent, its answer verified, repeated where that is safe. Sourced by bdc.sh.

# Exit codes of the script.
WRONG_USE=1 REFUSED=2 NOT_BELIEVED=3 NO_ANSWER=4 BUSY=5

# call METHOD PATH [BODYFILE [TYPE]]: on success the answer's body is in $WORK/answer, its status and headers in STATUS
# and CAME. Otherwise says why and gives one of the exit codes. Signed anew each time, with one Idempotency-Key.
call() {
  METHOD=$1 PATH_SENT=$2
  local body=${3:-} type=${4:-application/json} attempt outcome seconds own key=
  [[ $PATH_SENT =~ ^/[!-~]*$ && $PATH_SENT != *'#'* ]] ||
    wrong_use "路径须为百分号编码后的 ASCII：$PATH_SENT" "a path is ASCII, percent-encoded: $PATH_SENT" || return
  # No call of the API is another; curl would wait for the body that a HEAD never has.
  [[ $METHOD =~ ^(GET|POST|PUT|DELETE)$ ]] ||
    wrong_use "METHOD 为 GET、POST、PUT 或 DELETE：$METHOD" "METHOD is GET, POST, PUT or DELETE: $METHOD" || return
  TARGET_URI=${BDC_URL%/}$PATH_SENT
  if [[ $METHOD == POST ]]; then key=${KEY:-$(openssl rand -hex 16)}; fi
  if [[ -n $body ]]; then
    # A copy, so that what is signed is what is sent; `-` is standard input.
    cat -- "$body" >"$WORK/body" || wrong_use "无法读取 $body" "cannot read $body" || return
  fi
  [[ $key =~ ^[!-~]*$ && $OPERATOR =~ ^[!-~]*$ ]] ||
    wrong_use '幂等键与人员编号为可见 ASCII' 'keys and operators are visible ASCII' || return
  SENT=()
  [[ -z $key ]] || SENT[idempotency-key]=$key
  [[ -z $OPERATOR ]] || SENT[x-operator]=$OPERATOR
  if [[ -n $body ]]; then
    SENT[content-type]=$type
    digest own "$DIGEST" "$WORK/body" || return
    SENT[content-digest]="$DIGEST=:$own:"
  fi
  # Written down before it is sent: after a crash of this side the same key tells what became of it.
  journal "sending $METHOD $PATH_SENT ${key:--}" || return
  for ((attempt = 1; ; attempt += 1)); do
    outcome=0
    attempt_call "$body" || outcome=$?
    if ((outcome == 0)); then
      journal "answered $METHOD $PATH_SENT ${key:--} $STATUS ${CAME[trace-receipt]:--}"
      return 0
    fi
    ((outcome == BUSY || outcome == NO_ANSWER)) && ((attempt < BDC_ATTEMPTS)) || break
    seconds=$(seconds_before_retry "$attempt")
    # A spent daily quota asks to wait until midnight: that is for the caller to do.
    ((seconds <= BDC_LONGEST_WAIT)) || break
    say "$seconds 秒后以同一幂等键重新签名再发（第 $attempt 次未成）" \
      "sent again in $seconds s, signed anew with the same key (attempt $attempt failed)"
    sleep "$seconds"
  done
  if ((outcome == BUSY)) && [[ -n $key ]]; then
    say "稍后以 -k $key 再次发送同一请求" "send the same call again later with -k $key"
  elif ((outcome == NO_ANSWER || outcome == NOT_BELIEVED)) && [[ -n $key ]]; then
    say "结果未知：请以 -k $key 再次发送同一请求，直至有答复" \
      "the outcome is unknown: send the same call again with -k $key until there is an answer"
  fi
  journal "failed $METHOD $PATH_SENT ${key:--} exit $outcome"
  return "$outcome"
}

attempt_call() {
  local code=0
  sign_request || wrong_use "无法以 $BDC_KEY 签名" "cannot sign with $BDC_KEY" || return
  send "$1" || code=$?
  if ((code)); then
    local timed=
    ((code != 28)) || timed=' (time-out)'
    say "没有答复：curl 退出码 $code$timed" "no answer: curl ended with $code$timed"
    case $code in
      # An address, a file or an option that curl cannot use; a TLS certificate that is not to be trusted.
      1 | 2 | 3 | 4 | 58 | 77) return "$WRONG_USE" ;;
      51 | 60 | 83 | 90) return "$NOT_BELIEVED" ;;
      *) return "$NO_ANSWER" ;;
    esac
  fi
  read_headers "$WORK/headers"
  # A refusal may come from something that cannot sign; good news must be signed.
  if [[ -z ${CAME[signature]+x} && -z ${CAME[signature-input]+x} ]]; then
    ((10#$STATUS >= 400)) || not_believed '答复未签名' 'the answer is not signed' || return
    explain_refusal '（未签名，不作凭据）' ' (unsigned, proof of nothing)' || code=$?
    ((code != REFUSED)) || refused_before_it_verified ||
      not_believed '拒绝未签名，办理与否未知' 'a refusal that is not signed: it may have been done' || return
    return "$code"
  fi
  local needed=('"@status"' '"@method";req' '"@target-uri";req' "\"signature\";req;key=\"$LABEL\"")
  [[ -z ${SENT[content-digest]:-} ]] || needed+=('"content-digest";req')
  # Every act has a record, and every answer to it the record's receipt.
  ((10#$STATUS >= 300)) || needed+=('"trace-receipt"')
  verify_message "$WORK/answer" "${needed[@]}" || not_believed "$WHY_ZH" "$WHY_EN" || return
  if ((10#$STATUS >= 400)); then
    explain_refusal
    return
  fi
  ((10#$STATUS >= 200 && 10#$STATUS < 300)) || not_believed "状态 $STATUS 不是成功" "status $STATUS is no success"
}

# Whether an unsigned refusal, which explain_refusal has read, may be taken at its word: that of a call which changes
# nothing twice, or what the gateway itself says of a call whose signature it could not verify, and so has not done.
refused_before_it_verified() {
  [[ -n ${SENT[idempotency-key]:-} ]] || return 0
  [[ -n ${JSON[code]:-} && -n ${JSON[retry]:-} ]] || return 1
  case $STATUS in 400 | 401 | 408 | 413 | 415 | 503) ;; *) return 1 ;; esac
}

# Sends the request as it was signed. Neither a redirect nor a file ~/.curlrc changes where it goes.
send() {
  local name arguments=(-q -sS -g --path-as-is --suppress-connect-headers --max-time "$TIMEOUT")
  arguments+=(--connect-timeout "$BDC_CONNECT_TIMEOUT" -X "$METHOD" -H 'Accept: application/json, */*' -H 'Expect:')
  [[ -z ${BDC_CA_FILE:-} ]] || arguments+=(--cacert "$BDC_CA_FILE")
  [[ -z ${BDC_CONNECT_TO:-} ]] || arguments+=(--connect-to "::$BDC_CONNECT_TO")
  for name in "${!SENT[@]}"; do
    arguments+=(-H "$name: ${SENT[$name]}")
  done
  if [[ -n $1 ]]; then
    arguments+=(--data-binary "@$WORK/body")
  elif [[ $METHOD != GET ]]; then
    arguments+=(-H 'Content-Length: 0')
  fi
  : >"$WORK/answer"
  STATUS=$(curl "${arguments[@]}" -D "$WORK/headers" -o "$WORK/answer" -w '%{http_code}' -- "$TARGET_URI")
}

# Says what was refused and why; BUSY when the same call may be sent again, else REFUSED.
explain_refusal() {
  local note_zh=${1:-} note_en=${2:-} code retry pointers
  if json_read "$WORK/answer" && [[ -n ${JSON[code]:-} && -n ${JSON[retry]:-} ]]; then
    code=$(json_text code) retry=$(json_text retry) pointers=$(json_text pointers)
  else
    # No problem document: a proxy's page.
    code=http-$STATUS retry=never pointers='[]'
    case $STATUS in 408 | 425 | 429 | 500 | 502 | 503 | 504) retry=after ;; esac
  fi
  say "被拒绝：$STATUS $code$note_zh $(json_text title) $(json_text detail)" \
    "refused: $STATUS $code$note_en $(json_text titleEn) $(json_text detailEn)"
  [[ ${pointers:-[]} == '[]' ]] || say "所在 $pointers" "at $pointers"
  [[ -z ${JSON[rule]:-} ]] || say "规则 $(json_text rule)" "rule $(json_text rule)"
  [[ -z ${JSON[traceId]:-} ]] || say "追踪编号 $(json_text traceId)" "trace id $(json_text traceId)"
  case $retry in
    same-key | after) return "$BUSY" ;;
    *) return "$REFUSED" ;;
  esac
}

# As long as Retry-After says, else longer with each attempt, so that many clients do not come back at once.
seconds_before_retry() {
  local backoff=$((BDC_FIRST_WAIT << ($1 - 1))) asked=${CAME[retry-after]:-}
  ((backoff <= 15)) || backoff=15
  backoff=$((backoff + RANDOM % (backoff + 1)))
  [[ $asked =~ ^[0-9]{1,9}$ ]] && ((10#$asked > backoff)) && backoff=$((10#$asked))
  echo "$backoff"
}

say() {
  printf 'bdc: %s / %s\n' "$1" "$2" >&2
}

wrong_use() {
  say "$1" "$2"
  return "$WRONG_USE"
}

not_believed() {
  say "答复不可信：$1" "the answer is not to be believed: $2"
  return "$NOT_BELIEVED"
}

journal() {
  [[ -n ${BDC_JOURNAL:-} ]] || return 0
  printf '%(%Y-%m-%dT%H:%M:%S%z)T %s\n' -1 "$1" >>"$BDC_JOURNAL" ||
    wrong_use "无法写入 $BDC_JOURNAL" "cannot write $BDC_JOURNAL"
}
