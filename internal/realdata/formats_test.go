package realdata

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
)

// priced are the columns of the files that the test makes.
var priced = []string{"id", "price", "name", "hant", "brand", "promotion"}

// pricedRecords are a delivery's offers as texts, in the order of the file.
func pricedRecords(products []watched) [][]string {
	var records [][]string
	for i := range products {
		w := &products[i]
		for _, p := range w.Prices {
			promotion := ""
			for _, o := range w.promotions(w.id(p.Seller)) {
				promotion = fmt.Sprintf("%q\n%s", o.(row)["en"], o.(row)["zh_hant"])
			}
			records = append(records, []string{w.id(p.Seller), p.Price, w.Name["en"], w.Name["zh-Hant"], w.Brand["en"], promotion})
		}
	}
	return records
}

// objects are the records as JSON objects, an empty text left out.
func objects(records [][]string) []map[string]string {
	out := make([]map[string]string, len(records))
	for i, record := range records {
		out[i] = map[string]string{}
		for k, text := range record {
			if text != "" {
				out[i][priced[k]] = text
			}
		}
	}
	return out
}

func marshal(t testing.TB, v any, indent string) []byte {
	t.Helper()
	data, err := json.MarshalIndent(v, "", indent)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func jsonLines(t testing.TB, records [][]string) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, o := range objects(records) {
		if err := json.NewEncoder(&out).Encode(o); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func commaSeparated(t testing.TB, records [][]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	if err := w.WriteAll(records); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// foreignCSV has semicolons, apostrophes for quotes, a decimal comma, and UTF-16
// with a byte order mark.
func foreignCSV(records [][]string) []byte {
	var text strings.Builder
	text.WriteString("\ufeff")
	for i, record := range records {
		for k, field := range record {
			if i > 0 && priced[k] == "price" {
				field = strings.Replace(field, ".", ",", 1)
			}
			if k > 0 {
				text.WriteByte(';')
			}
			text.WriteString("'" + strings.ReplaceAll(field, "'", "''") + "'")
		}
		text.WriteString("\r\n")
	}
	var out []byte
	for _, unit := range utf16.Encode([]rune(text.String())) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return out
}

// A form is the same offers in a file of another format.
type form struct {
	name string // of the file
	yaml string // of the source
	data []byte
}

func forms(t testing.TB, records [][]string) []form {
	t.Helper()
	titled := append([][]string{priced}, records...)
	table := map[string]any{"meta": map[string]any{"count": len(records)}, "data": map[string]any{"rows": objects(records)}}
	return []form{
		{"array.json", "format: json", marshal(t, objects(records), "")},
		{"object.json.gz", "format: json, rows: data.rows", gzipped(t, marshal(t, table, "  "))},
		{"lines.jsonl", "format: jsonl", jsonLines(t, records)},
		{"comma.csv", "format: csv", commaSeparated(t, titled)},
		{"bare.csv.gz", "format: csv, csv: {header: [id, price, name, hant, brand, promotion]}", gzipped(t, commaSeparated(t, records))},
		{"foreign.csv", `format: csv, csv: {separator: ";", quote: "'", decimal: ",", encoding: utf-16le}`, foreignCSV(titled)},
	}
}

// aggregateForm makes a snapshot of one file.
func aggregateForm(t testing.TB, f form, want map[string]row) []manifest.Object {
	t.Helper()
	home := t.TempDir()
	yaml := `
partitions: 2
sources:
  offers: {path: ` + f.name + `, ` + f.yaml + `, key: row.id, columns: {price: "decimal(12,2)", name: string, hant: string, brand: string, promotion: string}}
offer: {from: offers}
`
	for name, data := range map[string][]byte{"feedmill.yaml": []byte(yaml), f.name: f.data} {
		if err := os.WriteFile(filepath.Join(home, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	store := newStore(t)
	report := aggregateOnce(t, loadWorkspace(t, home, nil), store)
	schema, rows := readSnapshot(t, store, report.Snapshot)
	compareOffers(t, schema, rows, want)
	return objectsOf(t, store, report.Snapshot)
}

// parquetForm is the file that pyarrow makes of a CSV file, prices as decimals.
// pyarrow reads ahead on threads of its own, and one that still holds a Python object when
// the interpreter ends aborts the process: the input is read beforehand, and the process
// ends without taking the interpreter down.
func parquetForm(t testing.TB, titled []byte) form {
	t.Helper()
	const script = `
import os, sys, pyarrow as pa, pyarrow.csv, pyarrow.parquet
types = {name: pa.string() for name in ["id", "name", "hant", "brand", "promotion"]} | {"price": pa.decimal128(9, 2)}
text = pa.BufferReader(sys.stdin.buffer.read())
table = pyarrow.csv.read_csv(text, pa.csv.ReadOptions(use_threads=False), parse_options=pa.csv.ParseOptions(newlines_in_values=True), convert_options=pa.csv.ConvertOptions(column_types=types))
pyarrow.parquet.write_table(table, sys.argv[1], row_group_size=1000)
os._exit(0)
`
	path := filepath.Join(t.TempDir(), "pyarrow.parquet")
	c := exec.CommandContext(t.Context(), os.Getenv("FEEDMILL_PYTHON"), "-c", script, path)
	c.Stdin = bytes.NewReader(titled)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return form{"pyarrow.parquet", "format: parquet", data}
}

// The offers of a delivery, written in every format, make the same bytes.
func TestFormatsAgree(t *testing.T) {
	dir := realData(t, "hk_pricewatch")
	records := pricedRecords(readWatch(t, filepath.Join(dir, "pricewatch_2026-06-30T0028.json.gz")))
	want := map[string]row{}
	for _, r := range records {
		want[r[0]] = row{
			"id": r[0], "price": asDecimal(t, r[1], 2), "name": asText(r[2]), "hant": asText(r[3]), "brand": asText(r[4]), "promotion": asText(r[5]),
		}
	}
	all := forms(t, records)
	if os.Getenv("FEEDMILL_PYTHON") != "" {
		all = append(all, parquetForm(t, commaSeparated(t, append([][]string{priced}, records...))))
	}
	var first []manifest.Object
	for _, f := range all {
		objects := aggregateForm(t, f, want)
		if first == nil {
			first = objects
		}
		if diff := gocmp.Diff(first, objects); diff != "" {
			t.Errorf("%s makes another snapshot than %s:\n%s", f.name, all[0].name, diff)
		}
	}
}
