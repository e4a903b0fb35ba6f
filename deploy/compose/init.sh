#!/usr/bin/env bash
# Makes the secrets of the compose recipe, and with --tls a certificate of its own; what is there stays as it is.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: deploy/compose/init.sh [--tls [name]] [--folder <folder>]

  --tls [name]       also a self-signed certificate for a name (localhost), valid for a year
  --folder <folder>  where secrets/ and tls/ are made; the folder of this script
TEXT
}

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tls=
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --tls)
      tls=localhost
      if [ $# -gt 1 ] && [ "${2#-}" = "$2" ]; then tls=$2; shift; fi
      ;;
    --folder) folder=${2:?--folder needs a folder}; shift ;;
    *)
      echo "init: unknown argument \"$1\"" >&2
      usage >&2
      exit 1
      ;;
  esac
  shift
done

# The folder is closed to others; the files are not, because a container reads them as a user of its own.
mkdir -p "$folder/secrets"
chmod 700 "$folder/secrets"
for name in access-token cluster-secret proxy-secret grafana-password; do
  file=$folder/secrets/$name
  [ -s "$file" ] && continue
  openssl rand -hex 32 >"$file"
  chmod 644 "$file"
  echo "init: made $file"
done

if [ -n "$tls" ] && [ ! -s "$folder/tls/tls.crt" ]; then
  mkdir -p "$folder/tls"
  openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj "/CN=$tls" -addext "subjectAltName=DNS:$tls" \
    -keyout "$folder/tls/tls.key" -out "$folder/tls/tls.crt" 2>/dev/null
  chmod 600 "$folder/tls/tls.key"
  echo "init: made a self-signed certificate for $tls in $folder/tls"
fi
