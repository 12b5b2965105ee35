package workspace

import (
	"regexp"
	"strings"

	"github.com/feedmill/feedmill/internal/diag"
)

// S3 is how to reach S3, beside the SDK's usual chain. Empty fields are left to
// that chain.
type S3 struct {
	Region       string
	Endpoint     string
	PathStyle    bool
	Profile      string
	AccessKey    string
	SecretKey    string
	Encryption   string // AES256, aws:kms or aws:kms:dsse; empty: what the bucket does
	KMSKey       string // of aws:kms and aws:kms:dsse; empty: the account's own
	StorageClass string // empty: STANDARD
}

// HDFS is how to reach HDFS.
type HDFS struct {
	User     string
	Conf     string    // folder of core-site.xml and hdfs-site.xml
	Kerberos *Kerberos // nil: simple authentication
}

// Kerberos is who we are to a Hadoop cluster.
type Kerberos struct {
	Principal string
	Keytab    string
	Realm     string
	Conf      string // krb5.conf
	Service   string // the NameNode's service principal
}

// oneSlash matches a URL that lacks one of the two slashes.
var oneSlash = regexp.MustCompile(`^(?:s3|hdfs):/?(?:[^/]|$)`)

// checkStore reports a path or URL that no store understands.
func (v value) checkStore(t diag.Text) bool {
	scheme, rest, isURL := strings.Cut(t.Value, "://")
	switch {
	case strings.TrimSpace(t.Value) == "":
		v.fail("%s is empty", v.subject())
	case oneSlash.MatchString(t.Value):
		name, rest, _ := strings.Cut(t.Written(), ":")
		v.report(v.at("%s is taken for the name of a folder", t.Written()).WithHint("write %s://%s", name, strings.TrimPrefix(rest, "/")))
	case isURL && scheme == "file" && !strings.HasPrefix(rest, "/"):
		v.report(v.at("a file URL must have an absolute path").WithHint("write file:///folder, or the path without file://"))
	case isURL && strings.TrimLeft(rest, "/") == "":
		v.fail("%s names no place", v.subject())
	case isURL && scheme != "file" && scheme != "s3" && scheme != "hdfs":
		v.report(v.at("files cannot be kept at %s://", scheme).WithHint("%s", schemeHint(scheme)))
	default:
		return true
	}
	return false
}

func schemeHint(scheme string) string {
	schemes := []string{"file", "s3", "hdfs"}
	if d := diag.DidYouMean(scheme, schemes); d != "" {
		return d
	}
	return "use a path, file:///, s3:// or hdfs://"
}

// location reads the path or URL of a store.
func (v value) location() diag.Text {
	t, ok := v.text()
	if !ok || !v.checkStore(t) {
		return diag.Text{}
	}
	return t
}

// artefacts are the kinds of objects that may be kept elsewhere.
var artefacts = []string{"events", "feeds", "rejects", "snapshots", "sources"}

func (v value) stores(ws *Workspace) {
	known := fields{}
	for _, kind := range artefacts {
		known[kind] = func(v value) { ws.Stores[kind] = v.location().Value }
	}
	v.object(known)
}

func (v value) s3(s *S3) {
	has := v.object(fields{
		"region":        func(v value) { s.Region = v.word() },
		"endpoint":      func(v value) { s.Endpoint = v.address() },
		"path_style":    func(v value) { s.PathStyle = v.truth() },
		"profile":       func(v value) { s.Profile = v.word() },
		"access_key":    func(v value) { s.AccessKey = v.word() },
		"secret_key":    func(v value) { s.SecretKey = v.secret() },
		"encryption":    func(v value) { s.Encryption = v.choice("AES256", "aws:kms", "aws:kms:dsse") },
		"kms_key":       func(v value) { s.KMSKey = v.word() },
		"storage_class": func(v value) { s.StorageClass = v.word() },
	})
	_, access := has["access_key"]
	_, secret := has["secret_key"]
	if access != secret {
		v.require(has, "access_key", "secret_key")
	}
	if _, key := has["kms_key"]; key && !strings.HasPrefix(s.Encryption, "aws:kms") {
		v.report(has["kms_key"].at("nothing uses this key").WithHint("add encryption: aws:kms"))
	}
}

func (v value) hdfs(h *HDFS) {
	v.object(fields{
		"user":     func(v value) { h.User = v.word() },
		"conf":     func(v value) { h.Conf = v.file() },
		"kerberos": func(v value) { h.Kerberos = v.kerberos() },
	})
}

func (v value) kerberos() *Kerberos {
	k := &Kerberos{}
	has := v.object(fields{
		"principal": func(v value) { k.Principal = v.word() },
		"keytab":    func(v value) { k.Keytab = v.file() },
		"realm":     func(v value) { k.Realm = v.word() },
		"conf":      func(v value) { k.Conf = v.file() },
		"service":   func(v value) { k.Service = v.word() },
	})
	v.require(has, "principal")
	return k
}
