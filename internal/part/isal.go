//go:build isal

package part

/*
#cgo LDFLAGS: -lisal
#include <stdlib.h>
#include <isa-l.h>

// new_stream returns a stream of a level with the larger of the buffers that its
// level may have, or NULL.
static struct isal_zstream *new_stream(int level, uint32_t size) {
	struct isal_zstream *s = malloc(sizeof *s);
	uint8_t *buffer = malloc(size);
	if (s == NULL || buffer == NULL) {
		free(s);
		free(buffer);
		return NULL;
	}
	isal_deflate_init(s);
	s->level = level;
	s->level_buf = buffer;
	s->level_buf_size = size;
	s->flush = SYNC_FLUSH;
	return s;
}

static void free_stream(struct isal_zstream *s) {
	free(s->level_buf);
	free(s);
}

// segment compresses n bytes up to a sync flush. It returns how many bytes it
// wrote, less than room; 0 when there is not room enough; or ISA-L's error. It
// keeps neither pointer.
static int64_t segment(struct isal_zstream *s, uint8_t *in, uint32_t n, uint8_t *out, uint32_t room) {
	isal_deflate_reset(s);
	s->next_in = in;
	s->avail_in = n;
	s->next_out = out;
	s->avail_out = room;
	int err = isal_deflate(s);
	uint32_t left = s->avail_out;
	s->next_in = s->next_out = NULL;
	if (err != COMP_OK)
		return err;
	return left == 0 || s->avail_in > 0 ? 0 : (int64_t)room - left;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"unsafe"
)

// isalVersion is that of the headers this was built with.
var isalVersion = fmt.Sprintf("%d.%d.%d", C.ISAL_MAJOR_VERSION, C.ISAL_MINOR_VERSION, C.ISAL_PATCH_VERSION)

// isalLevel is the level of ISA-L, of 0 to 3.
const isalLevel = 2

// isalMost is the most that ISA-L is given at once; it counts in 32 bits.
const isalMost = math.MaxInt32 / 2

// NewCompressor returns the Compressor that feedmill was built with.
func NewCompressor() *Compressor { return newISAL(isalLevel) }

// newISAL returns a Compressor by ISA-L, whose memory is the C library's until
// the Compressor is garbage. Which bytes ISA-L makes depends on the processor's
// instructions, too.
func newISAL(level int) *Compressor {
	stream := C.new_stream(C.int(level), C.uint32_t(isalBuffer(level)))
	if stream == nil {
		panic("no memory for a compressor")
	}
	c := &Compressor{name: fmt.Sprintf("ISA-L %s level %d", isalVersion, level)}
	var buffer, joined []byte
	c.deflate = func(pieces [][]byte) ([]byte, error) {
		defer runtime.KeepAlive(c)
		joined = joined[:0]
		for _, piece := range pieces {
			joined = append(joined, piece...)
		}
		var err error
		buffer, err = isalSegment(stream, buffer, joined)
		return buffer, err
	}
	runtime.AddCleanup(c, func(s *C.struct_isal_zstream) { C.free_stream(s) }, stream)
	return c
}

func isalBuffer(level int) int {
	return []int{0, C.ISAL_DEF_LVL1_LARGE, C.ISAL_DEF_LVL2_LARGE, C.ISAL_DEF_LVL3_LARGE}[level]
}

// emptySegment is a sync flush alone.
var emptySegment = []byte{0, 0, 0, 0xff, 0xff}

// isalSegment compresses into a buffer, which grows as far as it takes.
func isalSegment(stream *C.struct_isal_zstream, buffer, data []byte) ([]byte, error) {
	if len(data) == 0 {
		return append(buffer[:0], emptySegment...), nil
	}
	if len(data) > isalMost {
		return nil, errors.New("a segment of more than 1 GB is too large for ISA-L")
	}
	for room := len(data)/2 + 4096; ; room *= 2 {
		if cap(buffer) < room {
			buffer = make([]byte, room)
		}
		buffer = buffer[:cap(buffer)]
		n := C.segment(stream, (*C.uint8_t)(unsafe.Pointer(&data[0])), C.uint32_t(len(data)),
			(*C.uint8_t)(unsafe.Pointer(&buffer[0])), C.uint32_t(len(buffer)))
		if n < 0 {
			return nil, fmt.Errorf("ISA-L's error %d", n)
		}
		if n > 0 {
			return buffer[:n], nil
		}
	}
}
