package services

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A KDC is a Kerberos server with one realm.
type KDC struct {
	*Process
	Realm     string
	Conf      string // the krb5.conf of its clients
	Keytab    string // with the keys of all principals
	Principal string // of a user

	classpath string
}

const kdcProperties = `org.name=FEEDMILL
org.domain=TEST
kdc.bind.address=127.0.0.1
kdc.port=0
transport=TCP
instance=DefaultKrbServer
max.ticket.lifetime=86400000
max.renewable.lifetime=604800000
debug=false
`

// startKDC starts a server below dir that knows a user and some services.
func startKDC(ctx context.Context, dir string, services ...string) (*KDC, error) {
	k := &KDC{Realm: "FEEDMILL.TEST", Conf: filepath.Join(dir, "krb5.conf"), Keytab: filepath.Join(dir, "all.keytab"), Principal: "feedmill"}
	var err error
	if k.classpath, err = Classpath(ctx, "org.apache.hadoop:hadoop-minikdc:"+hadoopVersion); err != nil {
		return nil, err
	}
	properties := filepath.Join(dir, "kdc.properties")
	if err := errors.Join(os.MkdirAll(dir, 0o777), os.WriteFile(properties, []byte(kdcProperties), 0o666)); err != nil {
		return nil, err
	}
	args := JVM(k.classpath, "128m", append([]string{"org.apache.hadoop.minikdc.MiniKdc", dir, properties, k.Keytab, k.Principal}, services...)...)
	command := Command{Name: "KDC", Args: args, Dir: dir}
	command.Ready = func(context.Context) error { // its keytab is there before it is written
		if k.Process == nil || !strings.Contains(k.Log(), "MiniKdc Running") {
			return errors.New("it does not say that it runs")
		}
		return nil
	}
	k.Process = &Process{command: command}
	return k, k.start(ctx)
}

// Credentials writes a credentials cache of the user, with MIT's kinit; without one
// it is ErrMissing.
func (k *KDC) Credentials(ctx context.Context, file string) error {
	if _, err := exec.LookPath("kinit"); err != nil {
		return fmt.Errorf("%w: %w", ErrMissing, err)
	}
	kinit := exec.CommandContext(ctx, "kinit", "-k", "-t", k.Keytab, "-c", file, k.Principal+"@"+k.Realm)
	kinit.Env = append(os.Environ(), "KRB5_CONFIG="+k.Conf)
	if said, err := kinit.CombinedOutput(); err != nil {
		return fmt.Errorf("get the credentials of %s: %w\n%s", k.Principal, err, said)
	}
	return nil
}

// settings are what Hadoop's processes have to know of Kerberos. Data goes without
// protection, over ports that anybody may listen on, and whoever has a ticket may do
// everything: that is for tests alone.
func (k *KDC) settings() map[string]string {
	out := map[string]string{
		"dfs.block.access.token.enable": "true", "ignore.secure.ports.for.testing": "true", "dfs.permissions.enabled": "false",
		"dfs.web.authentication.kerberos.principal": "HTTP/localhost@" + k.Realm, "dfs.web.authentication.kerberos.keytab": k.Keytab,
	}
	for process, service := range map[string]string{"namenode": "nn", "datanode": "dn"} {
		out["dfs."+process+".kerberos.principal"] = service + "/localhost@" + k.Realm
		out["dfs."+process+".keytab.file"] = k.Keytab
	}
	return out
}
