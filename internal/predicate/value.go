package predicate

import (
	"fmt"
	"reflect"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/feedmill/feedmill/internal/offer"
)

// A structValue is a struct that is not null, in a row of a column.
type structValue struct {
	column *structColumn
	row    int
}

func (s structValue) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("a struct does not convert to %s", t)
}

func (s structValue) ConvertToType(t ref.Type) ref.Val {
	if t == types.TypeType {
		return s.column.typ.typ
	}
	return types.NewErr("a struct does not convert to %s", t.TypeName())
}

// Equal compares field by field; two nulls are equal.
func (s structValue) Equal(other ref.Val) ref.Val {
	o, ok := other.(structValue)
	if !ok || o.column.typ != s.column.typ {
		return types.False
	}
	for i, field := range s.column.fields {
		if eq := types.Equal(field.value(s.row), o.column.fields[i].value(o.row)); eq != types.True {
			return eq
		}
	}
	return types.True
}

func (s structValue) Type() ref.Type { return s.column.typ.typ }

func (s structValue) Value() any { return s }

// Get and IsSet find a field by name.
func (s structValue) Get(index ref.Val) ref.Val {
	if i := s.field(index); i >= 0 {
		return s.column.fields[i].value(s.row)
	}
	return types.NewErr("no such field: %v", index)
}

func (s structValue) IsSet(index ref.Val) ref.Val {
	if i := s.field(index); i >= 0 {
		return types.Bool(s.column.fields[i].present(s.row))
	}
	return types.NewErr("no such field: %v", index)
}

func (s structValue) field(index ref.Val) int {
	name, ok := index.(types.String)
	if !ok {
		return -1
	}
	return s.column.typ.index(string(name))
}

// A columnMap is a map out of a column.
type columnMap struct{ traits.Mapper }

// An object is a map out of a source row or a JSON text: an absent field is null.
type object struct {
	traits.Mapper
	fields map[string]any
}

func newObject(fields map[string]any) object {
	return object{Mapper: types.NewStringInterfaceMap(adapter{}, fields), fields: fields}
}

func (o object) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return o.Mapper.Find(key)
	}
	return adapt(o.fields[string(name)]), true
}

func (o object) Get(key ref.Val) ref.Val {
	v, _ := o.Find(key)
	if v == nil {
		return types.NewErr("no such key: %v", key)
	}
	return v
}

// An adapter turns plain values into CEL's.
type adapter struct{}

func (adapter) NativeToValue(v any) ref.Val { return adapt(v) }

// adapt turns a plain value into CEL's. Lists and maps are adapted element by
// element when they are asked.
func adapt(v any) ref.Val {
	switch v := v.(type) {
	case nil:
		return types.NullValue
	case ref.Val:
		return v
	case bool:
		return types.Bool(v)
	case int64:
		return types.Int(v)
	case uint64:
		return types.Uint(v)
	case float64:
		return types.Double(v)
	case string:
		return types.String(v)
	case offer.Number:
		return types.Double(v.Double())
	case []byte:
		return types.Bytes(v)
	case time.Time:
		return types.Timestamp{Time: v.UTC()}
	case time.Duration:
		return types.Duration{Duration: v}
	case []any:
		return types.NewDynamicList(adapter{}, v)
	case map[string]any:
		return newObject(v)
	default:
		return types.DefaultTypeAdapter.NativeToValue(v)
	}
}
