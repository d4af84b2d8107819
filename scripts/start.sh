#!/usr/bin/env bash
# start.sh [ARG ...]: prepares .env and runs `docker compose up ARG ...` in the folder above this one.
#
# .env gets CURRENT_UID and CURRENT_GID, the user that the containers run as and that owns their volumes, and, once, the
# tokens that gateway and browser prove themselves with. All other lines stay as they are, byte for byte.
# Works with bash 3.2 (macOS). For tests: PROC_VERSION_FILE stands for /proc/version, ENV_FILE for .env.
set -euo pipefail

fail() {
  echo "start.sh: $1" >&2
  exit "${2:-1}"
}

# Docker Desktop's volumes know no users of Windows: there, 1000 is whom its machine's files belong to.
is_windows() {
  case ${OSTYPE:-} in msys* | cygwin*) return 0 ;; esac
  grep -qi microsoft "${PROC_VERSION_FILE:-/proc/version}" 2>/dev/null
}

# new_token: 256 bits in hexadecimal
new_token() {
  od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n'
}

# read_assignment LINE: sets `name` and `value` to what a line `NAME=VALUE` sets, without `export`, quotes, comment and
# carriage return; `name` is empty for any other line
read_assignment() {
  local line=${1#"${1%%[![:space:]]*}"}
  name='' value=''
  [[ $line == *=* && $line != '#'* ]] || return 0
  line=${line#export[[:space:]]}
  name=${line%%=*}
  name=${name//[[:space:]]/}
  value=${line#*=}
  value=${value#"${value%%[![:space:]]*}"}
  case $value in
    \"*) value=${value#\"} value=${value%%\"*} ;;
    \'*) value=${value#\'} value=${value%%\'*} ;;
    *)
      value=${value%%[[:space:]]#*}
      value=${value%"${value##*[![:space:]]}"}
      ;;
  esac
}

# upsert: copies an .env from standard input to standard output, with each NAMES[i] set to WANTED[i]. Where KEPT[i] is
# not empty, a value that is there stays.
upsert() {
  local line name value i end carriage='' complete=1
  local missing=("${NAMES[@]}")
  while [[ -n $complete ]]; do
    IFS= read -r line || complete=''
    [[ -n $complete || -n $line ]] || break
    end=''
    if [[ $line == *$'\r' ]]; then carriage=$'\r' end=$'\r'; fi
    read_assignment "$line"
    for i in "${!NAMES[@]}"; do
      [[ $name == "${NAMES[i]}" ]] || continue
      missing[i]=''
      if [[ $value != "${WANTED[i]}" && (-z ${KEPT[i]} || -z $value) ]]; then
        line=${NAMES[i]}=${WANTED[i]}$end
      fi
    done
    printf '%s' "$line"
    if [[ -n $complete ]]; then printf '\n'; fi
  done
  for i in "${!NAMES[@]}"; do
    [[ -n ${missing[i]} ]] || continue
    # a last line without an end gets one, or the new one would run into it
    if [[ -n $line ]]; then printf '%s\n' "$carriage" && line=''; fi
    printf '%s=%s%s\n' "${NAMES[i]}" "${WANTED[i]}" "$carriage"
  done
}

# update FILE: replaces it in one step, or leaves it alone when nothing changes
update() {
  local file=$1 target
  while [[ -L $file ]]; do
    target=$(readlink "$file")
    case $target in /*) file=$target ;; *) file=$(dirname "$file")/$target ;; esac
  done
  [[ ! -e $file || -f $file ]] || fail "$file is no file" 78
  # for its owner alone, for the tokens in it
  after=$(mktemp "$file.XXXXXX") || fail "cannot write beside $file" 78
  trap 'rm -f "$after"' EXIT
  if [[ -f $file ]]; then
    # who may read a file that is there stays as it is
    cp -p "$file" "$after" || fail "cannot read $file" 78
    upsert <"$file" >"$after"
  else
    upsert </dev/null >"$after"
  fi
  cmp -s "$file" "$after" || mv "$after" "$file"
  rm -f "$after"
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v docker >/dev/null || fail 'docker is not installed: see https://docs.docker.com/engine/install' 69
docker compose version >/dev/null 2>&1 ||
  fail 'this docker has no compose: see https://docs.docker.com/compose/install' 69
if is_windows; then
  owner=(1000 1000)
else
  owner=("$(id -u)" "$(id -g)")
fi
NAMES=(CURRENT_UID CURRENT_GID GATEWAY_TOKEN HTTP_TOKEN)
WANTED=("${owner[@]}" "$(new_token)" "$(new_token)")
KEPT=('' '' kept kept)
update "${ENV_FILE:-.env}"
exec docker compose up ${1+"$@"}
