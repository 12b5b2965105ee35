package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/feedmill/feedmill"
	"github.com/feedmill/feedmill/internal/storage/local"
	"github.com/feedmill/feedmill/internal/synth"
)

const initText = `
Init makes a new workspace in DIR: feedmill.yaml, feeds and templates to begin
with, and a small generated catalogue in data. DIR must not exist, or be empty;
when the command fails there is nothing new.`

type initOptions struct {
	offers int
	seed   uint64
}

func (o *initOptions) addFlags(flags *pflag.FlagSet) {
	flags.IntVar(&o.offers, "offers", 1000, "offers of the catalogue")
	flags.Uint64Var(&o.seed, "seed", 1, "another seed is another catalogue")
}

func newInitCommand(a *app) *cobra.Command {
	var opts initOptions
	cmd := &cobra.Command{
		Use:     "init DIR",
		Short:   "Make a new workspace with a small catalogue",
		Long:    exits(initText, exitDone, exitError, exitUsage, exitInterrupted),
		Example: "  feedmill init shop",
		Args:    arguments("DIR"),
		RunE:    runner(a, &opts, runInit),
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

// An initialised workspace is the answer of init.
type initialised struct {
	Status string   `json:"status"`
	Dir    string   `json:"dir"`
	Files  []string `json:"files"` // the user's; the catalogue's are not listed
	Offers int      `json:"offers"`
}

func runInit(ctx context.Context, a *app, opts *initOptions, args []string) error {
	dir := filepath.Clean(args[0])
	if opts.offers < 1 {
		return usagef("--offers 1000", "--offers %d: at least one is needed", opts.offers)
	}
	if err := vacant(dir); err != nil {
		return err
	}
	answer := &initialised{Status: "done", Dir: dir, Offers: opts.offers}
	if err := answer.build(ctx, a, opts); err != nil {
		return fmt.Errorf("make a workspace in %s: %w", dir, err)
	}
	return a.show(answer, answer.print)
}

// vacant refuses a place where something is.
func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("make a workspace in %s: %w", dir, err)
	case len(entries) > 0:
		return usagef("feedmill init "+filepath.Join(dir, "feedmill"), "%s is not empty", dir)
	}
	return nil
}

// build makes the workspace in a folder beside its place, or inside of one that is
// there, and moves it when it is complete.
func (i *initialised) build(ctx context.Context, a *app, opts *initOptions) (err error) {
	beside, move := filepath.Dir(i.Dir), os.Rename
	if _, err := os.Stat(i.Dir); err == nil {
		beside, move = i.Dir, moveInto
	}
	if err := os.MkdirAll(beside, 0o755); err != nil {
		return err
	}
	made, err := os.MkdirTemp(beside, ".feedmill-init-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(made)) }()
	if err := os.Chmod(made, 0o755); err != nil {
		return err
	}
	if i.Files, err = writeSample(made, opts); err != nil {
		return err
	}
	catalogue := synth.Options{Offers: opts.offers, Seed: opts.seed, Days: 1, Workers: a.workers}
	if _, err := synth.Write(ctx, local.New(filepath.Join(made, "data")), catalogue); err != nil {
		return err
	}
	return move(made, i.Dir)
}

// moveInto moves all that is in a folder into another, all or nothing.
func moveInto(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for i, e := range entries {
		if err := os.Rename(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			for _, moved := range entries[:i] {
				err = errors.Join(err, os.RemoveAll(filepath.Join(to, moved.Name())))
			}
			return err
		}
	}
	return nil
}

// writeSample writes the sample workspace, laid out as one of its own.
func writeSample(dir string, opts *initOptions) (files []string, err error) {
	err = fs.WalkDir(feedmill.Sample, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(feedmill.Sample, name)
		if err != nil {
			return err
		}
		if filepath.Base(name) == "feedmill.yaml" {
			name, data = "feedmill.yaml", []byte(fmt.Sprintf(ownHeader, opts.offers, opts.seed)+ownLayout(string(data)))
		}
		files = append(files, name)
		target := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
	return files, err
}

const ownHeader = `# A feedmill workspace. The catalogue in data is generated; this adds a day to it:
#
#   feedmill synth data --offers %d --seed %d --days 2
#
#   feedmill check
#   feedmill run
#   feedmill export google-en -o google-en.xml
`

// ownLayout is the sample's feedmill.yaml without its header, and with feeds and
// templates beside it instead of above.
func ownLayout(text string) string {
	for strings.HasPrefix(text, "#") {
		_, text, _ = strings.Cut(text, "\n")
	}
	text = strings.ReplaceAll(text, "../../", "")
	for _, variable := range []string{"${FEEDMILL_WAREHOUSE:-./warehouse}", "${FEEDMILL_DATA:-data}"} {
		_, value, _ := strings.Cut(strings.TrimSuffix(variable, "}"), ":-")
		text = strings.ReplaceAll(text, variable, value)
	}
	return text
}

func (i *initialised) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s: a workspace with %s in data\n", i.Dir, plural(int64(i.Offers), "offer"))
	if err != nil {
		return err
	}
	next := "feedmill check && feedmill run"
	if i.Dir != "." {
		next = "cd " + i.Dir + " && " + next
	}
	_, err = fmt.Fprintln(w, "next:", next)
	return err
}
