#!/usr/bin/env bash
# A client of the bank API in bash, openssl 3 and curl. See README.md.
set -euo pipefail
if ((BASH_VERSINFO[0] < 4 || (BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] < 4))); then
  echo 'bdc: 需要 bash 4.4 以上 / bash 4.4 or newer is needed' >&2
  exit 1
fi
export LC_ALL=C
umask 077
here=${BASH_SOURCE[0]%/*}
[[ $here != "${BASH_SOURCE[0]}" ]] || here=.
# shellcheck source-path=SCRIPTDIR
. "$here/bytes.sh" && . "$here/keys.sh" && . "$here/json.sh" && . "$here/messages.sh" && . "$here/calls.sh"

HELP="
bdc.sh [options] call METHOD PATH [BODYFILE]   任一调用 / any call; BODYFILE -: standard input
bdc.sh [options] upload FILE                   上传材料，给出 id / one material; prints its id
bdc.sh [options] apply FILE                    提交申请，给出 id / an application; prints the id of the case
bdc.sh [options] case ID                       查看办件 / how a case stands
bdc.sh [options] certificate ID NUMBER         取电子证照 / an electronic certificate; use -o
bdc.sh [options] feed CURSORFILE [COMMAND...]  跟随事件流，每行一个事件；COMMAND 从标准输入得到每个事件
                                               follows the feed, one event a line, or each to COMMAND's standard input
bdc.sh [options] push URL HEADERS BODY         验证收到的推送，给出事件 / verifies a push that came; prints its events

  -e FILE   环境文件 / env file (BDC_…=…)        -k KEY   幂等键 / Idempotency-Key
  -o FILE   答复写入文件 / answer into a file     -f NAME  只给出答复的一个成员 / one member of the answer
  -t TYPE   Content-Type                         -u ID    业务办理人员 / X-Operator; '' for none
  -1        feed 到末尾即止 / feed: end at its end

退出码 / exit: 0 成功 done · 1 用法 usage · 2 被拒绝 refused · 3 答复不可信 not believed · 4 没有答复 no answer ·
  5 暂不可用，可再发 busy: may be sent again · 6 COMMAND 失败 failed
"

# NAME=value lines, taken as they stand and never executed; what the environment has already wins.
read_env() {
  local line
  [[ -r $1 ]] || wrong_use "无法读取 $1" "cannot read $1" || return
  while IFS= read -r line || [[ -n $line ]]; do
    [[ $line =~ ^(BDC_[A-Z_]+)=(.*)$ ]] || continue
    [[ -n ${!BASH_REMATCH[1]+x} ]] || export "${BASH_REMATCH[1]}=${BASH_REMATCH[2]%$'\r'}"
  done <"$1"
}

settings() {
  [[ $(openssl version 2>&1) =~ ^OpenSSL\ [3-9] ]] || wrong_use '需要 openssl 3' 'openssl 3 is needed' || return
  command -v curl >/dev/null || wrong_use '需要 curl' 'curl is needed' || return
  local name file
  for name in BDC_URL BDC_KEY BDC_CERT BDC_GATEWAY_CERTS; do
    [[ -n ${!name:-} ]] || wrong_use "缺少 $name" "$name is missing" || return
  done
  BDC_ATTEMPTS=${BDC_ATTEMPTS:-5} BDC_FIRST_WAIT=${BDC_FIRST_WAIT:-1} BDC_LONGEST_WAIT=${BDC_LONGEST_WAIT:-120}
  BDC_TIMEOUT=${BDC_TIMEOUT:-30} BDC_UPLOAD_TIMEOUT=${BDC_UPLOAD_TIMEOUT:-600}
  BDC_CONNECT_TIMEOUT=${BDC_CONNECT_TIMEOUT:-10}
  for name in BDC_ATTEMPTS BDC_FIRST_WAIT BDC_LONGEST_WAIT BDC_TIMEOUT BDC_UPLOAD_TIMEOUT BDC_CONNECT_TIMEOUT; do
    [[ ${!name} =~ ^(0|[1-9][0-9]{0,5})$ ]] || wrong_use "$name 须为整数" "$name must be an integer" || return
  done
  [[ $BDC_URL =~ ^https?://[!-~]+$ && $BDC_URL != *['?#']* ]] ||
    wrong_use 'BDC_URL 为网关公开地址' 'BDC_URL is the public address of the gateway' || return
  TIMEOUT=$BDC_TIMEOUT
  read_certificate "$BDC_CERT" ||
    wrong_use "$BDC_CERT 不是 RSA、P-256 或 SM2 证书" "$BDC_CERT is no certificate of RSA, P-256 or SM2" || return
  ALGORITHM=$CERTIFICATE_ALGORITHM KEYID=$CERTIFICATE_ID
  local usual=sha-256
  [[ $ALGORITHM != sm2-sm3 ]] || usual=sm3
  DIGEST=${BDC_DIGEST:-$usual}
  [[ $DIGEST == sha-256 || $DIGEST == sm3 ]] ||
    wrong_use 'BDC_DIGEST 为 sha-256 或 sm3' 'BDC_DIGEST is sha-256 or sm3' || return
  OPERATOR=${OPERATOR-${BDC_OPERATOR:-}}
}

# The answer's body, or the member that -f names, or else the one that the command names; the rest to standard error.
give() {
  local member=${FIELD:-${1:-}}
  say "成功：$STATUS，Trace-Receipt ${CAME[trace-receipt]}" "done: $STATUS, Trace-Receipt ${CAME[trace-receipt]}"
  if [[ -n $member && -z $OUT ]]; then
    json_read "$WORK/answer" && [[ -n ${JSON[$member]:-} ]] ||
      not_believed "答复没有 $member" "the answer has no $member" || return
    json_text "$member"
    echo
  elif [[ -n $OUT ]]; then
    cat "$WORK/answer" >"$OUT.part" && mv "$OUT.part" "$OUT"
  else
    cat "$WORK/answer"
    [[ ${CAME[content-type]:-} != *json* ]] || echo
  fi
}

type_of() {
  case ${1,,} in
    *.pdf) echo application/pdf ;;
    *.ofd) echo application/ofd ;;
    *.png) echo image/png ;;
    *.jpg | *.jpeg) echo image/jpeg ;;
    *) wrong_use "请以 -t 指明 $1 的类型" "say by -t what $1 is" ;;
  esac
}

upload() {
  local type=$TYPE
  [[ -n $type ]] || type=$(type_of "$1") || return
  TIMEOUT=$BDC_UPLOAD_TIMEOUT
  call POST /v1/materials "$1" "$type" && give id
}

# Percent-encodes what is no unreserved character.
encode() {
  local i character text=
  for ((i = 0; i < ${#1}; i += 1)); do
    character=${1:i:1}
    case $character in
      [A-Za-z0-9._~-]) text+=$character ;;
      *) printf -v character '%%%02X' "'$character" && text+=%${character: -2} ;;
    esac
  done
  printf '%s' "$text"
}

# The cursor is kept after the events of its page were given: they may come again, they are never left out.
feed() {
  local file=$1 after='' next event
  shift
  [[ ! -e $file || -r $file ]] || wrong_use "无法读取 $file" "cannot read $file" || return
  # `read` fails for a line without its end, but has read it.
  if [[ -s $file ]]; then read -r after <"$file" || true; fi
  after=${after%$'\r'}
  [[ $after =~ ^[0-9]*$ ]] || wrong_use "$file 中没有游标" "there is no cursor in $file" || return
  # Longer than the gateway holds an empty page back.
  TIMEOUT=$((BDC_TIMEOUT + 30))
  while true; do
    call GET "/v1/events?limit=100&wait=$((ONCE ? 0 : 25))${after:+&after=$after}" || return
    json_read "$WORK/answer" events || not_believed '不是一页事件' 'it is no page of events' || return
    next=$(json_text next)
    local more=${JSON[more]:-} events=(${ITEMS[@]+"${ITEMS[@]}"})
    [[ $next =~ ^[0-9]+$ ]] && { ((!${#events[@]})) || [[ $next != "$after" ]]; } ||
      not_believed '游标没有前进' 'the cursor does not move on' || return
    for event in ${events[@]+"${events[@]}"}; do
      if (($#)); then
        # No pipe: a command that does not read it to the end shall not fail by that.
        ("$@") <<<"$event" ||
          { say '事件处理失败，游标未动' 'an event was not taken; the cursor stays' && return 6; }
      else
        printf '%s\n' "$event" || return 6
      fi
    done
    if [[ $next != "$after" ]]; then
      printf '%s\n' "$next" >"$file.part" && mv "$file.part" "$file" ||
        wrong_use "无法写入 $file" "cannot write $file" || return
    fi
    after=$next
    if ((ONCE)) && [[ $more != true ]]; then return 0; fi
  done
}

# What a webhook received: URL as PUT /v1/webhook answered it, the headers and the body as they came.
push() {
  METHOD=POST TARGET_URI=$1 STATUS='' SENT=()
  [[ -r $2 && -r $3 ]] || wrong_use "无法读取 $2 或 $3" "cannot read $2 or $3" || return
  read_headers "$2"
  verify_message "$3" '"@method"' '"@target-uri"' || not_believed "$WHY_ZH" "$WHY_EN" || return
  json_read "$3" events || not_believed '不是一页事件' 'it is no page of events' || return
  ((!${#ITEMS[@]})) || printf '%s\n' "${ITEMS[@]}"
}

main() {
  unset OPERATOR
  local KEY='' OUT='' FIELD='' TYPE='' ONCE=0 option command
  while getopts ':e:k:o:f:t:u:1' option; do
    case $option in
      e) BDC_ENV=$OPTARG ;;
      k) KEY=$OPTARG ;;
      o) OUT=$OPTARG ;;
      f) FIELD=$OPTARG ;;
      t) TYPE=$OPTARG ;;
      u) OPERATOR=$OPTARG ;;
      1) ONCE=1 ;;
      *) wrong_use "$HELP" "-$OPTARG?" || return ;;
    esac
  done
  shift $((OPTIND - 1))
  command=${1:-}
  shift || true
  case $command:$# in
    call:[23] | upload:1 | apply:1 | case:1 | certificate:2 | push:3 | feed:[1-9]*) ;;
    *)
      printf '%s' "$HELP" >&2
      return "$WRONG_USE"
      ;;
  esac
  [[ -z ${BDC_ENV:-} ]] || read_env "$BDC_ENV" || return
  settings || return
  WORK=$(mktemp -d)
  trap 'rm -rf "$WORK"' EXIT
  case $command in
    call) call "$1" "$2" "${3:-}" "${TYPE:-application/json}" && give ;;
    upload) upload "$1" ;;
    apply) call POST /v1/applications "$1" && give id ;;
    case) call GET "/v1/applications/$(encode "$1")" && give ;;
    certificate) call GET "/v1/applications/$(encode "$1")/certificates/$(encode "$2")" && give ;;
    feed) feed "$@" ;;
    push) push "$@" ;;
  esac
}

main "$@"
