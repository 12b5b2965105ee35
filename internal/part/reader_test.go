package part

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/feedmill/feedmill/internal/storage/local"
)

// A reader in another language, written from the package comment, reads the
// samples of all formats.
func TestOtherReader(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	folder := "testdata/formats/v1"
	cmd := exec.Command(python, "testdata/read.py", folder, IndexName(sampleRun, "feed"))
	var failed bytes.Buffer
	cmd.Stderr = &failed
	got, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &failed)
	}
	if want := read(t, local.New(filepath.FromSlash(folder)), "feed.xml"); !bytes.Equal(got, want) {
		t.Errorf("it reads %q", got)
	}
}
