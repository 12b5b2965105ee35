package template

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"github.com/feedmill/feedmill/internal/offer"
)

// expat reads documents, each after its length in 8 bytes, and prints what it
// has against each, "" where it is well-formed with its name spaces.
const expat = `
import json, struct, sys, xml.etree.ElementTree as etree
found = []
while size := sys.stdin.buffer.read(8):
    document = sys.stdin.buffer.read(struct.unpack("<q", size)[0])
    try:
        etree.fromstring(document)
        found.append("")
    except etree.ParseError as e:
        found.append(str(e))
json.dump(found, sys.stdout)
`

// byExpat returns what a second parser has against documents.
func byExpat(t *testing.T, documents []string) []string {
	t.Helper()
	python := os.Getenv("FEEDMILL_PYTHON")
	if python == "" {
		python = "python3"
	}
	if _, err := exec.LookPath(python); err != nil {
		t.Skipf("without Python there is no second XML parser: %v", err)
	}
	var in bytes.Buffer
	for _, d := range documents {
		in.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(d))))
		in.WriteString(d)
	}
	cmd := exec.Command(python, "-c", expat)
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	if err := json.Unmarshal(out, &found); err != nil || len(found) != len(documents) {
		t.Fatalf("%d answers for %d documents: %v", len(found), len(documents), err)
	}
	return found
}

// The second parser does refuse what is wrong.
func TestExpatRefuses(t *testing.T) {
	documents := []string{"<a/>", "<a>", "<a>\x01</a>", "<g:a/>", "<a>&nbsp;</a>", "<a>]]></a>", "<a>\xff</a>", "<a b='1' b='2'/>"}
	for i, refused := range byExpat(t, documents) {
		if (refused != "") != (i > 0) {
			t.Errorf("%s: %q", documents[i], refused)
		}
	}
}

// Documents of random templates, with declarations of name spaces and a DOCTYPE
// among their pieces, are read by both parsers.
func TestRandomTemplatesByExpat(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	schema, offers := allTypes(t), hostileRows(t)
	var sources, documents []string
	for range shorter(15000, 3000) {
		text := randomNames(random)
		tmpl, found := parseText(text, schema, map[string]offer.Type{})
		if len(found) > 0 {
			continue
		}
		for _, d := range documentsOf(t, tmpl, text, offers) {
			oneRoot(t, d, text)
			sources, documents = append(sources, text), append(documents, d)
		}
	}
	if len(documents) < shorter(200, 20) {
		t.Errorf("only %d documents", len(documents))
	}
	for i, refused := range byExpat(t, documents) {
		if refused != "" {
			t.Fatalf("%s\n%s\n%s", refused, sources[i], documents[i])
		}
	}
}

var namePieces = []string{
	"<a", "<g:a", "<h:a", " g:b=\"1\"", " xmlns:h=\"urn:h\"", " xmlns:g='urn:2'", " xmlns=\"urn:d\"", " xmlns:h=\"{{.offer.id}}\"", " xmlns:h=\"\"", " c=\"{{.offer.title}}\"",
	">", "/>", "</a>", "</g:a>", "</h:a>", "{{if .offer.title}}", "{{with .offer.shop}}", "{{range .offer.tags}}", "{{else}}", "{{end}}", "{{end}}", "{{.offer.id}}", "x",
	"<![CDATA[{{.offer.title}}]]>", "{{template \"s\" .offer}}",
}

var documentBeginnings = []string{
	"", `<?xml version="1.0" encoding="UTF-8"?>`, `<?xml version='1.0"?>`, `<!DOCTYPE feed SYSTEM "a.dtd">`, `<!DOCTYPE feed><!DOCTYPE feed>`, `<!DOCTYPE>`, `<!DOCTYPE feed x>`, `<?xml version="1.0"?><!-- c --><!DOCTYPE feed PUBLIC "x" "y">`,
}

func randomNames(random *rand.Rand) string {
	some := func(n int) string {
		text := ""
		for range random.IntN(n) {
			text += namePieces[random.IntN(len(namePieces))]
		}
		return text
	}
	text := `{{define "header"}}` + documentBeginnings[random.IntN(len(documentBeginnings))] + `<feed xmlns:g="urn:g">{{end}}{{define "footer"}}</feed>{{end}}`
	text += `{{define "item"}}<a` + some(4) + `>` + some(5) + `</a>{{end}}`
	if bytes.Contains([]byte(text), []byte(`"s"`)) {
		text += `{{define "s"}}` + some(4) + `{{end}}`
	}
	return text
}
