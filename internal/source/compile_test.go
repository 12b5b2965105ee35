package source

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
)

func TestCompileMistakes(t *testing.T) {
	text := diag.Plain
	valid := Definition{Name: "price", Place: text("price"), Paths: []diag.Text{text("p_{shop}.json")}, Format: JSON}
	tests := []struct {
		name   string
		change func(d *Definition)
		want   []string // a part of each message
	}{
		{"nothing", func(d *Definition) {}, nil},
		{"no path", func(d *Definition) { d.Paths = nil }, []string{"source price has no path"}},
		{"a bad path", func(d *Definition) { d.Paths[0] = text("p_{") }, []string{"p_{"}},
		{"format", func(d *Definition) { d.Format = "jsn" }, []string{`an unknown format "jsn"` + "|did you mean json?"}},
		{"keep", func(d *Definition) { d.Keep = "logs" }, []string{`an unknown keep "logs"` + "|did you mean log?"}},
		{"rows", func(d *Definition) { d.Format, d.Rows = CSV, text("a") }, []string{"rows is for the format json"}},
		{"a log without a key", func(d *Definition) { d.Keep = Log }, []string{"keeps a log but has no key"}},
		{"late without order", func(d *Definition) { d.Keep, d.Key, d.Late = Log, text("row.id"), time.Hour }, []string{"has late but no order"}},
		{"newest with what is for logs", func(d *Definition) { d.Order, d.Deleted, d.Late = text("row.a"), text("row.b"), time.Hour },
			[]string{"order and deleted are for a source with keep: log", "order and deleted are for a source with keep: log", "has late, which is for keep: log"}},
		{"item without explode", func(d *Definition) { d.Key = text("item.id") }, []string{"item"}},
		{"explode of item", func(d *Definition) { d.Explode = text("item.list") }, []string{"item"}},
		{"syntax", func(d *Definition) { d.Where, d.Key = text("row.a >"), text("row.(") }, []string{"row.a >", "row.("}},
		{"where is no bool", func(d *Definition) { d.Where = text(`"x"`) }, []string{"a condition must be a bool, not string"}},
		{"an unknown part of the path", func(d *Definition) { d.Key = text("path.shp") }, []string{"the path has no {shp}|did you mean shop?"}},
		{"a column twice", func(d *Definition) { d.Columns = columnsOf(t, "a: int; b: int; a: string") }, []string{"column a stands twice or is a reserved name"}},
		{"a reserved column", func(d *Definition) { d.Columns = columnsOf(t, "_key: int") }, []string{"column _key stands twice or is a reserved name"}},
		{"in of a list", func(d *Definition) {
			d.Columns = columnsOf(t, "a: list(int)")
			d.Columns[0].In = []diag.Text{text("1")}
		}, []string{"`in` is for columns of type string, int, double, bool and date, not list(int)"}},
		{"in of another type", func(d *Definition) {
			d.Columns = columnsOf(t, "a: int")
			d.Columns[0].In = []diag.Text{text("1"), text("x"), text("y")}
		}, []string{`not a value of a column of type int: "x" is not an int`, `not a value of a column of type int: "y" is not an int`}},
		{"optional", func(d *Definition) {
			d.OptionalFields = []diag.Text{text("row.a"), text("row"), text("path.shop"), text("size(row.a)")}
		},
			[]string{"optional names fields of row and item", "optional names fields of row and item", "optional names fields of row and item"}},
		{"encoding", func(d *Definition) { d.Format, d.CSV.Encoding = CSV, "utf-9" }, []string{`an unknown encoding "utf-9"`}},
		{"separator", func(d *Definition) { d.Format, d.CSV.Separator = CSV, 'é' }, []string{"a separator or quote is one ASCII character"}},
		{"quote", func(d *Definition) { d.Format, d.CSV.Quote = CSV, ',' }, []string{"separator and quote are the same"}},
		{"header", func(d *Definition) { d.Format, d.CSV.Names = CSV, []string{"a", "b", "a"} }, []string{"header names a twice"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			def := valid
			def.Paths = append([]diag.Text{}, valid.Paths...)
			test.change(&def)
			s, mistakes := Compile(&def)
			if len(mistakes) != len(test.want) || (s == nil) != (len(mistakes) > 0) {
				t.Fatalf("%d mistakes, want %d:\n%v", len(mistakes), len(test.want), mistakes)
			}
			for i, want := range test.want {
				message, hint, _ := strings.Cut(want, "|")
				found := false
				for _, d := range mistakes {
					found = found || strings.Contains(d.Error(), message) && strings.Contains(d.Hint, hint)
				}
				if !found {
					t.Errorf("mistake %d: no %q in\n%v", i, want, mistakes)
				}
			}
		})
	}
}

// A mistake is shown where the user wrote it.
func TestMistakesHavePlaces(t *testing.T) {
	file := diag.NewFile("feedmill.yaml", []byte("price:\n  where: row.a +\n"))
	at := func(value string, line, col int) diag.Text {
		return diag.Text{File: file, Value: value, Marks: []diag.Mark{{Line: line, Col: col}}}
	}
	_, mistakes := Compile(&Definition{Name: "price", Place: at("price", 1, 1), Paths: []diag.Text{at("x", 1, 1)}, Format: "", Where: at("row.a +", 2, 10)})
	var places []string
	for _, d := range mistakes {
		places = append(places, strings.SplitN(d.Error(), " ", 2)[0])
	}
	if diff := cmp.Diff([]string{"feedmill.yaml:1:1:", "feedmill.yaml:2:17:"}, places); diff != "" {
		t.Errorf("%s\n%v", diff, mistakes)
	}
}

func TestSchema(t *testing.T) {
	columns := columnsOf(t, "a: int; b: list(struct{c: string})")
	newest := compile(t, Definition{Format: JSON, Columns: columns})
	log := compile(t, Definition{Format: JSON, Columns: columns, Keep: Log, Key: diag.Plain("row.id")})
	names := func(s *Source) (out []string) {
		for _, f := range s.Schema().Fields() {
			out = append(out, f.Name+" "+f.Type.String())
		}
		return out
	}
	b := "b " + columns[1].Type.Arrow().String()
	if diff := cmp.Diff([]string{"_key utf8", "_row int64", "a int64", b}, names(newest)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"_key utf8", "_row int64", "_order binary", "_deleted bool", "a int64", b}, names(log)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(offer.Schema{{Name: "a", Type: columns[0].Type}, {Name: "b", Type: columns[1].Type}}, newest.Columns()); diff != "" {
		t.Error(diff)
	}
}

// The digest moves with whatever changes rows, and with nothing else.
func TestDigest(t *testing.T) {
	base := func() Definition {
		return Definition{Name: "a", Paths: []diag.Text{diag.Plain("x")}, Format: CSV, Columns: columnsOf(t, "a: int = row.a; b: timestamp")}
	}
	seen := map[string]string{}
	changes := map[string]func(d *Definition){
		"nothing": func(d *Definition) {}, "path": func(d *Definition) { d.Paths[0].Value = "y" }, "format": func(d *Definition) { d.Format = JSON },
		"rows": func(d *Definition) { d.Rows.Value = "r" }, "csv": func(d *Definition) { d.CSV.Comma = true }, "keep": func(d *Definition) { d.Keep = Log },
		"explode": func(d *Definition) { d.Explode.Value = "r" }, "where": func(d *Definition) { d.Where.Value = "r" },
		"key": func(d *Definition) { d.Key.Value = "r" }, "order": func(d *Definition) { d.Order.Value = "r" },
		"deleted": func(d *Definition) { d.Deleted.Value = "r" }, "late": func(d *Definition) { d.Late = 1 },
		"name": func(d *Definition) { d.Columns[0].Name.Value = "z" }, "type": func(d *Definition) { d.Columns[0].Type.Kind = offer.String },
		"value": func(d *Definition) { d.Columns[0].Value.Value = "row.z" }, "layout": func(d *Definition) { d.Columns[1].Format = "unix" },
		"zone":     func(d *Definition) { d.Columns[1].Zone = time.FixedZone("X", 60) },
		"required": func(d *Definition) { d.Columns[0].Required = true }, "in": func(d *Definition) { d.Columns[0].In = []diag.Text{diag.Plain("1")} },
	}
	for name, change := range changes {
		def := base()
		change(&def)
		if other, twice := seen[def.Digest()]; twice {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[def.Digest()] = name
	}
	same := base()
	same.Name, same.Keep, same.Columns[1].Zone = "other", Newest, time.UTC
	same.Rejects, same.Duplicates, same.MaxAge, same.Optional = 0.5, 0.5, time.Hour, true
	same.Ready = Ready{Marker: "m"}
	if got := seen[same.Digest()]; got != "nothing" {
		t.Errorf("limits, and defaults written out, change the digest (as %q)", got)
	}
}
