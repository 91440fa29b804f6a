# Bytes as hex digits, as base64, and as the DER of an ECDSA signature. Sourced by bdc.sh; runs in LC_ALL=C.
# Functions put what they give into the variable that their first argument names: no process is started for it.

BASE64=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/

base64_of_hex() {
  local -n base64_given=$1
  local hex=$2 group bits i
  base64_given=
  for ((i = 0; i < ${#hex}; i += 6)); do
    group=${hex:i:6}
    bits=000000
    bits=$((16#$group${bits:${#group}}))
    base64_given+=${BASE64:bits >> 18:1}${BASE64:bits >> 12 & 63:1}
    case ${#group} in
      2) base64_given+='==' ;;
      4) base64_given+="${BASE64:bits >> 6 & 63:1}=" ;;
      *) base64_given+=${BASE64:bits >> 6 & 63:1}${BASE64:bits & 63:1} ;;
    esac
  done
}

# Fails for what is no base64 with padding.
hex_of_base64() {
  local -n hex_given=$1
  local text=$2 digits before bits i
  hex_given=
  [[ $text =~ ^([A-Za-z0-9+/]+)(={0,2})$ ]] && ((${#text} % 4 == 0)) || return 1
  local padding=${#BASH_REMATCH[2]}
  text=${text//=/A}
  for ((i = 0, bits = 0; i < ${#text}; i += 1)); do
    before=${BASE64%%"${text:i:1}"*}
    bits=$((bits << 6 | ${#before}))
    if ((i % 4 == 3)); then
      printf -v digits '%06x' "$bits"
      hex_given+=$digits
      bits=0
    fi
  done
  hex_given=${hex_given:0:${#hex_given} - 2 * padding}
}

# The r and s of a P-256 signature in DER, as 128 hex digits.
raw_of_der() {
  local -n raw_given=$1
  local rest=$2 number length
  raw_given=
  [[ $rest =~ ^30[0-7][0-9a-f](02.*)$ ]] || return 1
  rest=${BASH_REMATCH[1]}
  while [[ $rest =~ ^02([0-7][0-9a-f])(.*)$ ]]; do
    length=$((16#${BASH_REMATCH[1]} * 2))
    number=${BASH_REMATCH[2]:0:length} rest=${BASH_REMATCH[2]:length}
    while ((${#number} > 64)) && [[ $number == 00* ]]; do number=${number#00}; done
    printf -v number '%64s' "$number"
    raw_given+=${number// /0}
  done
  [[ -z $rest && ${#raw_given} == 128 ]]
}

der_of_raw() {
  local -n der_given=$1
  local number numbers= length
  for number in "${2:0:64}" "${2:64:64}"; do
    # Without leading zeros, but for one where the first bit would make it negative.
    while [[ $number == 00??* ]]; do number=${number#00}; done
    [[ $number != [89a-f]* ]] || number=00$number
    printf -v length '%02x' $((${#number} / 2))
    numbers+=02$length$number
  done
  printf -v length '%02x' $((${#numbers} / 2))
  der_given=30$length$numbers
}

# Writes the bytes to standard output.
bytes_of_hex() {
  local i text=
  for ((i = 0; i < ${#1}; i += 2)); do text+="\\x${1:i:2}"; done
  printf '%b' "$text"
}
