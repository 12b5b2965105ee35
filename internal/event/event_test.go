package event

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/parquetio/encodedtest"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// Fields of every type, as JSON that reads back as they were.
func TestAppendFields(t *testing.T) {
	schema := offer.Schema{}
	for _, f := range []struct{ name, of string }{
		{"a", "string"}, {"b", "bool"}, {"c", "int"}, {"d", "double"}, {"e", "timestamp"}, {"f", "date"}, {"g", "decimal(12,2)"},
		{"h", "list(string)"}, {"i", "map(int)"}, {"j", "struct{x: int, y: list(double)}"},
	} {
		of, err := offer.ParseType(f.of)
		if err != nil {
			t.Fatal(err)
		}
		schema = append(schema, offer.Field{Name: f.name, Type: of})
	}
	batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema.Arrow(), strings.NewReader(`[
		{"a": "x \" < \n é", "b": true, "c": -5, "d": 1e21, "e": "2026-01-02T03:04:05.5Z", "f": "2026-01-02", "g": "-0.05",
			"h": ["a", null, "]"], "i": [{"key": "k", "value": 1}, {"key": "l", "value": null}], "j": {"x": 1, "y": [0.5]}},
		{"a": null}]`))
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Release()
	for i, want := range []string{
		`{"a":"x \" < \n é","b":true,"c":-5,"d":1e+21,"e":"2026-01-02T03:04:05.5Z","f":"2026-01-02","g":-0.05,"h":["a",null,"]"],"i":{"k":1,"l":null},"j":{"x":1,"y":[0.5]}}`,
		`{"a":null,"b":null,"c":null,"d":null,"e":null,"f":null,"g":null,"h":null,"i":null,"j":null}`,
	} {
		for _, batch := range []arrow.RecordBatch{batch, encodedtest.Batch(t, batch, func() bool { return true })} {
			if got := string(AppendFields(nil, batch, i)); got != want || !json.Valid([]byte(got)) {
				t.Errorf("%s, want %s", got, want)
			}
		}
	}
}

func TestAppendFieldsOfBadText(t *testing.T) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.BinaryTypes.String}}, nil))
	b.Field(0).(*array.StringBuilder).Append("a\xff\xc0b")
	batch := b.NewRecordBatch()
	if got := string(AppendFields(nil, batch, 0)); got != `{"a":"a\ufffdb"}` && got != "{\"a\":\"a\ufffdb\"}" {
		t.Errorf("%s", got)
	}
}

func TestChanges(t *testing.T) {
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	for _, test := range []struct {
		before, after string
		want          map[string]Change
	}{
		{`{}`, `{}`, map[string]Change{}},
		{`{"a":1}`, `{"a":1}`, map[string]Change{}},
		{`{"a":1,"b":"x"}`, `{"a":2,"b":"x"}`, map[string]Change{"a": {raw("1"), raw("2")}}},
		{`{"a":"},\"","b":[1,{"c":"]"}]}`, `{"a":"}","b":[1,{"c":"]"}]}`, map[string]Change{"a": {raw(`"},\""`), raw(`"}"`)}}},
		{`{"a":1,"c":3}`, `{"b":2,"c":4}`, map[string]Change{"a": {raw("1"), raw("null")}, "b": {raw("null"), raw("2")}, "c": {raw("3"), raw("4")}}},
		{`{"a":null}`, `{}`, map[string]Change{}},
		{`{}`, `{"z":{"y":[]}}`, map[string]Change{"z": {raw("null"), raw(`{"y":[]}`)}}},
	} {
		got, err := Changes([]byte(test.before), []byte(test.after))
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s, %s: %v %s", test.before, test.after, err, diff)
		}
	}
}

// Changes never panics, and agrees with a comparison of what encoding/json reads.
func FuzzChanges(f *testing.F) {
	f.Add(`{"a":1,"b":"x"}`, `{"a":2}`)
	f.Add(`{"a":[{"b":"\\\""}]}`, `{`)
	f.Fuzz(func(t *testing.T, before, after string) {
		got, err := Changes([]byte(before), []byte(after))
		was, okWas := canonical(before)
		is, okIs := canonical(after)
		if !okWas || !okIs || err != nil {
			return
		}
		for name := range was {
			if _, differs := got[name]; differs != !bytes.Equal(was[name], orNull(is, name)) {
				t.Errorf("%s, %s: %v", before, after, got)
			}
		}
	})
}

// canonical reads an object if it is written as AppendFields does.
func canonical(text string) (map[string]json.RawMessage, bool) {
	var m map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &m) != nil || m == nil {
		return nil, false
	}
	again, err := json.Marshal(m) // members by name, without blanks
	return m, err == nil && string(again) == text && !strings.Contains(text, `\u`)
}

func orNull(m map[string]json.RawMessage, name string) json.RawMessage {
	if v, found := m[name]; found {
		return v
	}
	return json.RawMessage("null")
}

// sample is an event with what needs escaping.
func sample(i int) *Event {
	kinds := []string{Added, Updated, Removed, Refreshed}
	data := Data{Feed: "meta-hk", Destinations: []string{"a", `b"<`}, Catalog: []string{"", "ö&"}[i%2], Version: int64(i + 1), Fields: json.RawMessage(fmt.Sprintf(`{"n":%d,"t":"<\"é"}`, i))}
	if i%4 == 1 {
		data.Changed = map[string]Change{"n": {json.RawMessage("1"), json.RawMessage("2")}, "b": {json.RawMessage("null"), json.RawMessage(`"x"`)}}
	}
	return New(kinds[i%4], data, fmt.Sprint("offer <", i), time.Date(2026, 1, 2, 3, 4, 5, i, time.UTC))
}

// A line is what encoding/json writes, but for its escapes of HTML.
func TestAppend(t *testing.T) {
	for i := range 8 {
		e := sample(i)
		var want bytes.Buffer
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(e); err != nil {
			t.Fatal(err)
		}
		if got := string(e.Append(nil)) + "\n"; got != want.String() {
			t.Errorf("%s, want %s", got, want.String())
		}
	}
}

// What was written is read back; what is damaged is an error that names the object.
func TestChangeSet(t *testing.T) {
	ctx, store := context.Background(), mem.New()
	name := Name("r", "meta-hk", 3)
	w, err := Create(ctx, store, name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		if err := w.Write(sample(i)); err != nil {
			t.Fatal(err)
		}
	}
	object, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readAll(store, name); err != nil || len(got) != 50 || !cmp.Equal(got[17], sample(17)) {
		t.Fatalf("%d events are read back, %v", len(got), err)
	}
	if err := Check(ctx, store, object); err != nil {
		t.Error(err)
	}
	data, err := storage.ReadAll(ctx, store, name)
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		broken := bytes.Clone(data)
		if random.IntN(3) == 0 {
			broken = broken[:random.IntN(len(broken))]
		} else {
			broken[random.IntN(len(broken))] ^= 1 << random.IntN(8)
		}
		if err := storage.WriteAll(ctx, store, name, storage.Replace, broken); err != nil {
			t.Fatal(err)
		}
		if got, err := readAll(store, name); err == nil && len(got) != 50 && len(broken) > 0 {
			t.Fatalf("%d events are read of a damaged object", len(got))
		} else if err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not name it: %v", err)
		}
		if err := Check(ctx, store, object); err == nil && !bytes.Equal(broken, data) && len(broken) != len(data) {
			t.Error("a cut object is whole")
		}
	}
}

// A writer's compressor is small, since many are at work at once.
func TestWindow(t *testing.T) {
	ctx, store := context.Background(), mem.New()
	w, err := Create(ctx, store, Name("r", "meta-hk", 0))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 9000 {
		if err := w.Write(sample(i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	data, err := storage.ReadAll(ctx, store, Name("r", "meta-hk", 0))
	if err != nil {
		t.Fatal(err)
	}
	var header zstd.Header
	if err := header.Decode(data); err != nil || header.WindowSize > window {
		t.Errorf("a window of %d bytes, %v", header.WindowSize, err)
	}
}

// What is held is moved as it is, and not if it is not what it was.
func TestHold(t *testing.T) {
	ctx, store := context.Background(), mem.New()
	for _, name := range []string{Name("r", "meta-hk", 3), RemovedName("r", "meta-hk", 3)} {
		if err := storage.WriteAll(ctx, store, name, storage.Replace, []byte("events")); err != nil {
			t.Fatal(err)
		}
		if _, err := Hold(ctx, store, manifest.Object{Name: name, Size: 7}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("an object that was cut: %v", err)
		}
		held, err := Hold(ctx, store, manifest.Object{Name: name, Size: 6})
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.Replace(name, "events/r/", "events/r/held/", 1); held != (manifest.Object{Name: want, Size: 6}) {
			t.Errorf("%+v, want %s", held, want)
		}
		data, err := storage.ReadAll(ctx, store, held.Name)
		if _, there := storage.ReadAll(ctx, store, name); err != nil || string(data) != "events" || !errors.Is(there, fs.ErrNotExist) {
			t.Errorf("%q, %v; where it was: %v", data, err, there)
		}
	}
}

func readAll(store storage.Store, name string) ([]*Event, error) {
	r, err := Open(context.Background(), store, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []*Event
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, e)
	}
}

// Records are CloudEvents in binary mode; compact ones end in a tombstone.
func TestRecords(t *testing.T) {
	e := sample(2)
	plain, compact := e.Records(false), e.Records(true)
	if len(plain) != 1 || string(plain[0].Key) != e.Subject || len(compact) != 2 || string(compact[1].Key) != "meta-hk/"+e.Subject || compact[1].Value != nil {
		t.Errorf("%+v\n%+v", plain, compact)
	}
	headers := map[string]string{}
	for _, h := range plain[0].Headers {
		headers[h.Key] = string(h.Value)
	}
	want := map[string]string{
		"ce_specversion": "1.0", "ce_id": e.ID, "ce_source": "/feedmill/meta-hk", "ce_type": "offer.removed", "ce_subject": e.Subject,
		"ce_time": "2026-01-02T03:04:05.000000002Z", "content-type": "application/json",
	}
	if diff := cmp.Diff(want, headers); diff != "" {
		t.Error(diff)
	}
	var data Data
	if err := json.Unmarshal(plain[0].Value, &data); err != nil || !cmp.Equal(data, e.Data) {
		t.Errorf("%v: %s", err, plain[0].Value)
	}
	if n := len(sample(0).Records(true)); n != 1 {
		t.Errorf("%d records of an addition", n)
	}
}
