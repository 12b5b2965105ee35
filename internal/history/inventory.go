package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
)

const (
	rejectsFolder = "rejects"
	leasesFolder  = "leases"
	currentName   = "current"
	withheldName  = "withheld"

	approvalsFolder = "approvals"
	noticesFolder   = "notices"
)

// An inventory is what there is in a warehouse, of what gc knows. Everything else
// is left alone.
type inventory struct {
	now      time.Time
	runs     map[ref]*stored
	rejects  map[string]*stored            // by run
	scratch  map[string]map[string]*stored // below tmp/, by run and stage
	control  map[string][]storage.Info     // numbered objects, by folder, ascending
	current  map[string]manifest.Pointer   // by kind
	unknown  map[string]error              // kinds of which it cannot be known what is or was current or held, and why
	lately   map[ref]bool                  // runs that were current within the grace time
	withheld string                        // the run of generate that is held as a whole, or ""
	busy     map[string]time.Time          // since when a stage is at work
	begun    []storage.Leftover            // objects that were not finished, yet or ever
}

// A stored run is its objects, and its manifest when it was committed.
type stored struct {
	objects        []storage.Info
	oldest, newest time.Time
	bytes          int64
	record         *record
	lost           error // why its manifest cannot be read though it was committed
}

func (s *stored) add(info storage.Info) {
	s.objects = append(s.objects, info)
	s.bytes += info.Size
	if s.oldest.IsZero() || info.ModTime.Before(s.oldest) {
		s.oldest = info.ModTime
	}
	if info.ModTime.After(s.newest) {
		s.newest = info.ModTime
	}
}

// take lists the warehouse first and reads afterwards what is current and who is
// at work, so that what came meanwhile is not in it.
func take(ctx context.Context, store storage.Store, now time.Time, grace time.Duration) (*inventory, error) {
	v := &inventory{
		now: now, lately: map[ref]bool{}, runs: map[ref]*stored{}, rejects: map[string]*stored{}, scratch: map[string]map[string]*stored{},
		control: map[string][]storage.Info{}, current: map[string]manifest.Pointer{}, unknown: map[string]error{}, busy: map[string]time.Time{},
	}
	for _, folder := range []string{snapshot.Prefix, part.Kind, event.Kind, sourcesFolder[:len(sourcesFolder)-1], rejectsFolder, storage.Scratch[:len(storage.Scratch)-1], leasesFolder} {
		for info, err := range store.List(ctx, folder+"/") {
			if err != nil {
				return nil, fmt.Errorf("list %s: %w", folder, err)
			}
			v.put(info)
		}
		if err := v.putBegun(ctx, store, folder); err != nil {
			return nil, err
		}
	}
	for _, folder := range []string{approvalsFolder, noticesFolder} { // what is finished there stays for ever
		if err := v.putBegun(ctx, store, folder); err != nil {
			return nil, err
		}
	}
	if err := v.readPointers(ctx, store, grace); err != nil {
		return nil, err
	}
	if err := v.readStages(ctx, store); err != nil {
		return nil, err
	}
	return v, v.readManifests(ctx, store)
}

func (v *inventory) putBegun(ctx context.Context, store storage.Store, folder string) error {
	for l, err := range storage.Leftovers(ctx, store, folder+"/") {
		if err != nil {
			return fmt.Errorf("list what was left in %s: %w", folder, err)
		}
		if !strings.HasSuffix(l.Name, "/") || ofRun(l.Name) {
			v.begun = append(v.begun, l)
		}
	}
	return nil
}

// ofRun reports whether a folder is one of a run: others may be somebody's.
func ofRun(name string) bool {
	return slices.ContainsFunc(strings.Split(name, "/"), func(element string) bool {
		_, ok := manifest.RunTime(element)
		return ok
	})
}

// put finds the place of an object; one that has none is not looked at.
func (v *inventory) put(info storage.Info) {
	path := strings.Split(info.Name, "/")
	switch {
	case len(path) < 3:
	case len(path) == 3 && (path[1] == currentName || path[1] == withheldName || path[0] == leasesFolder):
		if _, ok := manifest.Number(info.Name); ok {
			folder := path[0] + "/" + path[1]
			v.control[folder] = append(v.control[folder], info)
		}
	case strings.HasPrefix(info.Name, statesFolder):
		if len(path) > 4 {
			place(v.runs, ref{statesFolder + path[2], path[3]}, path[2], info)
		}
	case path[0] == snapshot.Prefix || path[0] == part.Kind || path[0] == event.Kind:
		place(v.runs, ref{path[0], path[1]}, path[1], info)
	case path[0]+"/" == sourcesFolder && len(path) > 3:
		place(v.runs, ref{sourcesFolder + path[1], path[2]}, path[2], info)
	case path[0] == rejectsFolder:
		place(v.rejects, path[1], path[1], info)
	case path[0]+"/" == storage.Scratch && len(path) > 3:
		if v.scratch[path[1]] == nil {
			v.scratch[path[1]] = map[string]*stored{}
		}
		place(v.scratch[path[1]], path[2], path[1], info)
	}
}

// place adds an object to those of a key, if it is of a run.
func place[K comparable](among map[K]*stored, key K, run string, info storage.Info) {
	if _, ok := manifest.RunTime(run); !ok {
		return
	}
	if among[key] == nil {
		among[key] = &stored{}
	}
	among[key].add(info)
}

func (v *inventory) readPointers(ctx context.Context, store storage.Store, grace time.Duration) error {
	for _, kind := range kinds {
		err := v.readPointer(ctx, store, kind, grace)
		if isLost(err) {
			v.unknown[kind] = err
		} else if err != nil {
			return err
		}
	}
	return nil
}

// readPointer finds what is current of a kind, what was within the grace time, and
// what is held as a whole.
func (v *inventory) readPointer(ctx context.Context, store storage.Store, kind string, grace time.Duration) error {
	current, err := manifest.Current(ctx, store, kind)
	if err != nil {
		return err
	}
	v.current[kind] = current
	pointers := v.control[kind+"/"+currentName]
	for i, info := range pointers {
		if i+1 < len(pointers) && v.now.Sub(pointers[i+1].ModTime) >= grace {
			continue
		}
		n, _ := manifest.Number(info.Name)
		p, err := manifest.PointerAt(ctx, store, kind, n)
		if err != nil {
			return err
		}
		v.lately[ref{kind, p.Run}] = true
	}
	if kind == part.Kind {
		v.withheld, err = manifest.Withheld(ctx, store, kind, current)
	}
	return err
}

// isLost reports whether an error is about what is damaged or, though it was there,
// is gone, and not about a store that fails.
func isLost(err error) bool {
	return errors.As(err, new(*manifest.DamagedError)) || errors.As(err, new(*manifest.LostError))
}

func (v *inventory) readStages(ctx context.Context, store storage.Store) error {
	for folder := range v.control {
		stage, found := strings.CutPrefix(folder, leasesFolder+"/")
		if !found || stage == lease {
			continue
		}
		busy, err := manifest.Busy(ctx, store, stage, v.now)
		if err != nil {
			return err
		}
		if busy != nil {
			v.busy[stage] = busy.Since
		}
	}
	return nil
}

// readManifests reads those of all runs that were committed, and of those that
// are current even if they were not listed yet.
func (v *inventory) readManifests(ctx context.Context, store storage.Store) error {
	for kind, p := range v.current {
		if r := (ref{kind, p.Run}); p.Run != "" && v.runs[r] == nil {
			v.runs[r] = &stored{newest: v.now}
		}
	}
	for r, s := range v.runs {
		record, err := read(ctx, store, r)
		gone := errors.Is(err, fs.ErrNotExist)
		p, found := v.current[r.kind]
		switch current := found && p.Run == r.run; {
		case current && (gone || isLost(err)):
			s.lost = &manifest.LostError{Kind: r.kind, N: p.N, Err: err}
		case gone:
		case isLost(err):
			s.lost = fmt.Errorf("%w; until that object is restored or removed, the run stays with all that it may need", err)
		case err != nil:
			return err
		default:
			s.record = record
		}
	}
	return nil
}
