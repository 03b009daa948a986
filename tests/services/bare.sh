#!/usr/bin/env bash
# Runs a command as on a machine without container engines, bubblewrap and LaTeX, whatever this one has.
#   bare.sh COMMAND...   needs root where a daemon listens on a default socket of Docker or Podman
# HARNESS_BARE=true tells the tests: what needs those programs is skipped even in CI, and nothing else may be.
set -euo pipefail

[ $# -ge 1 ] || { sed -n '2,3p' "$0" >&2; exit 2; }

hidden=(dockerd docker docker-init docker-proxy docker-registry containerd ctr nerdctl podman podman-remote conmon
  runc crun catatonit skopeo buildah bwrap debootstrap pdflatex zsh fish
  slurmctld slurmd sbatch squeue scancel srun munged)

has_hidden() { # FOLDER
  local name
  for name in "${hidden[@]}"; do
    [ ! -e "$1/$name" ] || return 0
  done
  return 1
}

# Calls each Python of FOLDER by its own path: an environment that is made with a link in LINKS ends with that folder.
lasting_pythons() { # FOLDER LINKS
  local python
  for python in "$2"/python3 "$2"/python3.[0-9] "$2"/python3.[0-9][0-9]; do
    [ -x "$python" ] || continue
    rm "$python"
    printf '#!/bin/sh\nexec "%s/%s" "$@"\n' "$(realpath "$1")" "$(basename "$python")" >"$python"
    chmod +x "$python"
  done
}

# PATH with links to all but the hidden programs in place of each folder that has some of those.
bare_path() {
  local folder folders links path=
  IFS=: read -ra folders <<<"$PATH"
  for folder in "${folders[@]}"; do
    if has_hidden "$folder"; then
      links=$(mktemp -d "$root/bin.XXXXXX")
      ln -s "$(realpath "$folder")"/* "$links"
      (cd "$links" && rm -f "${hidden[@]}")
      lasting_pythons "$folder" "$links"
      folder=$links
    fi
    path+=:$folder
  done
  echo "${path#:}"
}

# Those that a daemon of this machine may listen on.
default_sockets() {
  local socket
  for socket in /var/run/docker.sock /run/podman/podman.sock; do
    [ ! -S "$socket" ] || echo "$socket"
  done
}

# Runs COMMAND... where nobody listens on the default sockets: something that is no socket covers them.
without_sockets() {
  local sockets
  mapfile -t sockets < <(default_sockets)
  if [ ${#sockets[@]} -eq 0 ]; then
    "$@"
  elif [ "$(id -u)" -eq 0 ]; then
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount bash -ec 'for socket in $0; do mount --bind /dev/null "$socket"; done; "$@"' "${sockets[*]}" "$@"
  else
    echo "$(basename "$0"): hiding ${sockets[*]} takes root" >&2
    exit 3
  fi
}

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
PATH=$(bare_path)
# XDG_RUNTIME_DIR leads to the socket of an ordinary user's Podman.
unset DOCKER_HOST CONTAINER_HOST XDG_RUNTIME_DIR
export PATH HARNESS_BARE=true
without_sockets "$@"
