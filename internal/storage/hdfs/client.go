// Package hdfs keeps objects in HDFS, over github.com/colinmarc/hdfs.
//
// Its promise: what Commit returned nil for is complete under its name, no call
// outlives its context by more than a moment, and a NameNode or DataNode that
// comes back is used again.
//
// An object is a file. It is written to a local temporary file first, then sent
// under a name of its own beside its place, .feedmill-tmp-<writer>-<name>, and
// renamed: a DataNode that dies while it is sent costs another try. HDFS has no
// rename that refuses a taken name but for folders, so an object that was created
// Exclusive is a folder of its name with one file in it, .feedmill-object: the
// folder is made elsewhere and renamed, which HDFS refuses onto one that is not
// empty. Both forms are read alike.
//
// The client library knows neither contexts nor time limits: connections carry
// deadlines, calls run beside and are left when the context ends, and after any
// failure that is not the NameNode's word the connection is dropped and dialled
// anew. Files that are encrypted or erasure-coded, which it would return as
// rubbish, are refused.
//
// Kerberos goes by a keytab or the credentials cache. What was tried is a cluster
// whose data transfers are not protected.
package hdfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/colinmarc/hdfs/v2"
)

// Settings say how to reach HDFS, beside what a store's URL says.
type Settings struct {
	User     string        // "": HADOOP_USER_NAME, or the user of the process
	Conf     string        // folder of core-site.xml and hdfs-site.xml; "": HADOOP_CONF_DIR, or none
	Kerberos *Kerberos     // nil: simple authentication
	Stall    time.Duration // how long a server may be silent; 0: 20 s
}

const (
	stall = 20 * time.Second
	// patience is how long a call is tried again: a NameNode takes some seconds to
	// come back.
	patience = 30 * time.Second
)

// A Client is a connection to a cluster, for all stores on it.
type Client struct {
	options hdfs.ClientOptions

	mu   sync.Mutex
	conn *hdfs.Client // nil: to be dialled
}

// connection returns the connection, which it may have to dial.
func (c *Client) connection() (*hdfs.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		return c.conn, nil
	}
	conn, err := hdfs.NewClient(c.options)
	if err != nil {
		return nil, err
	}
	// The library keeps the cluster's defaults at their first use, without a lock:
	// they are fetched before anyone shares the connection.
	if _, err := conn.ServerDefaults(); err != nil {
		_ = conn.Close() // the error above says what happened
		return nil, c.refused(err)
	}
	c.conn = conn
	return conn, nil
}

// errKerberos is a NameNode's refusal, which the library takes for an answer to
// another question.
var errKerberos = errors.New("the NameNode wants Kerberos: `hdfs.kerberos` is not set, nor does the configuration of Hadoop say so")

func (c *Client) refused(err error) error {
	if c.options.KerberosClient == nil && strings.Contains(err.Error(), "unexpected sequence number") {
		return errKerberos
	}
	return err
}

// drop forgets a connection that failed. Closing it waits for the calls that are
// under way on it, which nobody shall wait for.
func (c *Client) drop(conn *hdfs.Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn != nil && c.conn == conn {
		c.conn = nil
		go func() { _ = conn.Close() }() // it is broken already
	}
}

// call runs do on the connection until it succeeds, or fails by the NameNode's
// word, or the context or the patience ends. What do returns is lost when the
// context ends first.
func call[T any](ctx context.Context, c *Client, do func(conn *hdfs.Client) (T, error)) (T, error) {
	var none T
	deadline := time.Now().Add(patience)
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		value, conn, err := beside(ctx, c, do)
		if err == nil || ctx.Err() != nil {
			return value, err
		}
		if final(err) {
			return none, err
		}
		c.drop(conn)
		if time.Now().After(deadline) {
			return none, err
		}
		select {
		case <-ctx.Done():
			return none, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// beside runs do in a goroutine of its own, which is left when the context ends.
func beside[T any](ctx context.Context, c *Client, do func(conn *hdfs.Client) (T, error)) (T, *hdfs.Client, error) {
	type result struct {
		value T
		conn  *hdfs.Client
		err   error
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, nil, err
	}
	done := make(chan result, 1)
	go func() {
		conn, err := c.connection()
		if err != nil {
			done <- result{none, nil, err}
			return
		}
		value, err := do(conn)
		done <- result{value, conn, err}
	}()
	select {
	case r := <-done:
		return r.value, r.conn, r.err
	case <-ctx.Done():
		return none, nil, ctx.Err()
	}
}

// passing are exceptions of a NameNode that is not ready, or not the active one.
var passing = map[string]bool{
	"org.apache.hadoop.hdfs.server.namenode.SafeModeException":       true,
	"org.apache.hadoop.ipc.StandbyException":                         true,
	"org.apache.hadoop.ipc.RetriableException":                       true,
	"org.apache.hadoop.hdfs.server.namenode.RetryStartFileException": true,
}

// final reports whether an error is the NameNode's word, which another try will
// not change.
func final(err error) bool {
	for _, word := range []error{fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid, syscall.ENOTEMPTY, errRefused, errKerberos} {
		if errors.Is(err, word) {
			return true
		}
	}
	var host *net.DNSError
	if errors.As(err, &host) && host.IsNotFound {
		return true
	}
	var remote hdfs.Error
	return errors.As(err, &remote) && !passing[remote.Exception()]
}

// errRefused is for files that the library would misread.
var errRefused = errors.New("feedmill cannot read it")

// dialer returns a dial function whose connections give up a server that is silent
// for so long.
func dialer(stall time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &limited{Conn: conn, stall: stall}, nil
	}
}

// limited is a connection that is not waited for longer than stall. Deadlines that
// the library sets are its own.
type limited struct {
	net.Conn
	stall time.Duration
	mu    sync.Mutex
	own   bool
}

func (l *limited) SetDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.own = !t.IsZero()
	return l.Conn.SetDeadline(t)
}

func (l *limited) limit(set func(time.Time) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own {
		return nil
	}
	return set(time.Now().Add(l.stall))
}

func (l *limited) Write(p []byte) (int, error) {
	if err := l.limit(l.Conn.SetWriteDeadline); err != nil {
		return 0, err
	}
	return l.Conn.Write(p)
}

func (l *limited) Read(p []byte) (int, error) {
	if err := l.limit(l.Conn.SetReadDeadline); err != nil {
		return 0, err
	}
	return l.Conn.Read(p)
}

func (s Settings) user() (string, error) {
	if s.User != "" {
		return s.User, nil
	}
	if name := os.Getenv("HADOOP_USER_NAME"); name != "" {
		return name, nil
	}
	current, err := user.Current()
	if err != nil {
		return "", fmt.Errorf("find the user for HDFS: %w", err)
	}
	return current.Username, nil
}
