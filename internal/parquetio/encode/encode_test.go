package encode

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
)

// readHybrid is the slow reading of appendHybrid: bit by bit.
func readHybrid(data []byte, width, count int) []uint32 {
	var out []uint32
	bit := func(i int) uint32 { return uint32(data[i/8]>>(i%8)) & 1 }
	for len(out) < count {
		head, n := binary.Uvarint(data)
		data = data[n:]
		values, size := int(head>>1), (width+7)/8
		if head&1 == 1 {
			values, size = values*8, int(head>>1)*width
		}
		for i := range values {
			var v uint32
			for b := range width {
				if head&1 == 1 {
					v |= bit(i*width+b) << b
				} else {
					v |= bit(b) << b
				}
			}
			out = append(out, v)
		}
		data = data[size:]
	}
	return out[:count]
}

func TestHybrid(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for _, width := range []int{1, 2, 3, 7, 8, 9, 15, 17, 24, 31, 32} {
		for _, n := range []int{1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 1000} {
			for run := 1; run < 40; run += 7 {
				values := make([]uint32, n)
				for i := range values {
					if values[i] = random.Uint32() >> (32 - width); i > 0 && random.IntN(run) > 0 {
						values[i] = values[i-1]
					}
				}
				if got := readHybrid(appendHybrid(nil, values, width), width, n); !slices.Equal(got, values) {
					t.Fatalf("width %d, %d values in runs of about %d: %v instead of %v", width, n, run, got, values)
				}
			}
		}
	}
}

func TestHybridBytes(t *testing.T) {
	for _, c := range []struct {
		values []uint8
		want   []byte
	}{
		{nil, nil},
		{bytes.Repeat([]byte{1}, 100), []byte{200, 1, 1}},                        // 100 times 1
		{[]uint8{1, 0, 1, 0, 0, 0, 0, 0, 0}, []byte{2<<1 | 1, 5, 0}},             // 9 values packed
		{append([]uint8{1, 0, 1}, make([]uint8, 13)...), []byte{3, 5, 16, 0}},    // 8 packed, then 8 times 0
		{append([]uint8{1, 0, 1}, make([]uint8, 12)...), []byte{2<<1 | 1, 5, 0}}, // too few left for a run
	} {
		if got := appendHybrid(nil, c.values, 1); !bytes.Equal(got, c.want) {
			t.Errorf("%v are %v instead of %v", c.values, got, c.want)
		}
	}
}

// readDelta is the slow reading of appendDelta.
func readDelta(t *testing.T, data []byte, size int) []int64 {
	t.Helper()
	next := func() uint64 {
		v, n := binary.Uvarint(data)
		data = data[n:]
		return v
	}
	zigzag := func() int64 {
		v := next()
		return int64(v>>1) ^ -int64(v&1)
	}
	if block, parts := next(), next(); block != deltaBlock || parts != deltaParts {
		t.Fatalf("blocks of %d in %d parts", block, parts)
	}
	count := int(next())
	out := []int64{zigzag()}
	for len(out) < count {
		least := zigzag()
		widths := data[:deltaParts]
		data = data[deltaParts:]
		for _, width := range widths {
			if len(out) >= count {
				break
			}
			for i := range deltaPart {
				var d uint64
				for b := range int(width) {
					at := i*int(width) + b
					d |= uint64(data[at/8]>>(at%8)&1) << b
				}
				v := out[len(out)-1] + least + int64(d)
				if size == 4 {
					v = int64(int32(v))
				}
				if out = append(out, v); len(out) >= count {
					break
				}
			}
			data = data[deltaPart/8*int(width):]
		}
	}
	if len(data) > 0 {
		t.Errorf("%d bytes too many", len(data))
	}
	return out[:count]
}

func TestDelta(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	for _, size := range []int{4, 8} {
		for _, n := range []int{0, 1, 2, 32, 33, 34, 128, 129, 130, 161, 1000} {
			for shift := 0; shift < 64; shift += 9 {
				values := make([]int64, n)
				for i := range values {
					if values[i] = random.Int64() >> shift; random.IntN(2) == 0 {
						values[i] = -values[i]
					}
					if size == 4 {
						values[i] = int64(int32(values[i]))
					}
				}
				if got := readDelta(t, appendDelta(nil, values, size), size); !slices.Equal(got, values) {
					t.Fatalf("size %d: %v instead of %v", size, got, values)
				}
			}
		}
	}
}

// shredded writes columns as "path: DEF/REP VALUE ...", without a value where
// there is none.
func shredded(t *testing.T, f arrow.Field, a arrow.Array) []string {
	t.Helper()
	all, err := leaves(arrow.NewSchema([]arrow.Field{f}, nil))
	if err != nil {
		t.Fatal(err)
	}
	s := shredder{leaves: all}
	s.shred(f, a)
	var out []string
	for _, c := range s.columns {
		line := strings.Join(c.leaf.path, ".") + ":"
		value := 0
		for e := range c.entries {
			def, rep := c.leaf.maxDef, uint8(0)
			if c.def != nil {
				def = c.def[e]
			}
			if c.rep != nil {
				rep = c.rep[e]
			}
			line += fmt.Sprintf(" %d/%d", def, rep)
			if def == c.leaf.maxDef {
				at := value
				if c.sel != nil {
					at = int(c.sel[value])
				}
				line += "=" + c.array.ValueStr(at)
				value++
			}
		}
		out = append(out, line)
	}
	return out
}

func TestShred(t *testing.T) {
	integer := arrow.PrimitiveTypes.Int64
	optional := func(of arrow.DataType) arrow.Field { return arrow.Field{Name: "a", Type: of, Nullable: true} }
	pair := arrow.StructOf(arrow.Field{Name: "x", Type: integer, Nullable: true}, arrow.Field{Name: "y", Type: arrow.ListOf(integer), Nullable: true})
	for _, c := range []struct {
		field arrow.Field
		json  string
		want  []string
	}{
		{optional(integer), `[1, null, 3]`, []string{"a: 1/0=1 0/0 1/0=3"}},
		{arrow.Field{Name: "a", Type: integer}, `[1, 2]`, []string{"a: 0/0=1 0/0=2"}},
		{optional(arrow.ListOf(integer)), `[[1, 2], [], null, [null], [3]]`, []string{"a.list.element: 3/0=1 3/1=2 1/0 0/0 2/0 3/0=3"}},
		{optional(arrow.ListOf(arrow.ListOf(integer))), `[[[1, 2], [3]], [[], null], null, [[4]]]`,
			[]string{"a.list.element.list.element: 5/0=1 5/2=2 5/1=3 3/0 2/1 0/0 5/0=4"}},
		{optional(pair), `[{"x": 1, "y": [7, 8]}, null, {"x": null, "y": null}, {"x": 2, "y": []}]`,
			[]string{"a.x: 2/0=1 0/0 1/0 2/0=2", "a.y.list.element: 4/0=7 4/1=8 0/0 1/0 2/0"}},
		{optional(arrow.ListOf(pair)), `[[{"x": 1, "y": [7, 8]}, {"x": 2, "y": [9]}], [null]]`,
			[]string{"a.list.element.x: 4/0=1 4/1=2 2/0", "a.list.element.y.list.element: 6/0=7 6/2=8 6/1=9 2/0"}},
		{optional(arrow.MapOf(arrow.BinaryTypes.String, integer)), `[[{"key": "k", "value": 1}, {"key": "l", "value": null}], [], null]`,
			[]string{"a.key_value.key: 2/0=k 2/1=l 1/0 0/0", "a.key_value.value: 3/0=1 2/1 1/0 0/0"}},
	} {
		a, _, err := array.FromJSON(memory.DefaultAllocator, c.field.Type, strings.NewReader(c.json))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, shredded(t, c.field, a)); diff != "" {
			t.Errorf("%s: %s", c.json, diff)
		}
		// A slice of an array is like an array of its own.
		if a.Len() > 2 {
			part := array.NewSlice(a, 1, int64(a.Len()-1))
			data, err := part.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			alone, _, err := array.FromJSON(memory.DefaultAllocator, c.field.Type, bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(shredded(t, c.field, alone), shredded(t, c.field, part)); diff != "" {
				t.Errorf("slice of %s: %s", c.json, diff)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for want, f := range map[string]arrow.Field{
		"column a: type uint8 cannot be stored":               {Name: "a", Type: arrow.PrimitiveTypes.Uint8},
		"column b: type decimal(19, 2) cannot be stored":      {Name: "b", Type: &arrow.Decimal128Type{Precision: 19, Scale: 2}},
		"column c: type timestamp[ns] cannot be stored":       {Name: "c", Type: &arrow.TimestampType{Unit: arrow.Nanosecond}},
		"column d: type uint8 cannot be stored":               {Name: "d", Type: arrow.ListOf(arrow.PrimitiveTypes.Uint8)},
		"column e: a struct without members cannot be stored": {Name: "e", Type: arrow.StructOf()},
	} {
		_, err := NewFile(&bytes.Buffer{}, arrow.NewSchema([]arrow.Field{f}, nil), Options{})
		if fmt.Sprint(err) != want {
			t.Errorf("%v instead of %s", err, want)
		}
	}
	if _, err := NewFile(&bytes.Buffer{}, arrow.NewSchema(nil, nil), Options{}); err == nil {
		t.Error("a file without columns")
	}
}

func TestDecimalRange(t *testing.T) {
	for _, c := range []struct {
		precision int32
		text      string
		refused   bool
	}{{9, "2147483647", false}, {9, "2147483648", true}, {9, "-2147483649", true}, {18, "9223372036854775807", false}, {18, "9223372036854775808", true}, {18, "-9223372036854775809", true}} {
		kind := &arrow.Decimal128Type{Precision: c.precision}
		wide := &arrow.Decimal128Type{Precision: 30}
		a, _, err := array.FromJSON(memory.DefaultAllocator, wide, strings.NewReader(`["`+c.text+`"]`))
		if err != nil {
			t.Fatal(err)
		}
		data := array.NewData(kind, 1, a.Data().Buffers(), nil, 0, 0)
		schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: kind, Nullable: true}}, nil)
		f, err := NewFile(&bytes.Buffer{}, schema, Options{})
		if err != nil {
			t.Fatal(err)
		}
		err = f.WriteGroup(array.NewRecordBatch(schema, []arrow.Array{array.MakeFromData(data)}, 1))
		if (err != nil) != c.refused {
			t.Errorf("%s with %d digits: %v", c.text, c.precision, err)
		}
	}
}

func TestDigests(t *testing.T) {
	var out bytes.Buffer
	schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)
	f, err := NewFile(&out, schema, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close([]Entry{{"k", "v"}}); err != nil {
		t.Fatal(err)
	}
	footer := out.Bytes()[len(magic) : out.Len()-8]
	if protected, err := CheckFooter(footer); !protected || err != nil {
		t.Fatalf("protected %t: %v", protected, err)
	}
	for at := range footer {
		damaged := bytes.Clone(footer)
		damaged[at] ^= 4
		if protected, err := CheckFooter(damaged); protected && err == nil {
			t.Errorf("byte %d was changed without notice", at)
		}
	}
	foreign := bytes.ReplaceAll(footer, []byte(createdBy), []byte("another version 1 (build 0).."))
	if protected, err := CheckFooter(foreign); protected || err != nil {
		t.Errorf("another program's: protected %t, %v", protected, err)
	}
	for _, text := range []string{"1", "zzzzzzzzzzzzzzzz"} {
		if _, err := ParseDigests(text); err == nil {
			t.Errorf("digests %q", text)
		}
	}
}

func TestBounds(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		kind      arrow.DataType
		json      string
		low, high string
	}{
		{arrow.PrimitiveTypes.Int64, "[3, -5, null, 4]", "fbffffffffffffff", "0400000000000000"},
		{arrow.PrimitiveTypes.Int32, "[3, -5]", "fbffffff", "03000000"},
		{arrow.FixedWidthTypes.Boolean, "[true, null]", "01", "01"},
		{arrow.BinaryTypes.String, `["b", "", "ab"]`, "", "62"},
		{arrow.BinaryTypes.String, `["é", "z"]`, "7a", "c3a9"},
		{arrow.BinaryTypes.String, `["` + strings.Repeat("x", 257) + `"]`, "none", "none"},
		{arrow.PrimitiveTypes.Int64, "[null]", "none", "none"},
		{arrow.PrimitiveTypes.Float64, "[0, 1.5]", "0000000000000080", "000000000000f83f"},
		{arrow.PrimitiveTypes.Float64, "[-1.5, -0.0]", "000000000000f8bf", "0000000000000000"},
	} {
		a, _, err := array.FromJSON(memory.DefaultAllocator, c.kind, strings.NewReader(c.json))
		if err != nil {
			t.Fatal(err)
		}
		checkBounds(t, c.json, a, c.low, c.high)
	}
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	b.AppendValues([]float64{nan, 1.5, nan}, nil)
	checkBounds(t, "NaN, 1.5", b.NewArray(), "000000000000f83f", "000000000000f83f")
	b.AppendValues([]float64{nan}, nil)
	checkBounds(t, "NaN", b.NewArray(), "none", "none")
}

// checkBounds compares the bounds of an array with and without a dictionary.
func checkBounds(t *testing.T, name string, a arrow.Array, low, high string) {
	t.Helper()
	text := func(b []byte) string {
		if b == nil {
			return "none"
		}
		return hex.EncodeToString(b)
	}
	for _, plain := range []bool{true, false} {
		field := arrow.Field{Name: "a", Type: a.DataType(), Nullable: true}
		w, err := newChunker()
		if err != nil {
			t.Fatal(err)
		}
		all, err := leaves(arrow.NewSchema([]arrow.Field{field}, nil))
		if err != nil {
			t.Fatal(err)
		}
		s := shredder{leaves: all}
		s.shred(field, a)
		k, err := w.write(s.columns[0], plain)
		if err != nil {
			t.Fatal(err)
		}
		if text(k.bounds.low) != low || text(k.bounds.high) != high {
			t.Errorf("%s: %s to %s instead of %s to %s", name, text(k.bounds.low), text(k.bounds.high), low, high)
		}
	}
}
