#!/bin/sh
# A catalogue from nothing to feeds on disk, below .demo: two days of a generated
# marketplace. A separate reading of the sources, which shares no code with
# feedmill, says what should be in the feeds; unless they are equal this fails.
#
#   OFFERS=50000 sh deploy/local/demo.sh        ./feedmill must be built: make demo does that
set -eu
cd "$(dirname "$0")/../.."

demo=.demo
offers=${OFFERS:-50000}
checked="google-de google-en google-fr google-pl comparer-best meta-all"
others="google-ads comparer-top meta-deals"

step() { printf '\n== %s\n' "$*"; }
mill() { ./feedmill -c "$demo/feedmill.yaml" --quiet "$@"; }
newest() { mill runs aggregate -n 1 --json | sed -n "s/^ *\"$1\": \"*\([^\",]*\).*/\1/p"; } # newest run, or offers
ids() { sed -n 's/.*<g:id>\(.*\)<\/g:id>.*/\1/p' "$1" | sort; }

# day N makes the feeds of what the sources hold, exports them to dayN and compares.
day() {
	out=$demo/day$1
	now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	mill aggregate
	mill generate --now "$now"
	step "day $1: export to $out"
	mkdir "$out"
	set --
	for feed in $checked $others; do
		mill export "$feed" -o "$out/$feed.xml"
	done
	mill export google-de --gzip -o "$out/google-de.xml.gz"
	gzip -dc "$out/google-de.xml.gz" | cmp - "$out/google-de.xml"
	for feed in $checked; do
		files=$(find "$out" -name "$feed.xml" -o -name "$feed-[0-9]*.xml" | sort | paste -s -d , -)
		set -- "$@" "$feed=$files"
	done
	step "compare with a separate reading of the sources"
	"$demo/verify" -data "$demo/data" -now "$now" -offers "$(newest offers)" "$@"
}

rm -rf "$demo"
step "a workspace with $offers offers: feedmill init $demo --offers $offers"
./feedmill --quiet init "$demo" --offers "$offers"
"${GO:-go}" build -o "$demo/verify" ./internal/synth/verify
step "day 1: aggregate, generate"
day 1

step "day 2: its deliveries arrive"
./feedmill --quiet synth "$demo/data" --offers "$offers" --days 2
day 2
ids "$demo/day1/google-de.xml" >"$demo/ids1"
ids "$demo/day2/google-de.xml" >"$demo/ids2"
came=$(comm -13 "$demo/ids1" "$demo/ids2" | wc -l)
went=$(comm -23 "$demo/ids1" "$demo/ids2" | wc -l)
rm "$demo/ids1" "$demo/ids2"

step "what is where"
du -sh "$demo/data" "$demo/warehouse" "$demo/day1" "$demo/day2"
printf '%s\n' "google-de of day 2: $((came)) offers came, $((went)) went" \
	"All feeds compared hold the offers, prices and titles that the sources ask for." "" \
	"Look at $demo/day2/google-de.xml, $demo/feedmill.yaml, $demo/feeds/google.yaml, and try" \
	"  cd $demo" \
	"  ../feedmill check" \
	"  ../feedmill columns" \
	"  ../feedmill peek sellers" \
	"  ../feedmill runs" \
	"  ../feedmill show $(newest run)" \
	"  ../feedmill export partner-home | head -c 2000" \
	"  ../feedmill synth data --offers $offers --days 3 && ../feedmill run"
