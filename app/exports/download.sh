#!/bin/sh
# Downloads files of an archive: those in the list below.
#
#   sh THIS-SCRIPT [FOLDER]      into a folder that is there, or else into the present one
#
# Run it again after a break: what is whole is left as it is, and what broke off goes on where it was. Each file has its
# own name only once its MD5 is right; until then it lies in FOLDER/.download.
#
#   TOKEN=...    environment: your API token of the archive, for files that are not public
#   JOBS=4       environment: how many files at a time
#
# Exit status: 0 if every file is there; 1 if some are not (they are named); 2 if this computer lacks a program, or
# something is wrong with the folder; 3 if the archive does not answer, or refuses the token; 128 + a signal's number.
#
# Needs curl or GNU Wget, and md5sum, md5 or openssl.

set -u
links=@LINKS@
folder=${1:-.}
jobs=${JOBS:-4}
work=$folder/.download
tab=$(printf '\t')

list() {
  cat <<'END-OF-LIST'
@LIST@END-OF-LIST
}

say() { printf '%s\n' "$*" >&2; }
has() { command -v "$1" > /dev/null 2>&1; }

fail() {
  status=$1
  shift
  say "$@"
  exit "$status"
}

if has md5sum; then
  md5_of() { md5sum < "$1" | cut -c 1-32; }
elif has md5; then
  md5_of() { md5 < "$1" | cut -c 1-32; }
elif has openssl; then
  md5_of() { openssl dgst -md5 -r < "$1" | cut -c 1-32; }
else
  fail 2 'This needs md5sum, md5 or openssl.'
fi

# The token is in a file that nobody else may read, and in no command line, which everybody may.
if has curl; then
  keep_token() { printf 'header = "Authorization: Token %s"\n' "$1"; }
  ask() { curl --silent --show-error --fail --max-time 120 --config "$work/token" --data "@$1" "$links"; }
  get() { # in a process of its own
    exec curl --silent --show-error --fail --location --no-buffer --connect-timeout 60 --speed-time 120 --speed-limit 1 \
      --continue-at - --output "$2" "$1"
  }
elif has wget; then
  keep_token() { printf 'header = Authorization: Token %s\n' "$1"; }
  ask() { WGETRC=$work/token wget --quiet --tries=1 --timeout=120 --output-document=- --post-file="$1" "$links"; }
  get() { exec wget --quiet --tries=1 --timeout=120 --continue --output-document="$2" "$1"; }
else
  fail 2 'This needs curl or wget.'
fi

size_of() { wc -c < "$1" | tr -d ' '; }

# Whether a file is there under its own name. Files of which no size is known are read through.
is_there() {
  [ -f "$folder/$3" ] || return 1
  if [ "$2" = - ]; then [ "$(md5_of "$folder/$3")" = "$1" ]; else [ "$(size_of "$folder/$3")" = "$2" ]; fi
}

# Prints fresh links of the files whose MD5s are in a file, each with its MD5 before it.
ask_links() {
  sed 's/^/md5=/' "$1" | tr '\n' '&' | sed 's/&$//' > "$1.body"
  for pause in 0 2 4 8; do
    sleep "$pause"
    ask "$1.body" && return 0
  done
  return 1
}

# Downloads one file: its MD5, its size, its name, its link, and a file of the worker's own.
fetch() {
  part=$work/$1
  url=$4
  for pause in 0 1 2 4; do
    if [ "$pause" != 0 ]; then
      sleep "$pause"
      printf '%s\n' "$1" > "$5"
      fresh=$(ask_links "$5" | cut -f 2)
      url=${fresh:-$url}
    fi
    if ! { [ -f "$part" ] && [ "$(size_of "$part")" = "$2" ]; }; then
      get "$url" "$part" &
      child=$!
      wait "$child"
      status=$?
      child=
      # Of unknown size, it may have been whole already, for which a server has an error, too.
      [ "$status" = 0 ] || { [ "$2" = - ] && [ -f "$part" ] && [ "$(md5_of "$part")" = "$1" ]; } || continue
    fi
    if [ "$(md5_of "$part")" = "$1" ]; then
      mv "$part" "$folder/$3" && printf '%s: OK\n' "$3" && return 0
    fi
    rm -f "$part" # it is not what the archive has on record: from the beginning
  done
  return 1
}

# Downloads every so-manieth of the files that are missing, with links that are at most 100 files old.
work_off() {
  child=
  trap '[ -z "$child" ] || kill "$child" 2> /dev/null; exit 143' TERM
  share=$work/share.$1
  awk -v n="$jobs" -v k="$1" 'NR % n == k' "$work/missing" > "$share"
  while [ -s "$share" ]; do
    head -n 100 "$share" > "$share.now"
    tail -n +101 "$share" > "$share.rest"
    mv "$share.rest" "$share"
    cut -f 1 "$share.now" > "$share.md5"
    if ! ask_links "$share.md5" > "$share.links"; then
      : > "$work/no-answer"
      return
    fi
    awk -F "$tab" -v OFS="$tab" '
      FNR == NR { url[$1] = $2; next }
      { print $1, $2, (($1 in url) ? url[$1] : "-"), $3 }' "$share.links" "$share.now" > "$share.now.links"
    while IFS=$tab read -r md5 size url name; do
      kill -0 "$$" 2> /dev/null || exit 143 # the script itself was killed
      if [ -e "$folder/$name" ]; then
        say "$name: another file of this name is in the way; move it elsewhere"
      elif [ "$url" = - ]; then
        say "$name: the archive has no such file any more, or it is not public and needs a TOKEN"
      else
        fetch "$md5" "$size" "$name" "$url" "$share.one" < /dev/null || say "$name: it did not come; try again later"
      fi
    done < "$share.now.links"
  done
}

stop() {
  trap - INT TERM HUP
  # shellcheck disable=SC2086 # several numbers
  [ -z "$workers" ] || kill $workers 2> /dev/null
  wait
  exit "$1"
}

case $jobs in '' | *[!0-9]* | 0*) fail 2 "JOBS must be a number of 1 or more, not $jobs." ;; esac
[ -d "$folder" ] || fail 2 "There is no folder $folder: make it first."
case ${TOKEN:-} in *[!A-Za-z0-9._~+/=-]*) fail 3 'TOKEN has a character that no token has.' ;; esac
mkdir -p "$work" || fail 2 "The folder $folder can't be written to."
if [ -f "$work/pid" ] && kill -0 "$(cat "$work/pid")" 2> /dev/null; then
  fail 2 "Another download into $folder is under way. (If it is not, remove $work/pid.)"
fi
echo "$$" > "$work/pid" || fail 2 "The folder $folder can't be written to."

workers=
trap 'rm -f "$work/token" "$work/pid"' EXIT
trap 'stop 130' INT
trap 'stop 143' TERM
trap 'stop 129' HUP
rm -f "$work/token" "$work/no-answer"
(umask 077 && if [ "${TOKEN:-}" ]; then keep_token "$TOKEN"; fi > "$work/token")

list > "$work/list"
list_missing() {
  while IFS=$tab read -r md5 size name; do
    is_there "$md5" "$size" "$name" || printf '%s\t%s\t%s\n' "$md5" "$size" "$name"
  done < "$work/list"
}
list_missing > "$work/missing"

k=0
while [ "$k" -lt "$jobs" ]; do
  work_off "$k" &
  workers="$workers $!"
  k=$((k + 1))
done
wait

count=$(($(wc -l < "$work/list")))
missing=$(list_missing | wc -l | tr -d ' ')
say "$((count - missing)) of $count files are in $folder."
[ ! -f "$work/no-answer" ] || fail 3 'The archive does not answer, or refuses the token: try again later.'
[ "$missing" = 0 ] || exit 1
rm -rf "$work"
