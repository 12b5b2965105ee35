package source

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
)

// What a walker takes out of a JSON value is what a parser of the whole value
// finds there.
func FuzzWalk(f *testing.F) {
	for _, seed := range []string{`{"a": {"b": [1, {"c": "\\\""}], "b": 2}, "x": "\u00e9\ud83d\ude00"}`, `{"a":{"b":null}, "a":{"y z":[[]]}}`, `[]`, `"\\"`, `{"\u0061":{"b":-0.5e3}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value := jsontext.Value(strings.TrimSpace(text))
		if !value.IsValid(duplicates) {
			return
		}
		want, err := offer.ParseJSON(value)
		if err != nil {
			return // a number beyond a double
		}
		tree := newTree(rowVariable)
		chains := [][]string{{}, {"a"}, {"a", "b"}, {"a", "b", "c"}, {"a", "y z"}, {"x"}}
		for _, chain := range chains[2:] {
			tree.add(chain)
		}
		tree.number()
		w := &walker{tree: tree, cells: make([]cell, len(tree.nodes)), seen: newSighting(tree)}
		if err := w.walk(value); err != nil {
			t.Fatal(err)
		}
		for _, chain := range chains[2:] {
			c, err := lookUp(w.cells, tree.add(chain))
			if err != nil {
				continue
			}
			got, err := c.plain()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(selected(want, chain), got); diff != "" {
				t.Fatalf("%v of %s:\n%s", chain, value, diff)
			}
		}
	})
}

func selected(v any, chain []string) any {
	for _, name := range chain {
		members, _ := v.(map[string]any)
		v = members[name]
	}
	return v
}

// Where the standard library reads a csv file without an error, so do we, and
// the same fields.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "a\r\n\"x\"\"y\n\",z\r\n\r\n", "\"\"\n", "a,\"b\nc\",d\n\"\",\n,\r", "\"a\"\r", "x\ry"} {
		f.Add(seed, 3)
	}
	f.Fuzz(func(t *testing.T, text string, step int) {
		want, err := standardRecords(text)
		got, bad, fatal := ourRecords(text, step)
		if err != nil || bad > 0 && !strings.Contains(text, "\xef\xbf\xbd") && strings.ToValidUTF8(text, "") != text {
			return
		}
		if diff := cmp.Diff(want, got); diff != "" || fatal != nil {
			t.Fatalf("%q, %v:\n%s", text, fatal, diff)
		}
	})
}

func standardRecords(text string) ([][]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	records, err := r.ReadAll()
	return records, err
}

// ourRecords reads step bytes at a time. A line break in a field is \n, as the
// standard library has it.
func ourRecords(text string, step int) (records [][]string, bad int, err error) {
	in := &window{r: &steps{strings.NewReader(text), 1 + max(0, step)%9}, buf: make([]byte, 1)}
	r := &csvReader{window: in, comma: ',', quote: '"', quoted: true, line: 1}
	for {
		err := r.read()
		var b *badRecord
		switch {
		case err == io.EOF:
			return records, bad, nil
		case errors.As(err, &b):
			bad++
			continue
		case err != nil:
			return records, bad, err
		}
		var record []string
		for _, field := range r.fields {
			record = append(record, strings.ReplaceAll(string(field), "\r\n", "\n"))
		}
		records = append(records, record)
	}
}

type steps struct {
	io.Reader
	size int
}

func (s *steps) Read(p []byte) (int, error) { return s.Reader.Read(p[:min(len(p), s.size)]) }

// Any bytes are rows, rejects or an error, and every row is counted.
func FuzzFormats(f *testing.F) {
	for i, seed := range []string{shopArray, `{"a": {"b": 1}, "prices": [{"c": 2}]}` + "\n{}\n", "a,\"b\"\n1,2\n\"x\n", "x.json.gz"} {
		f.Add([]byte(seed), uint8(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, kind uint8) {
		format := []string{JSON, JSONL, CSV, Parquet}[kind%4]
		def := Definition{Format: format, Key: diag.Plain("row.code"), Columns: columnsOf(t, "a: string = row.a.b; n: int; l: list(int) = row.prices; s: string = string(row.n) + path.shop")}
		if kind&4 > 0 {
			def.Explode = diag.Plain("row.prices")
		}
		if kind&8 > 0 && format == JSON {
			def.Rows = diag.Plain("a.b")
		}
		name := "x." + format + []string{"", ".gz", ".zst"}[kind>>4%3]
		got := scanWith(t, memory.DefaultAllocator, compile(t, def), name, data, 2)
		if s := got.Stats; s.Read != s.Emitted+s.Rejected && got.Err == "" {
			t.Errorf("%+v", s)
		}
	})
}

// A Parquet file that is damaged anywhere is never a panic, and what is an error
// names the file.
func TestDamagedParquet(t *testing.T) {
	data := parquetOf(t, parquetSchema, strings.Repeat(`{"id": 7, "s": "x", "dict": "d", "tags": ["a"], "shop": {"name": "W"}, "d9": "1.5", "m": [{"key": "b", "value": 2}]}`+"\n", 20))
	s := compile(t, Definition{Format: Parquet, Key: diag.Plain("row.id"),
		Columns: columnsOf(t, "s: string; dict: string; tags: list(string); n: string = row.shop.name; d9: decimal(5,1); m: map(string); up: string = row.s + row.dict")})
	if got := scan(t, s, "x.parquet", data, 0); len(got.Rows) != 20 || got.Err != "" {
		t.Fatalf("%d rows, %s", len(got.Rows), got.Err)
	}
	for i := 0; i < len(data); i += 3 {
		for _, damaged := range [][]byte{data[:i], flipped(data, i)} {
			if got := scanWith(t, memory.DefaultAllocator, s, "x.parquet", damaged, 0); got.Err != "" && !strings.Contains(got.Err, "mem://x.parquet") {
				t.Errorf("byte %d of %d: %s", i, len(data), got.Err)
			}
		}
		if got := scan(t, s, "x.parquet", data[:i], 0); got.Err == "" {
			t.Errorf("cut to %d of %d bytes: no error", i, len(data))
		}
	}
}

func flipped(data []byte, i int) []byte {
	out := bytes.Clone(data)
	out[i] ^= 0xff
	return out
}

func TestRejectShowsTheRow(t *testing.T) {
	long := `{"id": null, "name":"` + strings.Repeat("ä", 2000) + `"}`
	tests := []struct{ format, data, want string }{
		{JSONL, "{\"id\": \"x\"\n", `{"id": "x"`},
		{JSONL, long, long[:1023]},
		{JSON, `[ {"id": 1.5 , "b":2} ]`, `{"id": 1.5 , "b":2}`},
		{CSV, "id,b\r\n,\"x\ny\"\r\n", ",\"x\ny\""},
		{CSV, "id,b\n1,\xff\xfe\n", "1,\ufffd"},
		{Parquet, string(parquetOf(t, parquetSchema, `{"id": null, "s": "x\"y"}`)), `{"id":null,"s":"x\"y"}`},
	}
	for _, test := range tests {
		s := compile(t, Definition{Format: test.format, Key: diag.Plain("row.id"), Columns: columnsOf(t, "s: string")})
		got, name := "", "x."+test.format
		scanner, err := s.Open(t.Context(), store(t, name, []byte(test.data)), name, File{URL: "mem://w/", Name: name}, ScanOptions{Reject: func(r Reject) {
			got += r.Raw
			if r.File != "mem://w/"+name {
				t.Errorf("rejected in %s", r.File)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := scanner.Next(); err != io.EOF {
			t.Error(err)
		}
		if err := errors.Join(scanner.Close(), scanner.Close()); err != nil {
			t.Error(err)
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.format, got, test.want)
		}
	}
}
