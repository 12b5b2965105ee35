package encode

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
)

// The numbers of Parquet's physical types.
const (
	physicalBoolean   = 0
	physicalInt32     = 1
	physicalInt64     = 2
	physicalDouble    = 5
	physicalByteArray = 6
)

// A leaf is a column in the sense of Parquet: one without parts.
type leaf struct {
	path     []string
	column   string // the top-level column it belongs to
	kind     arrow.Type
	physical int32
	maxDef   uint8 // the definition level of a value
	maxRep   uint8 // how many lists and maps are around it
}

// size returns the bytes of a value of fixed size.
func (l *leaf) size() int {
	if l.physical == physicalInt32 {
		return 4
	}
	return 8
}

// leaves returns the leaves of a schema in order.
func leaves(schema *arrow.Schema) ([]*leaf, error) {
	var all []*leaf
	for _, f := range schema.Fields() {
		var err error
		if all, err = appendLeaves(all, f, leaf{column: f.Name}); err != nil {
			return nil, fmt.Errorf("column %s: %w", f.Name, err)
		}
	}
	return all, nil
}

// appendLeaves appends the leaves of a field below a place.
func appendLeaves(all []*leaf, f arrow.Field, at leaf) ([]*leaf, error) {
	at = at.below(f.Name)
	if f.Nullable {
		at.maxDef++
	}
	switch t := f.Type.(type) {
	case *arrow.StructType:
		return appendParts(all, t.Fields(), at)
	case *arrow.ListType:
		return appendParts(all, []arrow.Field{elementField(t)}, at.repeated("list"))
	case *arrow.MapType:
		return appendParts(all, entryFields(t), at.repeated("key_value"))
	default:
		at.kind = t.ID()
		physical, err := physicalOf(t)
		at.physical = physical
		return append(all, &at), err
	}
}

func appendParts(all []*leaf, fields []arrow.Field, at leaf) ([]*leaf, error) {
	if len(fields) == 0 {
		return nil, fmt.Errorf("a struct without members cannot be stored")
	}
	for _, f := range fields {
		var err error
		if all, err = appendLeaves(all, f, at); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (l leaf) below(name string) leaf {
	l.path = append(l.path[:len(l.path):len(l.path)], name)
	return l
}

func (l leaf) repeated(name string) leaf {
	l = l.below(name)
	l.maxDef++
	l.maxRep++
	return l
}

// elementField returns the element of a list under its name in Parquet.
func elementField(t *arrow.ListType) arrow.Field {
	return arrow.Field{Name: "element", Type: t.Elem(), Nullable: t.ElemField().Nullable}
}

// entryFields returns the key and the value of a map.
func entryFields(t *arrow.MapType) []arrow.Field {
	return []arrow.Field{{Name: "key", Type: t.KeyType()}, {Name: "value", Type: t.ItemType(), Nullable: t.ItemField().Nullable}}
}

func physicalOf(t arrow.DataType) (int32, error) {
	switch t := t.(type) {
	case *arrow.BooleanType:
		return physicalBoolean, nil
	case *arrow.Int32Type, *arrow.Date32Type:
		return physicalInt32, nil
	case *arrow.Int64Type:
		return physicalInt64, nil
	case *arrow.TimestampType:
		if t.Unit == arrow.Microsecond {
			return physicalInt64, nil
		}
	case *arrow.Float64Type:
		return physicalDouble, nil
	case *arrow.Decimal128Type:
		switch {
		case t.Precision <= 9:
			return physicalInt32, nil
		case t.Precision <= 18:
			return physicalInt64, nil
		}
	case *arrow.StringType, *arrow.BinaryType:
		return physicalByteArray, nil
	}
	return 0, fmt.Errorf("type %s cannot be stored", t)
}
