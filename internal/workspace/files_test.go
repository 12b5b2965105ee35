package workspace_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/workspace"
)

// Files of settings are found wherever the program is started: they are relative to
// feedmill.yaml.
func TestFilesOfSettings(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "feedmill.yaml")
	err := os.WriteFile(path, []byte(`
sources: {x: {path: x.csv, format: csv, key: row.code, columns: {code: string}}}
offer: {from: x}
kafka: {brokers: [127.0.0.1:9092], topic: offers, tls: {ca: tls/ca.pem, cert: /etc/cert.pem, key: ../key.pem}}
serve: {tls: {cert: cert.pem, key: key.pem}}
hdfs: {conf: hadoop, kerberos: {principal: feedmill, keytab: feedmill.keytab, conf: krb5.conf}}
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	w, err := workspace.Load(path, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	got := []string{
		w.Kafka.TLS.CA, w.Kafka.TLS.Cert, w.Kafka.TLS.Key, w.Serve.TLS.Cert, w.Serve.TLS.Key,
		w.HDFS.Conf, w.HDFS.Kerberos.Keytab, w.HDFS.Kerberos.Conf,
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	want := []string{
		in("tls/ca.pem"), "/etc/cert.pem", filepath.Join(filepath.Dir(dir), "key.pem"), in("cert.pem"), in("key.pem"),
		in("hadoop"), in("feedmill.keytab"), in("krb5.conf"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
