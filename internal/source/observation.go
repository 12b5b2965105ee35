package source

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/offer"
)

// An observation gathers what the values of one field are and what their texts
// could mean.
type observation struct {
	values   int // not null
	kinds    map[string]int
	readings []reading // of texts: those that every text allows
	digits   int       // the most before and after the point of an exact number
	scale    int       // the most after the point
	elem     *observation
	fields   objects
	distinct map[string]bool
}

// A reading is a type that texts may stand for.
type reading struct {
	kind   offer.Kind
	format string
	fits   func(text string) bool
}

var (
	wholeText   = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})$`)
	decimalText = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
)

// readings lists what texts are tried as, the narrowest first.
func readings() []reading {
	list := []reading{
		{offer.Bool, "", func(s string) bool {
			return slices.Contains([]string{"true", "false", "yes", "no"}, strings.ToLower(s))
		}},
		{offer.Int, "", wholeText.MatchString},
		{offer.Decimal, "", func(s string) bool { return decimalText.MatchString(s) && fractionLength(s) <= 4 && len(s) <= 12 }},
		{offer.Double, "", isDouble},
		{offer.Date, "", timeFits(time.DateOnly)},
		{offer.Timestamp, "", timeFits(time.RFC3339Nano)},
	}
	for _, layout := range []string{time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", "02.01.2006 15:04:05", "02.01.2006 15:04"} {
		list = append(list, reading{offer.Timestamp, layout, timeFits(layout)})
	}
	for _, layout := range []string{"02.01.2006", "2006/01/02"} {
		list = append(list, reading{offer.Date, layout, timeFits(layout)})
	}
	return list
}

func timeFits(layout string) func(string) bool {
	return func(s string) bool {
		_, err := time.Parse(layout, s)
		return err == nil
	}
}

// isDouble leaves out texts with leading zeros, which are codes.
func isDouble(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if len(digits) > 1 && digits[0] == '0' && digits[1] != '.' || strings.Trim(s, "0123456789.eE+-") != "" {
		return false
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

func fractionLength(s string) int {
	_, fraction, _ := strings.Cut(s, ".")
	return len(fraction)
}

func newObservation() *observation {
	return &observation{kinds: map[string]int{}, readings: readings(), distinct: map[string]bool{}}
}

func (o *observation) add(value any) {
	if value == nil || value == "" {
		return
	}
	o.values++
	switch v := value.(type) {
	case string:
		o.text(v)
	case offer.Number:
		o.kinds["number"]++
		o.exact(string(v))
	case time.Time:
		o.instant(v)
	case []any:
		o.list(v)
	case map[string]any:
		o.kinds["object"]++
		o.fields.add(v)
	default:
		o.kinds[fmt.Sprintf("%T", v)]++
		o.distinct[fmt.Sprint(v)] = true
	}
}

func (o *observation) text(s string) {
	if strings.HasPrefix(s, "[") || strings.HasPrefix(s, "{") {
		var inside any
		if json.Unmarshal([]byte(s), &inside) == nil {
			o.values--
			o.kinds["json"]++
			o.add(inside)
			return
		}
	}
	o.kinds["text"]++
	o.distinct[s] = true
	o.readings = slices.DeleteFunc(o.readings, func(r reading) bool { return !r.fits(s) })
	o.exact(s)
}

func (o *observation) exact(number string) {
	if decimalText.MatchString(number) {
		o.scale = max(o.scale, fractionLength(number))
		o.digits = max(o.digits, len(strings.Trim(number, "-"))-fractionLength(number))
	}
}

func (o *observation) instant(t time.Time) {
	if t.Location() == offer.Day {
		o.kinds["day"]++
		return
	}
	o.kinds["time"]++
}

func (o *observation) list(values []any) {
	o.kinds["list"]++
	if o.elem == nil {
		o.elem = newObservation()
	}
	for _, v := range values {
		o.elem.add(v)
	}
}

// only reports whether all values are of some kinds; JSON texts count as what
// is in them.
func (o *observation) only(kinds ...string) bool {
	n := 0
	for _, kind := range kinds {
		n += o.kinds[kind]
	}
	return n == o.values && n > 0
}

// infer returns the narrowest type of all values, and its format. Values that
// have nothing in common are text.
func (o *observation) infer() (offer.Type, string) {
	switch {
	case o.only("text"):
		return o.inferText()
	case o.only("bool"):
		return offer.Type{Kind: offer.Bool}, ""
	case o.only("int64"):
		return offer.Type{Kind: offer.Int}, ""
	case o.only("number", "int64") && o.digits+o.scale <= offer.MaxPrecision:
		return o.decimal(), ""
	case o.only("int64", "uint64", "float64", "number"):
		return offer.Type{Kind: offer.Double}, ""
	case o.only("time"):
		return offer.Type{Kind: offer.Timestamp}, ""
	case o.only("day"):
		return offer.Type{Kind: offer.Date}, ""
	case o.only("list"):
		elem, _ := o.elem.infer()
		return offer.ListOf(elem), ""
	case o.only("object"):
		return o.inferObject(), ""
	default:
		return offer.Type{Kind: offer.String}, ""
	}
}

func (o *observation) inferText() (offer.Type, string) {
	if len(o.readings) == 0 {
		return offer.Type{Kind: offer.String}, ""
	}
	r := o.readings[0]
	if r.kind == offer.Decimal {
		return o.decimal(), ""
	}
	return offer.Type{Kind: r.kind}, r.format
}

// decimal leaves room for greater numbers than those seen.
func (o *observation) decimal() offer.Type {
	precision := min(max(12, o.digits+o.scale), offer.MaxPrecision)
	return offer.Type{Kind: offer.Decimal, Precision: int32(precision), Scale: int32(o.scale)}
}

// maxMembers is how many names an object may have to be a struct.
const maxMembers = 32

// inferObject takes objects for a struct when their names are few and can be
// selected, else for a map.
func (o *observation) inferObject() offer.Type {
	types := map[string]bool{}
	var fields []offer.Field
	named := len(o.fields.names) <= maxMembers && len(o.fields.names) > 0
	for _, name := range o.fields.names {
		named = named && !notIdentifier.MatchString(name) && name != "" && (name[0] < '0' || name[0] > '9')
		t, _ := o.fields.byName[name].infer()
		fields = append(fields, offer.Field{Name: name, Type: t})
		types[t.String()] = true
	}
	if named {
		return offer.StructOf(fields...)
	}
	if len(fields) > 0 && len(types) == 1 {
		return offer.MapOf(fields[0].Type)
	}
	return offer.MapOf(offer.Type{Kind: offer.String})
}
