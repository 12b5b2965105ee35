package part

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os/exec"
	"testing"

	"github.com/feedmill/feedmill/internal/storage/mem"
)

// compressors are all that this binary has: two with the build tag isal.
func compressors() map[string]func() *Compressor {
	return map[string]func() *Compressor{"pure Go": newPure, "as built": NewCompressor}
}

// texts are hard to compress, easy, short and long.
func texts(random *rand.Rand) [][]byte {
	out := [][]byte{{}, []byte("x"), []byte("<item/>")}
	for _, n := range []int{63, 64, 65, 1000, 65535, 65536, 300_000} {
		noise := make([]byte, n)
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		same := bytes.Repeat([]byte("a"), n)
		mixed := bytes.Clone(noise)
		copy(mixed[n/3:], same[n/2:])
		out = append(out, noise, same, mixed, bytes.Repeat(fmt.Appendf(nil, "<item><id>%d</id></item>\n", random.Uint64()), n/20))
	}
	return out
}

// A segment ends with a sync flush, on a byte, and holds the data: of every
// compressor, whatever it compressed before and in which pieces, in the same bytes each time.
func TestCompressor(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	all := texts(rand.New(rand.NewPCG(seed, 0)))
	for name, create := range compressors() {
		t.Run(name, func(t *testing.T) {
			c, again := create(), create()
			var in inflater
			for _, text := range all {
				data, err := c.Compress(text)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.HasSuffix(data, []byte{0, 0, 0xff, 0xff}) {
					t.Errorf("a segment of %d bytes ends with %s", len(text), hex.EncodeToString(data[max(0, len(data)-8):]))
				}
				got, err := in.inflate(data, Segment{Raw: int64(len(text)), RawSum: crc32.ChecksumIEEE(text)})
				if err != nil || !bytes.Equal(got, text) {
					t.Fatalf("%d bytes: %v", len(text), err)
				}
				at := len(text) / 3
				same, err := again.Compress(text[:at], text[at:at], text[at:])
				if err != nil || !bytes.Equal(same, data) {
					t.Errorf("%d bytes: another compressor makes other bytes of them in pieces: %v", len(text), err)
				}
			}
		})
	}
}

// One gzip member may have segments of every compressor, in any order.
func TestMixedCompressors(t *testing.T) {
	store := mem.New()
	random := rand.New(rand.NewPCG(5, 6))
	var parts []*Part
	for i := range 6 {
		for _, name := range []string{"pure Go", "as built"} {
			bench := NewWorkshop(1).Workbench()
			bench.compressor = compressors()[name]()
			p := randomCatalogue(random, 3, 200).writeWith(t, store, fmt.Sprintf("%d-%s.part", i, name), small, bench)
			parts = append(parts, p)
		}
	}
	f := reopen(t, store, index(1, parts...)).Files[0]
	doc, member := plain(t, store, f), gzipped(t, store, f)
	if gunzip(t, member) != doc {
		t.Error("the gzip member holds other bytes")
	}
	cmd := exec.Command("gzip", "-dc")
	cmd.Stdin = bytes.NewReader(member)
	got, err := cmd.Output()
	if err != nil || string(got) != doc {
		t.Errorf("gzip -dc gives other bytes: %v", err)
	}
	for i, p := range parts {
		if want := []string{newPure().name, NewCompressor().name}[i%2]; p.Compressor != want {
			t.Errorf("part %d says it was compressed by %s, not %s", i, p.Compressor, want)
		}
		if err := p.Check(context.Background(), store); err != nil {
			t.Error(err)
		}
	}
}
