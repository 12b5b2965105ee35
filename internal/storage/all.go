package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// ReadAll returns the bytes of an object. A missing one is fs.ErrNotExist.
func ReadAll(ctx context.Context, store Store, name string) ([]byte, error) {
	object, err := store.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer object.Close()
	data := make([]byte, object.Size())
	n, err := object.ReadAt(data, 0)
	if n == len(data) && (err == nil || err == io.EOF) {
		return data, nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // the object is shorter than it says
	}
	return nil, fmt.Errorf("read %s: %w", name, err)
}

// WriteAll commits an object of the given bytes. With Exclusive a taken name is
// fs.ErrExist. Like every commit its error may be ambiguous: the object may be
// there all the same.
func WriteAll(ctx context.Context, store Store, name string, mode Mode, data []byte) error {
	w, err := store.Create(ctx, name, mode)
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), w.Abort())
	}
	if err := w.Commit(); err != nil {
		return errors.Join(err, w.Abort())
	}
	return nil
}
