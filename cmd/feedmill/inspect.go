package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/feedmill/feedmill/internal/parquetio"
	"github.com/feedmill/feedmill/internal/storage"
)

const inspectText = `
Inspect prints an object of the warehouse, or a file, for people: a partition of
a snapshot or of a state (.parquet), a part and its segments (.part), what a feed is
made of (.index), a change set (.jsonl.zst), a manifest or a control object (.json).

OBJECT is the path of a file or the name of an object below the warehouse.`

type inspectOptions struct{ rows int }

func (o *inspectOptions) addFlags(flags *pflag.FlagSet) {
	flags.IntVarP(&o.rows, "rows", "n", 5, "how many rows, segments or events to print")
}

func newInspectCommand(a *app) *cobra.Command {
	var opts inspectOptions
	cmd := &cobra.Command{
		Use:     "inspect OBJECT",
		Short:   "Print an object of the warehouse",
		Long:    exits(inspectText, exitDone, exitError, exitUsage, exitInvalid, exitInterrupted),
		Example: "  feedmill inspect snapshots/20260131T021500.000Z-abcdef/00000.parquet -n 3",
		Args:    arguments("OBJECT"),
		RunE:    runner(a, &opts, runInspect),
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

func runInspect(ctx context.Context, a *app, opts *inspectOptions, args []string) error {
	if opts.rows < 0 {
		return usagef("-n 0 prints no rows", "-n %d", opts.rows)
	}
	store, name, err := a.findObject(args[0])
	if err != nil {
		return err
	}
	switch path.Ext(name) {
	case ".parquet":
		return inspectParquet(ctx, a, store, name, opts.rows)
	case ".part":
		return inspectPart(ctx, a, store, name, opts.rows)
	case ".index":
		return inspectIndex(ctx, a, store, name)
	case ".zst":
		return inspectChanges(ctx, a, store, name, opts.rows)
	default:
		return inspectJSON(ctx, a, store, name)
	}
}

// findObject finds an object that is a file, or else one of the warehouse. A
// file needs no workspace.
func (a *app) findObject(name string) (storage.Store, string, error) {
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		store, err := plainDrivers().open(path.Dir(name))
		return store, path.Base(name), err
	}
	_, store, err := a.openSettled()
	return store, strings.TrimPrefix(name, "/"), err
}

// A parquetFacts is the answer of inspect about a Parquet object.
type parquetFacts struct {
	Object   string            `json:"object"`
	Rows     int64             `json:"rows"`
	Groups   int               `json:"groups"`
	Bytes    int64             `json:"bytes"`
	Columns  []typedColumn     `json:"columns"`
	Metadata map[string]string `json:"metadata"`
	First    []json.RawMessage `json:"first"`
}

type typedColumn struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func inspectParquet(ctx context.Context, a *app, store storage.Store, name string, rows int) (err error) {
	reader, err := parquetio.Open(ctx, store, name, parquetio.ReadOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	facts := &parquetFacts{Object: name, Rows: reader.Rows(), Groups: reader.Groups(), Bytes: reader.Size(), Metadata: reader.Metadata()}
	for _, f := range reader.Schema().Fields() {
		facts.Columns = append(facts.Columns, typedColumn{f.Name, f.Type.String()})
	}
	if facts.First, err = firstRows(ctx, reader, rows); err != nil {
		return err
	}
	return a.show(facts, facts.print)
}

func firstRows(ctx context.Context, reader *parquetio.Reader, rows int) (first []json.RawMessage, err error) {
	scan := reader.Scan(ctx, nil)
	defer func() { err = errors.Join(err, scan.Close()) }()
	first = []json.RawMessage{}
	for len(first) < rows {
		batch, err := scan.Next()
		if errors.Is(err, io.EOF) {
			return first, nil
		}
		if err != nil {
			return nil, err
		}
		for i := 0; i < int(batch.NumRows()) && len(first) < rows; i++ {
			first = append(first, appendRow(nil, batch, i))
		}
		batch.Release()
	}
	return first, nil
}

func (f *parquetFacts) print(w io.Writer) error {
	fmt.Fprintf(w, "%s: %s in %s, %s\n", f.Object, plural(f.Rows, "row"), plural(int64(f.Groups), "row group"), size(f.Bytes))
	t := table{head: []string{"column", "type"}}
	for _, c := range f.Columns {
		t.add(c.Name, c.Type)
	}
	if err := t.write(w); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(f.Metadata)) {
		if key != "ARROW:schema" {
			fmt.Fprintf(w, "%s: %s\n", key, f.Metadata[key])
		}
	}
	for _, row := range f.First {
		if _, err := fmt.Fprintf(w, "%s\n", row); err != nil {
			return err
		}
	}
	return nil
}

// inspectJSON prints any JSON object indented, its members as they stand.
func inspectJSON(ctx context.Context, a *app, store storage.Store, name string) error {
	data, err := storage.ReadAll(ctx, store, name)
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	if !json.Valid(data) {
		return fmt.Errorf("inspect %s: no object of a warehouse, and not JSON", name)
	}
	return a.show(json.RawMessage(data), func(w io.Writer) error {
		var b bytes.Buffer
		if err := json.Indent(&b, data, "", "  "); err != nil {
			return err
		}
		b.WriteByte('\n')
		_, err := w.Write(b.Bytes())
		return err
	})
}
