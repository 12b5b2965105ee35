package serve

import (
	"os"
	"sync"

	"github.com/feedmill/feedmill/internal/part"
)

// A several is a body of which several ranges are sent. http.ServeContent reads it in
// a goroutine of its own, which may still be at it when the client is gone and the
// answer is over.
type several struct {
	mu   sync.Mutex
	body *part.Body
	over bool
}

// Read implements io.Reader.
func (s *several) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return 0, os.ErrClosed
	}
	return s.body.Read(p)
}

// Seek implements io.Seeker.
func (s *several) Seek(offset int64, whence int) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return 0, os.ErrClosed
	}
	return s.body.Seek(offset, whence)
}

// end ends all reading: the body is the caller's again.
func (s *several) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
}
