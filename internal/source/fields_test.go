package source

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diag"
)

func TestMissing(t *testing.T) {
	columns := `x: string = row.a.b.c; y: string = row["odd name"].z + row.w; z: bool = has(row.h)`
	tests := []struct {
		name     string
		def      Definition
		columns  string
		optional []string
		files    []string // contents
		want     []string
	}{
		{name: "no file", columns: columns, def: Definition{Format: JSONL}},
		{name: "no rows", columns: columns, def: Definition{Format: JSONL}, files: []string{"", "\n"}},
		{name: "all there", columns: columns, def: Definition{Format: JSONL}, files: []string{`{"a": {"b": {"c": null}}, "odd name": {"z": 1}, "w": 1, "h": 1}`}},
		{name: "the shortest prefix", columns: columns, def: Definition{Format: JSONL}, files: []string{`{"a": {}}` + "\n" + `{"a": {"x": 1}}`},
			want: []string{"row.a.b", "row.h", "row.w", `row["odd name"]`}},
		{name: "below null", columns: columns, def: Definition{Format: JSONL}, files: []string{`{"a": null, "odd name": null, "w": 1, "h": null}`}},
		{name: "one file of the delivery has it", columns: columns, def: Definition{Format: JSONL},
			files: []string{`{"a": null, "odd name": {"z": 1}, "w": 1}`, `{"a": {"b": {"c": 1}}, "h": 1}`}},
		{name: "optional", columns: columns, def: Definition{Format: JSONL}, optional: []string{"row.a", `row["odd name"].z`, "row.h"},
			files: []string{`{"odd name": {}}`}, want: []string{"row.w"}},
		{name: "of each", def: Definition{Format: JSONL, Key: diag.Plain("row.k"), Where: diag.Plain("row.x == 1"), Explode: diag.Plain("row.list")},
			columns: "i: int = item.i", files: []string{`{"list": [{"j": 1}]}`}, want: []string{"item.i", "row.k", "row.x"}},
		{name: "explode", def: Definition{Format: JSONL, Explode: diag.Plain("row.list")}, columns: "i: int = item.i", files: []string{`{"lists": []}`}, want: []string{"row.list"}},
		{name: "short forms", def: Definition{Format: JSONL, Explode: diag.Plain("row.list")}, columns: "i: int; r: int; n: int; o: int", optional: []string{"row.o"},
			files: []string{`{"r": 1, "list": [{"i": 1}]}`}, want: []string{"item.n"}},
		{name: "csv", def: Definition{Format: CSV}, columns: "a: int; b: int", files: []string{"a\n1\n"}, want: []string{"row.b"}},
		{name: "csv without rows", def: Definition{Format: CSV}, columns: "a: int; b: int", files: []string{"a\n"}},
		{name: "an object, read whole", def: Definition{Format: JSONL}, columns: `a: string = row.a["b"] + string(size(row))`, files: []string{"{}"}, want: []string{"row.a"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.def.Columns = columnsOf(t, test.columns)
			for _, o := range test.optional {
				test.def.OptionalFields = append(test.def.OptionalFields, diag.Plain(o))
			}
			s := compile(t, test.def)
			var seen []Fields
			for _, data := range test.files {
				got := scan(t, s, "x."+test.def.Format, []byte(data), 0)
				if got.Err != "" {
					t.Fatal(got.Err)
				}
				seen = append(seen, throughJSON(t, got.Stats.Seen))
			}
			if diff := cmp.Diff(test.want, s.Missing(seen...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// throughJSON is what arrives at another process.
func throughJSON(t *testing.T, f Fields) (out Fields) {
	t.Helper()
	data, err := json.Marshal(f)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMissingInParquet(t *testing.T) {
	data := parquetOf(t, parquetSchema, `{"id": 1, "prices": [{"shop": "W"}]}`)
	tests := []struct {
		def     Definition
		columns string
		want    []string
	}{
		{Definition{}, "id: int; s: string; name: string = row.shop.name; gone: int; none: string = row.shop.nothing", []string{"row.gone"}},
		{Definition{Explode: diag.Plain("row.prices")}, "shop: string; amount: double; x: int = item.x; id: int", []string{"item.x"}},
		{Definition{}, "a: string = row.gone + row.s; b: int = size(row.m)", []string{"row.gone"}},
	}
	for _, test := range tests {
		test.def.Format, test.def.Columns = Parquet, columnsOf(t, test.columns)
		s := compile(t, test.def)
		got := scan(t, s, "x.parquet", data, 0)
		if diff := cmp.Diff(test.want, s.Missing(got.Stats.Seen)); diff != "" || got.Err != "" {
			t.Errorf("%s %s: %s", test.columns, got.Err, diff)
		}
	}
}
