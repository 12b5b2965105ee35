package main

import (
	"fmt"
	"runtime/debug"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/workspace"
)

// load reads and checks the workspace of --config.
func (a *app) load() (*workspace.Workspace, error) {
	w, err := workspace.Load(a.config, a.env)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", a.config, err)
	}
	// Near this the collector works harder. What is not on the heap, the program
	// itself above all, has the rest.
	debug.SetMemoryLimit(w.Memory - w.Memory/16)
	return w, nil
}

// openWorkspace loads the workspace and opens its warehouse.
func (a *app) openWorkspace() (*workspace.Workspace, storage.Store, error) {
	w, err := a.load()
	if err != nil {
		return nil, nil, err
	}
	store, err := openWarehouse(w)
	return w, store, err
}
