#!/usr/bin/env bash
# Serves the same feeds from a local warehouse, one on S3 and one on HDFS, and
# fetches one of them from each in turn; prints how many reads of the store a
# download costs, MB/s, and the ratio to the local warehouse.
#
#   bench/serve_stores.sh [OFFERS] [DOWNLOADS] [ROUNDS]
#
# In each round each server is started anew: its first download is cold (nothing
# read yet), the next ones, one after the other, are warm. The median of the rounds
# counts. Reads are /metrics' feedmill_store_reads_total. The services are those of
# `make services`, on this machine: the network and the disks cost nothing here, so a
# cold download is the best case of a distant store. Needs curl, python3, Java and Maven.
#
# Seen on 2 cores, 100000 offers, 8 partitions, 16 downloads, 5 rounds; versitygw
# 1.8.0, Hadoop 3.4.3 with 3 DataNodes; MB/s and the ratio to the local warehouse:
#
#                         local        S3          HDFS     reads a download, S3 and HDFS
#   14.7 MB gzip   cold   1409     405 0.29     255 0.18   25
#                  warm   2226    2430 1.09    2670 1.20    0
#   62.7 MB plain  cold    415     390 0.94     365 0.88   25
#                  warm    448     437 0.98     448 1.00    0
#
# 25 reads are 8 parts opened and 17 blocks of 1 MiB. Plain is bound by unpacking.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
offers=${1:-100000} downloads=${2:-16} rounds=${3:-5}
dir=$(mktemp -d)
services=
finish() {
  [ -z "$services" ] || kill "$services" 2>/dev/null || true
  wait
  rm -rf "$dir"
}
trap finish EXIT
go build -o "$dir/feedmill" ./cmd/feedmill
go build -o "$dir/services" ./internal/services/cmd

"$dir/services" >"$dir/reach" &
services=$!
until grep -q '^# Ctrl-C' "$dir/reach"; do
  kill -0 "$services"
  sleep 0.2
done
if grep -q '^# no HDFS' "$dir/reach"; then cat "$dir/reach"; exit 1; fi
grep '^export' "$dir/reach" | sed "s/=\(.*\)/='\1'/" >"$dir/environment"
# shellcheck disable=SC1091
. "$dir/environment"
warehouses="local=$dir/warehouse $(sed -n 's/^# S3.*: warehouse: /s3=/p; s/^# HDFS: warehouse: /hdfs=/p' "$dir/reach" | tr '\n' ' ')"

export FEEDMILL_DATA="$dir/data"
"$dir/feedmill" synth "$dir/data" --offers "$offers" --days 1 >/dev/null
sed "s#\.\./\.\.#$PWD#" deploy/local/feedmill.yaml >"$dir/feedmill.yaml"
echo "s3: {path_style: true}" >>"$dir/feedmill.yaml"
for w in $warehouses; do
  FEEDMILL_WAREHOUSE="${w#*=}" "$dir/feedmill" -c "$dir/feedmill.yaml" --quiet run >/dev/null
done

python3 - "$dir" "$downloads" "$rounds" $warehouses <<'PY'
import os, re, socket, statistics, subprocess, sys, time, urllib.request
dir, downloads, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
warehouses = dict(w.split("=", 1) for w in sys.argv[4:])
feed = "meta-all-1"  # a numbered feed of one file

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]

def fetch(port, name):
    out = subprocess.run(["curl", "-sf", "-o", "/dev/null", "-w", "%{size_download} %{time_total}", f"http://127.0.0.1:{port}/feeds/{name}"],
                         stdout=subprocess.PIPE, check=True).stdout.split()
    return int(out[0]), float(out[1])

def reads(port):
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    found = re.search(r"^feedmill_store_reads_total (\S+)", text, re.M)
    return float(found[1]) if found else 0.0

def serve(warehouse, name):
    """Cold and warm: MB/s and reads of the store for each download."""
    port = free_port()
    server = subprocess.Popen([dir + "/feedmill", "-c", dir + "/feedmill.yaml", "--quiet", "serve", "--listen", f"127.0.0.1:{port}"],
                              env={**os.environ, "FEEDMILL_WAREHOUSE": warehouse}, stderr=subprocess.DEVNULL)
    try:
        while subprocess.run(["curl", "-sf", "-o", "/dev/null", f"http://127.0.0.1:{port}/healthz"]).returncode:
            assert server.poll() is None, "it does not serve"
            time.sleep(0.05)
        at = reads(port)
        size, seconds = fetch(port, name)
        cold = size / seconds / 1e6, reads(port) - at
        at, total, seconds = reads(port), 0, 0.0
        for _ in range(downloads):
            n, s = fetch(port, name)
            total, seconds = total + n, seconds + s
        return size, cold, (total / seconds / 1e6, (reads(port) - at) / downloads)
    finally:
        server.terminate()
        server.wait()

for name in (feed + ".xml.gz", feed + ".xml"):
    results = {store: [] for store in warehouses}
    for _ in range(rounds):
        for store, warehouse in warehouses.items():
            results[store].append(serve(warehouse, name))
    sizes = {r[0] for all in results.values() for r in all}
    assert len(sizes) == 1, f"the stores serve different sizes: {sizes}"
    print(f"{name}, {sizes.pop() / 1e6:.1f} MB")
    for column, word in ((1, "cold"), (2, "warm")):
        rate = {store: statistics.median(r[column][0] for r in all) for store, all in results.items()}
        for store, all in results.items():
            asked = statistics.median(r[column][1] for r in all)
            print(f"  {word} {store:5}: {rate[store]:7.0f} MB/s, {rate[store] / rate['local']:.2f} of local, {asked:.1f} reads a download")
PY
