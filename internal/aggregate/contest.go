package aggregate

import (
	"bytes"
	"cmp"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/batch"
)

// A contest decides which of the rows of a key is its state. It holds where the
// columns that are about a row stand in a state; order and deleted are -1 where
// the source is no log.
type contest struct{ order, deleted, file, row int }

func newContest(state *arrow.Schema) contest {
	return contest{
		order: index(state, orderColumn), deleted: index(state, deletedColumn),
		file: index(state, fileColumn), row: index(state, rowColumn),
	}
}

// winner returns the row that is the state of its key.
func (c contest) winner(group []batch.Row) batch.Row {
	winner := group[0]
	for _, row := range group[1:] {
		if c.compare(row, winner) > 0 {
			winner = row
		}
	}
	return winner
}

// compare is positive when row a wins over row b of the same key.
func (c contest) compare(a, b batch.Row) int {
	if c.order >= 0 {
		if order := bytes.Compare(c.orderOf(a), c.orderOf(b)); order != 0 {
			return order
		}
	}
	return cmp.Or(cmp.Compare(c.rankOf(a), c.rankOf(b)), cmp.Compare(c.rowOf(a), c.rowOf(b)))
}

func (c contest) orderOf(r batch.Row) []byte {
	return r.Record().Column(c.order).(*array.Binary).Value(r.Index)
}

func (c contest) isTombstone(r batch.Row) bool {
	return c.deleted >= 0 && r.Record().Column(c.deleted).(*array.Boolean).Value(r.Index)
}

func (c contest) rankOf(r batch.Row) int32 {
	return r.Record().Column(c.file).(*array.Int32).Value(r.Index)
}

func (c contest) rowOf(r batch.Row) int64 {
	return r.Record().Column(c.row).(*array.Int64).Value(r.Index)
}
