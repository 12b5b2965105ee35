#!/usr/bin/env bash
# Aggregates a generated catalogue with feedmill and with DuckDB, in turn, full
# and then the next day's increment, and prints time, CPU and peak memory.
#
#   bench/aggregate.sh [OFFERS] [PARTITIONS]
#
# FEEDMILL_PYTHON names a python that has duckdb. Needs about 2 KB of disk an
# offer under TMPDIR.
#
# Seen on 2 cores, in one run each: seconds, CPU seconds and peak memory of
# feedmill beside DuckDB 2, and what feedmill took of DuckDB's time.
#
#   offers (log rows)  partitions  full                                       the next day
#   1M (2.9M)          16          17.7 33.6 1.3 GB | 22.2  34.5  3.1 GB 80 %   7.1 12.7 0.7 GB | 18.7  26.9 2.5 GB 38 %
#   4M (11.8M)         32          74.4  141 1.4 GB |  103   183 11.8 GB 72 %  26.1 49.2 1.2 GB | 80.1   137 8.9 GB 33 %
#
# What is left of an increment is decoding and encoding the snapshot's Parquet,
# three fifths of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
offers=${1:-1000000} partitions=${2:-8}
python=${FEEDMILL_PYTHON:-python3}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/feedmill" ./cmd/feedmill

# The sample workspace with this many partitions.
mkdir -p "$dir/deploy/local"
cp -r feeds templates "$dir"
sed "s/^partitions: .*/partitions: $partitions/" deploy/local/feedmill.yaml >"$dir/deploy/local/feedmill.yaml"

run_feedmill() {
  FEEDMILL_DATA=$dir/data FEEDMILL_WAREHOUSE=$dir/warehouse \
    "$python" - "$1" "$dir/feedmill" -c "$dir/deploy/local/feedmill.yaml" --quiet --json aggregate <<'PY'
import json, resource, subprocess, sys, time
began = time.time()
out = subprocess.run(sys.argv[2:], check=True, capture_output=True).stdout
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print("feedmill", json.dumps({"mode": sys.argv[1], "offers": json.loads(out)["offers"], "seconds": round(time.time() - began, 2),
    "cpu": round(usage.ru_utime + usage.ru_stime, 2), "peak_mb": usage.ru_maxrss // 1024}))
PY
}

run_duckdb() { echo "duckdb   $("$python" bench/aggregate_duckdb.py "$dir/data" "$dir/duckdb" "$partitions" "$@")"; }

"$dir/feedmill" synth "$dir/data" --offers "$offers" --days 1 >/dev/null
mkdir -p "$dir/duckdb"
run_feedmill full
run_duckdb full
"$dir/feedmill" synth "$dir/data" --offers "$offers" --days 2 >/dev/null
run_feedmill increment
run_duckdb increment "$(ls "$dir/data/offers" | tail -1)"
