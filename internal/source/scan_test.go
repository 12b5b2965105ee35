package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// columnsOf reads "name: type = value; name: type", the short form without a
// value.
func columnsOf(t testing.TB, text string) []Column {
	t.Helper()
	var out []Column
	for _, part := range strings.Split(text, ";") {
		declared, value, _ := strings.Cut(part, "=")
		name, typ, ok := strings.Cut(declared, ":")
		if !ok {
			continue
		}
		parsed, err := offer.ParseType(strings.TrimSpace(typ))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, Column{
			Name: diag.Plain(strings.TrimSpace(name)), Type: parsed, Value: diag.Plain(strings.TrimSpace(value)),
		})
	}
	return out
}

func compile(t testing.TB, def Definition) *Source {
	t.Helper()
	if def.Name == "" {
		def.Name = "test"
	}
	if len(def.Paths) == 0 {
		def.Paths = []diag.Text{diag.Plain("data/{shop}_{version}." + def.Format)}
	}
	s, mistakes := Compile(&def)
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	return s
}

func store(t testing.TB, name string, data []byte) storage.Store {
	t.Helper()
	s := mem.New()
	if err := storage.WriteAll(context.Background(), s, name, storage.Replace, data); err != nil {
		t.Fatal(err)
	}
	return s
}

// A scanned is everything that a scan gave.
type scanned struct {
	Rows    []string // key|row|order|deleted|columns
	Rejects []string // row:line place: reason
	Stats   Stats
	Err     string
}

// scan reads data as the file of a name, under a checked allocator.
func scan(t testing.TB, s *Source, name string, data []byte, batchRows int) scanned {
	t.Helper()
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	return scanWith(t, alloc, s, name, data, batchRows)
}

func scanWith(t testing.TB, alloc memory.Allocator, s *Source, name string, data []byte, batchRows int) scanned {
	t.Helper()
	var out scanned
	options := ScanOptions{Alloc: alloc, BatchRows: batchRows, Reject: func(r Reject) {
		out.Rejects = append(out.Rejects, fmt.Sprintf("%d:%d %s: %s", r.Row, r.Line, r.Place, r.Reason))
	}}
	f := File{URL: "mem://", Name: name, Version: "7", Path: map[string]string{"shop": "wellcome"}, Size: int64(len(data))}
	scanner, err := s.Open(context.Background(), store(t, name, data), name, f, options)
	if err != nil {
		out.Err = err.Error()
		return out
	}
	defer scanner.Close()
	for {
		record, err := scanner.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			out.Err = err.Error()
			break
		}
		out.Rows = append(out.Rows, rowsOf(t, s, record)...)
		record.Release()
	}
	out.Stats = scanner.Stats()
	if out.Err == "" && int(out.Stats.Emitted) != len(out.Rows) || int(out.Stats.Rejected) != len(out.Rejects) {
		t.Errorf("%+v, but %d rows and %d rejects", out.Stats, len(out.Rows), len(out.Rejects))
	}
	return out
}

func rowsOf(t testing.TB, s *Source, record arrow.RecordBatch) []string {
	t.Helper()
	if !record.Schema().Equal(s.Schema()) {
		t.Fatalf("a batch of\n%v\ninstead of\n%v", record.Schema(), s.Schema())
	}
	if record.NumRows() == 0 {
		t.Error("an empty batch")
	}
	out := make([]string, record.NumRows())
	for i := range out {
		values := make([]string, record.NumCols())
		for c, column := range record.Columns() {
			values[c] = valueText(column, i)
		}
		out[i] = strings.Join(values, "|")
	}
	return out
}

func valueText(values arrow.Array, i int) string {
	switch v := values.(type) {
	case *array.Binary:
		return fmt.Sprintf("%x", v.Value(i))
	case *array.Decimal128:
		if v.IsValid(i) {
			return v.Value(i).ToString(v.DataType().(*arrow.Decimal128Type).Scale)
		}
	}
	return values.ValueStr(i)
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstded(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

const shopArray = `[
 {"code": "P1", "name": {"en": "Cake"}, "n": 3, "prices": [{"shop": "W", "price": "10.50"}, {"shop": "J", "price": 9.995}]},
 {"code": "P2", "name": null, "n": 4.5, "prices": []},
 {"code": "P3", "n": 12345678901234567890, "prices": null},
 {"code": "P4", "name": {"en": "Br\u00f6t\"chen"}, "prices": [{"shop": "W", "price": ""}], "prices": [{"shop": "K", "price": 7}]}
]`

func TestScanRows(t *testing.T) {
	tests := []struct {
		name    string
		def     Definition
		columns string
		file    string
		data    string
		want    scanned
	}{
		{
			name:    "a json array",
			def:     Definition{Format: JSON, Key: diag.Plain("row.code")},
			columns: `name: string = row.name.en; n: double; whole: string = "<" + row.code + ">"; from: string = path.shop; of: string = path.version`,
			data:    shopArray,
			want: scanned{Rows: []string{
				`P1|0|Cake|3|<P1>|wellcome|7`, `P2|1|(null)|4.5|<P2>|wellcome|7`,
				`P3|2|(null)|1.2345678901234567e+19|<P3>|wellcome|7`, `P4|3|Bröt"chen|(null)|<P4>|wellcome|7`,
			}},
		},
		{
			name: "an exploded json array",
			def: Definition{Format: JSON, Explode: diag.Plain("row.prices"), Where: diag.Plain(`item.price != ""`),
				Key: diag.Plain(`row.code + "@" + item.shop`)},
			columns: `code: string; shop: string; price: decimal(12,2)`,
			data:    shopArray,
			want:    scanned{Rows: []string{`P1@W|0|P1|W|10.50`, `P1@J|1|P1|J|10.00`, `P4@K|2|P4|K|7.00`}},
		},
		{
			name:    "an array in an object, among others",
			def:     Definition{Format: JSON, Rows: diag.Plain("data.rows"), Key: diag.Plain("row.id")},
			columns: `id: int`,
			data:    `{"before": {"rows": [1, {"x": []}]}, "data": {"n": "]", "rows": [{"id": 1}, {"id": -2}], "more": [[{}]]}, "after": null}`,
			want:    scanned{Rows: []string{`1|0|1`, `-2|1|-2`}},
		},
		{
			name:    "keys",
			def:     Definition{Format: JSONL, Key: diag.Plain("row.id")},
			columns: ``,
			data: `{"id": "a"}` + "\n" + `{"id": 7}` + "\n" + `{"id": ""}` + "\n" + `{"id": null}` + "\n{}\n" + `{"id": 1.5}` + "\n" +
				`{"id": true}` + "\n" + `{"id": 12345678901234567890}` + "\n" + `{"id": ["a"]}` + "\n" + `{"id": "\u00e9\n"}`,
			want: scanned{
				Rows: []string{"a|0", "7|1", "12345678901234567890|7", "é\n|9"},
				Rejects: []string{
					"2:3 key: the key is null or empty", "3:4 key: the key is null or empty", "4:5 key: the key is null or empty",
					"5:6 key: the key is neither a text nor an int", "6:7 key: the key is neither a text nor an int",
					"8:9 key: the key is neither a text nor an int",
				},
			},
		},
		{
			name:    "no key",
			def:     Definition{Format: JSONL},
			columns: `id: int`,
			data:    "{\"id\": 1}\n",
			want:    scanned{Rows: []string{"(null)|0|1"}},
		},
		{
			name:    "jsonl with bad lines",
			def:     Definition{Format: JSONL, Key: diag.Plain("row.id")},
			columns: `n: int; d: decimal(4,1) = row.d`,
			data: "\xef\xbb\xbf" + `{"id": "a", "n": 1}` + "\r\n\n  \n" + `{"id": "b", "n": }` + "\n" + `{"id": "c"} {}` + "\n" +
				"{\"id\": \"\xff\"}\n" + `{"id": "e", "n": "x"}` + "\n" + `{"id": "f", "x": "\ud800"}` + "\n" + `{"id": "g", "d": 1000}` + "\n" + `{"id": "h"`,
			want: scanned{
				Rows: []string{"a|0|1|(null)"},
				Rejects: []string{
					"1:4 : not valid JSON at byte 17 in /n: invalid character '}' at start of value",
					"2:5 : there is more after the JSON value",
					"3:6 : not valid JSON at byte 8 in /id: invalid UTF-8",
					`4:7 n: "x" is not an int`,
					"5:8 : not valid JSON at byte 18 in /x: invalid surrogate pair `\\ud800\"}` in string",
					"6:9 d: 1000 does not fit decimal(4,1)",
					"7:10 : the JSON value is cut short",
				},
			},
		},
		{
			name:    "selection from what has no fields",
			def:     Definition{Format: JSONL, Key: diag.Plain("row.id")},
			columns: `b: string = row.a.b`,
			data:    `{"id": 1, "a": {"b": "x"}}` + "\n" + `{"id": 2, "a": null}` + "\n" + `{"id": 3}` + "\n" + `{"id": 4, "a": "t"}` + "\n" + `{"id": 5, "a": [1]}` + "\n" + `[1]`,
			want: scanned{
				Rows: []string{"1|0|x", "2|1|(null)", "3|2|(null)"},
				Rejects: []string{"3:4 b: row.a is a text and has no fields", "4:5 b: row.a is a list and has no fields",
					"5:6 key: row is a list and has no fields"},
			},
		},
		{
			name: "required and in",
			def: Definition{Format: JSONL, Key: diag.Plain("row.id"), Columns: []Column{
				{Name: diag.Plain("state"), Type: offer.Type{Kind: offer.String}, In: []diag.Text{diag.Plain("new"), diag.Plain("used")}},
				{Name: diag.Plain("n"), Type: offer.Type{Kind: offer.Int}, Required: true, In: []diag.Text{diag.Plain("1"), diag.Plain("2")}},
			}},
			data: `{"id": "a", "state": "new", "n": 1}` + "\n" + `{"id": "b", "state": "old", "n": 1}` + "\n" + `{"id": "c", "n": 2}` + "\n" +
				`{"id": "d", "state": "used"}` + "\n" + `{"id": "e", "state": "used", "n": 3}` + "\n" + `{"id": "f", "state": "used", "n": "2.0"}`,
			want: scanned{
				Rows: []string{"a|0|new|1", "c|2|(null)|2", "f|5|used|2"},
				Rejects: []string{"1:2 state: the value is not one of those in `in`", "3:4 n: the value is null, but required",
					"4:5 n: the value is not one of those in `in`"},
			},
		},
		{
			name: "a log",
			def: Definition{Format: JSONL, Keep: Log, Key: diag.Plain("row.id"), Order: diag.Plain("row.ts"), Deleted: diag.Plain(`row.op == "D"`),
				Columns: []Column{{Name: diag.Plain("n"), Type: offer.Type{Kind: offer.Int}, Required: true}}},
			data: `{"id": "a", "ts": 1, "n": 5}` + "\n" + `{"id": "b", "ts": "x", "op": "D", "n": 5}` + "\n" + `{"id": "c", "n": 1}` + "\n" +
				`{"id": "d", "ts": true, "n": 1}` + "\n" + `{"id": "e", "ts": 1.5, "op": "D"}` + "\n" + `{"id": "f", "ts": 2, "op": "U"}`,
			want: scanned{
				Rows: []string{"a|0|01bff0000000000000|false|5", "b|1|0378|true|(null)", "e|4|01bff8000000000000|true|(null)"},
				Rejects: []string{"2:3 order: the order is null", "3:4 order: the order is neither a number nor a time nor a text",
					"5:6 n: the value is null, but required"},
			},
		},
		{
			name: "where: null leaves out, an error rejects",
			def:  Definition{Format: JSONL, Key: diag.Plain("row.id"), Where: diag.Plain("row.n > 1")},
			data: `{"id": 1, "n": 2}` + "\n" + `{"id": 2, "n": 1}` + "\n" + `{"id": 3}` + "\n" + `{"id": 4, "n": "x"}` + "\n",
			want: scanned{Rows: []string{"1|0"}, Rejects: []string{"3:4 where: row.n > 1: no such overload for (string, int)"}},
		},
		{
			name:    "explode: null is no row, a text is rejected, elements need not be objects",
			def:     Definition{Format: JSONL, Explode: diag.Plain("row.tags")},
			columns: `tag: string = item; id: int; up: string = item.upperAscii()`,
			data:    `{"id": 1, "tags": ["a", null, "b"]}` + "\n" + `{"id": 2}` + "\n" + `{"id": 3, "tags": "c"}` + "\n" + `{"id": 4, "tags": [7]}`,
			want: scanned{
				Rows:    []string{"(null)|0|a|1|A", "(null)|1|(null)|1|(null)", "(null)|2|b|1|B"},
				Rejects: []string{"3:3 explode: the value is not a list", "4:4 up: item.upperAscii(): no such overload for (int)"},
			},
		},
		{
			name:    "explode by an expression",
			def:     Definition{Format: CSV, Explode: diag.Plain("json(row.list)"), Key: diag.Plain("item.k")},
			columns: `v: int = item.v; id: string`,
			data:    "id,list\na,\"[{\"\"k\"\":\"\"x\"\",\"\"v\"\":1},{\"\"k\"\":\"\"y\"\"}]\"\nb,[]\n",
			want:    scanned{Rows: []string{"x|0|1|a", "y|1|(null)|a"}},
		},
		{
			name:    "csv",
			def:     Definition{Format: CSV, Key: diag.Plain("row.id")},
			columns: `name: string; price: decimal(5,2); attributes: map(string) = pairs(row, "attribute_key_", "value_"); dotted: string = row["name.en"]`,
			data: "\xef\xbb\xbfid,name,price,attribute_key_1,value_1,name.en\r\n" +
				"1,\"a \"\"b\"\", c\nd\",1.5,color,red,x\r\n" + "\r\n" + "2,,,,,\r\n" + "3,x\r\n" + "4,a\"b,1,,,\r\n" + "5,\"q\",x,,,\r\n" + "6,\xff,1,,,\r\n" + "7,\"\",2,,,\"e\"",
			want: scanned{
				Rows: []string{"1|0|a \"b\", c\nd|1.50|[{\"key\":\"color\",\"value\":\"red\"}]|x", "2|1|(null)|(null)|[]|(null)", "7|6|(null)|2.00|[]|e"},
				Rejects: []string{"2:6 : the row has 2 fields, not 6", "3:7 : a quote stands in a field that does not begin with one",
					`4:8 price: "x" is not a number`, "5:9 : the row is not valid UTF-8"},
			},
		},
		{
			name:    "csv of another kind",
			def:     Definition{Format: CSV, CSV: CSVOptions{Separator: ';', Quote: '\'', Names: []string{"id", "price"}, Comma: true, Encoding: "windows-1252"}, Key: diag.Plain("row.id")},
			columns: `price: decimal(5,2)`,
			data:    "'caf\xe9;';1,5\n\"x;1.5\n",
			want:    scanned{Rows: []string{"café;|0|1.50"}, Rejects: []string{`1:2 price: "1.5" is not a number`}},
		},
		{
			name:    "csv without a header",
			def:     Definition{Format: CSV, CSV: CSVOptions{NoHeader: true, Separator: '\t', NoQuote: true}, Key: diag.Plain("row.c1")},
			columns: `b: string = row.c2`,
			data:    "1\t\"x\n2\ty\"\n",
			want:    scanned{Rows: []string{`1|0|"x`, `2|1|y"`}},
		},
		{
			name:    "csv in utf-16",
			def:     Definition{Format: CSV, CSV: CSVOptions{Encoding: "utf-16le"}, Key: diag.Plain("row.id")},
			columns: `n: int`,
			data:    "\xff\xfei\x00d\x00,\x00n\x00\n\x00a\x00,\x001\x00\n\x00\x00\xd8,\x001\x00\n\x00",
			want:    scanned{Rows: []string{"a|0|1"}, Rejects: []string{"1:3 : the row has bytes that its encoding does not know"}},
		},
		{
			name: "csv without any row",
			def:  Definition{Format: CSV, Key: diag.Plain("row.id")},
			data: "id,n\n",
		},
		{
			name: "an empty jsonl file",
			def:  Definition{Format: JSONL, Key: diag.Plain("row.id")},
			data: "",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.def.Columns = append(test.def.Columns, columnsOf(t, test.columns)...)
			s := compile(t, test.def)
			test.want.Stats = Stats{Emitted: int64(len(test.want.Rows)), Rejected: int64(len(test.want.Rejects))}
			for _, batchRows := range []int{0, 1, 2} {
				for ending, packed := range map[string][]byte{
					"": []byte(test.data), ".gz": gzipped(t, []byte(test.data)), ".ZST": zstded(t, []byte(test.data)),
				} {
					got := scan(t, s, "data/x."+test.def.Format+ending, packed, batchRows)
					got.Stats.Seen, got.Stats.Read = Fields{}, 0
					if diff := cmp.Diff(test.want, got); diff != "" {
						t.Fatalf("%s, batches of %d:\n%s", ending, batchRows, diff)
					}
				}
			}
		})
	}
}
