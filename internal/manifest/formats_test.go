package manifest

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/storage/local"
)

var update = flag.Bool("update", false, "write the samples of the current format")

const sampleRun = "20260102T150405.000Z-abc234"

func sampleManifest() *Manifest {
	return &Manifest{
		Format: 1, Run: sampleRun, Stage: "aggregate", Status: Done,
		Started:  time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC),
		Finished: time.Date(2026, 1, 2, 15, 14, 5, 250_000_000, time.UTC),
		Base:     41,
		Objects: []Object{
			{Name: "snapshots/" + sampleRun + "/00000.parquet", Size: 33_554_432, Digest: "xxh3:0123456789abcdef"},
			{Name: "snapshots/" + sampleRun + "/00001.parquet", Size: 33_554_433},
		},
		Report: []byte(`{"offers":200000,"warnings":["<price> & \"Größe\""]}`),
		Detail: []byte(`{"versions":{"price":["20260101","20260102"]}}`),
	}
}

func sampleClaim() claim {
	released := time.Date(2026, 1, 2, 15, 14, 6, 0, time.UTC)
	return claim{
		Format: 1, ID: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", Owner: "etl1:4711",
		Process:  &process{Boot: "0b2b8c12-6f6e-4d6c-9f55-3d1f3a1e7f10", Namespace: "pid:[4026531836]", PID: 4711, Start: "123456"},
		Since:    time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC),
		Renewed:  time.Date(2026, 1, 2, 15, 14, 0, 0, time.UTC),
		Expires:  time.Date(2026, 1, 2, 15, 16, 0, 0, time.UTC),
		Released: &released,
	}
}

const (
	samplePointer = "snapshots/current/000000000042"
	sampleLease   = "leases/aggregate/000000000107"
)

// Every released format is read for good.
func TestSamplesAreRead(t *testing.T) {
	for _, version := range []string{"v1"} {
		store := local.New(filepath.Join("testdata/formats", version))
		m, err := Read(t.Context(), store, "snapshots", sampleRun)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sampleManifest(), m); diff != "" {
			t.Errorf("%s: manifest (-want +got):\n%s", version, diff)
		}
		p, err := Current(t.Context(), store, "snapshots")
		if err != nil {
			t.Fatal(err)
		}
		if want := (Pointer{42, sampleRun}); p != want {
			t.Errorf("%s: current is %v, want %v", version, p, want)
		}
		n, c, err := newestClaim(t.Context(), store, "aggregate")
		if err != nil {
			t.Fatal(err)
		}
		want := sampleClaim()
		if diff := cmp.Diff(&want, c); diff != "" || n != 107 {
			t.Errorf("%s: lease %d (-want +got):\n%s", version, n, diff)
		}
	}
}

// A change of what is written is a new format.
func TestSamplesAreWritten(t *testing.T) {
	m, err := encode(sampleManifest())
	if err != nil {
		t.Fatal(err)
	}
	p, err := encodeJSON(pointer{Format: Format, Run: sampleRun})
	if err != nil {
		t.Fatal(err)
	}
	c, err := encodeJSON(sampleClaim())
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{Name("snapshots", sampleRun): m, samplePointer: p, sampleLease: c} {
		path := filepath.Join("testdata/formats/v1", name)
		if *update {
			writeSample(t, path, got)
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func writeSample(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}
