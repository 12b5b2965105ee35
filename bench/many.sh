#!/usr/bin/env bash
# Makes 1,300 feeds of 20 templates of a generated catalogue, then 130 feeds over the
# same conditions and the same rendered offers (bench/many_feeds.py), and prints the
# time, CPU and peak memory of generate, the ratio of the two, how fast rendering is
# beside what it cannot do without, and how feeds are read.
#
#   bench/many.sh [OFFERS] [PARTITIONS] [WORKERS] [TAGS]
#
# TAGS may be isal. The baseline (BenchmarkBaseline of internal/generate) is
# decoding one partition of the snapshot and compressing the items of its parts in
# segments of the sizes that were written; BenchmarkLayout says what other layouts
# of the parts would be like. Needs python3, and about 7 KB of disk an offer under
# TMPDIR.
#
# Seen on 2 cores with 2 workers: 949,000 offers, 11.8 million items rendered, 37.8
# million in 39.7 GB of feeds, stored in 2.35 GB: 29 s, 55 s of CPU and a peak of 1.33
# GB; on a slower machine 60 s and 111 s. The 130 feeds: 24 s, 46 s of CPU. So 1,300
# take 1.20 x the time of 130, 1.13 x on the slower one. Rendering has 0.58 of the
# baseline's speed (by CPU), there 0.53: half of its time is compression, a seventh
# templates and as much files, a tenth adding items to their groups with CRC and
# digest, a thirtieth the snapshot.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
offers=${1:-1000000} partitions=${2:-8} workers=${3:-2} tags=${4:-}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -tags "$tags" -o "$dir/feedmill" ./cmd/feedmill
export FEEDMILL_DATA=$dir/data FEEDMILL_WAREHOUSE=$dir/warehouse

# workspace FEEDS prints the file of a workspace with so many feeds.
workspace() {
  local at=$dir/$1
  mkdir -p "$at/deploy/local" "$at/feeds"
  cp -r templates "$at"
  cp feeds/shared.yaml "$at/feeds"
  sed "s/^partitions: .*/partitions: $partitions/" deploy/local/feedmill.yaml >"$at/deploy/local/feedmill.yaml"
  python3 bench/many_feeds.py "$at" "$1"
  echo "$at/deploy/local/feedmill.yaml"
}

measure() {
  python3 - "$dir/feedmill" -c "$1" --quiet --json --workers "$workers" generate --full --now 2026-01-03T00:00:00Z <<'PY'
import json, resource, subprocess, sys, time
began = time.time()
run = subprocess.run(sys.argv[1:], capture_output=True)
if run.returncode not in (0, 3):
    sys.exit(run.stderr.decode())
report = json.loads(run.stdout)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"offers": report["offers"], "feeds": len(report["feeds"]), "compressors": report["compressors"],
    "rendered": sum(r["items"] for r in report["rendered"].values()), "items": sum(f["items"] for f in report["feeds"].values()),
    "bytes": sum(f["bytes"] for f in report["feeds"].values()), "stored": sum(r["size"] for r in report["rendered"].values()),
    "seconds": round(time.time() - began, 1), "cpu": round(usage.ru_utime + usage.ru_stime, 1), "peak_mb": usage.ru_maxrss // 1024}))
PY
}

many=$(workspace 1300) few=$(workspace 130)
"$dir/feedmill" synth "$dir/data" --offers "$offers" --days 1 >/dev/null
"$dir/feedmill" -c "$many" --quiet aggregate >/dev/null
measure "$many" | tee "$dir/many.json"
rm -rf "$dir/warehouse/feeds"
measure "$few" | tee "$dir/few.json"
python3 -c '
import json, sys
many, few = (json.load(open(name)) for name in sys.argv[1:])
print("1,300 feeds by 130: %.2f x the time, %.2f x the CPU" % (many["seconds"] / few["seconds"], many["cpu"] / few["cpu"]))' "$dir/many.json" "$dir/few.json"
FEEDMILL_BENCH_WORKSPACE=$many go test -tags "$tags" ./internal/generate -run '^$' -bench 'Baseline|Layout/as_it_is' -benchtime 1x | grep '^Benchmark'
