package workspace

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/feedmill/feedmill/internal/diag"
)

// A page is the text of one YAML file. Its lines are ended by a line feed
// whatever the file has, so that places in YAML are places in it.
type page struct {
	*diag.File
	text    string
	starts  []int // byte offsets of the lines
	scalars map[*yaml.Node]scalar
}

// newPage makes a page of a file's bytes. When they are no text that YAML could
// read, the page has no content and the mistake says why.
func newPage(name string, data []byte) (*page, diag.List) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	p := &page{File: diag.NewFile(name, data), text: string(data), scalars: map[*yaml.Node]scalar{}}
	at := 0
	for i, line := range p.Lines {
		p.starts = append(p.starts, at)
		at += len(line) + 1
		p.Lines[i] = masked(line)
	}
	if d, bad := p.strange(data); bad {
		p.text, p.starts = "", nil
		return p, diag.List{d}
	}
	return p, nil
}

// line returns the text of a 1-based line.
func (p *page) line(n int) string {
	rest := p.text[p.starts[n-1]:]
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		return rest[:i]
	}
	return rest
}

// offset returns the byte offset of a place.
func (p *page) offset(line, col int) int {
	if line < 1 || line > len(p.starts) {
		return len(p.text)
	}
	at := p.starts[line-1]
	for range col - 1 {
		if at >= len(p.text) || p.text[at] == '\n' {
			break
		}
		_, size := utf8.DecodeRuneInString(p.text[at:])
		at += size
	}
	return at
}

// place returns the line and column of a byte offset.
func (p *page) place(offset int) (line, col int) {
	line, found := slices.BinarySearch(p.starts, offset)
	if found {
		line++
	}
	return line, utf8.RuneCountInString(p.text[p.starts[line-1]:offset]) + 1
}

// strange finds the first thing that is no character of a YAML text.
func (p *page) strange(data []byte) (diag.Diagnostic, bool) {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		d := diag.Diagnostic{File: p.Name, Message: "the file is written in UTF-16"}
		return d.WithHint("save it as UTF-8"), true
	}
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if message, hint := strangeRune(r, size); message != "" {
			line, col := p.place(at)
			return p.At(line, col, 1, "%s", message).WithHint("%s", hint), true
		}
		at += size
	}
	return diag.Diagnostic{}, false
}

func strangeRune(r rune, size int) (message, hint string) {
	switch {
	case r == utf8.RuneError && size == 1:
		return "the bytes here are no UTF-8 text", "save the file as UTF-8"
	case r == 0x85 || r == 0x2028 || r == 0x2029:
		return fmt.Sprintf("an invisible line separator (U+%04X) stands here", r), "delete it; it may come from text that was copied from a document"
	case r < ' ' && r != '\t' && r != '\n', 0x7f <= r && r < 0xa0, r == 0xfffe, r == 0xffff, r == 0xfeff:
		return fmt.Sprintf("an invisible control character (U+%04X) stands here", r), "delete it"
	}
	return "", ""
}

var secretEntry = regexp.MustCompile(`(?i)((?:password|secret|secret_key|token)["']?\s*:\s+)("[^"]*"|'[^']*'|[^\s,}#][^,}#]*)`)

// masked hides the value of a secret that was written into the file, so that no
// message shows it. References to the environment stay.
func masked(line string) string {
	return secretEntry.ReplaceAllStringFunc(line, func(entry string) string {
		parts := secretEntry.FindStringSubmatch(entry)
		if strings.HasPrefix(strings.Trim(parts[2], `"'`), "${") {
			return entry
		}
		return parts[1] + strings.Repeat("*", utf8.RuneCountInString(parts[2]))
	})
}

// documents returns the documents of the page that have content. After a
// mistake in the syntax the documents before it are returned with it.
func (p *page) documents() (docs []*yaml.Node, list diag.List) {
	err := decodeAll(strings.NewReader(p.text), func(doc *yaml.Node) {
		if root := doc.Content[0]; root.Kind != yaml.ScalarNode || root.Tag != "!!null" || root.Value != "" {
			docs = append(docs, root)
		}
	})
	if err != nil {
		list = append(list, p.syntax(err))
	}
	return docs, list
}

// decodeAll hands over document after document. A panic of the parser is an
// error.
func decodeAll(r io.Reader, each func(*yaml.Node)) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("yaml: %v", cause)
		}
	}()
	decoder := yaml.NewDecoder(r)
	for {
		var doc yaml.Node
		if err := decoder.Decode(&doc); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if len(doc.Content) == 1 {
			each(&doc)
		}
	}
}
