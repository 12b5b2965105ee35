package manifest

import (
	"bytes"
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/storage"
)

const (
	manifestObject = "/manifest.json"
	currentFolder  = "/current"
)

// NewRun returns the id of a run that starts now: the UTC time to the
// millisecond, so that ids sort by time, and six random characters, such as
// 20260102T150405.123Z-abc234. It panics when random ends.
func NewRun(now time.Time, random io.Reader) string {
	var bits [4]byte
	if _, err := io.ReadFull(random, bits[:]); err != nil {
		panic(fmt.Sprintf("random bytes for a run's id: %v", err))
	}
	text := strings.ToLower(base32.StdEncoding.EncodeToString(bits[:]))
	return now.UTC().Format("20060102T150405.000Z") + "-" + text[:6]
}

// checkRun refuses what cannot be a folder beside current.
func checkRun(run string) error {
	if strings.Contains(run, "/") || run == currentFolder[1:] || storage.CheckName(run) != nil {
		return fmt.Errorf("run id %q: %w", run, fs.ErrInvalid)
	}
	return nil
}

// Name returns the name of a run's manifest.
func Name(kind, run string) string { return kind + "/" + run + manifestObject }

// Commit writes the manifest of a run, whose id must be new. When the same
// manifest is there already, as after a failure that was none, it is done.
// Another one of the same id is fs.ErrExist.
func Commit(ctx context.Context, store storage.Store, kind string, m *Manifest) error {
	if err := m.check(); err != nil {
		return err
	}
	m.Format = Format
	data, err := encode(m)
	if err != nil {
		return err
	}
	name := Name(kind, m.Run)
	written := storage.WriteAll(ctx, store, name, storage.Exclusive, data)
	if written == nil {
		return nil
	}
	if stored, err := storage.ReadAll(ctx, store, name); err == nil && bytes.Equal(stored, data) {
		return nil
	}
	return fmt.Errorf("commit %s: %w", name, written)
}

// Read returns the manifest of a run. A run that was not committed is
// fs.ErrNotExist, one that is damaged a *DamagedError.
func Read(ctx context.Context, store storage.Store, kind, run string) (*Manifest, error) {
	if err := checkRun(run); err != nil {
		return nil, err
	}
	name := Name(kind, run)
	data, err := storage.ReadAll(ctx, store, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no run %s in %s: %w", run, kind, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("read manifest %s: %w", name, err)
	}
	m, err := decode(data)
	if err != nil {
		return nil, undecoded("manifest", name, err)
	}
	if m.Run != run {
		return nil, undecoded("manifest", name, fmt.Errorf("it is of run %s", m.Run))
	}
	return m, nil
}

// List returns the ids of the committed runs of a kind, ascending.
func List(ctx context.Context, store storage.Store, kind string) ([]string, error) {
	var runs []string
	for info, err := range store.List(ctx, kind+"/") {
		if err != nil {
			return nil, fmt.Errorf("list runs of %s: %w", kind, err)
		}
		run, ok := strings.CutSuffix(strings.TrimPrefix(info.Name, kind+"/"), manifestObject)
		if ok && checkRun(run) == nil {
			runs = append(runs, run)
		}
	}
	return runs, nil
}

// RunTime returns when a run started, from its id.
func RunTime(run string) (started time.Time, ok bool) {
	stamp, _, found := strings.Cut(run, "-")
	started, err := time.Parse("20060102T150405.000Z", stamp)
	return started, found && err == nil
}
