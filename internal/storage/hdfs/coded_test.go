package hdfs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/feedmill/feedmill/internal/services"
	"github.com/feedmill/feedmill/internal/storage"
)

// A file that is erasure-coded is refused, large or small, rather than read as
// what its cells would be one after the other.
func TestErasureCoded(t *testing.T) {
	if testing.Short() {
		t.Skip("Hadoop's own tools take seconds: not with -short")
	}
	cluster := services.Run(t, services.StartHDFS)
	dir := t.TempDir()
	for name, size := range map[string]int{"small": 100 << 10, "large": 5 << 20} {
		if err := os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte{'x'}, size), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range [][]string{
		{services.ECAdmin, "-enablePolicy", "-policy", "XOR-2-1-1024k"},
		{services.FsShell, "-mkdir", "-p", "/coded"},
		{services.ECAdmin, "-setPolicy", "-path", "/coded", "-policy", "XOR-2-1-1024k"},
		{services.FsShell, "-put", filepath.Join(dir, "small"), filepath.Join(dir, "large"), "/coded"},
	} {
		if err := cluster.Tool(t.Context(), command[0], command[1:]...); err != nil {
			t.Fatal(err)
		}
	}
	store := dial(t, cluster, "coded")
	for _, name := range []string{"small", "large"} {
		if data, err := storage.ReadAll(t.Context(), store, name); err == nil || !strings.Contains(err.Error(), "it is erasure-coded") {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
	}
}
