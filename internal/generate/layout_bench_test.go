package generate

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/local"
	"github.com/feedmill/feedmill/internal/workspace"
)

type variant struct {
	name   string
	layout part.Layout
}

// layouts are what BenchmarkLayout compares: each bound is varied alone.
func layouts(usual part.Layout) []variant {
	out := []variant{{"as it is", usual}}
	vary := func(what string, values []int, set func(l *part.Layout, v int)) {
		for _, v := range values {
			l := usual
			set(&l, v)
			out = append(out, variant{fmt.Sprintf("%s %d", what, v), l})
		}
	}
	vary("buffer kB", []int{usual.Buffer >> 11, usual.Buffer >> 9, 16 << 10}, func(l *part.Layout, v int) { l.Buffer = v << 10 })
	vary("rare", []int{0, 8, 32, 64}, func(l *part.Layout, v int) { l.Rare = v })
	vary("segment kB", []int{32, 64, 256, 512}, func(l *part.Layout, v int) { l.Segment = v << 10 })
	return out
}

// BenchmarkLayout writes the parts of one partition in several layouts and says
// what reading its feeds takes: "reads/feed" requests, of which "over-%" of the
// bytes are read in vain, how large segments are, what is stored of a byte of
// items that was compressed, and how much of those is for rare memberships' sake.
// Reads are per feed and partition, by gaps of so many kB that are read over.
//
// FEEDMILL_BENCH_WORKSPACE names the feedmill.yaml of a workspace whose local
// warehouse has a snapshot, as bench/many.sh leaves; otherwise a small market.
func BenchmarkLayout(b *testing.B) {
	j := benchJob(b)
	for _, v := range layouts(j.layout) {
		b.Run(v.name, func(b *testing.B) {
			j.layout = v.layout
			var parts []*part.Part
			for b.Loop() {
				parts = pressed(b, j, local.New(b.TempDir()), benchRenderings)
			}
			reportLayout(b, parts)
		})
	}
}

// benchJob is the job of all feeds of a workspace.
func benchJob(b *testing.B) *job {
	b.Helper()
	ws, store, at := benchWorkspace(b)
	current, err := manifest.Current(context.Background(), store, snapshot.Prefix)
	if err != nil {
		b.Fatal(err)
	}
	p, err := newPlan(ws, nil)
	if err != nil {
		b.Fatal(err)
	}
	j := &job{worker: &worker{ws: ws, store: store, mem: memory.DefaultAllocator, workshop: part.NewWorkshop(1)}, known: map[string]*scope{}}
	j.assignment = (&run{Options: Options{Snapshot: current.Run, At: at}, plan: p, baseline: newDetail()}).assignment()
	if err := j.open(context.Background()); err != nil {
		b.Fatal(err)
	}
	return j
}

func benchWorkspace(b *testing.B) (*workspace.Workspace, storage.Store, time.Time) {
	b.Helper()
	at := time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)
	if path := os.Getenv("FEEDMILL_BENCH_WORKSPACE"); path != "" {
		ws, err := workspace.Load(path, os.LookupEnv)
		if err != nil {
			b.Fatal(err)
		}
		return ws, local.New(ws.Resolve(ws.Warehouse)), at
	}
	var feeds strings.Builder
	for i := range 60 {
		fmt.Fprintf(&feeds, "feed: f%d\ntemplate: shop\nwhere: offer.price > %d.0 && offer.stock >= %d\nfields: {title: offer.%s, price: offer.price}\n---\n",
			i, i, i%3, []string{"title", "title_de"}[i%2])
	}
	m := newMarket(b, feeds.String())
	m.aggregate(randomRows(rand.New(rand.NewPCG(1, 1)), 5000))
	return m.ws, m.store, at
}

// aside reads from one store and writes to another.
type aside struct {
	storage.Store
	out storage.Store
}

func (a aside) Create(ctx context.Context, name string, mode storage.Mode) (storage.Writer, error) {
	return a.out.Create(ctx, name, mode)
}

// benchRenderings is how many renderings are made; the layout is that of all.
const benchRenderings = 3

// pressed writes the parts of partition 0 of the first n renderings and opens them.
func pressed(b *testing.B, j *job, out storage.Store, n int) []*part.Part {
	b.Helper()
	ctx, from := context.Background(), j.store
	j.store = aside{from, out}
	defer func() { j.store = from }()
	p := &pass{job: j, task: engine.Task{Stage: stage, Phase: renderPhase, Run: "20260103T000000.000Z-bbbbbb"}, result: newResult(j.plan)}
	renderings := []int{}
	for i := range min(n, len(j.plan.renderings)) {
		renderings = append(renderings, i)
	}
	if err := p.press(ctx, renderings); err != nil {
		b.Fatal(err)
	}
	var parts []*part.Part
	for _, press := range p.presses {
		one, err := part.Open(ctx, out, press.counts.Part)
		if err != nil {
			b.Fatal(err)
		}
		parts = append(parts, one)
	}
	return parts
}

// A reading is what it takes to read all feeds of some parts, one by one.
type reading struct {
	feeds, reads   int
	wanted, passed int64 // bytes that feeds are of, and those read between them
}

// readings reads with gaps and bounds as internal/part does.
func readings(parts []*part.Part, gap, most int64) reading {
	var r reading
	for _, p := range parts {
		for number := range p.Feeds {
			segments := p.Feed(number)
			if len(segments) == 0 {
				continue
			}
			r.feeds++
			begin, end := int64(-1), int64(-1)
			for _, s := range segments {
				r.wanted += s.Length
				if begin < 0 || s.Offset-end > gap || s.Offset+s.Length-begin > most {
					r.reads++
					begin = s.Offset
				} else {
					r.passed += s.Offset - end
				}
				end = s.Offset + s.Length
			}
		}
	}
	return r
}

func reportLayout(b *testing.B, parts []*part.Part) {
	var stored, raw, segments int64
	for _, p := range parts {
		stored += p.Size
		segments += int64(len(p.Segments))
		for _, s := range p.Segments {
			raw += s.Raw
		}
	}
	for _, gap := range []int64{64, 256, 1024} {
		r := readings(parts, gap<<10, max(1<<20, 4*gap<<10))
		b.ReportMetric(float64(r.reads)/float64(r.feeds), fmt.Sprintf("reads/feed@%dk", gap))
		b.ReportMetric(100*float64(r.passed)/float64(r.wanted+r.passed), fmt.Sprintf("over-%%@%dk", gap))
	}
	b.ReportMetric(float64(stored)/1e6, "stored-MB")
	b.ReportMetric(float64(raw)/1e6, "compressed-MB")
	b.ReportMetric(float64(raw)/float64(segments)/1e3, "kB/segment")
	b.ReportMetric(float64(segments)/float64(len(parts)), "segments")
}

// BenchmarkBaseline renders a partition in all renderings and then does the least
// that this takes: reads the partition's columns and compresses the items that
// were rendered in segments of the sizes that were written. "%-of-baseline" is how
// fast rendering is beside that, by the CPU time of all threads, those of the
// garbage collector with them. It needs what BenchmarkLayout needs.
func BenchmarkBaseline(b *testing.B) {
	j := benchJob(b)
	var made, least time.Duration
	for b.Loop() {
		out := local.New(b.TempDir())
		var parts []*part.Part
		made += cpu(b, func() { parts = pressed(b, j, out, len(j.plan.renderings)) })
		b.StopTimer()
		least += decoding(b, j) + compressing(b, out, parts)
		b.StartTimer()
	}
	b.ReportMetric(100*least.Seconds()/made.Seconds(), "%-of-baseline")
}

// cpu returns the CPU time of the process while do runs.
func cpu(b *testing.B, do func()) time.Duration {
	b.Helper()
	runtime.GC() // what is garbage already is not do's
	var before, after syscall.Rusage
	first := syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	do()
	if err := errors.Join(first, syscall.Getrusage(syscall.RUSAGE_SELF, &after)); err != nil {
		b.Fatal(err)
	}
	return time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
}

func decoding(b *testing.B, j *job) time.Duration {
	return cpu(b, func() {
		if err := j.snapshot.Each(context.Background(), 0, j.plan.columns, func(arrow.RecordBatch, int64) error { return nil }); err != nil {
			b.Fatal(err)
		}
	})
}

// compressing compresses the items of all segments anew.
func compressing(b *testing.B, store storage.Store, parts []*part.Part) (spent time.Duration) {
	c := part.NewCompressor()
	for _, p := range parts {
		segments := inflated(b, store, p)
		spent += cpu(b, func() {
			for _, items := range segments {
				if _, err := c.Compress(items); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	return spent
}

// inflated returns the items of all segments of a part.
func inflated(b *testing.B, store storage.Store, p *part.Part) (segments [][]byte) {
	data, err := storage.ReadAll(context.Background(), store, p.Name)
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range p.Segments {
		segment := io.MultiReader(bytes.NewReader(data[s.Offset:s.Offset+s.Length]), strings.NewReader("\x03\x00"))
		items, err := io.ReadAll(flate.NewReader(segment))
		if err != nil || int64(len(items)) != s.Raw {
			b.Fatal(len(items), s.Raw, err)
		}
		segments = append(segments, items)
	}
	return segments
}
