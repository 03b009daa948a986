#!/usr/bin/env bash
# A Slurm cluster for the tests on this one machine: a controller and the nodes n1 and n2, with two stand-in GPUs each.
#   slurm.sh start       start what does not run (needs root, slurm-wlm, munge); prints the SLURM_CONF
#   slurm.sh lend        the same, for tests that stop it with `return` when the last of them is done
#   slurm.sh node NAME   start the slurmd of a node whose processes were killed, and let it take jobs again
#   slurm.sh return      stop it if `lend` started it
#   slurm.sh stop        cancel all jobs and stop what `start` started
#   slurm.sh purge       stop it and remove all it has stored
# HARNESS_SERVICES names the folder for all of it (default /tmp/harness-services), HARNESS_SLURM_PORT the first of three
# ports (default 17000). There is no accounting database.
# Both nodes share one host: a node is killed by killing its slurmd, its slurmstepds and their steps (pids in *.pid).
set -euo pipefail

root=${HARNESS_SERVICES:-/tmp/harness-services}
home=$root/slurm
port=${HARNESS_SLURM_PORT:-17000}
export SLURM_CONF=$home/slurm.conf
. "$(dirname "$0")/needs.sh"

running() { [ -f "$home/$1.pid" ] && kill -0 "$(cat "$home/$1.pid")" 2>/dev/null; }

# launch NAME COMMAND...   in the background, its pid in NAME.pid, unless it runs
launch() {
  local name=$1
  shift
  running "$name" && return
  # 9>&-: the daemon must not inherit the lock.
  setsid "$@" >"$home/$name.log" 2>&1 9>&- </dev/null &
  echo $! >"$home/$name.pid"
}

until_true() { # COMMAND...
  for _ in $(seq 150); do
    "$@" && return
    sleep 0.2
  done
  echo "$(basename "$0"): waited in vain for: $*" >&2
  tail -n 20 "$home"/*.log >&2
  return 1
}

configure() {
  mkdir -p "$home"/{state,n1,n2,run}
  chmod 755 "$root" "$home"
  [ -f "$home/munge.key" ] || (umask 077 && head -c 128 /dev/urandom >"$home/munge.key")
  # Each node claims all of this machine's memory, which nobody counts: steps declare what they need for the paper.
  memory=$(awk '/MemTotal/ {print int($2 / 1024) - 64}' /proc/meminfo)
  cat >"$home/slurm.conf" <<CONF
ClusterName=harness
SlurmctldHost=localhost
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$home/run/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$home/state
SlurmdSpoolDir=$home/%n
SlurmctldPidFile=$home/run/slurmctld.pid
SlurmdPidFile=$home/run/slurmd-%n.pid
SlurmctldLogFile=$home/slurmctld.out
SlurmdLogFile=$home/slurmd-%n.out
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
ReturnToService=2
JobRequeue=1
SlurmdTimeout=15
InactiveLimit=0
KillWait=30
MinJobAge=300
SchedulerParameters=sched_interval=2,batch_sched_delay=0,sched_min_interval=100000
NodeName=n1 NodeHostname=localhost Port=$((port + 1)) CPUs=2 RealMemory=$memory Gres=gpu:2
NodeName=n2 NodeHostname=localhost Port=$((port + 2)) CPUs=2 RealMemory=$memory Gres=gpu:2
PartitionName=all Nodes=n1,n2 Default=YES State=UP MaxTime=INFINITE
CONF
  cat >"$home/gres.conf" <<CONF
NodeName=n1 Name=gpu File=/dev/tty1
NodeName=n1 Name=gpu File=/dev/tty2
NodeName=n2 Name=gpu File=/dev/tty3
NodeName=n2 Name=gpu File=/dev/tty4
CONF
}

node() { launch "$1" slurmd -D -N "$1" -f "$SLURM_CONF"; }

idle() { [ "$(sinfo --noheader --Node --nodes=n1,n2 --format=%T 2>/dev/null | grep -cE '^(idle|mixed|allocated)$')" = 2 ]; }

start() {
  needs slurmctld:slurm-wlm slurmd:slurm-wlm sbatch:slurm-wlm munged:munge
  mkdir -p "$home"
  exec 9>"$root/slurm.lock"
  flock 9
  [ "${1:-}" = lent ] || rm -f "$home/lent" # whoever started it by hand keeps it
  if [ "${1:-}" = lent ] && ! running slurmctld; then touch "$home/lent"; fi
  [ -f "$SLURM_CONF" ] || configure
  launch munged munged --foreground --force --key-file="$home/munge.key" --socket="$home/run/munge.socket" \
    --pid-file="$home/run/munged.pid" --seed-file="$home/run/munge.seed" --log-file="$home/munged.out"
  until_true [ -S "$home/run/munge.socket" ]
  launch slurmctld slurmctld -D -f "$SLURM_CONF"
  node n1
  node n2
  until_true idle
  echo "$SLURM_CONF"
}

stop() {
  [ -d "$home" ] || return 0
  ! running slurmctld || scancel --user="$(id -u)" --full 2>/dev/null || true
  for name in n1 n2 slurmctld munged; do
    ! running "$name" || kill "$(cat "$home/$name.pid")" 2>/dev/null || true
  done
  for name in n1 n2 slurmctld munged; do
    for _ in $(seq 50); do
      running "$name" || break
      sleep 0.1
    done
    rm -f "$home/$name.pid"
  done
  rm -f "$home/lent"
}

case ${1:-} in
  start | stop) "$1" ;;
  lend) start lent ;;
  return) [ ! -f "$home/lent" ] || stop ;;
  node) node "$2"; until_true idle ;;
  purge) stop; rm -rf "$home" ;;
  *) sed -n '2,12p' "$0" >&2; exit 2 ;;
esac
