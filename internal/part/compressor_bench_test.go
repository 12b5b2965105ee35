package part

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"
)

// benchText is 16 MB of a feed: the file that FEEDMILL_BENCH_FEED names, or made up.
func benchText(b *testing.B) []byte {
	b.Helper()
	if name := os.Getenv("FEEDMILL_BENCH_FEED"); name != "" {
		f, err := os.Open(name)
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, 16<<20))
		if err != nil {
			b.Fatal(err)
		}
		return text
	}
	random := rand.New(rand.NewPCG(1, 1))
	var text []byte
	for len(text) < 16<<20 {
		text = fmt.Appendf(text, "<item><g:id>%d</g:id><title>%s %s %d</title><g:price>%d.%02d EUR</g:price></item>\n", random.Uint64(),
			benchWords[random.IntN(len(benchWords))], benchWords[random.IntN(len(benchWords))], random.IntN(1000), random.IntN(500), random.IntN(100))
	}
	return text
}

var benchWords = []string{"pan", "kettle", "lamp", "chair", "table", "stainless", "wooden", "red", "blue", "large", "foldable", "cordless"}

// BenchmarkCompressor compresses segments of several sizes with every compressor
// of this binary; "ratio" is bytes in by bytes out.
func BenchmarkCompressor(b *testing.B) {
	text := benchText(b)
	for name, create := range compressors() {
		for _, size := range []int{8 << 10, 32 << 10, 128 << 10, 512 << 10} {
			b.Run(fmt.Sprintf("%s/%dkB", name, size>>10), func(b *testing.B) {
				c := create()
				in, out := 0, 0
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					for from := 0; from < len(text); from += size {
						piece := text[from:min(from+size, len(text))]
						data, err := c.Compress(piece)
						if err != nil {
							b.Fatal(err)
						}
						in, out = in+len(piece), out+len(data)
					}
				}
				b.ReportMetric(float64(in)/float64(out), "ratio")
			})
		}
	}
}
