package serve

import (
	"net"

	"golang.org/x/sys/unix"
)

// untaken is how many of the bytes that were written the client's side has not
// acknowledged (SIOCOUTQ, tcp(7)), and 0 where that is not known.
func untaken(c *net.TCPConn) (n int64) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	failed := raw.Control(func(fd uintptr) {
		var count int
		count, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
		n = int64(count)
	})
	if err != nil || failed != nil {
		return 0
	}
	return n
}
