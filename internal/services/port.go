package services

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
)

// Ports are chosen below those that the kernel gives to outgoing connections
// (32768 and up on Linux), so that a service finds its port free again after a
// restart.
const firstPort, lastPort = 15000, 32000

// reserved holds the files whose locks say which ports are this process's. They
// are kept open until it ends.
var reserved struct {
	sync.Mutex
	files []*os.File
}

// Port returns a port of the loopback address on which nobody listens. No two
// calls return the same, in this process or in another of this user that still
// runs: a service takes its port some time after it was given.
func Port() (int, error) {
	dir, err := cacheFolder("ports")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	var last error
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if last = take(dir, port); last == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("find a free port: %w", last)
}

// take reserves a port, unless somebody has it.
func take(dir string, port int) error {
	file, err := os.Create(filepath.Join(dir, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		err = listen(port)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("port %d: %w", port, err), file.Close())
	}
	reserved.Lock()
	defer reserved.Unlock()
	reserved.files = append(reserved.files, file)
	return nil
}

func listen(port int) error {
	listener, err := net.Listen("tcp", Loopback(port))
	if err != nil {
		return err
	}
	return listener.Close()
}

// Loopback returns the address of a port on this machine.
func Loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
