#!/usr/bin/env bash
# Makes 200 feeds of a generated catalogue and prints the time, CPU and peak
# memory of generate: a first run, one with the next day's changes, one in which the
# condition of one document of four was edited, and the same in full.
#
#   bench/generate.sh [OFFERS] [PARTITIONS] [WORKERS] [RENDERINGS]
#
# Four documents, each for 5 languages, 5 branches of the category tree and 2
# ranges of prices: two renderings of one template, two other templates, and one
# document that chooses the best offer of each product. RENDERINGS is shared, or
# own: then each feed of the first document has a parameter of its own in its
# items, which makes 53 renderings of 4. Needs python3, and about 2 KB of disk an
# offer under TMPDIR.
#
# Seen on 2 cores with 2 workers: 949,000 offers in 8 partitions, 1.34 million items
# of 1.4 GB, stored in 0.24 GB: 19.5 s of CPU, 10.2 s, a peak of 700 MB (73 s, 37 s
# and 730 MB when templates were executed by text/template). Of 287,000 offers,
# after an edit that concerns one rendering of four: 24 of 32 parts are taken over,
# 0.4 of the time and of the CPU of the run in full. With 16 workers, which
# memory bounds to 12, and 53 renderings of 300,000 offers the peak was 1.34 GB.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
offers=${1:-1000000} partitions=${2:-8} workers=${3:-2} renderings=${4:-shared}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/feedmill" ./cmd/feedmill

# The sample workspace with this many partitions, and 200 feeds in place of its own.
mkdir -p "$dir/deploy/local" "$dir/feeds"
cp -r templates "$dir"
cp feeds/shared.yaml "$dir/feeds"
sed "s/^partitions: .*/partitions: $partitions/" deploy/local/feedmill.yaml >"$dir/deploy/local/feedmill.yaml"

# document NAME TEMPLATE FIELDS [MORE] writes a document for 50 feeds.
document() {
  cat <<YAML
---
for: {language: [en, de, fr, pl, zh], branch: [home, fashion, electronics, toys, sport], band: [low, high]}
feed: "$1-{{language}}-{{branch}}-{{band}}"
template: $2
where: >-
  shared.sellable && offer.language == "{{language}}" && offer.category.lowerAscii().startsWith("{{branch}} > ")
  && (offer.eur < 50.0) == ("{{band}}" == "low")
fields: $3
params: {${5:-}title: "{{branch}}, {{band}}", link: "https://market.example.org/{{language}}", shop: market.example.org}
${4:-}
YAML
}
own=
[ "$renderings" = shared ] || own='utm: "{{language}}-{{branch}}-{{band}}", '
{
  document local google-shopping '{title: offer.title, price: offer.price, list_price: offer.list_price, currency: offer.currency}' '' "$own"
  document eur google-shopping "{title: offer.name_en, price: offer.eur, list_price: offer.eur, currency: '\"EUR\"'}"
  document meta meta '{title: offer.title, price: offer.price, list_price: offer.list_price, currency: offer.currency}'
  document best price-comparer '{title: offer.title, price: offer.eur}' 'choose: {per: offer.code, by: [offer.eur asc, offer.shop.rating desc], take: 1}'
} >"$dir/feeds/bench.yaml"

feedmill() {
  FEEDMILL_DATA=$dir/data FEEDMILL_WAREHOUSE=$dir/warehouse "$dir/feedmill" -c "$dir/deploy/local/feedmill.yaml" --quiet "$@"
}

measure() {
  FEEDMILL_DATA=$dir/data FEEDMILL_WAREHOUSE=$dir/warehouse \
    python3 - "$dir/feedmill" -c "$dir/deploy/local/feedmill.yaml" --quiet --json --workers "$workers" generate "$@" <<'PY'
import json, resource, subprocess, sys, time
began = time.time()
run = subprocess.run(sys.argv[1:], capture_output=True)
if run.returncode not in (0, 3):
    sys.exit(run.stderr.decode())
report = json.loads(run.stdout)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"offers": report["offers"], "feeds": len(report["feeds"]), "renderings": report["renderings"], "parts": report["parts"], "carried": report["carried"], "status": report["status"],
    "items": sum(f["items"] for f in report["feeds"].values()), "bytes": sum(f["bytes"] for f in report["feeds"].values()),
    "stored": sum(r["size"] for r in report["rendered"].values()), "seconds": round(time.time() - began, 1), "phases": report["phases"],
    "cpu": round(usage.ru_utime + usage.ru_stime, 1), "peak_mb": usage.ru_maxrss // 1024}))
PY
}

for days in 1 2; do
  "$dir/feedmill" synth "$dir/data" --offers "$offers" --days "$days" >/dev/null
  feedmill aggregate >/dev/null || [ $? = 3 ]
  measure
done
sed -i '/^feed: "best-/,/^params/s/shared.sellable/shared.sellable \&\& offer.eur > 1.0/' "$dir/feeds/bench.yaml"
measure
measure --full
