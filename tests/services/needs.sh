# Sourced by the others: says what is missing before anything starts.

# needs PROGRAM:PACKAGE...
needs() {
  local pair missing=
  for pair; do
    command -v "${pair%:*}" >/dev/null || missing+="${missing:+, }${pair%:*} (package ${pair#*:})"
  done
  [ -z "$missing" ] || { echo "$(basename "$0"): not installed: $missing" >&2; exit 3; }
}
