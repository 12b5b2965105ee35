package services

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports are chosen below those that the kernel gives to outgoing connections
// (32768 and up on Linux), so that a service finds its port free again after a
// restart.
const firstPort, lastPort = 15000, 32000

// Port returns a port of the loopback address on which nobody listens. It is
// chosen at random, so that services that start side by side differ.
func Port() (int, error) {
	var last error
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		listener, err := net.Listen("tcp", Loopback(port))
		if err != nil {
			last = err
			continue
		}
		return port, listener.Close()
	}
	return 0, fmt.Errorf("find a free port: %w", last)
}

// Loopback returns the address of a port on this machine.
func Loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// Listening returns a Ready that is satisfied when somebody accepts connections
// at an address.
func Listening(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return connection.Close()
	}
}
