package workspace

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// digestVersion changes when the rules by which offers are put together do, so
// that the snapshot is made anew. 1: the first rules.
const digestVersion = 1

// OfferDigest identifies everything that determines what a snapshot holds but
// the facts themselves, as 64 hexadecimal digits: the definition of the offer
// and of the sources it is made of. Comments, layout, the order of keys where it
// says nothing, limits and ages have no part in it; paths count as they are
// written, before environment variables are put in.
func (w *Workspace) OfferDigest() string {
	d := offerMeaning{Version: digestVersion, Hidden: slices.Sorted(slices.Values(w.Offer.Hidden)), Columns: columnMeanings(w.Full)}
	used := slices.Clone(w.Offer.From)
	d.From = w.Offer.From
	for _, j := range w.Offer.Joins {
		used = append(used, j.Source)
		d.Joins = append(d.Joins, meaningOf(j))
	}
	for _, c := range w.Offer.Columns {
		d.Derived = append(d.Derived, [2]string{c.Name, meant(c.Value)})
	}
	slices.Sort(used)
	for _, name := range slices.Compact(used) {
		d.Sources = append(d.Sources, [2]string{name, w.SourceDigest(name)})
	}
	return digest(d)
}

// SourceDigest identifies everything in a source's definition that determines
// its rows, as 64 hexadecimal digits, under the rules of OfferDigest.
func (w *Workspace) SourceDigest(name string) string {
	def := *w.Source(name).Def
	def.Paths = slices.Clone(def.Paths)
	for i, p := range def.Paths {
		def.Paths[i] = diag.Plain(p.Written())
	}
	for _, t := range []*diag.Text{&def.Explode, &def.Where, &def.Key, &def.Order, &def.Deleted} {
		t.Value = canonical(t.Value)
	}
	def.Columns = slices.Clone(def.Columns)
	for i := range def.Columns {
		def.Columns[i].Value.Value = canonical(def.Columns[i].Value.Value)
	}
	return def.Digest()
}

type offerMeaning struct {
	Version int
	From    []string
	Joins   []joinMeaning
	Derived [][2]string // name, expression
	Columns [][2]string // name, type
	Hidden  []string
	Sources [][2]string // name, digest
}

type joinMeaning struct {
	Name, Source, On, By, Where string
	Many                        bool
	Order                       []string
	Limit                       int
}

func meaningOf(j Join) joinMeaning {
	m := joinMeaning{Name: j.Name, Source: j.Source, On: meant(j.On), By: j.By, Where: meant(j.Where), Many: j.Many, Limit: j.Limit}
	for _, o := range j.Order {
		direction := " asc"
		if o.Desc {
			direction = " desc"
		}
		m.Order = append(m.Order, meant(o.Expr)+direction)
	}
	return m
}

func columnMeanings(s offer.Schema) [][2]string {
	out := make([][2]string, len(s))
	for i, f := range s {
		out[i] = [2]string{f.Name, f.Type.String()}
	}
	return out
}

func meant(x *predicate.Expr) string {
	if x == nil {
		return ""
	}
	return canonical(x.Meaning())
}

// canonical returns an expression with one space for any white space outside of
// literals, and without comments.
func canonical(text string) string {
	var b strings.Builder
	space := false
	for i := 0; i < len(text); {
		end := i + 1
		switch c := text[i]; {
		case c == '"' || c == '\'':
			if n := literalEnd(text[i:], i > 0 && strings.ContainsRune("rR", rune(text[i-1]))); n > 0 {
				end = i + n
			}
		case strings.HasPrefix(text[i:], "//"):
			line, _, _ := strings.Cut(text[i:], "\n")
			i, space = i+len(line), true
			continue
		case strings.IndexByte(" \t\r\n\f", c) >= 0:
			i, space = end, true
			continue
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteString(text[i:end])
		i = end
	}
	return b.String()
}

func digest(meaning any) string {
	text, err := json.Marshal(meaning)
	if err != nil {
		panic(fmt.Sprintf("workspace: digest: %v", err))
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
