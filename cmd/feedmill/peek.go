package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/source"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/workspace"
)

const peekText = `
Peek shows the first rows of a source's newest delivery: as they stand in the
file, converted to the declared columns, and those that are rejected, with
reasons. For fields that no column reads it suggests columns.

SOURCE may also be the path of a file that no source describes. Its format is
told by its ending (.csv, .json, .jsonl, .parquet, also with .gz or .zst), and
columns with types, and a key, are suggested for it.`

type peekOptions struct {
	rows int
	scan int
}

func (o *peekOptions) addFlags(flags *pflag.FlagSet) {
	flags.IntVarP(&o.rows, "rows", "n", 3, "how many rows to print of each kind")
	flags.IntVar(&o.scan, "scan", 10_000, "how many rows to look at for rejects and suggestions")
}

func newPeekCommand(a *app) *cobra.Command {
	var opts peekOptions
	cmd := &cobra.Command{
		Use:     "peek SOURCE",
		Short:   "Show raw and converted rows of a source or file",
		Long:    exits(peekText, exitDone, exitError, exitUsage, exitInvalid, exitInterrupted),
		Example: "  feedmill peek data/new_supplier.csv.gz",
		Args:    arguments("SOURCE"),
		RunE:    runner(a, &opts, runPeek),
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

// A glance is the answer of peek.
type glance struct {
	Source     string            `json:"source,omitempty"` // empty for a file that no source describes
	File       string            `json:"file"`
	Format     string            `json:"format"`
	Version    string            `json:"version,omitempty"`
	Deliveries int               `json:"deliveries,omitempty"`
	Raw        []json.RawMessage `json:"raw"`
	Rows       []json.RawMessage `json:"rows,omitempty"`
	Scanned    int64             `json:"scanned"`  // rows looked at
	Rejected   int64             `json:"rejected"` // of these
	Rejects    []rejected        `json:"rejects,omitempty"`
	Key        string            `json:"key,omitempty"`       // suggested
	Suggested  []suggested       `json:"suggested"`           // columns
	YAML       string            `json:"yaml,omitempty"`      // the suggestion as a definition
	Separator  string            `json:"separator,omitempty"` // of csv, as guessed
}

type rejected struct {
	Row    int64  `json:"row"`
	Line   int64  `json:"line,omitempty"`
	Place  string `json:"place,omitempty"`
	Reason string `json:"reason"`
	Raw    string `json:"raw"`
}

type suggested struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Value  string `json:"value,omitempty"`
	Format string `json:"format,omitempty"`
	Nulls  int    `json:"nulls"`
}

func runPeek(ctx context.Context, a *app, opts *peekOptions, args []string) error {
	if opts.rows < 0 || opts.scan < 1 {
		return usagef("-n 3 --scan 10000", "-n %d --scan %d", opts.rows, opts.scan)
	}
	g, err := peek(ctx, a, opts, args[0])
	if err != nil {
		return err
	}
	return a.show(g, g.print)
}

// peek looks at the source of a name, else at the file of a path; a file needs
// no workspace.
func peek(ctx context.Context, a *app, opts *peekOptions, name string) (*glance, error) {
	info, err := os.Stat(name)
	isFile := err == nil && info.Mode().IsRegular()
	w, err := a.load()
	if err == nil && w.Source(name) != nil {
		return peekSource(ctx, a, w, w.Source(name), opts)
	}
	if isFile {
		return peekFile(ctx, opts, name)
	}
	if err != nil {
		return nil, err
	}
	return nil, usagef(diag.DidYouMean(name, sourceNames(w)), "%s is neither a source nor a file", name)
}

func peekSource(ctx context.Context, a *app, w *workspace.Workspace, s *source.Source, opts *peekOptions) (*glance, error) {
	open := opener(w)
	found, err := s.Deliveries(ctx, open, a.now())
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("source %s has no delivery", s.Name())
	}
	newest := found[len(found)-1]
	file := newest.Files[0]
	store, name, err := open(file.URL + file.Name)
	if err != nil {
		return nil, err
	}
	g := &glance{Source: s.Name(), File: file.URL + file.Name, Format: s.Def.Format, Version: newest.Version, Deliveries: len(found)}
	raw, err := source.Raw(ctx, store, name, s.Def, opts.scan)
	if err != nil {
		return nil, err
	}
	g.showRaw(raw, opts.rows)
	g.suggest(raw, s.Reads)
	return g, g.convert(ctx, s, store, name, file, opts)
}

// convert reads the file as aggregate does.
func (g *glance) convert(ctx context.Context, s *source.Source, store storage.Store, name string, file source.File, opts *peekOptions) (err error) {
	g.Rows = []json.RawMessage{}
	scanner, err := s.Open(ctx, store, name, file, source.ScanOptions{BatchRows: min(opts.scan, 1024), Reject: func(r source.Reject) {
		if len(g.Rejects) < opts.rows {
			g.Rejects = append(g.Rejects, rejected{r.Row, r.Line, r.Place, r.Reason, r.Raw})
		}
	}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scanner.Close()) }()
	for scanner.Stats().Read < int64(opts.scan) {
		batch, err := scanner.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		for i := 0; i < int(batch.NumRows()) && len(g.Rows) < opts.rows; i++ {
			g.Rows = append(g.Rows, convertedRow(batch, i))
		}
		batch.Release()
	}
	g.Scanned, g.Rejected = scanner.Stats().Read, scanner.Stats().Rejected
	return nil
}

// convertedRow is a row without its position and its encoded order.
func convertedRow(batch arrow.RecordBatch, row int) json.RawMessage {
	dst := []byte{'{'}
	for i, column := range batch.Columns() {
		name := batch.ColumnName(i)
		if name != source.RowColumn && name != source.OrderColumn {
			dst = appendValue(appendName(dst, name, len(dst) > 1), column, row)
		}
	}
	return append(dst, '}')
}

func (g *glance) showRaw(raw []any, rows int) {
	g.Raw = []json.RawMessage{}
	for _, row := range raw[:min(rows, len(raw))] {
		g.Raw = append(g.Raw, appendJSON(nil, row))
	}
	g.Scanned = int64(len(raw))
}

// suggest suggests columns for the fields that nobody reads yet.
func (g *glance) suggest(raw []any, read func(field string) bool) {
	var rest []any
	for _, row := range raw {
		if object, ok := row.(map[string]any); ok {
			maps.DeleteFunc(object, func(name string, _ any) bool { return read(name) })
			rest = append(rest, object)
		}
	}
	s := source.Suggest(rest)
	g.Suggested = []suggested{}
	for _, c := range s.Columns {
		g.Suggested = append(g.Suggested, suggested{c.Name, c.Type.String(), c.Value, c.Format, c.Nulls})
	}
	if len(s.Columns) == 0 {
		return
	}
	if g.Source != "" {
		s.Key = ""
	}
	g.Key, g.YAML = s.Key, s.YAML()
}

// peekFile looks at a file that no source describes.
func peekFile(ctx context.Context, opts *peekOptions, path string) (*glance, error) {
	format := formatOf(path)
	if format == "" {
		return nil, usagef("known are .csv, .json, .jsonl, .parquet, also with .gz or .zst", "the format of %s is not known by its ending", path)
	}
	folder, name := splitFile(path)
	store, err := plainDrivers().open(folder)
	if err != nil {
		return nil, err
	}
	def := &source.Definition{Format: format}
	if format == source.CSV {
		if def.CSV.Separator, err = guessSeparator(ctx, store, name); err != nil {
			return nil, err
		}
	}
	raw, err := source.Raw(ctx, store, name, def, opts.scan)
	if err != nil {
		return nil, err
	}
	g := &glance{File: path, Format: format, Separator: separatorText(def.CSV.Separator)}
	g.showRaw(raw, opts.rows)
	g.suggest(raw, func(string) bool { return false })
	return g, nil
}

func formatOf(path string) string {
	name := strings.ToLower(filepath.Base(path))
	for _, packed := range []string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, packed)
	}
	switch filepath.Ext(name) {
	case ".csv", ".tsv":
		return source.CSV
	case ".json":
		return source.JSON
	case ".jsonl", ".ndjson":
		return source.JSONL
	case ".parquet":
		return source.Parquet
	}
	return ""
}

// guessSeparator takes the separator that gives the first row the most cells.
func guessSeparator(ctx context.Context, store storage.Store, name string) (rune, error) {
	best, cells := ',', 0
	for _, separator := range ",;\t|" {
		rows, err := source.Raw(ctx, store, name, &source.Definition{Format: source.CSV, CSV: source.CSVOptions{Separator: separator}}, 1)
		if err != nil {
			return 0, err
		}
		if len(rows) == 1 && len(rows[0].(map[string]any)) > cells {
			best, cells = separator, len(rows[0].(map[string]any))
		}
	}
	return best, nil
}

// separatorText is a separator as a definition has it; a comma needs none.
func separatorText(separator rune) string {
	switch separator {
	case 0, ',':
		return ""
	case '\t':
		return `\t`
	}
	return string(separator)
}

func (g *glance) print(w io.Writer) error {
	fmt.Fprintf(w, "%s (%s)", g.File, g.Format)
	if g.Source != "" {
		fmt.Fprintf(w, ": source %s, delivery %s of %d", g.Source, g.Version, g.Deliveries)
	}
	fmt.Fprint(w, "\nas it stands:\n")
	printRows(w, g.Raw)
	if g.Source != "" {
		fmt.Fprint(w, "converted:\n")
		printRows(w, g.Rows)
		fmt.Fprintf(w, "rejected: %s of %s\n", count(g.Rejected), plural(g.Scanned, "row"))
		for _, r := range g.Rejects {
			fmt.Fprintf(w, "  row %d: %s: %s\n    %s\n", r.Row, cmp.Or(r.Place, "the row"), r.Reason, shorten(r.Raw, 160))
		}
	}
	return g.printSuggestion(w)
}

func printRows(w io.Writer, rows []json.RawMessage) {
	for _, row := range rows {
		fmt.Fprintf(w, "  %s\n", row)
	}
}

func (g *glance) printSuggestion(w io.Writer) error {
	if g.YAML == "" {
		return nil
	}
	if g.Source != "" {
		fmt.Fprintln(w, "fields that no column reads, as columns:")
	} else {
		fmt.Fprintf(w, "suggested from %s:\n  format: %s\n", plural(g.Scanned, "row"), g.Format)
	}
	if g.Separator != "" {
		fmt.Fprintf(w, "  csv: {separator: %q}\n", g.Separator)
	}
	for line := range strings.Lines(g.YAML) {
		if _, err := fmt.Fprintf(w, "  %s", line); err != nil {
			return err
		}
	}
	return nil
}
