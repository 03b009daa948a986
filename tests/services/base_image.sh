# Sourced by docker.sh and podman.sh after needs.sh: the base image as a tar, made once for all engines.

# The machine's own mirror of Debian.
mirror() {
  { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null || true; } |
    grep -v '^[[:space:]]*#' | grep -oE '(https?|file)://[^ ]*debian/?( |$)' | head -n 1 | tr -d ' '
}

# Prints the tar's path; call it under a lock.
base_tar() {
  tar=${XDG_CACHE_HOME:-$HOME/.cache}/harness-tests/bookworm.tar
  if [ ! -f "$tar" ]; then
    needs debootstrap:debootstrap
    mkdir -p "$(dirname "$tar")"
    tree=$(mktemp -d "$root/debootstrap.XXXXXX")
    debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates \
      bookworm "$tree" "$(mirror)" >"$root/debootstrap.log" 2>&1 || { tail "$root/debootstrap.log" >&2; return 1; }
    rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/*
    tar -C "$tree" -c . -f "$tar.fresh"
    mv "$tar.fresh" "$tar"
    rm -rf "$tree"
  fi
  echo "$tar"
}
