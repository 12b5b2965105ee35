package workspace

import (
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/source"
	"github.com/feedmill/feedmill/internal/template"
)

// A sourceDraft is a source as it was read, before it is compiled.
type sourceDraft struct {
	def    *source.Definition
	limits guard.Limits
	broken bool // a mistake was found in it
}

// sources reads the map of sources.
func (v value) sources() []sourceDraft {
	var out []sourceDraft
	for _, e := range v.entries() {
		if !e.identifier("source", sourceName, "small letters, digits, _ and -, beginning with a letter") {
			continue
		}
		before := len(v.list)
		draft := e.value.source(e.name)
		draft.broken = len(v.list) > before
		out = append(out, draft)
	}
	return out
}

func (v value) source(name diag.Text) sourceDraft {
	d := &source.Definition{Name: name.Value, Place: name}
	draft := sourceDraft{def: d, limits: guard.SourceDefaults()}
	has := v.object(fields{
		"path":       func(v value) { d.Paths = v.paths() },
		"format":     func(v value) { d.Format = v.choice(source.JSON, source.JSONL, source.CSV, source.Parquet) },
		"rows":       func(v value) { d.Rows, _ = v.text() },
		"csv":        func(v value) { v.csv(&d.CSV) },
		"keep":       func(v value) { d.Keep = v.choice(source.Newest, source.Log) },
		"explode":    func(v value) { d.Explode = v.expression() },
		"where":      func(v value) { d.Where = v.expression() },
		"key":        func(v value) { d.Key = v.expression() },
		"order":      func(v value) { d.Order = v.expression() },
		"deleted":    func(v value) { d.Deleted = v.expression() },
		"columns":    func(v value) { d.Columns = v.columns() },
		"rejects":    func(v value) { d.Rejects = v.part() },
		"duplicates": func(v value) { d.Duplicates = v.part() },
		"guard":      func(v value) { v.sourceGuard(&draft.limits) },
		"max_age":    func(v value) { d.MaxAge = v.span() },
		"late":       func(v value) { d.Late = v.span() },
		"optional":   func(v value) { v.optional(d) },
		"ready":      func(v value) { v.ready(&d.Ready) },
	})
	v.require(has, "path", "format", "columns")
	return draft
}

// paths reads patterns of files, which may be in any store.
func (v value) paths() []diag.Text {
	var out []diag.Text
	for _, e := range v.items() {
		if t, ok := e.text(); ok && e.checkStore(t) {
			out = append(out, t)
		}
	}
	return out
}

func (v value) csv(o *source.CSVOptions) {
	v.object(fields{
		"separator": func(v value) { o.Separator = v.character() },
		"quote":     func(v value) { o.Quote, o.NoQuote = v.quote() },
		"header":    func(v value) { o.NoHeader, o.Names = v.header() },
		"encoding":  func(v value) { o.Encoding = v.encoding() },
		"decimal":   func(v value) { o.Comma = v.choice(".", ",") == "," },
	})
}

func (v value) character() rune {
	t, ok := v.text()
	if !ok {
		return 0
	}
	if t.Value == `\t` || t.Value == "tab" {
		return '\t'
	}
	r, size := utf8.DecodeRuneInString(t.Value)
	if size == 0 || size != len(t.Value) || r == '\n' || r == '\r' {
		v.report(v.at("%s must be one character", v.subject()).WithHint(`such as ";"; a tab is "\t"`))
		return 0
	}
	if r >= utf8.RuneSelf {
		v.fail("%s must be an ASCII character", v.subject())
		return 0
	}
	return r
}

func (v value) quote() (r rune, none bool) {
	if t, ok := v.text(); ok && t.Value == "" {
		return 0, true
	}
	return v.character(), false
}

func (v value) header() (none bool, names []string) {
	if v.isList() {
		return true, v.words()
	}
	return !v.truth(), nil
}

func (v value) encoding() string {
	name := v.word()
	if name == "" {
		return ""
	}
	if _, err := htmlindex.Get(name); err != nil {
		v.report(v.at("no encoding is called %s", name).WithHint("well-known ones are utf-8, windows-1252, iso-8859-1, shift_jis, gbk and utf-16le"))
		return ""
	}
	return name
}

func (v value) columns() []source.Column {
	var out []source.Column
	for _, e := range v.entries() {
		if e.identifier("column", columnName, "letters, digits and _, beginning with a letter") {
			c := source.Column{Name: e.name}
			e.value.column(&c)
			out = append(out, c)
		}
	}
	return out
}

// column reads the long form of a column, or the short one, which is its type.
func (v value) column(c *source.Column) {
	if !v.isMap() {
		c.Type = v.columnType()
		return
	}
	has := v.object(fields{
		"type":     func(v value) { c.Type = v.columnType() },
		"value":    func(v value) { c.Value = v.expression() },
		"format":   func(v value) { c.Format = v.timeFormat() },
		"zone":     func(v value) { c.Zone = v.zone() },
		"required": func(v value) { c.Required = v.truth() },
		"in":       func(v value) { c.In = v.oneOf() },
	})
	v.require(has, "type")
}

func (v value) oneOf() []diag.Text {
	var out []diag.Text
	for _, e := range v.items() {
		if t, ok := e.text(); ok {
			out = append(out, t)
		}
	}
	return out
}

// columnType reads a type such as decimal(12,2).
func (v value) columnType() offer.Type {
	if v.isList() || v.isMap() {
		v.report(v.at("%s must be a type", v.subject()).WithHint("put a type that has a comma or bracket in quotes: \"struct{name: string}\""))
		return offer.Type{Kind: badType}
	}
	t, ok := v.text()
	if !ok || v.cut(t) {
		return offer.Type{Kind: badType}
	}
	parsed, err := offer.ParseType(t.Value)
	if err != nil {
		v.typeMistake(t, err)
		return offer.Type{Kind: badType}
	}
	return parsed
}

// badType is the kind of a column whose type could not be read.
const badType = template.Unknown

func (v value) timeFormat() string {
	layout := v.word()
	if layout == "" || layout == "unix" || layout == "unixmilli" {
		return layout
	}
	if why := template.LayoutMistake(layout); why != "" {
		v.report(v.at("%s %s", v.subject(), why).WithHint("%s; also unix, unixmilli", template.LayoutHint))
		return ""
	}
	return layout
}

func (v value) zone() *time.Location {
	name := v.word()
	if name == "" {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		v.report(v.at("no time zone is called %s", name).WithHint("write it like Europe/Berlin or Asia/Hong_Kong"))
		return nil
	}
	return zone
}

// optional reads `true`, or the fields that may be absent.
func (v value) optional(d *source.Definition) {
	if v.isList() {
		d.OptionalFields = v.expressions()
		return
	}
	if t, ok := v.text(); ok && balanced(t.Value) && fieldLike.MatchString(t.Value) {
		d.OptionalFields = []diag.Text{t}
		return
	}
	d.Optional = v.truth()
}

func (v value) ready(r *source.Ready) {
	v.object(fields{
		"marker": func(v value) { r.Marker = v.word() },
		"age":    func(v value) { r.Age = v.span() },
	})
}
