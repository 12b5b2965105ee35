package serve

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// A patient listener accepts connections that leave clients that take nothing for
// the stall time.
type patient struct {
	net.Listener
	stall time.Duration
}

// Accept implements net.Listener.
func (l patient) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if tcp, ok := accepted.(*net.TCPConn); ok {
		return &conn{TCPConn: tcp, stall: l.stall}, err
	}
	return accepted, err
}

// looks is how often in the stall time a conn looks whether the client took
// something.
const looks = 4

// A conn waits for a client for as long as it takes something, however little. A
// Write fails when the client took nothing for the stall time, and a quarter more at
// most. That a Write goes on is no measure of it: the system keeps megabytes for a
// client, and says that there is room only when much of that is taken. It is below
// TLS, which does not survive a deadline within a Write.
//
// Writes follow one another.
type conn struct {
	*net.TCPConn
	stall   time.Duration
	limit   atomic.Pointer[time.Time] // the deadline that was set from outside
	written int64                     // handed to the system
	taken   int64                     // by the client, when that was looked at last
}

// Write implements io.Writer.
func (c *conn) Write(p []byte) (n int, err error) {
	now := time.Now()
	for last := now; ; {
		if err := c.arm(now); err != nil {
			return n, err
		}
		m, err := c.TCPConn.Write(p[n:])
		n += m
		c.written += int64(m)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		now = time.Now()
		if c.progressed() {
			last = now
		}
		if now.Sub(last) >= c.stall || c.over(now) {
			return n, err
		}
	}
}

// progressed reports whether the client took something since it was asked last.
func (c *conn) progressed() bool {
	before := c.taken
	c.taken = c.written - untaken(c.TCPConn)
	return c.taken > before
}

// over reports whether the deadline from outside is over.
func (c *conn) over(now time.Time) bool {
	limit := c.limit.Load()
	return limit != nil && !limit.IsZero() && !now.Before(*limit)
}

// arm lets a Write return at the next look, or at the deadline from outside.
func (c *conn) arm(now time.Time) error {
	next := now.Add(c.stall / looks)
	if limit := c.limit.Load(); limit != nil && !limit.IsZero() && limit.Before(next) {
		next = *limit
	}
	return c.TCPConn.SetWriteDeadline(next)
}

// SetWriteDeadline implements net.Conn. Net/http and TLS set it around handshakes
// and when they close.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.limit.Store(&t)
	return c.arm(time.Now())
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// ReadFrom implements io.ReaderFrom, so that nothing is written but by Write.
func (c *conn) ReadFrom(src io.Reader) (int64, error) { return io.Copy(writer{c}, src) }
