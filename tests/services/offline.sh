#!/usr/bin/env bash
# Runs a command where there is no network but loopback, with a Docker engine of its own in there, too.
#   offline.sh FOLDER COMMAND...   FOLDER takes what the engine stores; needs root, docker.io, iproute2
# The engine ends with the command.
set -euo pipefail
. "$(dirname "$0")/needs.sh"

if [ "${1:-}" != --inside ]; then
  [ $# -ge 2 ] || { sed -n '2,4p' "$0" >&2; exit 2; }
  needs dockerd:docker.io docker:docker.io ip:iproute2 unshare:util-linux
  exec unshare --net --fork --kill-child "$0" --inside "$@"
fi

home=$2
shift 2
ip link set lo up
mkdir -p "$home"
export DOCKER_HOST=unix://$home/docker.sock
dockerd --host "$DOCKER_HOST" --data-root "$home/data" --exec-root "$home/exec" --pidfile "$home/pid" \
  --iptables=false --bridge=none >"$home/log" 2>&1 </dev/null &
engine=$!
trap 'kill $engine; wait $engine || true' EXIT
for _ in $(seq 100); do
  docker version >/dev/null 2>&1 && break
  sleep 0.2
done
docker version >/dev/null || { tail -n 20 "$home/log" >&2; exit 1; }
"$@"
