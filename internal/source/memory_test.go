package source

import (
	"context"
	"fmt"
	"io"
	"iter"
	"runtime"
	"strings"
	"testing"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/storage"
)

// An endless object is a head, a body again and again, a tail.
type endless struct {
	head, body, tail string
	size             int64
}

func (e endless) Size() int64  { return e.size }
func (e endless) Close() error { return nil }

func (e endless) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) && off < e.size {
		c := copy(p[n:], e.at(off))
		n, off = n+c, off+int64(c)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (e endless) at(off int64) string {
	tail := e.size - int64(len(e.tail))
	switch {
	case off < int64(len(e.head)):
		return e.head[off:]
	case off >= tail:
		return e.tail[off-tail:]
	default:
		rest := e.body[(off-int64(len(e.head)))%int64(len(e.body)):]
		return rest[:min(int64(len(rest)), tail-off)]
	}
}

// A store of one object.
type only struct{ object storage.Object }

func (o only) Open(context.Context, string) (storage.Object, error) { return o.object, nil }
func (o only) List(context.Context, string) iter.Seq2[storage.Info, error] {
	panic("not listed")
}
func (o only) Remove(context.Context, string) error { panic("not removed") }
func (o only) Create(context.Context, string, storage.Mode) (storage.Writer, error) {
	panic("not written")
}

// A long array, and what stands beside it, takes no more memory than a short one.
func TestMemoryIsBounded(t *testing.T) {
	row := `{"id": 1, "name": "` + strings.Repeat("x", 400) + `", "more": [1, 2, 3]},` + "\n"
	skipped := `[` + strings.Repeat("7, ", 300) + `7], `
	const rows, skips = 300_000, 100_000
	tests := map[string]struct {
		def    Definition
		object endless
		rows   int64
	}{
		"an array": {
			Definition{Format: JSON},
			endless{head: "[", body: row, tail: row[:len(row)-2] + "]"}, rows,
		},
		"beside the array": {
			Definition{Format: JSON, Rows: diag.Plain("rows")},
			endless{head: `{"before": [`, body: skipped, tail: `[]], "rows": [{"id": 1}]}`}, skips,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := test.object
			o.size = int64(len(o.head)) + (test.rows-1)*int64(len(o.body)) + int64(len(o.tail))
			test.def.Columns = columnsOf(t, "id: int; name: string")
			scanner, err := compile(t, test.def).Open(t.Context(), only{o}, "x.json", File{Name: "x.json"}, ScanOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer scanner.Close()
			before, most := heap(), uint64(0)
			for {
				record, err := scanner.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				record.Release()
				most = max(most, heap())
			}
			if want := map[string]int64{"an array": rows, "beside the array": 1}[name]; scanner.Stats().Emitted != want {
				t.Errorf("%d rows of %d", scanner.Stats().Emitted, want)
			}
			if more := int64(most) - int64(before); more > 48<<20 {
				t.Errorf("%d MB of heap for a file of %d MB", more>>20, o.size>>20)
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A row that never ends is an error before it takes all memory.
func TestEndlessRow(t *testing.T) {
	for format, object := range map[string]endless{
		JSON:  {head: `[{"id": 1}, {"id": "`, body: "abc"},
		JSONL: {head: `{"id": 1}` + "\n" + `{"id": "`, body: "abc"},
		CSV:   {head: "id\n1\n\"", body: "abc,\n"},
	} {
		t.Run(format, func(t *testing.T) {
			object.size = 1 << 40
			s := compile(t, Definition{Format: format, Columns: columnsOf(t, "id: int")})
			scanner, err := s.Open(t.Context(), only{object}, "x", File{Name: "x"}, ScanOptions{BatchRows: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer scanner.Close()
			record, err := scanner.Next()
			if err != nil {
				t.Fatal(err)
			}
			record.Release()
			_, err = scanner.Next()
			if got := fmt.Sprint(err); !strings.Contains(got, "a row is longer than 64 MiB") {
				t.Error(got)
			}
		})
	}
}
