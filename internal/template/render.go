package template

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// Feed is what a header and a footer see as .feed.
type Feed struct {
	Name    string
	Items   int64
	Updated time.Time // when the content last changed; the zero time is null
}

// Header renders the header of a feed.
func (t *Template) Header(feed Feed, params map[string]string) ([]byte, error) {
	return t.frame(headerBlock, feed, params)
}

// Footer renders the footer of a feed.
func (t *Template) Footer(feed Feed, params map[string]string) ([]byte, error) {
	return t.frame(footerBlock, feed, params)
}

func (t *Template) frame(block string, feed Feed, params map[string]string) ([]byte, error) {
	e := t.execution(params)
	e.root["feed"] = map[string]any{"name": feed.Name, "items": feed.Items, "updated": nullable(feed.Updated)}
	text, err := e.execute(block)
	if err != nil {
		return nil, fmt.Errorf("render the %s of feed %s: %w", block, feed.Name, err)
	}
	return appendBlock(nil, text), nil
}

func nullable(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC()
}

// A Renderer renders items of one rendering. It is for one goroutine.
type Renderer struct {
	rules    []rule
	required uint64 // see obeys
	unsure   bool   // items have to be read whole to be held against the rules
	program  program
	press    press
}

// Renderer returns a renderer of items with the given params.
func (t *Template) Renderer(params map[string]string) *Renderer {
	return newRenderer(t, params, nil)
}

func newRenderer(t *Template, params map[string]string, with *sharing) *Renderer {
	return &Renderer{
		rules: t.rules, required: requiredMask(t.rules), unsure: t.layout.torn && len(t.rules) > 0 || len(t.rules) > maxRules,
		program: t.compile(params, with), press: press{params: boxedParams(params)},
	}
}

func boxedParams(params map[string]string) map[string]any {
	values := make(map[string]any, len(params))
	for name, value := range params {
		values[name] = value
	}
	return values
}

// blanks are what a block loses around it.
const blanks = " \t\r\n"

// appendBlock appends what a block rendered, without the blanks around it and
// with a line feed; nothing when it is empty.
func appendBlock(dst, text []byte) []byte {
	return endBlock(append(dst, text...), len(dst))
}

// endBlock ends a block that begins at from in dst.
func endBlock(dst []byte, from int) []byte {
	begin, end := from, len(dst)
	for end > begin && strings.IndexByte(blanks, dst[end-1]) >= 0 {
		end--
	}
	for begin < end && strings.IndexByte(blanks, dst[begin]) >= 0 {
		begin++
	}
	if begin == end {
		return dst[:from]
	}
	if begin > from {
		copy(dst[from:], dst[begin:end])
	}
	return append(dst[:from+end-begin], '\n')
}

// Items is a run of rendered items.
type Items struct {
	Data    []byte
	Ends    []int // of each row asked for, where it ends in Data; a row left out ends where it begins
	Left    []Left
	Dropped int64            // characters that XML forbids, in items that were not left out
	Cut     map[string]int64 // texts cut to a rule's max, by "max ELEMENT"
}

// Left is a row that was left out.
type Left struct {
	Row    int    // in the batch
	Rule   string // what it broke: "required ELEMENT", or "empty"
	Reason string // for people
}

// Items renders rows of a batch and appends them to dst. fields has the columns
// of .fields and as many rows as offers; it may be nil where the feed has none.
func (r *Renderer) Items(dst *Items, offers, fields arrow.RecordBatch, rows []int) error {
	r.press.bind(offers, fields, r.program.columns)
	for _, row := range rows {
		if err := r.append(dst, row); err != nil {
			return fmt.Errorf("render row %d: %w", row, err)
		}
		dst.Ends = append(dst.Ends, len(dst.Data))
	}
	return nil
}

func (r *Renderer) append(dst *Items, row int) error {
	before := len(dst.Data)
	r.press.out = dst.Data
	err := r.press.item(r.program.body, row)
	dst.Data = r.press.out
	switch lacks := r.required &^ r.press.filled; {
	case err != nil:
	case r.unsure || r.press.unsure:
		err = r.obey(dst, before)
	case lacks != 0:
		err = missing(r.rules[bits.TrailingZeros64(lacks)].element)
	}
	if err != nil {
		dst.Data = dst.Data[:before]
		return dst.leave(row, err)
	}
	if dst.Data = endBlock(dst.Data, before); len(dst.Data) == before {
		dst.Left = append(dst.Left, Left{row, "empty", "its item is empty"})
	}
	dst.Dropped += r.press.dropped
	return nil
}

// leave leaves a row out if that is what the error says.
func (dst *Items) leave(row int, err error) error {
	var broken *brokenError
	if !errors.As(err, &broken) {
		return err
	}
	dst.Left = append(dst.Left, Left{row, broken.rule, broken.reason})
	return nil
}

// obey holds the last item of dst, which begins at from, against the rules.
func (r *Renderer) obey(dst *Items, from int) error {
	item, err := obey(r.rules, slices.Clone(dst.Data[from:]), dst)
	if err == nil {
		dst.Data = append(dst.Data[:from], item...)
	}
	return err
}
