#!/usr/bin/env bash
# Brings up what the benchmark of jobs compares with, from Debian's packages, on the loopback interface, with its data on
# a real disk. Needs root where the packages are missing, and for PostgreSQL.
#   services.sh start | stop
set -euo pipefail

readonly HERE=$(cd "$(dirname "$0")" && pwd)
readonly DATA=${PEERS_DATA:-/var/tmp/dragoman-peers}
readonly REDIS_ALWAYS_PORT=6391 REDIS_EVERYSEC_PORT=6390 POSTGRES_PORT=5490

postgres_bin() {
  ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1
}

install_packages() {
  local missing=()
  command -v redis-server >/dev/null || missing+=(redis-server)
  [ -x "$(postgres_bin)/initdb" ] || missing+=(postgresql)
  if [ ${#missing[@]} -gt 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  fi
  [ -d "$HERE/node_modules" ] ||
    npm install --prefix "$HERE" --no-package-lock --ignore-scripts --no-audit --no-fund
}

start_redis() {
  local port=$1 fsync=$2
  mkdir -p "$DATA/redis-$port"
  redis-cli -p "$port" ping >/dev/null 2>&1 || redis-server --port "$port" --bind 127.0.0.1 \
    --dir "$DATA/redis-$port" --pidfile "$DATA/redis-$port.pid" --daemonize yes \
    --appendonly yes --appendfsync "$fsync" --save '' --maxmemory-policy noeviction
  until redis-cli -p "$port" ping >/dev/null 2>&1; do sleep 0.1; done
}

as_postgres() {
  su postgres -s /bin/sh -c "$*"
}

start_postgres() {
  local bin
  bin=$(postgres_bin)
  if [ ! -d "$DATA/postgres" ]; then
    install -d -o postgres "$DATA/postgres"
    as_postgres "$bin/initdb --auth trust -D $DATA/postgres"
  fi
  as_postgres "$bin/pg_ctl status -D $DATA/postgres" ||
    as_postgres "$bin/pg_ctl start -w -D $DATA/postgres -l $DATA/postgres/log \
      -o '-p $POSTGRES_PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories=/tmp \
          -c shared_buffers=512MB -c max_wal_size=4GB -c fsync=on -c synchronous_commit=on'"
}

case ${1:-} in
start)
  mkdir -p "$DATA"
  install_packages >&2
  start_redis $REDIS_ALWAYS_PORT always >&2
  start_redis $REDIS_EVERYSEC_PORT everysec >&2
  start_postgres >&2
  ;;
stop)
  for pid in "$DATA"/redis-*.pid; do
    [ ! -f "$pid" ] || kill "$(cat "$pid")" || true
  done
  as_postgres "$(postgres_bin)/pg_ctl stop -m fast -D $DATA/postgres" >&2 || true
  ;;
*)
  echo 'usage: services.sh start | stop' >&2
  exit 64
  ;;
esac
