package encode

import "encoding/binary"

// The wire types of Thrift's compact protocol.
const (
	wireTrue   = 1
	wireFalse  = 2
	wireI8     = 3
	wireI16    = 4
	wireI32    = 5
	wireI64    = 6
	wireBinary = 8
	wireList   = 9
	wireStruct = 12
)

// A thrift writes structs in Thrift's compact protocol, which is how Parquet
// keeps its headers:
// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
type thrift struct {
	b      []byte
	field  int16   // the last one written of the struct that is open
	fields []int16 // those of the structs around it
}

// begin opens a struct: the outermost one or an element of a list.
func (t *thrift) begin() {
	t.fields = append(t.fields, t.field)
	t.field = 0
}

// end closes the struct that was opened last.
func (t *thrift) end() {
	t.b = append(t.b, 0)
	t.field = t.fields[len(t.fields)-1]
	t.fields = t.fields[:len(t.fields)-1]
}

func (t *thrift) head(id int16, wire byte) {
	if delta := id - t.field; 0 < delta && delta < 16 {
		t.b = append(t.b, byte(delta)<<4|wire)
	} else {
		t.b = binary.AppendVarint(append(t.b, wire), int64(id))
	}
	t.field = id
}

func (t *thrift) boolean(id int16, v bool) {
	wire := byte(wireFalse)
	if v {
		wire = wireTrue
	}
	t.head(id, wire)
}

func (t *thrift) i8(id int16, v int8) {
	t.head(id, wireI8)
	t.b = append(t.b, byte(v))
}

func (t *thrift) i16(id int16, v int16) {
	t.head(id, wireI16)
	t.b = binary.AppendVarint(t.b, int64(v))
}

func (t *thrift) i32(id int16, v int32) {
	t.head(id, wireI32)
	t.b = binary.AppendVarint(t.b, int64(v))
}

func (t *thrift) i64(id int16, v int64) {
	t.head(id, wireI64)
	t.b = binary.AppendVarint(t.b, v)
}

func (t *thrift) text(id int16, v string) {
	t.head(id, wireBinary)
	t.element(v)
}

// open opens a struct that is a field; end closes it.
func (t *thrift) open(id int16) {
	t.head(id, wireStruct)
	t.begin()
}

// list begins a list; its elements follow.
func (t *thrift) list(id int16, wire byte, length int) {
	t.head(id, wireList)
	if length < 15 {
		t.b = append(t.b, byte(length)<<4|wire)
		return
	}
	t.b = binary.AppendUvarint(append(t.b, 0xf0|wire), uint64(length))
}

// element writes a text of a list.
func (t *thrift) element(v string) {
	t.b = append(binary.AppendUvarint(t.b, uint64(len(v))), v...)
}

// number writes an i32 of a list.
func (t *thrift) number(v int32) { t.b = binary.AppendVarint(t.b, int64(v)) }
