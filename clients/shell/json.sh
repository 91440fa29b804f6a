# As much JSON as the client needs, in bash alone. Sourced by bdc.sh; runs in LC_ALL=C, so UTF-8 passes as bytes.

# json_read FILE [ARRAY]: JSON[name] is the raw text of each member of the object in FILE, ITEMS the raw elements of its
# member ARRAY. White space between tokens is dropped. Fails where the file holds no object.
declare -A JSON=()
ITEMS=()
json_read() {
  local wanted=${2:-} piece string= raw= item= name= character slashes
  local in_string=0 depth=0 in_array=0 ended=0 i
  JSON=() ITEMS=()
  # From quote to quote: what stands between is by turns structure and string, whatever its length.
  while IFS= read -r -d '"' piece || { [[ -n $piece ]] && ((ended = 1)); }; do
    if ((in_string)); then
      string+=$piece
      slashes=${piece##*[!\\]}
      if ((${#slashes} % 2)); then
        string+='"'
        continue
      fi
      in_string=0
      raw+="\"$string\""
      item+="\"$string\""
      continue
    fi
    for ((i = 0; i < ${#piece}; i += 1)); do
      character=${piece:i:1}
      case $character in
        [[:space:]]) continue ;;
        '{' | '[')
          ((depth += 1))
          ((depth > 1)) || [[ $character == '{' ]] || return 1
          if ((depth == 2)) && [[ $character == '[' && -n $wanted && $name == "$wanted" ]]; then
            in_array=1
            item=
            continue
          fi
          ((depth > 1)) || continue
          ;;
        '}' | ']' | ',')
          if ((depth == 2 && in_array)); then
            [[ -z $item ]] || ITEMS+=("$item")
            item=
            if [[ $character == ',' ]]; then continue; fi
            in_array=0
          elif ((depth == 1)); then
            [[ ! $name =~ ^[A-Za-z0-9_-]+$ ]] || JSON[$name]=$raw
            name= raw=
            [[ $character != '}' ]] || depth=0
            continue
          fi
          if [[ $character != ',' ]]; then ((depth -= 1)) || true; fi
          ;;
        ':')
          if ((depth == 1)); then
            name=$string raw=
            continue
          fi
          ;;
      esac
      raw+=$character
      item+=$character
    done
    if ((ended)); then break; fi
    in_string=1
    string=
  done <"$1"
  ((depth == 0 && !in_string && ${#JSON[@]} > 0))
}

# json_text NAME: the text of a member of JSON, on one line; nothing for null or where there is none.
json_text() {
  local raw=${JSON[$1]:-} text
  [[ $raw != null ]] || raw=
  if [[ $raw == \"*\" ]]; then
    raw=${raw:1:${#raw}-2}
    raw=${raw//'\\'/'\x5c'}
    raw=${raw//'\"'/'\x22'}
    printf -v text '%b' "${raw//'\/'/'/'}"
  else
    text=$raw
  fi
  # What a stranger in the middle wrote shall not steer a terminal.
  printf '%s' "${text//[[:cntrl:]]/ }"
}
