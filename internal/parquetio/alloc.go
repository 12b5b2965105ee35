package parquetio

import "github.com/apache/arrow-go/v18/arrow/memory"

// decoderBuffer is the size of the buffer that the library's delta decoder never
// releases.
const decoderBuffer = 64

// A forgiving allocator leaves buffers of up to decoderBuffer bytes to the
// garbage collector, so that the one that is never released is no leak of the
// caller's allocator.
type forgiving struct{ memory.Allocator }

func (f forgiving) Allocate(size int) []byte {
	if size <= decoderBuffer {
		return memory.DefaultAllocator.Allocate(size)
	}
	return f.Allocator.Allocate(size)
}

func (f forgiving) Reallocate(size int, b []byte) []byte {
	if size > decoderBuffer && len(b) > decoderBuffer {
		return f.Allocator.Reallocate(size, b)
	}
	grown := f.Allocate(size)
	copy(grown, b)
	f.Free(b)
	return grown
}

func (f forgiving) Free(b []byte) {
	if len(b) > decoderBuffer {
		f.Allocator.Free(b)
	}
}
