#!/usr/bin/env bash
# Fetches a feed from feedmill serve and, as a static file of the same bytes, from
# nginx, in turn, on loopback; prints MB/s of each and their ratio.
#
#   bench/serve.sh [OFFERS] [DOWNLOADS] [ROUNDS]
#
# Of each form (gzip, plain) so many downloads follow one another, then eight at a
# time. The median of the rounds counts. Needs nginx, curl and python3, and about
# 3 KB of disk an offer under TMPDIR.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
offers=${1:-500000} downloads=${2:-16} rounds=${3:-5}
dir=$(mktemp -d)
processes=()
finish() {
  for p in "${processes[@]}"; do kill "$p" 2>/dev/null || true; done
  wait
  rm -rf "$dir"
}
trap finish EXIT
go build -o "$dir/feedmill" ./cmd/feedmill

"$dir/feedmill" init "$dir/shop" --offers "$offers" >/dev/null
config="$dir/shop/feedmill.yaml"
"$dir/feedmill" -c "$config" --quiet run >/dev/null
feed=meta-all file=meta-all-1 # a numbered feed of one file
mkdir -p "$dir/www/feeds"
"$dir/feedmill" -c "$config" --quiet export "$feed" -o "$dir/www/feeds/$feed.xml" >/dev/null
"$dir/feedmill" -c "$config" --quiet export "$feed" --gzip -o "$dir/www/feeds/$feed.xml.gz" >/dev/null

port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
ours=$(port) theirs=$(port)
"$dir/feedmill" -c "$config" --quiet serve --listen "127.0.0.1:$ours" &
processes+=($!)
cat >"$dir/nginx.conf" <<CONF
worker_processes 2; daemon off; pid $dir/nginx.pid; error_log $dir/error.log;
events {}
http {
  access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3; uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
  server { listen 127.0.0.1:$theirs; root $dir/www; }
}
CONF
chmod -R a+rX "$dir"
nginx -p "$dir" -c "$dir/nginx.conf" -e "$dir/error.log" &
processes+=($!)
for p in $ours $theirs; do
  curl -sf --retry 20 --retry-connrefused --retry-delay 1 -o /dev/null "http://127.0.0.1:$p/feeds/$file.xml"
done

python3 - "$ours" "$theirs" "$file" "$downloads" "$rounds" <<'PY'
import statistics, subprocess, sys, time
ours, theirs, feed = sys.argv[1:4]
downloads, rounds = int(sys.argv[4]), int(sys.argv[5])

def fetch(port, name, at_once):
    began = time.time()
    size = 0
    left = downloads
    while left > 0:
        n = min(at_once, left)
        left -= n
        command = ["curl", "-sf", "-o", "/dev/null", "-w", "%{size_download}", f"http://127.0.0.1:{port}/feeds/{name}"]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(n)]
        for p in running:
            size += int(p.communicate()[0])
            assert p.returncode == 0
    return size / (time.time() - began) / 1e6

for name in (feed + ".xml.gz", feed + ".xml"):
    for at_once in (1, 8):
        rates = [(fetch(ours, name, at_once), fetch(theirs, name, at_once)) for _ in range(rounds)]
        a, b = (statistics.median(r[i] for r in rates) for i in (0, 1))
        print(f"{name}, {at_once} at a time: feedmill {a:.0f} MB/s, nginx {b:.0f} MB/s, ratio {a / b:.2f}")
PY
