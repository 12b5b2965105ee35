#!/usr/bin/env bash
# Compares two days of a generated catalogue, of which about 15 % of the offers
# differ, for an event feed that takes nearly all of them: feedmill diff, which
# also writes the new state, against DuckDB's full outer join of the two snapshots
# that writes the same events. In turn, ROUNDS times.
#
#   bench/diff.sh [OFFERS] [PARTITIONS] [ROUNDS]
#
# Seen on 2 cores, three rounds: 949,000 offers, of which 13 % differ. feedmill diff
# 1.64-1.93 s, of which 0.93-1.14 s are the comparison and writing the events and
# 0.66-0.72 s the state; peak 305 MB. DuckDB 0.98-1.13 s for the comparison and the
# events; peak 674 MB.
#
# Needs FEEDMILL_PYTHON, a Python with duckdb, and about 1 KB of disk an offer
# under TMPDIR.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
offers=${1:-1000000} partitions=${2:-8} rounds=${3:-3}
python=${FEEDMILL_PYTHON:?a Python with duckdb}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/feedmill" ./cmd/feedmill

mkdir -p "$dir/deploy/local" "$dir/feeds" "$dir/templates" "$dir/out"
sed "s/^partitions: .*/partitions: $partitions/" deploy/local/feedmill.yaml >"$dir/deploy/local/feedmill.yaml"
cat >"$dir/feeds/events.yaml" <<'YAML'
events: all
destinations: [bench]
catalog: c
where: offer.price > 0.0
fields:
  title: offer.title
  price: offer.price
  currency: offer.currency
  link: offer.link
  availability: 'offer.stock > 0 ? "in stock" : "out of stock"'
guard: {first_run: pass}
YAML
export FEEDMILL_DATA=$dir/data FEEDMILL_WAREHOUSE=$dir/warehouse
feedmill() { "$dir/feedmill" -c "$dir/deploy/local/feedmill.yaml" --quiet "$@"; }
current() { sed -n 's/.*"run": "\(.*\)".*/\1/p' "$(ls "$FEEDMILL_WAREHOUSE"/snapshots/current/* | tail -n 1)"; }

measure() {
  python3 - "$dir/feedmill" -c "$dir/deploy/local/feedmill.yaml" --quiet --json diff <<'PY'
import json, resource, subprocess, sys, time
began = time.time()
run = subprocess.run(sys.argv[1:], capture_output=True)
if run.returncode != 0:
    sys.exit(run.stdout.decode() + run.stderr.decode())
report = json.loads(run.stdout)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
f = report["events"]["all"]
print(json.dumps({"tool": "feedmill", "seconds": round(time.time() - began, 2), "cpu": round(usage.ru_utime + usage.ru_stime, 1),
    "peak_mb": usage.ru_maxrss // 1024, "events": {k: f[k] for k in ("added", "updated", "removed", "unchanged")}, "phases": report["phases"]}))
PY
}

for day in 1 2; do
  "$dir/feedmill" synth "$dir/data" --offers "$offers" --days "$day" >/dev/null
  feedmill aggregate >/dev/null || [ $? = 3 ]
  eval "day$day=$(current)"
  [ "$day" = 2 ] || feedmill diff >/dev/null
done
cp -r "$FEEDMILL_WAREHOUSE/events" "$dir/events"
# shellcheck disable=SC2154
for _ in $(seq "$rounds"); do
  rm -rf "$FEEDMILL_WAREHOUSE/events"
  cp -r "$dir/events" "$FEEDMILL_WAREHOUSE/events"
  measure
  "$python" bench/diff_duckdb.py "$FEEDMILL_WAREHOUSE/snapshots/$day1" "$FEEDMILL_WAREHOUSE/snapshots/$day2" "$dir/out"
done
