package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/source"
	"github.com/feedmill/feedmill/internal/template"
)

// Load reads the workspace of a feedmill.yaml. Its error is a diag.List with
// every mistake of every file, unless path itself cannot be read. env looks up
// an environment variable.
func Load(path string, env func(string) (string, bool)) (*Workspace, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read workspace: %w", err)
	}
	l := &loader{book: &book{}, env: env, ws: blank(path, env)}
	l.load(data)
	if err := l.list.Err(); err != nil {
		return nil, err
	}
	return l.ws, nil
}

// Sections of feedmill.yaml that LoadSome may be asked for.
const (
	ServeSection     = "serve"
	RetentionSection = "retention"
)

// storeSections say where the warehouse is, and how it is reached.
var storeSections = []string{"warehouse", "stores", "memory", "s3", "hdfs"}

// LoadSome reads where the warehouse is and some more sections of a feedmill.yaml, for
// what has to work though definitions have mistakes. In what it reads mistakes are an
// error as those of Load are.
func LoadSome(path string, env func(string) (string, bool), sections ...string) (*Workspace, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read workspace: %w", err)
	}
	l := &loader{book: &book{}, env: env, ws: blank(path, env)}
	if page, root := l.document(data); root != nil {
		l.root(page, root, scope{env: env}).some(l.ws, append(sections, storeSections...))
	}
	if err := l.list.Err(); err != nil {
		return nil, err
	}
	return l.ws, nil
}

// blank is the workspace of a file that says nothing.
func blank(path string, env func(string) (string, bool)) *Workspace {
	return &Workspace{
		File: path, Dir: filepath.Dir(path), env: env,
		Warehouse: "warehouse", Stores: map[string]string{}, Partitions: DefaultPartitions, Memory: DefaultMemory,
		Engine: Engine{Kind: LocalEngine}, SourceGuards: map[string]guard.Limits{}, Guard: guard.Defaults(),
		Shared: predicate.Shared{}, Templates: map[string]*template.Template{},
		Serve: Serve{Listen: DefaultListen}, Retention: Retention{Grace: DefaultGrace},
	}
}

// A loader fills a workspace.
type loader struct {
	*book
	env      func(string) (string, bool)
	ws       *Workspace
	assembly *assembly
}

// load reads feedmill.yaml, then what it leads to. Each step goes on with what
// the one before could make out.
func (l *loader) load(data []byte) {
	var d draft
	if page, root := l.document(data); root != nil {
		d = l.root(page, root, scope{env: l.env}).settings(l.ws)
	}
	l.sources(d)
	l.folders(d)
}

// document returns the only document of feedmill.yaml, nil where there is none.
func (l *loader) document(data []byte) (*page, *yaml.Node) {
	page, mistakes := newPage(l.ws.File, data)
	l.list = append(l.list, mistakes...)
	docs, mistakes := page.documents()
	l.list = append(l.list, mistakes...)
	if len(docs) > 1 {
		l.report(page.At(docs[1].Line, docs[1].Column, 1, "the file has a second document").WithHint("remove the line ---"))
	}
	if len(docs) > 0 {
		return page, docs[0]
	}
	if len(l.list) == 0 {
		l.report(page.At(0, 0, 0, "the file is empty").WithHint("feedmill init makes a workspace to begin with"))
	}
	return page, nil
}

// sources compiles the sources and puts the offer together.
func (l *loader) sources(d draft) {
	a := &assembly{
		book: l.book, drafts: map[string]sourceDraft{}, sources: map[string]*source.Source{},
		places: map[string]diag.Text{}, doubt: map[string]bool{},
	}
	l.assembly = a
	l.ws.Sources = a.compileSources(d.sources)
	for _, s := range d.sources {
		l.ws.SourceGuards[s.def.Name] = s.limits
	}
	if d.offer == nil {
		a.lost = true
		return
	}
	l.ws.Offer = a.offer(d.offer)
	l.ws.Full = a.schema
	l.ws.Schema = visible(a.schema, l.ws.Offer.Hidden)
}

// folders reads feeds and templates.
func (l *loader) folders(d draft) {
	feeds := l.folder(d.feeds, "feeds")
	l.ws.templateDir = l.folder(d.templates, "templates")
	templates := l.templates(l.ws.templateDir, l.columns())
	f := l.readFolder(feeds)
	c := &catalogue{
		book: l.book, ws: l.ws, doubtful: l.shared(f), templates: templates,
		names: map[string]diag.Text{}, targets: map[[2]string]diag.Text{}, vague: map[*feed.Feed]bool{}, feedsLost: f.feedsLost,
		env: predicate.OfferEnv(l.ws.Schema, predicate.OfferOptions{Now: true, Shared: f.shared}),
	}
	for _, doc := range f.docs {
		c.document(doc)
	}
	c.files()
	slices.SortFunc(l.ws.Feeds, func(a, b *feed.Feed) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(l.ws.Events, func(a, b *feed.EventFeed) int { return strings.Compare(a.Name, b.Name) })
	l.renderings(c.vague)
	c.tests(f.tests)
}

// folder returns a folder's path; one that the user names must be there.
func (l *loader) folder(v value, name string) string {
	if v.book == nil {
		return filepath.Join(l.ws.Dir, name)
	}
	t, ok := v.text()
	if !ok {
		return filepath.Join(l.ws.Dir, name)
	}
	dir := l.ws.Resolve(t.Value)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		v.fail("there is no folder %s", t.Written())
	}
	return dir
}

// shared checks the shared expressions and returns what tells whether an
// expression speaks of something that is in doubt.
func (l *loader) shared(f folder) func(diag.Text) bool {
	if f.sharedLost {
		l.assembly.shared = f.shared
	}
	doubtful := l.assembly.doubtful
	sure := predicate.Shared{}
	for range f.shared {
		sure = predicate.Shared{}
		for name, t := range f.shared {
			if t.Value == "" || doubtful(t) {
				l.assembly.doubt[name] = true
				continue
			}
			sure[name] = t
		}
	}
	l.ws.Shared = sure
	env := predicate.OfferEnv(l.ws.Schema, predicate.OfferOptions{Now: true, Shared: sure})
	l.list = append(l.list, env.CheckShared()...)
	return doubtful
}

// columns returns the schema with the columns of unknown type; nil where nothing is
// known.
func (l *loader) columns() offer.Schema {
	if l.assembly.lost {
		return nil
	}
	out := slices.Clone(l.ws.Schema)
	for _, name := range sortedNames(l.assembly.doubt) {
		if l.ws.Full.Index(name) < 0 {
			out = append(out, offer.Field{Name: name, Type: offer.Type{Kind: badType}})
		}
	}
	return out
}

// templates parses the templates of a folder, over offers of a schema, and returns
// their names.
func (l *loader) templates(dir string, schema offer.Schema) map[string]bool {
	names := map[string]bool{}
	for _, path := range l.files(dir, ".xml") {
		name := strings.TrimSuffix(filepath.Base(path), ".xml")
		rel, err := filepath.Rel(dir, path)
		if err != nil || rel != name+".xml" {
			continue
		}
		names[name] = true
		data, err := os.ReadFile(path)
		if err != nil {
			l.report(diag.Diagnostic{File: path, Message: "cannot be read: " + reasonOf(err)})
			continue
		}
		t, mistakes := template.Parse(diag.NewFile(path, data), schema, nil)
		l.list = append(l.list, mistakes...)
		if t != nil {
			l.ws.Templates[name] = t
		}
	}
	return names
}

// reasonOf is the last part of an error of the file system.
func reasonOf(err error) string {
	var mistake *fs.PathError
	if errors.As(err, &mistake) {
		return mistake.Err.Error()
	}
	return err.Error()
}

func sortedNames(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
