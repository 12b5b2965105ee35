package generate

import (
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/bitmap"
	"github.com/feedmill/feedmill/internal/field"
)

// fields computes the columns that templates see as .fields, for renderings that
// have them alike.
type fields struct {
	program *field.Program
	presses []*press
}

// meanings are the expressions of the fields, by name.
func (r *rendering) meanings() map[string]string {
	out := map[string]string{}
	for _, f := range r.fields {
		out[f.Name] = f.Value.Meaning()
	}
	return out
}

// byFields divides presses by their fields.
func byFields(presses []*press) []*fields {
	var out []*fields
	known := map[string]*fields{}
	for _, p := range presses {
		key := fmt.Sprintf("%q", p.rendering.meanings())
		if known[key] == nil {
			known[key] = &fields{program: p.rendering.program}
			out = append(out, known[key])
		}
		known[key].presses = append(known[key].presses, p)
	}
	return out
}

// evaluate computes the fields of the rows of a batch that the presses take, and
// counts those that failed. The caller releases the result.
func (f *fields) evaluate(mem memory.Allocator, batch arrow.RecordBatch, now time.Time, ids *array.String) (arrow.RecordBatch, error) {
	return f.program.Columns(mem, batch, f.rows(batch.NumRows()), now, func(name string, row int, err error) {
		for _, p := range f.presses {
			if _, takes := slices.BinarySearch(p.rows, row); takes {
				p.counts.fail(name, ids.Value(row), err)
			}
		}
	})
}

// rows are those, of n, that any of the presses takes.
func (f *fields) rows(n int64) []int {
	if len(f.presses) == 1 {
		return f.presses[0].rows
	}
	var selected []bitmap.Bitmap
	for _, p := range f.presses {
		selected = append(selected, p.selected...)
	}
	return bitmap.Union(selected, int(n))
}
