#!/usr/bin/env bash
# A Docker engine for the tests, apart from any other on this machine.
#   docker.sh start   start dockerd on a socket of its own (needs root and docker.io); prints the DOCKER_HOST
#   docker.sh lend    the same, for tests that stop it with `return` when the last of them is done
#   docker.sh base    make debian:bookworm-slim with debootstrap, unless the engine has it
#   docker.sh return  stop it if `lend` started it
#   docker.sh stop    stop that dockerd, keep its images
#   docker.sh purge   stop it and remove all it has stored
# HARNESS_SERVICES names the folder for all of it (default /tmp/harness-services).
set -euo pipefail

root=${HARNESS_SERVICES:-/tmp/harness-services}
home=$root/docker
export DOCKER_HOST=unix://$home/docker.sock
base=debian:bookworm-slim
. "$(dirname "$0")/needs.sh"
. "$(dirname "$0")/base_image.sh"

answers() { docker version >/dev/null 2>&1; }

start() {
  needs dockerd:docker.io docker:docker.io
  mkdir -p "$home"
  exec 9>"$root/docker.lock"
  flock 9
  [ "${1:-}" = lent ] || rm -f "$home/lent" # whoever started it by hand keeps it
  if ! answers; then
    rm -f "$home/pid"
    [ "${1:-}" != lent ] || touch "$home/lent"
    # 9>&-: the daemon must not inherit the lock.
    setsid dockerd --host "$DOCKER_HOST" --data-root "$home/data" --exec-root "$home/exec" \
      --pidfile "$home/pid" --iptables=false --bridge=none >"$home/log" 2>&1 9>&- </dev/null &
    for _ in $(seq 100); do
      answers && break
      sleep 0.2
    done
    answers || { tail -n 20 "$home/log" >&2; exit 1; }
  fi
  echo "$DOCKER_HOST"
}

base() {
  needs docker:docker.io
  exec 8>"$root/base.lock"
  flock 8
  docker image inspect "$base" >/dev/null 2>&1 && return
  tar=$(base_tar)
  docker import "$tar" "$base" >/dev/null
}

stop() {
  [ -f "$home/pid" ] || return 0
  exec 7>"$root/docker.lock"
  flock 7
  pid=$(cat "$home/pid")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.2
  done
}

case ${1:-} in
  start | base | stop) "$1" ;;
  lend) start lent ;;
  return) [ ! -f "$home/lent" ] || stop ;;
  purge) stop; umount "$home"/exec/netns/* 2>/dev/null || true; rm -rf "$home" ;;
  *) sed -n '2,9p' "$0" >&2; exit 2 ;;
esac
