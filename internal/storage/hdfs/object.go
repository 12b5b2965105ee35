package hdfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"

	"github.com/colinmarc/hdfs/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/feedmill/feedmill/internal/storage"
)

// readAhead is how much is read at least: a far seek opens a connection.
const readAhead = 1 << 20

// Open opens an object.
func (s *Store) Open(ctx context.Context, name string) (storage.Object, error) {
	if err := check(ctx, name); err != nil {
		return nil, err
	}
	o, err := call(ctx, s.client, func(conn *hdfs.Client) (*object, error) {
		o := &object{ctx: ctx, store: s, name: name}
		return o, o.open(conn)
	})
	if err != nil {
		return nil, s.failed(ctx, "open", name, err)
	}
	return o, nil
}

// open opens the file, whichever the object's form is, and reads it if it is
// small: then nothing is asked any more, also where it is replaced meanwhile.
func (o *object) open(conn *hdfs.Client) error {
	file := o.store.path(o.name)
	info, err := conn.Stat(file)
	if err == nil && info.IsDir() {
		file = path.Join(file, innerName)
	}
	r, err := conn.Open(file)
	if err != nil {
		return err
	}
	info = r.Stat()
	if err := readable(info); err != nil {
		return errors.Join(err, r.Close())
	}
	o.file, o.size, o.id = file, info.Size(), fileID(info)
	if o.size > readAhead {
		o.idle = append(o.idle, &reader{conn: conn, file: r})
		return nil
	}
	o.whole = make([]byte, o.size)
	if o.size > 0 {
		_, err = r.ReadAt(o.whole, 0)
	}
	return errors.Join(again(short(err)), r.Close())
}

// readable refuses files that the library returns as rubbish.
func readable(info os.FileInfo) error {
	message, ok := info.Sys().(proto.Message)
	if !ok {
		return nil
	}
	m := message.ProtoReflect()
	for field, what := range map[protoreflect.Name]string{"ecPolicy": "erasure-coded", "fileEncryptionInfo": "encrypted"} {
		if f := m.Descriptor().Fields().ByName(field); f != nil && m.Has(f) {
			return fmt.Errorf("%w: it is %s", errRefused, what)
		}
	}
	return nil
}

// fileID tells a file from another of its name; 0 is not known.
func fileID(info os.FileInfo) uint64 {
	if s, ok := info.Sys().(interface{ GetFileId() uint64 }); ok {
		return s.GetFileId()
	}
	return 0
}

// An object reads through a few readers, each for one goroutine at a time.
type object struct {
	ctx   context.Context
	store *Store
	name  string
	file  string
	size  int64
	id    uint64
	whole []byte // of a small object

	mu   sync.Mutex
	idle []*reader
	done bool
}

// A reader is one of the library's, with what it read last.
type reader struct {
	conn   *hdfs.Client
	file   *hdfs.FileReader
	from   int64
	data   []byte // at from
	buffer []byte
}

func (o *object) Size() int64 { return o.size }

// ReadAt reads, from another DataNode where one fails.
func (o *object) ReadAt(p []byte, from int64) (int, error) {
	if from < 0 {
		return 0, &fs.PathError{Op: "read", Path: o.store.url(o.name), Err: fs.ErrInvalid}
	}
	if err := o.ctx.Err(); err != nil {
		return 0, err
	}
	want := min(int64(len(p)), max(0, o.size-from))
	switch {
	case want == 0:
	case o.whole != nil:
		copy(p, o.whole[from:])
	default:
		data, err := call(o.ctx, o.store.client, func(conn *hdfs.Client) ([]byte, error) { return o.read(conn, from, int(want)) })
		if err != nil {
			return 0, o.store.failed(o.ctx, "read", o.name, err)
		}
		copy(p, data)
	}
	if want < int64(len(p)) {
		return int(want), io.EOF
	}
	return int(want), nil
}

// read returns bytes of the file. They are its own: the caller may have left.
func (o *object) read(conn *hdfs.Client, from int64, n int) ([]byte, error) {
	r, err := o.take(conn)
	if err != nil {
		return nil, err
	}
	data, err := r.read(from, n, o.size)
	if err != nil {
		_ = r.file.Close() // it failed
		return nil, err
	}
	o.give(r)
	return data, nil
}

// take returns an idle reader of the connection, or a new one of the same file.
func (o *object) take(conn *hdfs.Client) (*reader, error) {
	o.mu.Lock()
	for len(o.idle) > 0 {
		last := len(o.idle) - 1
		r := o.idle[last]
		o.idle = o.idle[:last]
		if r.conn == conn {
			o.mu.Unlock()
			return r, nil
		}
		_ = r.file.Close() // of a connection that is gone
	}
	o.mu.Unlock()
	file, err := conn.Open(o.file)
	if err != nil {
		return nil, err
	}
	if id := fileID(file.Stat()); id != o.id {
		return nil, errors.Join(fmt.Errorf("%w: it was replaced while it was read", errRefused), file.Close())
	}
	return &reader{conn: conn, file: file}, nil
}

func (o *object) give(r *reader) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done {
		_ = r.file.Close() // nobody reads any more
		return
	}
	o.idle = append(o.idle, r)
}

// read reads at least readAhead, and answers from that where it can.
func (r *reader) read(from int64, n int, size int64) ([]byte, error) {
	if from >= r.from && from+int64(n) <= r.from+int64(len(r.data)) {
		at := from - r.from
		return append([]byte(nil), r.data[at:at+int64(n)]...), nil
	}
	if n >= readAhead {
		data := make([]byte, n)
		_, err := r.file.ReadAt(data, from)
		return data, short(err)
	}
	if r.buffer == nil {
		r.buffer = make([]byte, readAhead)
	}
	r.data = nil
	block := r.buffer[:min(int64(readAhead), size-from)]
	if _, err := r.file.ReadAt(block, from); short(err) != nil {
		return nil, short(err)
	}
	r.from, r.data = from, block
	return append([]byte(nil), block[:n]...), nil
}

// short makes the end of a file that should have more an error of its own.
func short(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Close closes the readers.
func (o *object) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done = true
	for _, r := range o.idle {
		_ = r.file.Close() // it was only read
	}
	o.idle = nil
	return nil
}
