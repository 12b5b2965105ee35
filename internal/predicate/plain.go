package predicate

import (
	"fmt"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// plain turns a CEL value into a plain one.
func plain(v ref.Val) (any, error) {
	switch v := v.(type) {
	case types.Null:
		return nil, nil
	case types.Bool:
		return bool(v), nil
	case types.Int:
		return int64(v), nil
	case types.Uint:
		return uint64(v), nil
	case types.Double:
		return float64(v), nil
	case types.String:
		return string(v), nil
	case types.Bytes:
		return []byte(v), nil
	case types.Timestamp:
		return v.UTC(), nil
	case types.Duration:
		return v.Duration, nil
	case structValue:
		return v.column.plain(v.row), nil
	case object:
		return v.fields, nil
	case *types.Optional:
		return plainOptional(v)
	case traits.Lister:
		return plainList(v)
	case traits.Mapper:
		return plainMap(v)
	default:
		return nil, fmt.Errorf("%s is no value that a column holds", v.Type().TypeName())
	}
}

func plainOptional(v *types.Optional) (any, error) {
	if !v.HasValue() {
		return nil, nil
	}
	return plain(v.GetValue())
}

func plainList(list traits.Lister) (any, error) {
	if values, ok := list.Value().([]any); ok {
		return values, nil
	}
	out := make([]any, int(list.Size().(types.Int)))
	for i := range out {
		v, err := plain(list.Get(types.Int(i)))
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func plainMap(m traits.Mapper) (any, error) {
	out := make(map[string]any, int(m.Size().(types.Int)))
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, ok := key.(types.String)
		if !ok {
			return nil, fmt.Errorf("a map's keys are texts, not %s", key.Type().TypeName())
		}
		v, err := plain(m.Get(key))
		if err != nil {
			return nil, err
		}
		out[string(name)] = v
	}
	return out, nil
}
