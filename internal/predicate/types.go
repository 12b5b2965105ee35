package predicate

import (
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/feedmill/feedmill/internal/offer"
)

// A structType is a struct of offers, or the offer itself, as CEL sees it. Its
// name cannot be written in an expression.
//
// Columns of equal structs share one, so that they can stand for each other, as
// the branches of a ?: do: think of a source that is joined twice.
type structType struct {
	title  string // how messages call it: offer.shop; when shared, the first
	shared bool
	typ    *types.Type
	fields []offer.Field
	cel    []*types.Type
	inner  []*structType // of the field, or of its elements; else nil
}

func (s *structType) index(field string) int {
	return slices.IndexFunc(s.fields, func(f offer.Field) bool { return f.Name == field })
}

func (s *structType) names() []string {
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = f.Name
	}
	return names
}

// A provider knows the struct types of an environment beside CEL's own types. It
// lets cel-go's programs run over our rows too, which is how tests check ours.
type provider struct {
	types.Provider
	structs map[string]*structType // by name
	shapes  map[string]*structType // all but the roots, by column type
}

func newProvider() (*provider, error) {
	base, err := types.NewRegistry(types.OptionalType)
	return &provider{Provider: base, structs: map[string]*structType{}, shapes: map[string]*structType{}}, err
}

// add registers the struct type of fields that messages call title.
func (p *provider) add(title string, fields []offer.Field) *structType {
	s := &structType{title: title, typ: types.NewObjectType("@" + title), fields: fields}
	p.structs[s.typ.TypeName()] = s
	for _, f := range fields {
		typ, inner := p.typeOf(f.Type, title+"."+f.Name)
		s.cel, s.inner = append(s.cel, typ), append(s.inner, inner)
	}
	return s
}

// typeOf returns the CEL type of t, and the struct in it, if any.
func (p *provider) typeOf(t offer.Type, title string) (*types.Type, *structType) {
	switch t.Kind {
	case offer.String:
		return types.NewNullableType(types.StringType), nil
	case offer.Bool:
		return types.NewNullableType(types.BoolType), nil
	case offer.Int:
		return types.NewNullableType(types.IntType), nil
	case offer.Double, offer.Decimal:
		return types.NewNullableType(types.DoubleType), nil
	case offer.Timestamp, offer.Date:
		return types.TimestampType, nil
	case offer.List:
		elem, inner := p.typeOf(*t.Elem, title)
		return types.NewListType(elem), inner
	case offer.Map:
		elem, inner := p.typeOf(*t.Elem, title)
		return types.NewMapType(types.StringType, elem), inner
	default:
		s := p.shape(title, t)
		return s.typ, s
	}
}

// shape returns the struct type of all columns of type t.
func (p *provider) shape(title string, t offer.Type) *structType {
	text := t.String()
	if s := p.shapes[text]; s != nil {
		s.shared = true
		return s
	}
	s := p.add(title, t.Fields)
	p.shapes[text] = s
	return s
}

// columnType is the inverse of typeOf; known is false where no column has t. A
// double may have been a decimal, a timestamp a date.
func (p *provider) columnType(t *types.Type) (column offer.Type, known bool) {
	switch t.Kind() {
	case types.StringKind:
		return offer.Type{Kind: offer.String}, true
	case types.BoolKind:
		return offer.Type{Kind: offer.Bool}, true
	case types.IntKind:
		return offer.Type{Kind: offer.Int}, true
	case types.DoubleKind:
		return offer.Type{Kind: offer.Double}, true
	case types.TimestampKind:
		return offer.Type{Kind: offer.Timestamp}, true
	case types.ListKind:
		elem, known := p.columnType(t.Parameters()[0])
		return offer.ListOf(elem), known
	case types.MapKind:
		elem, known := p.columnType(t.Parameters()[1])
		return offer.MapOf(elem), known && t.Parameters()[0].Kind() == types.StringKind
	case types.StructKind:
		s, ok := p.structs[t.TypeName()]
		if !ok {
			return offer.Type{}, false
		}
		return offer.StructOf(s.fields...), true
	default:
		return offer.Type{}, false
	}
}

// structIn returns the struct type that t is, or an optional one of, or nil.
func (p *provider) structIn(t *types.Type) *structType {
	if t.Kind() == types.OpaqueKind && len(t.Parameters()) == 1 {
		t = t.Parameters()[0]
	}
	return p.structs[t.TypeName()]
}

func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if s, ok := p.structs[name]; ok {
		return types.NewTypeTypeWithParam(s.typ), true
	}
	return p.Provider.FindStructType(name)
}

func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	if s, ok := p.structs[name]; ok {
		return s.names(), true
	}
	return p.Provider.FindStructFieldNames(name)
}

func (p *provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	s, ok := p.structs[name]
	if !ok {
		return p.Provider.FindStructFieldType(name, field)
	}
	i := s.index(field)
	if i < 0 {
		return nil, false
	}
	return &types.FieldType{Type: s.cel[i], IsSet: isSet(i), GetFrom: getFrom(i)}, true
}

// isSet and getFrom select from a struct value, or from null.
func isSet(field int) ref.FieldTester {
	return func(target any) bool {
		s, ok := target.(structValue)
		return ok && s.column.fields[field].present(s.row)
	}
}

func getFrom(field int) ref.FieldGetter {
	return func(target any) (any, error) {
		s, ok := target.(structValue)
		if !ok {
			return types.NullValue, nil
		}
		return s.column.fields[field].value(s.row), nil
	}
}
