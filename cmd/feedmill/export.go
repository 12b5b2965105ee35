package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/local"
)

const exportText = `
Export writes the bytes that a partner gets for a feed, to stdout or to a file.

The file is a path, or a URL of any store. A feed with limits is numbered: -o x.xml
makes x-1.xml, x-2.xml and so on. Every segment is checked before it is written,
and a file appears when it is complete: the files of a feed one after the other,
when all of them are. How far it is stands on stderr, unless the feed itself goes
to a terminal. Where the command fails before, no file appears, and files
that were there stay as they are. Of a symbolic link it is the file behind it; a
pipe or a device is written to as stdout is.`

// toStdout is the file of the feed that goes to stdout.
const toStdout = "-"

type exportOptions struct {
	out  string
	gzip bool
}

func (o *exportOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVarP(&o.out, "output", "o", "-", "write to this `file` or URL; - is stdout")
	flags.BoolVar(&o.gzip, "gzip", false, "the compressed form")
}

func newExportCommand(a *app) *cobra.Command {
	var opts exportOptions
	cmd := &cobra.Command{
		Use:     "export FEED",
		Short:   "Write the bytes that a partner gets",
		Long:    exits(exportText, exitDone, exitError, exitUsage, exitInvalid, exitInterrupted),
		Example: "  feedmill export google-hk -o google-hk.xml",
		Args:    arguments("FEED"),
		RunE:    runner(a, &opts, runExport),
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

// An exported feed is the answer of export.
type exported struct {
	Status string         `json:"status"`
	Feed   string         `json:"feed"`
	Run    string         `json:"run"`
	Files  []exportedFile `json:"files"`
}

type exportedFile struct {
	File  string `json:"file"`
	Items int64  `json:"items"`
	Bytes int64  `json:"bytes"`
}

func runExport(ctx context.Context, a *app, opts *exportOptions, args []string) error {
	if opts.out == "" {
		return usagef("feedmill export "+args[0]+" -o "+args[0]+".xml", "-o names no file")
	}
	if opts.out == toStdout && a.json {
		return usagef("feedmill export "+args[0]+" --json -o "+args[0]+".xml", "--json needs -o: stdout is the answer's")
	}
	ws, store, err := a.openSettled()
	if err != nil {
		return err
	}
	feed, err := openFeed(ctx, store, args[0])
	if err != nil {
		return err
	}
	if opts.out == toStdout {
		return exportToStdout(ctx, a, store, feed, opts)
	}
	answer, err := exportFiles(ctx, a, newDrivers(ws), store, feed, opts)
	if err != nil {
		return err
	}
	return a.show(answer, func(w io.Writer) error { return answer.print(w) })
}

func openFeed(ctx context.Context, store storage.Store, name string) (*part.Feed, error) {
	catalog, err := part.Published(ctx, store)
	if err != nil {
		return nil, err
	}
	feed, err := catalog.Open(ctx, store, name)
	var missing *part.MissingError
	if !errors.As(err, &missing) {
		return feed, err
	}
	if err := catalog.FindHolds(ctx, store); err != nil {
		return nil, err
	}
	if hold, held := catalog.Holds[name]; held && hold.Run != "" {
		return nil, fmt.Errorf("%w: run %s holds it", err, hold.Run)
	}
	if missing.Near != "" {
		return nil, fmt.Errorf("%w: did you mean %s?", err, missing.Near)
	}
	return nil, err
}

func exportToStdout(ctx context.Context, a *app, store storage.Store, feed *part.Feed, opts *exportOptions) error {
	hint := fmt.Sprintf("feedmill export %s -o %s.xml", feed.Name, feed.Name)
	if len(feed.Files) != 1 {
		return usagef(hint, "feed %s has %d files: they need -o", feed.Name, len(feed.Files))
	}
	if opts.gzip && isTerminal(a.stdout) {
		return usagef(hint+".gz --gzip", "compressed bytes do not belong on a terminal")
	}
	if isTerminal(a.stdout) {
		a.meter.Close()
	}
	return writeFeed(ctx, store, feed.Files[0], a.meteredFeed(feed, a.stdout, opts.gzip), opts.gzip)
}

// meteredFeed shows how much of a feed's bytes went to the writer.
func (a *app) meteredFeed(feed *part.Feed, w io.Writer, gzip bool) *metered {
	m := &metered{Writer: w, meter: a.meter, label: "export " + feed.Name}
	for _, file := range feed.Files {
		m.total += fileSize(file, gzip)
	}
	return m
}

func writeFeed(ctx context.Context, store storage.Store, file *part.File, w io.Writer, gzip bool) error {
	if gzip {
		return file.WriteGzip(ctx, store, w)
	}
	return file.WritePlain(ctx, store, w)
}

// exportFiles writes all files of a feed before it commits the first of them.
func exportFiles(ctx context.Context, a *app, to drivers, store storage.Store, feed *part.Feed, opts *exportOptions) (answer *exported, err error) {
	if info, err := os.Stat(opts.out); err == nil && info.IsDir() {
		return nil, usagef("-o "+path.Join(opts.out, feed.Name+".xml"), "%s is a folder", opts.out)
	}
	answer = &exported{Status: "done", Feed: feed.Name, Run: feed.Run}
	var writers []storage.Writer
	out := a.meteredFeed(feed, nil, opts.gzip)
	defer func() {
		for _, w := range writers {
			err = errors.Join(err, w.Abort())
		}
	}()
	for _, file := range feed.Files {
		name := numbered(opts.out, strings.TrimPrefix(file.Name, feed.Name))
		w, err := createFile(ctx, to, name)
		if err != nil {
			return nil, err
		}
		writers = append(writers, w)
		out.Writer = w
		if err := writeFeed(ctx, store, file, out, opts.gzip); err != nil {
			return nil, fmt.Errorf("export feed %s to %s: %w", feed.Name, name, err)
		}
		answer.Files = append(answer.Files, exportedFile{File: name, Items: file.Items, Bytes: fileSize(file, opts.gzip)})
	}
	for i, w := range writers {
		if err := w.Commit(); err != nil {
			return nil, fmt.Errorf("commit %s, file %d of %d: %w", answer.Files[i].File, i+1, len(writers), err)
		}
	}
	if err := tidy(ctx, to, opts.out, a.now()); err != nil {
		a.log.Warn("what exports that were killed left could not be removed", "file", opts.out, "error", err)
	}
	return answer, nil
}

// tidy removes the temporary files that exports which were killed left in a folder, more
// than a day ago.
func tidy(ctx context.Context, to drivers, url string, now time.Time) error {
	store, _, err := openFolder(to, url)
	if err != nil {
		return err
	}
	disk, ok := store.(*local.Store)
	if !ok {
		return nil // others keep what is not finished out of sight
	}
	for l, err := range disk.Leftovers(ctx, local.TempPrefix) {
		if err == nil && local.IsTemp(l.Name) && now.Sub(l.ModTime) > 24*time.Hour {
			err = l.Discard(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func fileSize(file *part.File, gzip bool) int64 {
	if gzip {
		return file.GzipSize()
	}
	return file.Size()
}

// openFolder opens the folder of a path or URL, and returns the name there.
func openFolder(to drivers, url string) (storage.Store, string, error) {
	folder, name := path.Split(url)
	if folder == "" {
		folder = "./"
	}
	store, err := to.open(folder)
	return store, name, err
}

// createFile begins the object at a path or URL. What stands at a path and is no file is
// written to as it is.
func createFile(ctx context.Context, to drivers, url string) (storage.Writer, error) {
	if file, is := localPath(url); is {
		info, err := os.Stat(file)
		switch {
		case err == nil && !info.Mode().IsRegular() && !info.IsDir():
			return openSink(file)
		case err == nil:
			if url, err = filepath.EvalSymlinks(file); err != nil {
				return nil, fmt.Errorf("create %s: %w", file, err)
			}
		case isLink(file):
			return nil, fmt.Errorf("create %s: the file behind this symbolic link is not there", file)
		}
	}
	store, name, err := openFolder(to, url)
	if err != nil {
		return nil, err
	}
	w, err := store.Create(ctx, name, storage.Replace)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", url, err)
	}
	return w, nil
}

// localPath returns the path that a local URL means.
func localPath(url string) (string, bool) {
	if path, isURL := strings.CutPrefix(url, "file://"); isURL {
		return path, true
	}
	return url, !strings.Contains(url, "://")
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&os.ModeSymlink != 0
}

// A sink is a pipe or a device, which has what is written at once.
type sink struct{ *os.File }

func openSink(path string) (sink, error) {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	return sink{file}, err
}

// Commit implements storage.Writer.
func (s sink) Commit() error { return s.Close() }

// Abort implements storage.Writer.
func (s sink) Abort() error {
	if err := s.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// numbered puts the number of a feed's file, such as -1, before the ending of a
// file's name: x.xml.gz becomes x-1.xml.gz.
func numbered(name, number string) string {
	folder, base := path.Split(name)
	base, packed := strings.CutSuffix(base, ".gz")
	ending := path.Ext(base)
	name = folder + strings.TrimSuffix(base, ending) + number + ending
	if packed {
		name += ".gz"
	}
	return name
}

func (e *exported) print(w io.Writer) error {
	for _, f := range e.Files {
		if _, err := fmt.Fprintf(w, "%s: %s, %s\n", f.File, plural(f.Items, "item"), size(f.Bytes)); err != nil {
			return err
		}
	}
	return nil
}
