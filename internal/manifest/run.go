package manifest

import (
	"bytes"
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
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

// List returns the ids of the committed runs of a kind, ascending. It asks for each run
// whether its manifest is there, and does not list what else is in it.
func List(ctx context.Context, store storage.Store, kind string) ([]string, error) {
	begun, err := runsBegun(ctx, store, kind)
	if err != nil {
		return nil, err
	}
	committed := make([]bool, len(begun))
	err = storage.Each(ctx, len(begun), func(ctx context.Context, i int) (err error) {
		committed[i], err = isCommitted(ctx, store, kind, begun[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	var runs []string
	for i, run := range begun {
		if committed[i] {
			runs = append(runs, run)
		}
	}
	return runs, nil
}

// Last returns the id of the newest committed run of a kind, or "".
func Last(ctx context.Context, store storage.Store, kind string) (string, error) {
	begun, err := runsBegun(ctx, store, kind)
	if err != nil {
		return "", err
	}
	for _, run := range slices.Backward(begun) {
		if committed, err := isCommitted(ctx, store, kind, run); committed || err != nil {
			return run, err
		}
	}
	return "", nil
}

// runsBegun returns the folders of a kind that can be those of runs, ascending.
func runsBegun(ctx context.Context, store storage.Store, kind string) ([]string, error) {
	names, err := storage.Folders(ctx, store, kind+"/")
	if err != nil {
		return nil, fmt.Errorf("list runs of %s: %w", kind, err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return checkRun(name) != nil }), nil
}

func isCommitted(ctx context.Context, store storage.Store, kind, run string) (bool, error) {
	name := Name(kind, run)
	for info, err := range store.List(ctx, name) {
		if err != nil {
			return false, fmt.Errorf("look for %s: %w", name, err)
		}
		return info.Name == name, nil // what else begins so comes after
	}
	return false, nil
}

// RunTime returns when a run started, from its id.
func RunTime(run string) (started time.Time, ok bool) {
	stamp, _, found := strings.Cut(run, "-")
	started, err := time.Parse("20060102T150405.000Z", stamp)
	return started, found && err == nil
}
