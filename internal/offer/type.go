// Package offer holds the vocabulary of offers: column types, schemas, keys and
// the hash that assigns a key to a partition.
//
// Its promise: a type has one text form (ParseType and Type.String are
// inverses), one Arrow form, and a key's hash never changes between releases,
// because it is part of the snapshot format.
package offer

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// A Kind is the outermost shape of a Type.
type Kind uint8

// The kinds of column types.
const (
	String Kind = iota
	Bool
	Int       // 64-bit signed
	Double    // IEEE 754 binary64
	Timestamp // microseconds since the epoch, UTC
	Date      // days since the epoch
	Decimal   // exact, Precision digits of which Scale follow the point
	List
	Map // string keys
	Struct
)

var scalarNames = [...]string{
	String: "string", Bool: "bool", Int: "int", Double: "double", Timestamp: "timestamp", Date: "date",
}

// MaxPrecision is the greatest precision of a decimal. Up to 15 digits a
// decimal survives the trip through a double, which is what predicates see.
const MaxPrecision = 15

// A Type is the type of a column.
type Type struct {
	Kind      Kind
	Precision int32   // of a Decimal
	Scale     int32   // of a Decimal
	Elem      *Type   // of a List or Map
	Fields    []Field // of a Struct
}

// A Field is a named, typed member of a struct or column of a schema.
type Field struct {
	Name string
	Type Type
}

// ListOf returns the type list(elem).
func ListOf(elem Type) Type { return Type{Kind: List, Elem: &elem} }

// MapOf returns the type map(elem).
func MapOf(elem Type) Type { return Type{Kind: Map, Elem: &elem} }

// StructOf returns the type struct{fields}.
func StructOf(fields ...Field) Type { return Type{Kind: Struct, Fields: fields} }

// String returns the text that ParseType reads.
func (t Type) String() string {
	switch t.Kind {
	case Decimal:
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	case List:
		return "list(" + t.Elem.String() + ")"
	case Map:
		return "map(" + t.Elem.String() + ")"
	case Struct:
		members := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			members[i] = f.Name + ": " + f.Type.String()
		}
		return "struct{" + strings.Join(members, ", ") + "}"
	}
	if int(t.Kind) >= len(scalarNames) {
		return fmt.Sprintf("kind %d", t.Kind) // of no type, such as one that could not be read
	}
	return scalarNames[t.Kind]
}

// Equal reports whether t and u are the same type.
func (t Type) Equal(u Type) bool { return t.String() == u.String() }

// Field returns the type of a struct's member.
func (t Type) Field(name string) (Type, bool) {
	for _, f := range t.Fields {
		if f.Name == name {
			return f.Type, true
		}
	}
	return Type{}, false
}

// Arrow returns the Arrow form of t. Every value is nullable; map keys are not.
func (t Type) Arrow() arrow.DataType {
	switch t.Kind {
	case String:
		return arrow.BinaryTypes.String
	case Bool:
		return arrow.FixedWidthTypes.Boolean
	case Int:
		return arrow.PrimitiveTypes.Int64
	case Double:
		return arrow.PrimitiveTypes.Float64
	case Timestamp:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	case Date:
		return arrow.FixedWidthTypes.Date32
	case Decimal:
		return &arrow.Decimal128Type{Precision: t.Precision, Scale: t.Scale}
	case List:
		return arrow.ListOf(t.Elem.Arrow())
	case Map:
		return arrow.MapOf(arrow.BinaryTypes.String, t.Elem.Arrow())
	case Struct:
		return arrow.StructOf(arrowFields(t.Fields)...)
	default:
		panic(fmt.Sprintf("offer: kind %d", t.Kind))
	}
}

func arrowFields(fields []Field) []arrow.Field {
	out := make([]arrow.Field, len(fields))
	for i, f := range fields {
		out[i] = arrow.Field{Name: f.Name, Type: f.Type.Arrow(), Nullable: true}
	}
	return out
}

// A Schema is the ordered columns of an offer or of a source.
type Schema []Field

// Index returns the position of a column, or -1.
func (s Schema) Index(name string) int {
	for i, f := range s {
		if f.Name == name {
			return i
		}
	}
	return -1
}

// Arrow returns the Arrow schema of s.
func (s Schema) Arrow() *arrow.Schema { return arrow.NewSchema(arrowFields(s), nil) }

// Struct returns the struct type whose members are the columns of s.
func (s Schema) Struct() Type { return StructOf(s...) }
