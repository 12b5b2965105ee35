package parquetio

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
)

// plainSchema returns schema without metadata.
func plainSchema(schema *arrow.Schema) *arrow.Schema {
	fields := make([]arrow.Field, schema.NumFields())
	for i, f := range schema.Fields() {
		fields[i] = plainField(f)
	}
	return arrow.NewSchema(fields, nil)
}

// plainField returns f without metadata, also below it, and with the usual
// names for the parts of lists and maps.
func plainField(f arrow.Field) arrow.Field {
	return arrow.Field{Name: f.Name, Type: plainType(f.Type), Nullable: f.Nullable}
}

func plainType(t arrow.DataType) arrow.DataType {
	return typeWith(t, func(leaf arrow.DataType) arrow.DataType { return leaf })
}

// decodedType is plainType with what dictionaries hold in their place.
func decodedType(t arrow.DataType) arrow.DataType {
	return typeWith(t, func(leaf arrow.DataType) arrow.DataType {
		if d, ok := leaf.(*arrow.DictionaryType); ok {
			return d.ValueType
		}
		return leaf
	})
}

// typeWith is plainType with others in the place of the types that have no parts.
func typeWith(t arrow.DataType, other func(leaf arrow.DataType) arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case *arrow.ListType:
		return arrow.ListOfField(arrow.Field{Name: "item", Type: typeWith(t.Elem(), other), Nullable: t.ElemField().Nullable})
	case *arrow.MapType:
		plain := arrow.MapOf(typeWith(t.KeyType(), other), typeWith(t.ItemType(), other))
		plain.SetItemNullable(t.ItemField().Nullable)
		return plain
	case *arrow.StructType:
		fields := make([]arrow.Field, t.NumFields())
		for i, f := range t.Fields() {
			fields[i] = arrow.Field{Name: f.Name, Type: typeWith(f.Type, other), Nullable: f.Nullable}
		}
		return arrow.StructOf(fields...)
	default:
		return other(t)
	}
}

// sameTypes returns an error unless the columns of got are those of want.
func sameTypes(want, got *arrow.Schema) error {
	if want.NumFields() != got.NumFields() {
		return fmt.Errorf("%d columns instead of %d", got.NumFields(), want.NumFields())
	}
	for i, w := range want.Fields() {
		g := got.Field(i)
		if g.Name != w.Name || !arrow.TypeEqual(g.Type, w.Type) {
			return fmt.Errorf("column %d is %s %s instead of %s %s", i, g.Name, g.Type, w.Name, w.Type)
		}
	}
	return nil
}
