package hdfs_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// A link is a proxy that knows a call by a word of its request, the name of the
// method, and interferes with the next such call alone.
type link struct {
	address  string
	upstream string

	mu     sync.Mutex
	word   []byte // nil: none is waited for
	action func() // before the call is passed on
	lose   bool   // its answer, and the connection
}

func newLink(t *testing.T, upstream string) *link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	l := &link{address: listener.Addr().String(), upstream: upstream}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			go l.join(conn)
		}
	}()
	return l
}

// loseAnswer ends the connection of the next call when its answer comes.
func (l *link) loseAnswer(word string) { l.arm(word, func() {}, true) }

// before does something before the next call is passed on.
func (l *link) before(word string, action func()) { l.arm(word, action, false) }

func (l *link) arm(word string, action func(), lose bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.word, l.action, l.lose = []byte(word), action, lose
}

// armed reports whether the call has not come yet.
func (l *link) armed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.word != nil
}

// meet is told each request; it reports whether its answer is to be lost.
func (l *link) meet(request []byte) bool {
	l.mu.Lock()
	if l.word == nil || !bytes.Contains(request, l.word) {
		l.mu.Unlock()
		return false
	}
	l.word = nil
	action, lose := l.action, l.lose
	l.mu.Unlock()
	action()
	return lose
}

func (l *link) join(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", l.upstream)
	if err != nil {
		return // the client sees its connection end
	}
	defer server.Close()
	var losing atomic.Bool
	go func() {
		defer server.Close()
		_ = pass(server, client, func(request []byte) bool {
			if l.meet(request) {
				losing.Store(true)
			}
			return true
		})
	}()
	_ = pass(client, server, func([]byte) bool { return !losing.Load() })
}

// pass passes on what arrives as long as it is wanted. A call is one write of the
// library's and arrives at once on loopback.
func pass(to io.Writer, from io.Reader, wanted func([]byte) bool) error {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if !wanted(buffer[:n]) {
				return nil
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}
