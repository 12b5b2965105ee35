// Command verify compares exported feeds of the sample workspace with a reading
// of the generated sources of its own: it reads Parquet and CSV itself, replays
// the log and has the feeds' conditions written out in Go.
//
// Its promise: it shares no code with feedmill, and exits 0 only when every feed
// named has exactly the offers, prices and titles that it should.
//
//	go run ./internal/synth/verify -data DIR google-de=google-de.xml comparer-best=comparer-best.xml
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(1)
	}
}

// run compares each FEED=FILE of the arguments; several files of a numbered feed
// are separated by commas.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("verify", flag.ContinueOnError)
	data := flags.String("data", "data", "the folder that feedmill synth wrote")
	offers := flags.Int("offers", -1, "how many offers the snapshot has; -1: not compared")
	at := flags.String("now", "", "the time of the generate run, RFC 3339; default: the present")
	if err := flags.Parse(args); err != nil {
		return err
	}
	now, err := moment(*at)
	if err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return fmt.Errorf("nothing to compare: name feeds as FEED=FILE, of %s", strings.Join(names(), ", "))
	}
	market, err := readMarket(ctx, *data)
	if err != nil {
		return err
	}
	differences := []error{sameCount(market, *offers)}
	for _, arg := range flags.Args() {
		differences = append(differences, check(market, arg, now, out))
	}
	return errors.Join(differences...)
}

// sameCount compares the number of offers: one too many may be in no feed.
func sameCount(m *market, offers int) error {
	if offers >= 0 && offers != len(m.offers) {
		return fmt.Errorf("the snapshot has %d offers, by the sources it should have %d", offers, len(m.offers))
	}
	return nil
}

func moment(text string) (time.Time, error) {
	if text == "" {
		return time.Now(), nil
	}
	return time.Parse(time.RFC3339, text)
}

func names() []string { return slices.Sorted(maps.Keys(feeds)) }

// check compares one feed and says what it compared.
func check(m *market, arg string, now time.Time, out io.Writer) error {
	name, files, _ := strings.Cut(arg, "=")
	choose, ok := feeds[name]
	if !ok || files == "" {
		return fmt.Errorf("%s: want FEED=FILE, with a feed of %s", arg, strings.Join(names(), ", "))
	}
	want := map[string]item{}
	for _, o := range choose(m, now) {
		want[o.id] = o.item
	}
	got := map[string]item{}
	for _, file := range strings.Split(files, ",") {
		if err := readFeed(file, got); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := compare(want, got); err != nil {
		return fmt.Errorf("%s: %d offers by the sources, %d in %s:\n%w", name, len(want), len(got), files, err)
	}
	if len(want) == 0 {
		return fmt.Errorf("%s: no offer should be in it, so the comparison says nothing", name)
	}
	_, err := fmt.Fprintf(out, "%s: ids, prices and titles of %d offers (of %d in %d log rows) are equal in the sources and in %s\n",
		name, len(want), len(m.offers), m.rows, files)
	return err
}
