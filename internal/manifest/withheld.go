package manifest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/feedmill/feedmill/internal/storage"
)

const withheldFolder = "/withheld"

// NoteWithheld notes that a run was made while current was base, and held as a
// whole. A later one takes its place; when current moves the note is void.
func NoteWithheld(ctx context.Context, store storage.Store, kind string, base Pointer, run string) error {
	if err := checkRun(run); err != nil {
		return err
	}
	data, err := encodeJSON(pointer{Format: Format, Run: run})
	if err != nil {
		return err
	}
	name := numbered(kind+withheldFolder, base.N)
	if err := storage.WriteAll(ctx, store, name, storage.Replace, data); err != nil {
		return fmt.Errorf("note the withheld run %s in %s: %w", run, name, err)
	}
	return nil
}

// Withheld returns the run that was held as a whole since current is base, or "". A
// damaged note is a *LostError: it too is over when current moves.
func Withheld(ctx context.Context, store storage.Store, kind string, base Pointer) (string, error) {
	p, err := readNumbered(ctx, store, kind+withheldFolder, base.N)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return p.Run, lost(kind, base.N, err)
}
