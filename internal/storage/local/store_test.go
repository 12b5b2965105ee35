package local_test

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/local"
	"github.com/feedmill/feedmill/internal/storage/storagetest"
)

func TestStore(t *testing.T) {
	storagetest.ReadsOn(t, func(t *testing.T) storage.Store { return local.New(t.TempDir()) })
	storagetest.Run(t, func(t *testing.T) storage.Store { return local.New(t.TempDir()) })
}

func TestDirectories(t *testing.T) {
	for _, dir := range []string{".", "warehouse", "./a/../b", t.TempDir(), t.TempDir() + "/not/yet/there/"} {
		t.Chdir(t.TempDir())
		store := local.New(dir)
		if got := names(t, store, ""); len(got) > 0 {
			t.Errorf("%s: at first there is %q", dir, got)
		}
		write(t, store, "x/y")
		if diff := cmp.Diff([]string{"x/y"}, names(t, store, "x/")); diff != "" {
			t.Errorf("%s: listing (-want +got):\n%s", dir, diff)
		}
	}
}

func write(t *testing.T, store storage.Store, name string) {
	t.Helper()
	if err := storage.WriteAll(t.Context(), store, name, storage.Replace, []byte(name)); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, store storage.Store, prefix string) []string {
	t.Helper()
	var names []string
	for info, err := range store.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, info.Name)
	}
	return names
}

// files returns all files and folders below dir, temporary ones included.
func files(t *testing.T, dir string) []string {
	t.Helper()
	found := []string{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if path != dir {
			found = append(found, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestNothingIsLeftBehind(t *testing.T) {
	dir := t.TempDir()
	store := local.New(dir)
	aborted, err := store.Create(t.Context(), "a/b/c", storage.Replace)
	if err != nil {
		t.Fatal(err)
	}
	if err := aborted.Abort(); err != nil {
		t.Fatal(err)
	}
	lost, err := store.Create(t.Context(), "d/e", storage.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	write(t, store, "d/e")
	if err := lost.Commit(); !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	must(t, storage.WriteAll(t.Context(), store, "d/f", storage.Exclusive, nil))
	must(t, store.Remove(t.Context(), "d/f"))
	if diff := cmp.Diff([]string{"d", "d/e"}, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if err := store.Remove(t.Context(), "d/e"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{}, files(t, dir)); diff != "" {
		t.Errorf("files after the last object went (-want +got):\n%s", diff)
	}
}

// A network file system may link, lose its answer, link again and report the
// name as taken.
func TestALinkThatHappened(t *testing.T) {
	dir := t.TempDir()
	w, err := local.New(dir).Create(t.Context(), "x", storage.Exclusive)
	must(t, err)
	must(t, os.Link(filepath.Join(dir, files(t, dir)[0]), filepath.Join(dir, "x")))
	if err := w.Commit(); err != nil {
		t.Errorf("Commit: %v", err)
	}
	if diff := cmp.Diff([]string{"x"}, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestUncommittedFilesAreRecognisable(t *testing.T) {
	dir := t.TempDir()
	if _, err := local.New(dir).Create(t.Context(), "a/b", storage.Replace); err != nil {
		t.Fatal(err)
	}
	found := files(t, dir)
	if len(found) != 2 || !strings.HasPrefix(found[1], "a/"+local.TempPrefix) {
		t.Errorf("an open writer shows as %q", found)
	}
	if got := names(t, local.New(dir), ""); len(got) > 0 {
		t.Errorf("it is listed: %q", got)
	}
}

// What a killed writer left is found and discarded, with the folders that were
// made for it; committed objects are not.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	base := local.New(dir)
	store := storage.Routed(storage.Prefixed(base, "w"), map[string]storage.Store{"feeds": storage.Prefixed(base, "elsewhere")})
	write(t, store, "a/b")
	write(t, store, "feeds/c")
	must(t, os.MkdirAll(filepath.Join(dir, "w/a", local.TempPrefix+"folder"), 0o755))
	for _, name := range []string{"a/c", "a/x/y", "feeds/run/1"} {
		w, err := store.Create(t.Context(), name, storage.Replace)
		must(t, err)
		if _, err := w.Write([]byte("half")); err != nil {
			t.Fatal(err)
		}
	}
	for prefix, want := range map[string][]string{
		"": {"a", "a/x", "feeds/run"}, "a/": {"a", "a/x"}, "a/x/": {"a/x"}, "feeds/": {"feeds/run"}, "feeds/run/": {"feeds/run"}, "feeds/other/": {}, "b": {},
	} {
		found := []string{}
		for l, err := range storage.Leftovers(t.Context(), store, prefix) {
			must(t, err)
			found = append(found, path.Dir(l.Name))
			if l.Size != 4 || !strings.HasPrefix(path.Base(l.Name), local.TempPrefix) {
				t.Errorf("%+v", l)
			}
		}
		slices.Sort(found)
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("Leftovers(%q): %s", prefix, diff)
		}
	}
	for l, err := range storage.Leftovers(t.Context(), store, "") {
		must(t, err)
		must(t, l.Discard(t.Context()))
		must(t, l.Discard(t.Context()))
	}
	want := []string{"elsewhere", "elsewhere/c", "w", "w/a", "w/a/" + local.TempPrefix + "folder", "w/a/b"}
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// A writer that is killed between making the folders and the file leaves them empty.
func TestEmptyFolders(t *testing.T) {
	dir := t.TempDir()
	store := local.New(dir)
	write(t, store, "tmp/run/used/a")
	for _, name := range []string{"tmp/run/empty/deep", "tmp/other", "notes", "elsewhere"} {
		must(t, os.MkdirAll(filepath.Join(dir, name), 0o755))
	}
	must(t, os.Symlink(filepath.Join(dir, "elsewhere"), filepath.Join(dir, "tmp/linked")))
	for prefix, want := range map[string][]string{
		"tmp/": {"tmp/other/", "tmp/run/empty/deep/"}, "tmp/run/e": {"tmp/run/empty/deep/"}, "tmp/run/empty/": {"tmp/run/empty/deep/"}, "tmp/run/empty/deep/": {}, "tmp/run/used": {},
	} {
		found := []string{}
		for l, err := range store.Leftovers(t.Context(), prefix) {
			must(t, err)
			found = append(found, l.Name)
			if l.Size != 0 || l.ModTime.IsZero() {
				t.Errorf("%+v", l)
			}
		}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("Leftovers(%q): %s", prefix, diff)
		}
	}
	for l, err := range store.Leftovers(t.Context(), "tmp/") {
		must(t, err)
		if l.Name == "tmp/other/" { // somebody was faster
			write(t, store, "tmp/other/a")
		}
		must(t, l.Discard(t.Context()))
		must(t, l.Discard(t.Context()))
	}
	want := []string{"elsewhere", "notes", "tmp", "tmp/linked", "tmp/other", "tmp/other/a", "tmp/run", "tmp/run/used", "tmp/run/used/a"}
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestObjectsAreReadableByOthers(t *testing.T) {
	dir := t.TempDir()
	old := syscall.Umask(0o022)
	defer syscall.Umask(old)
	write(t, local.New(dir), "x")
	info, err := os.Stat(filepath.Join(dir, "x"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o644 {
		t.Errorf("mode %v, want 0644 under umask 022", info.Mode())
	}
}

// A folder of somebody else's: links, pipes, hidden files.
func TestForeignFolder(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	store := local.New(dir)
	write(t, store, "plain")
	write(t, local.New(elsewhere), "deep/file")
	must(t, os.Symlink(elsewhere, filepath.Join(dir, "linked")))
	must(t, os.Symlink(filepath.Join(elsewhere, "deep/file"), filepath.Join(dir, "alias")))
	must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o666))
	must(t, os.WriteFile(filepath.Join(dir, ".hidden"), nil, 0o666))
	must(t, os.Mkdir(filepath.Join(dir, ".git"), 0o777))
	must(t, os.WriteFile(filepath.Join(dir, ".git/config"), nil, 0o666))
	if diff := cmp.Diff([]string{"alias", "linked/deep/file", "plain"}, names(t, store, "")); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
	if _, err := store.Open(t.Context(), "pipe"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open a pipe: %v, want fs.ErrNotExist", err)
	}
	data, err := storage.ReadAll(t.Context(), store, "alias")
	if err != nil || string(data) != "deep/file" {
		t.Errorf("alias holds %q, %v", data, err)
	}
	must(t, store.Remove(t.Context(), "linked/deep/file"))
	if diff := cmp.Diff([]string{".git", ".git/config", ".hidden", "alias", "linked", "pipe", "plain"}, files(t, dir)); diff != "" {
		t.Errorf("a link to a folder that became empty must stay (-want +got):\n%s", diff)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestBrokenLinks(t *testing.T) {
	for name, c := range map[string]struct{ link, target, want string }{
		"nowhere": {"x", "nothing", "leads nowhere"},
		"itself":  {"x", "x", "too many levels"},
		"a loop":  {"a/loop", "..", "leads to a folder that holds it"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			must(t, os.MkdirAll(filepath.Join(dir, "a"), 0o777))
			must(t, os.Symlink(c.target, filepath.Join(dir, c.link)))
			var got error
			for _, err := range local.New(dir).List(t.Context(), "") {
				got = err
			}
			if got == nil || !strings.Contains(got.Error(), c.want) || !strings.Contains(got.Error(), c.link) {
				t.Errorf("error %v, want one that names %s and says %q", got, c.link, c.want)
			}
		})
	}
}

func TestFolderInTheWay(t *testing.T) {
	store := local.New(t.TempDir())
	write(t, store, "a/b")
	for _, name := range []string{"a", "a/b/c", "a/b/c/d"} {
		for _, mode := range []storage.Mode{storage.Replace, storage.Exclusive} {
			err := storage.WriteAll(t.Context(), store, name, mode, nil)
			if err == nil || errors.Is(err, fs.ErrExist) {
				t.Errorf("write %s beside a/b: %v", name, err)
			}
		}
	}
}

// Two stores of one directory stand for two processes.
func TestFoldersRemovedByAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	one, other := local.New(dir), local.New(dir)
	write(t, one, "a/b/c")
	must(t, other.Remove(t.Context(), "a/b/c"))
	write(t, one, "a/b/d")
	if diff := cmp.Diff([]string{"a/b/d"}, names(t, other, "")); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
}

func TestFullDisk(t *testing.T) {
	var limit syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
	dir := t.TempDir()
	store := local.New(dir)
	w, err := store.Create(t.Context(), "x", storage.Replace)
	must(t, err)
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1000, Max: limit.Max}))
	_, failed := w.Write(make([]byte, 2000))
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	if failed == nil {
		t.Fatal("2000 bytes fit into 1000")
	}
	if err := w.Commit(); !errors.Is(err, failed) {
		t.Errorf("Commit after a failed write: %v, want %v", err, failed)
	}
	if diff := cmp.Diff([]string{}, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func BenchmarkWrite(b *testing.B) {
	store := local.New(b.TempDir())
	piece := make([]byte, 1<<20)
	b.SetBytes(64 << 20)
	b.ReportAllocs()
	for b.Loop() {
		w, err := store.Create(b.Context(), "x", storage.Replace)
		if err != nil {
			b.Fatal(err)
		}
		for range 64 {
			if _, err := w.Write(piece); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Commit(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkList(b *testing.B) {
	dir := b.TempDir()
	for i := range 10_000 {
		if err := os.WriteFile(filepath.Join(dir, strings.Repeat("x", 1+i%50)+string(rune('0'+i))), nil, 0o666); err != nil {
			b.Fatal(err)
		}
	}
	store := local.New(dir)
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range store.List(b.Context(), "") {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(10_000*b.N)/b.Elapsed().Seconds(), "objects/s")
}
