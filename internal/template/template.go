// Package template is the language in which a partner's format is written: a
// Go text/template of the blocks header, item and footer, checked against the
// offer's schema and rendered with the rules of null and of XML.
//
// Its promise: whatever Parse accepts renders to well-formed XML for every
// offer, and a value never ends an element, an attribute or a CDATA section. It
// is the slow, obviously right renderer: text/template over wrapped values.
package template

import (
	"errors"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
)

// A Template is a checked template. It is safe for concurrent use.
type Template struct{}

var errSkeleton = errors.New("not written yet")

// Parse parses and checks a template over offers of a schema. With fields nil
// every name is allowed in .fields; Check looks at a feed's own fields later.
func Parse(file *diag.File, schema offer.Schema, fields map[string]offer.Type) (*Template, diag.List) {
	return nil, diag.List{file.At(1, 1, 1, "%v", errSkeleton)}
}

// Check returns the mistakes of the template when it is used with these fields.
func (t *Template) Check(fields map[string]offer.Type) diag.List { return nil }

// Columns returns the columns of the offer that the item reads, sorted.
func (t *Template) Columns() []string { return nil }

// Fields returns the names that the template reads from .fields, sorted.
func (t *Template) Fields() []string { return nil }

// Params returns the names that the item reads from .params, sorted; all is true
// when it may read any of them. They are what splits renderings.
func (t *Template) Params() (names []string, all bool) { return nil, false }

// Digest returns a digest of all that makes an item: the item block, the blocks
// it uses and the rules, but not header and footer.
func (t *Template) Digest() string { return "" }

// Feed is what a header and a footer see as .feed.
type Feed struct {
	Name    string
	Items   int64
	Updated time.Time // when the content last changed; the zero time prints as nothing
}

// Header renders the header of a feed.
func (t *Template) Header(feed Feed, params map[string]string) ([]byte, error) {
	return nil, errSkeleton
}

// Footer renders the footer of a feed.
func (t *Template) Footer(feed Feed, params map[string]string) ([]byte, error) {
	return nil, errSkeleton
}

// A Renderer renders items of one rendering. It is for one goroutine.
type Renderer struct{}

// Renderer returns a renderer of items with the given params.
func (t *Template) Renderer(params map[string]string) *Renderer { return &Renderer{} }

// Items is a run of rendered items.
type Items struct {
	Data    []byte
	Ends    []int // of each row asked for, where it ends in Data; a row left out ends where it begins
	Left    []Left
	Dropped int64            // characters that XML forbids
	Cut     map[string]int64 // texts cut to their rule's max, by rule
}

// Left is a row that was left out.
type Left struct {
	Row    int    // in the batch
	Rule   string // what it broke, for counting: "required id"
	Reason string // for people
}

// Items renders rows of a batch and appends them to dst. fields has the columns
// of .fields and as many rows as offers.
func (r *Renderer) Items(dst *Items, offers, fields arrow.RecordBatch, rows []int) error {
	return errSkeleton
}
