package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/services"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/local"
	"github.com/feedmill/feedmill/internal/storage/s3"
)

// A shop is the sample workspace with its warehouse and its sources somewhere.
type shop struct {
	t         *testing.T
	binary    string
	config    string
	env       []string
	url       string // of its warehouse
	warehouse storage.Store
	data      string
	said      *bytes.Buffer // all that its commands wrote
}

// newShop writes the sample workspace with these lines at its end.
func newShop(t *testing.T, warehouse, data, settings string, env ...string) *shop {
	t.Helper()
	return newShopOf(t, "../../deploy/local/feedmill.yaml", warehouse, data, settings, env...)
}

// newShopOf does so with another workspace.
func newShopOf(t *testing.T, file, warehouse, data, settings string, env ...string) *shop {
	t.Helper()
	binary, err := exec.LookPath("feedmill") // this test program, see TestMain
	if err != nil {
		t.Fatal(err)
	}
	sample, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{t: t, binary: binary, config: filepath.Join(t.TempDir(), "feedmill.yaml"), url: warehouse, data: data, said: &bytes.Buffer{}}
	s.env = append([]string{"FEEDMILL_WAREHOUSE=" + warehouse, "FEEDMILL_DATA=" + data}, env...)
	text := strings.ReplaceAll(string(sample), "../..", root) + settings
	if err := os.WriteFile(s.config, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shop) try(args ...string) (string, error) {
	var out, errors bytes.Buffer
	cmd := exec.Command(s.binary, append([]string{"-c", s.config, "--log-format", "json"}, args...)...)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stdout, cmd.Stderr = &out, &errors
	err := cmd.Run()
	s.said.WriteString(out.String() + errors.String())
	return out.String(), err
}

func (s *shop) must(args ...string) string {
	s.t.Helper()
	out, err := s.try(args...)
	if err != nil {
		s.t.Fatalf("feedmill %s: %v\n%s", strings.Join(args, " "), err, s.said)
	}
	return out
}

// s3Shop is a shop whose warehouse and sources are on a server. Its secret comes
// from the environment, under a name that the SDK does not know.
func s3Shop(t *testing.T, server *services.S3, secret string) *shop {
	t.Helper()
	base := "s3://" + server.Bucket
	settings := "\ns3: {region: us-east-1, path_style: true, endpoint: \"" + server.Endpoint() +
		"\", access_key: " + server.AccessKey + ", secret_key: \"${SHOP_SECRET}\"}\n"
	s := newShop(t, base+"/warehouse", base+"/data", settings, "SHOP_SECRET="+secret)
	client, err := s3.Dial(t.Context(), s3.Settings{
		Region: server.Region, Endpoint: server.Endpoint(), PathStyle: true, AccessKey: server.AccessKey, SecretKey: server.SecretKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.warehouse, err = client.Store(base + "/warehouse"); err != nil {
		t.Fatal(err)
	}
	return s
}

const s3Now = "2026-01-15T12:00:00Z"

// day makes a day's deliveries, with the SDK's own settings, and all feeds.
func (s *shop) day(n string) {
	s.t.Helper()
	s.must("synth", s.data, "--offers", "1500", "--days", n)
	s.must("aggregate")
	s.must("generate", "--now", s3Now)
}

// ids are what differs between two runs of the same.
var ids = regexp.MustCompile(`\d{8}T\d{6}\.\d{3}Z-[a-z2-7]{6}`)

// artefacts returns the snapshot partitions and the parts of all runs, which
// hold no times, by their names without the runs' ids.
func (s *shop) artefacts() map[string]string {
	s.t.Helper()
	out := map[string]string{}
	for info, err := range s.warehouse.List(s.t.Context(), "") {
		if err != nil {
			s.t.Fatal(err)
		}
		if !strings.HasSuffix(info.Name, ".parquet") && !strings.HasSuffix(info.Name, ".part") {
			continue
		}
		data, err := storage.ReadAll(s.t.Context(), s.warehouse, info.Name)
		if err != nil {
			s.t.Fatal(err)
		}
		out[ids.ReplaceAllString(info.Name, "RUN")] += string(data)
	}
	return out
}

// feeds exports all feeds.
func (s *shop) feeds() map[string]string {
	s.t.Helper()
	out, dir := map[string]string{}, s.t.TempDir()
	for _, name := range sampleFeeds {
		s.must("export", name, "-o", filepath.Join(dir, name+".xml"))
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			s.t.Fatal(err)
		}
		out[f.Name()] = string(data)
	}
	return out
}

var sampleFeeds = []string{
	"google-de", "google-en", "google-fr", "google-pl", "google-ads", "comparer-best", "comparer-top", "meta-all", "meta-deals",
}

// The sample workspace on S3, sources and warehouse, makes the bytes that it
// makes on local disks, and serves them.
func TestWorkspaceOnS3(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole workspace, twice: not with -short")
	}
	server := services.Run(t, services.StartS3)
	dir := t.TempDir()
	here := newShop(t, filepath.Join(dir, "warehouse"), filepath.Join(dir, "data"), "")
	here.warehouse = local.New(filepath.Join(dir, "warehouse"))
	there := s3Shop(t, server, server.SecretKey)
	there.env = append(there.env, server.Environment()...)
	for _, day := range []string{"1", "2"} {
		here.day(day)
		there.day(day)
		for _, s := range [][2]map[string]string{{here.artefacts(), there.artefacts()}, {here.feeds(), there.feeds()}} {
			compareBytes(t, "day "+day, s[0], s[1])
		}
	}
	there.must("gc")
	there.checkServes()
	there.checkNoSecret(server)
}

func compareBytes(t *testing.T, when string, here, there map[string]string) {
	t.Helper()
	if len(here) < len(sampleFeeds) {
		t.Errorf("%s: only %d objects", when, len(here))
	}
	names := func(m map[string]string) (out []string) {
		for name := range m {
			out = append(out, name)
		}
		slices.Sort(out)
		return out
	}
	if diff := cmp.Diff(names(here), names(there)); diff != "" {
		t.Errorf("%s: objects (-local +there):\n%s", when, diff)
	}
	for name := range here {
		if here[name] != there[name] {
			t.Errorf("%s: %s differs: %d bytes locally, %d there", when, name, len(here[name]), len(there[name]))
		}
	}
}

// checkServes compares what the server sends with what export writes.
func (s *shop) checkServes() {
	s.t.Helper()
	for _, variable := range s.env {
		name, value, _ := strings.Cut(variable, "=")
		s.t.Setenv(name, value)
	}
	url, end := serving(s.t, "-c", s.config)
	for name, want := range s.feeds() {
		response, err := http.Get(url + "feeds/" + name)
		if err != nil {
			s.t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || string(body) != want {
			s.t.Errorf("%s: %s, %d bytes, want %d (%v)", name, response.Status, len(body), len(want), err)
		}
	}
	s.checkReads(url)
	if code := end(); code != exitDone {
		s.t.Errorf("serve: exit %d", code)
	}
}

// checkReads fetches a feed once more, which costs the store nothing.
func (s *shop) checkReads(url string) {
	s.t.Helper()
	fetch := func(path string) string {
		response, err := http.Get(url + path)
		if err != nil {
			s.t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			s.t.Fatalf("%s: %s (%v)", path, response.Status, err)
		}
		return string(body)
	}
	count := regexp.MustCompile(`(?m)^feedmill_store_read(s|_bytes)_total [1-9].*$`)
	before := count.FindAllString(fetch("metrics"), -1)
	fetch("feeds/meta-all-1.xml")
	if diff := cmp.Diff(before, count.FindAllString(fetch("metrics"), -1)); len(before) != 2 || diff != "" {
		s.t.Errorf("reads before %v (-before +after):\n%s", before, diff)
	}
}

// checkNoSecret looks for the secret in all that was said and stored.
func (s *shop) checkNoSecret(server *services.S3) {
	s.t.Helper()
	if strings.Contains(s.said.String(), server.SecretKey) {
		s.t.Error("the secret is in what the commands wrote")
	}
	looked := 0
	for info, err := range s.warehouse.List(context.Background(), "") {
		if err != nil {
			s.t.Fatal(err)
		}
		data, err := storage.ReadAll(s.t.Context(), s.warehouse, info.Name)
		if err != nil {
			s.t.Fatal(err)
		}
		if looked++; bytes.Contains(data, []byte(server.SecretKey)) {
			s.t.Errorf("the secret is in %s", info.Name)
		}
	}
	if looked < 20 {
		s.t.Errorf("only %d objects were looked at", looked)
	}
}

// What goes wrong on the way to S3 is said without secrets.
func TestS3MistakesTellNoSecrets(t *testing.T) {
	server := services.Run(t, services.StartS3)
	wrong := "WRONG/" + server.SecretKey
	for name, change := range map[string]struct {
		secret, from, to string
		want             string
	}{
		"a wrong secret": {wrong, "", "", "SignatureDoesNotMatch"},
		"a wrong bucket": {server.SecretKey, "", "", "NoSuchBucket"},
		"an unknown key": {server.SecretKey, "access_key: " + server.AccessKey, "access_key: nobody", "access key"},
		"another region": {server.SecretKey, "region: us-east-1", "region: eu-west-9", "region"},
	} {
		t.Run(name, func(t *testing.T) {
			s := s3Shop(t, server, change.secret)
			text, err := os.ReadFile(s.config)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(s.config, []byte(strings.Replace(string(text), change.from, change.to, 1)), 0o666); err != nil {
				t.Fatal(err)
			}
			if name == "a wrong bucket" {
				s.env = append(s.env, "FEEDMILL_WAREHOUSE=s3://nowhere/warehouse")
			}
			for _, args := range [][]string{{"runs", "--json"}, {"aggregate", "--json"}, {"gc"}} {
				out, err := s.try(args...)
				if err == nil {
					t.Errorf("%v succeeded: %s", args, out)
				}
			}
			said := s.said.String()
			if !strings.Contains(said, change.want) {
				t.Errorf("want %s in:\n%s", change.want, said)
			}
			if strings.Contains(said, change.secret) {
				t.Errorf("the secret is in:\n%s", said)
			}
		})
	}
}
