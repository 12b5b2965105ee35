package source

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diag"
)

func TestFatalErrors(t *testing.T) {
	array, inside := Definition{Format: JSON}, Definition{Format: JSON, Rows: diag.Plain("a.rows")}
	csv := Definition{Format: CSV}
	tests := []struct {
		name string
		def  Definition
		file string
		data string
		rows int // before the error
		want string
	}{
		{"no value", array, "x.json", "", 0, "read mem://x.json: at byte 0: the JSON ends too early"},
		{"not an array", array, "x.json", `{"id": 1}`, 0, "read mem://x.json: at byte 1: the file is an object, not an array"},
		{"syntax", array, "x.json", `[{"id": 1}, {"id": 2}, {"id" 3}]`, 2, `read mem://x.json: at byte 29 in /2/id: invalid character '3' after object name (expecting ':')`},
		{"cut between rows", array, "x.json", `[{"id": 1}, `, 1, "read mem://x.json: at byte 12: the JSON ends too early"},
		{"cut in a row", array, "x.json", `[{"id": 1}, {"id": 2`, 1, "read mem://x.json: at byte 20 in /1: the JSON ends too early"},
		{"cut at the end", array, "x.json", `[{"id": 1}`, 1, "read mem://x.json: at byte 10: the JSON ends too early"},
		{"more", array, "x.json", `[{"id": 1}] 5`, 1, "read mem://x.json: at byte 13: there is more after the JSON value"},
		{"utf-16", array, "x.json", "\xff\xfe[\x00]\x00", 0, "read mem://x.json: at byte 0: invalid character '\\xff' at start of value"},
		{"no rows", inside, "x.json", `{"a": {"b": []}}`, 0, "read mem://x.json: at byte 15: there is no a.rows"},
		{"rows is null", inside, "x.json", `{"a": {"rows": null}}`, 0, "read mem://x.json: at byte 19: a.rows is null, not an array"},
		{"above rows is a list", inside, "x.json", `{"a": []}`, 0, "read mem://x.json: at byte 7: a is an array, not an object"},
		{"rows twice", inside, "x.json", `{"a": {"rows": [{"id": 1}], "rows": []}}`, 1, `read mem://x.json: at byte 34: "rows" stands twice in one object`},
		{"cut after rows", inside, "x.json", `{"a": {"rows": [{"id": 1}], "b": [1, 2`, 1, "read mem://x.json: at byte 38 in /a/b: the JSON ends too early"},
		{"csv with the line ends of old Macs", csv, "x.csv", "a;b\r1;2\r3;4\r", 0, "open mem://x.csv: the header line has a carriage return in it: lines end in a line feed, or in both"},
		{"csv without header", csv, "x.csv", "", 0, "open mem://x.csv: the file is empty, it has no header line"},
		{"csv with a bad header", csv, "x.csv", "id,\xff\n", 0, "open mem://x.csv: line 1: the row is not valid UTF-8"},
		{"csv with two of a name", csv, "x.csv", "id,id\n", 0, `open mem://x.csv: the header names "id" twice`},
		{"an open quote", csv, "x.csv", "id,n\n1,2\n\n2,\"x\n3,4\n", 1, "read mem://x.csv: line 4: a quoted field never ends"},
		{"text after a quote", csv, "x.csv", "id,n\n1,2\n2,\"x\ny\" z,\n3,4\n", 1, "read mem://x.csv: line 4: text after a closing quote: where the row ends is uncertain"},
		{"not a gzip file", array, "x.json.gz", "[]", 0, "open mem://x.json.gz: the compressed file is damaged or cut short: unexpected EOF"},
		{"an empty gzip file", array, "x.json.gz", "", 0, "open mem://x.json.gz: the compressed file is damaged or cut short: unexpected EOF"},
		{"an empty zstd file", Definition{Format: JSONL}, "x.jsonl.zst", "", 0, "open mem://x.jsonl.zst: the compressed file is damaged or cut short: unexpected EOF"},
		{"not a zstd file", Definition{Format: JSONL}, "x.jsonl.zst", `{"id": 1}`, 0, "read mem://x.jsonl.zst: the compressed file is damaged or cut short: invalid input: magic number mismatch"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.def.Columns = columnsOf(t, "id: int")
			got := scan(t, compile(t, test.def), test.file, []byte(test.data), 1)
			if got.Err != test.want || len(got.Rows) != test.rows {
				t.Errorf("%d rows, then %s\nwant %d, %s", len(got.Rows), got.Err, test.rows, test.want)
			}
		})
	}
}

// A compressed file that is cut anywhere, or changed anywhere, never gives fewer
// or other rows than it had without an error.
func TestDamagedCompression(t *testing.T) {
	var text bytes.Buffer
	for i := range 300 {
		fmt.Fprintf(&text, "{\"id\": %d}\n", i*i)
	}
	half := bytes.Index(text.Bytes(), []byte("10000}")) + 7
	s := compile(t, Definition{Format: JSONL, Columns: columnsOf(t, "id: int")})
	want := scan(t, s, "x.jsonl", text.Bytes(), 0)
	for ending, pack := range map[string]func(testing.TB, []byte) []byte{".gz": gzipped, ".zst": zstded} {
		members := append(pack(t, text.Bytes()[:half]), pack(t, text.Bytes()[half:])...)
		got := scan(t, s, "x.jsonl"+ending, members, 0)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s of two members:\n%s", ending, diff)
		}
		boundary := len(pack(t, text.Bytes()[:half]))
		for i := range members {
			if i == boundary {
				continue // a whole member: no one can tell that another followed
			}
			if got := scan(t, s, "x.jsonl"+ending, members[:i], 0); got.Err == "" {
				t.Errorf("%s cut to %d of %d bytes: no error", ending, i, len(members))
			}
		}
		for i := range members {
			damaged := bytes.Clone(members)
			damaged[i] ^= 0x55
			if got := scan(t, s, "x.jsonl"+ending, damaged, 0); got.Err == "" && !cmp.Equal(got.Rows, want.Rows) {
				t.Errorf("%s with byte %d of %d changed: other rows, no error", ending, i, len(members))
			}
		}
	}
}

func TestChangedSize(t *testing.T) {
	s := compile(t, Definition{Format: JSONL})
	_, err := s.Open(t.Context(), store(t, "x.jsonl", []byte("{}\n")), "x.jsonl", File{Name: "x.jsonl", Size: 4}, ScanOptions{})
	if err == nil || !strings.Contains(err.Error(), "it is being written") {
		t.Error(err)
	}
}
