package samples

import (
	"slices"
	"strings"
	"testing"
)

// A page is what a test reads of a Markdown file.
type page struct {
	blocks []block
	rows   []row
}

// A block is a fenced block of code.
type block struct {
	lang, text string
	line       int // of its first line, from 1
}

// A row is a row of a table "you write | it ...": an example and what it gives.
type row struct {
	example, result string
	after           int // blocks that stand before it
	line            int
}

// file is the path that a block names in its first line; mistake says that it
// is to be refused.
func (b block) file() (path string, mistake bool) {
	first, _, _ := strings.Cut(b.text, "\n")
	first = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(first, "# "), "{{/* "), " */}}")
	return strings.CutSuffix(first, ": a mistake")
}

func readPage(t *testing.T, path string) page {
	t.Helper()
	var p page
	var open *block
	examples := false
	for i, line := range strings.Split(read(t, path), "\n") {
		lang, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{lang: lang, line: i + 2}
		case fence:
			p.blocks, open = append(p.blocks, *open), nil
		case open != nil:
			open.text += line + "\n"
		case strings.HasPrefix(line, "| you write |"):
			examples = true
		case !strings.HasPrefix(line, "|"):
			examples = false
		case examples && !strings.HasPrefix(line, "|---"):
			p.rows = append(p.rows, rowOf(t, line, i+1, len(p.blocks)))
		}
	}
	return p
}

// rowOf splits a row of a table, whose cells may hold \|.
func rowOf(t *testing.T, line string, number, after int) row {
	t.Helper()
	const bar = "\x00"
	cells := strings.Split(strings.ReplaceAll(line, `\|`, bar), "|")
	if len(cells) < 4 {
		t.Fatalf("line %d has %d cells", number, len(cells)-2)
	}
	for i, cell := range cells {
		cells[i] = strings.ReplaceAll(strings.TrimSpace(cell), bar, "|")
	}
	return row{strings.Trim(cells[1], "`"), strings.Trim(cells[2], "`"), after, number}
}

// follow loads the workspace as a reader makes it, block by block, and hands
// each state to look. Blocks with a mistake are refused with the text that
// follows them.
func (p page) follow(t *testing.T, files map[string]string, look func(blocks int, files map[string]string)) {
	t.Helper()
	for i, b := range p.blocks {
		path, mistake := b.file()
		switch {
		case b.lang == "text":
			continue
		case !strings.HasPrefix(path, "feeds/") && !strings.HasPrefix(path, "templates/"):
			t.Fatalf("the block at line %d names no file: %q", b.line, path)
		case mistake:
			p.refused(t, i, path, files)
			continue
		}
		files[path] = b.text
		look(i+1, files)
	}
}

// refused fails the test unless check says of a block what the next one says.
func (p page) refused(t *testing.T, i int, path string, files map[string]string) {
	t.Helper()
	b := p.blocks[i]
	wrong := map[string]string{path: b.text}
	for name, text := range files {
		wrong[name] = text
	}
	_, err := loadFiles(t, wrong)
	if err == nil {
		t.Errorf("line %d: there is no mistake", b.line)
		return
	}
	said := err.Error()
	for line := range strings.Lines(said) {
		if at := strings.Index(line, "/"+path+":"); at >= 0 && !strings.HasPrefix(line, " ") {
			said = strings.ReplaceAll(said, line[:at+1], "")
		}
	}
	if i+1 == len(p.blocks) || strings.TrimSpace(p.blocks[i+1].text) != strings.TrimSpace(said) {
		t.Errorf("line %d: check says\n%s", b.line, said)
	}
}

// count fails the test unless the page has so much to test.
func (p page) count(t *testing.T, blocks, rows int) {
	t.Helper()
	if len(p.blocks) < blocks || len(p.rows) < rows {
		t.Errorf("%d blocks and %d examples were found", len(p.blocks), len(p.rows))
	}
	if slices.ContainsFunc(p.rows, func(r row) bool { return r.example == "" || r.result == "" }) {
		t.Error("an example is empty")
	}
}
