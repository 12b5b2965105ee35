package samples

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"
)

// A document is a whole feed and the number of items that it should have.
type document struct {
	name  string
	text  []byte
	items int
}

// parsed fails the test unless two parsers read each document as well-formed
// XML with its number of items.
func parsed(t *testing.T, documents []document) {
	t.Helper()
	for _, d := range documents {
		if items, err := itemsOf(d.text); err != nil || items != d.items {
			t.Errorf("%s: encoding/xml finds %d items of %d: %v", d.name, items, d.items, err)
		}
	}
	for i, answer := range byExpat(t, documents) {
		if d := documents[i]; answer.Error != "" || answer.Items != d.items {
			t.Errorf("%s: expat finds %d items of %d: %s", d.name, answer.Items, d.items, answer.Error)
		}
	}
}

// itemsOf counts the items of a feed: its elements item and product at the third
// level.
func itemsOf(text []byte) (items int, err error) {
	depth := 0
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return items, nil
		}
		if err != nil {
			return items, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth++; depth == 3 && (token.Name.Local == "item" || token.Name.Local == "product") {
				items++
			}
		case xml.EndElement:
			depth--
		}
	}
}

type answer struct {
	Error string
	Items int
}

// counter reads documents, each after its length in 8 bytes, and prints what
// it finds in each.
const counter = `
import json, struct, sys, xml.etree.ElementTree as etree
answers = []
while size := sys.stdin.buffer.read(8):
    document = sys.stdin.buffer.read(struct.unpack("<q", size)[0])
    try:
        root = etree.fromstring(document)
        answers.append({"items": sum(e.tag in ("item", "product") for level in root for e in level)})
    except etree.ParseError as e:
        answers.append({"error": str(e)})
json.dump(answers, sys.stdout)
`

func byExpat(t *testing.T, documents []document) []answer {
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
		in.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(d.text))))
		in.Write(d.text)
	}
	cmd := exec.Command(python, "-c", counter)
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers []answer
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(documents) {
		t.Fatalf("%d answers for %d documents: %v", len(answers), len(documents), err)
	}
	return answers
}
