package predicate

import (
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// Vars is the values that an expression's variables have. A Vars may be used
// again for the next row; it is for one goroutine.
type Vars struct {
	Row, Item any // plain values
	Path      map[string]string
	Offer, It Row
	Now       time.Time
}

// A Row is one row of a batch.
type Row struct {
	Batch *Batch
	Index int
}

// A Batch is a record whose columns expressions find by name, in any order and
// whether there are more of them or not. It holds no reference of its own: it is
// good as long as its record is. It is safe for concurrent use.
type Batch struct {
	record arrow.RecordBatch
	views  atomic.Pointer[[]*structColumn] // one for each schema that asked
}

// NewBatch wraps a record.
func NewBatch(record arrow.RecordBatch) *Batch { return &Batch{record: record} }

// view returns the record as rows of a struct type.
func (b *Batch) view(typ *structType) *structColumn {
	for {
		old := b.views.Load()
		var views []*structColumn
		if old != nil {
			views = *old
		}
		for _, v := range views {
			if v.typ == typ {
				return v
			}
		}
		added := append(views[:len(views):len(views)], b.read(typ))
		if b.views.CompareAndSwap(old, &added) {
			return added[len(added)-1]
		}
	}
}

func (b *Batch) read(typ *structType) *structColumn {
	schema := b.record.Schema()
	return &structColumn{typ: typ, fields: typ.columns(func(name string) arrow.Array {
		if i := schema.FieldIndices(name); len(i) > 0 {
			return b.record.Column(i[0])
		}
		return nil
	})}
}
