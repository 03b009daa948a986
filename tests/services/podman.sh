#!/usr/bin/env bash
# A Podman engine for the tests, apart from any other on this machine.
#   podman.sh start   start Podman's service on a socket of its own (needs podman, runc, catatonit); prints CONTAINER_HOST
#   podman.sh lend    the same, for tests that stop it with `return` when the last of them is done
#   podman.sh base    have debian:bookworm-slim in it, made with debootstrap unless that was done already
#   podman.sh return  stop it if `lend` started it
#   podman.sh stop    stop that service, keep its images
#   podman.sh purge   stop it and remove all it has stored
# HARNESS_SERVICES names the folder for all of it (default /tmp/harness-services). Started by an ordinary user it is
# rootless; each user has an engine of their own.
set -euo pipefail

root=${HARNESS_SERVICES:-/tmp/harness-services}
home=$root/podman-$(id -u)
host=unix://$home/podman.sock
base=docker.io/library/debian:bookworm-slim
. "$(dirname "$0")/needs.sh"
. "$(dirname "$0")/base_image.sh"

unset CONTAINER_HOST # podman would be a client of that engine
# crun refuses cgroups of version 1, where runc works. Whoever starts the engine asks first whether runc is there.
engine=(podman --root "$home/data" --runroot "$home/run" --runtime "$(command -v runc || true)" --cgroup-manager cgroupfs)

answers() { curl -sf --unix-socket "$home/podman.sock" http://podman/_ping >/dev/null 2>&1; }

start() {
  needs podman:podman runc:runc catatonit:catatonit curl:curl
  mkdir -p "$home"
  exec 9>"$home/lock"
  flock 9
  [ "${1:-}" = lent ] || rm -f "$home/lent" # whoever started it by hand keeps it
  if ! answers; then
    rm -f "$home/podman.sock"
    [ "${1:-}" != lent ] || touch "$home/lent"
    # 9>&-: the service must not inherit the lock. cd: conmon drops files where it was started.
    cd "$home"
    setsid "${engine[@]}" system service --time=0 "$host" >"$home/log" 2>&1 9>&- </dev/null &
    echo $! >"$home/pid"
    for _ in $(seq 100); do
      answers && break
      sleep 0.2
    done
    answers || { tail -n 20 "$home/log" >&2; exit 1; }
  fi
  echo "$host"
}

base() {
  needs podman:podman runc:runc
  exec 8>"$home/base.lock"
  flock 8
  "${engine[@]}" image exists "$base" && return
  tar=$(base_tar)
  "${engine[@]}" import -q "$tar" "$base" >/dev/null
}

stop() {
  [ -f "$home/pid" ] || return 0
  exec 7>"$home/lock"
  flock 7
  pid=$(cat "$home/pid")
  kill -- "-$pid" 2>/dev/null || true # its group: a rootless one has a process in a namespace, too
  for _ in $(seq 100); do
    kill -0 -- "-$pid" 2>/dev/null || break
    sleep 0.2
  done
  rm -f "$home/pid"
}

purge() {
  stop
  if [ -d "$home/data" ]; then
    needs podman:podman runc:runc
    "${engine[@]}" rm -af >/dev/null
  fi
  umount "$home"/data/overlay 2>/dev/null || true
  podman unshare rm -rf "$home" 2>/dev/null || rm -rf "$home"
}

case ${1:-} in
  start | base | stop | purge) "$1" ;;
  lend) start lent ;;
  return) [ ! -f "$home/lent" ] || stop ;;
  *) sed -n '2,10p' "$0" >&2; exit 2 ;;
esac
