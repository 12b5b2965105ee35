package diff

import "github.com/feedmill/feedmill/internal/parquetio"

// taskMemory is about what a task of any phase needs: a batch of offers with all
// columns, and what is made of it.
const taskMemory = 96 << 20

// outletMemory is what the compressor of an outlet holds (see event.Create).
const outletMemory = 1 << 20

// cursorRows is how many rows of a state a cursor has at once, since a task has a
// cursor for each event feed.
const cursorRows = 2048

// rawBytes is how many bytes a compressed byte of a state is about, in memory.
const rawBytes = 4

// changesMemory is about what a task of the changes phase needs: beside the offers two
// outlets and a cursor for each event feed.
func (r *run) changesMemory(j *job) int64 {
	need := int64(taskMemory)
	for _, f := range j.plan.feeds {
		need += 2 * outletMemory
		if s := r.states[f.Name]; s != nil && s.Rows > 0 {
			var size int64
			for _, o := range j.states[f.Name].Manifest().Objects {
				size += o.Size
			}
			need += cursorMemory(size, s.Rows, int64(j.states[f.Name].Partitions()))
		}
	}
	return need
}

// cursorMemory is about what a cursor holds of a state of a size and of so many rows: a
// row group as it is stored, and a batch.
func cursorMemory(size, rows, partitions int64) int64 {
	each := rows/partitions + 1
	return (min(each, parquetio.RowGroupRows) + rawBytes*min(each, cursorRows)) * (size/rows + 1)
}
