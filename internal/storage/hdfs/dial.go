package hdfs

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/colinmarc/hdfs/v2"
	"github.com/colinmarc/hdfs/v2/hadoopconf"
	krb "github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/keytab"
)

// Kerberos is who we are to a cluster.
type Kerberos struct {
	Principal string // needs Keytab; "": the credentials cache of KRB5CCNAME
	Keytab    string
	Realm     string
	Conf      string // "": /etc/krb5.conf
	Service   string // the NameNode's service principal; "": as the configuration says, or nn/_HOST
}

const defaultPort = "8020"

// Dial returns a client of the cluster of NameNodes that a URL names, host:port
// with commas between several, or by a name of the configuration. It connects when
// it is first used.
func Dial(authority string, s Settings) (*Client, error) {
	conf, err := s.configuration()
	if err != nil {
		return nil, err
	}
	options := hdfs.ClientOptionsFromConf(conf)
	if authority != "" {
		options.Addresses = addresses(conf, authority)
	}
	if len(options.Addresses) == 0 {
		return nil, errors.New("no NameNode: hdfs://HOST:8020/PATH, or fs.defaultFS in the folder of `hdfs.conf`")
	}
	dial := dialer(cmp.Or(s.Stall, stall))
	options.NamenodeDialFunc, options.DatanodeDialFunc = dial, dial
	if options.KerberosClient != nil || s.Kerberos != nil {
		if err := s.kerberos(&options); err != nil {
			return nil, err
		}
		return &Client{options: options}, nil
	}
	if options.User, err = s.user(); err != nil {
		return nil, err
	}
	return &Client{options: options}, nil
}

func (s Settings) configuration() (hadoopconf.HadoopConf, error) {
	load := func() (hadoopconf.HadoopConf, error) { return hadoopconf.Load(s.Conf) }
	if s.Conf == "" {
		load = hadoopconf.LoadFromEnvironment
	}
	conf, err := load()
	if err != nil {
		return nil, fmt.Errorf("read the configuration of Hadoop: %w", err)
	}
	if conf == nil {
		conf = hadoopconf.HadoopConf{}
	}
	return conf, nil
}

// addresses are the NameNodes of an authority: a name service of the
// configuration, or hosts, whose port is 8020 unless they say.
func addresses(conf hadoopconf.HadoopConf, authority string) []string {
	if nodes := conf["dfs.ha.namenodes."+authority]; nodes != "" {
		var out []string
		for _, node := range strings.Split(nodes, ",") {
			out = append(out, conf["dfs.namenode.rpc-address."+authority+"."+strings.TrimSpace(node)])
		}
		return out
	}
	var out []string
	for _, host := range strings.Split(authority, ",") {
		if _, _, err := net.SplitHostPort(host); err != nil {
			host = net.JoinHostPort(host, defaultPort)
		}
		out = append(out, host)
	}
	return out
}

// kerberos puts who we are into the options.
func (s Settings) kerberos(options *hdfs.ClientOptions) error {
	k := s.Kerberos
	if k == nil {
		k = &Kerberos{}
	}
	file := k.Conf
	if file == "" {
		file = "/etc/krb5.conf"
	}
	conf, err := config.Load(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if options.KerberosClient, err = k.client(conf); err != nil {
		return err
	}
	if k.Service != "" {
		options.KerberosServicePrincipleName = k.Service
	}
	if options.KerberosServicePrincipleName == "" {
		options.KerberosServicePrincipleName = "nn/_HOST"
	}
	return nil
}

func (k *Kerberos) client(conf *config.Config) (*krb.Client, error) {
	if k.Keytab == "" {
		cache := strings.TrimPrefix(os.Getenv("KRB5CCNAME"), "FILE:")
		if cache == "" {
			cache = fmt.Sprintf("/tmp/krb5cc_%d", os.Getuid())
		}
		found, err := credentials.LoadCCache(cache)
		if err != nil {
			return nil, fmt.Errorf("read the credentials cache %s: %w", cache, err)
		}
		return krb.NewFromCCache(found, conf)
	}
	keys, err := keytab.Load(k.Keytab)
	if err != nil {
		return nil, fmt.Errorf("read the keytab %s: %w", k.Keytab, err)
	}
	realm := k.Realm
	if realm == "" {
		realm = conf.LibDefaults.DefaultRealm
	}
	return krb.NewWithKeytab(k.Principal, realm, keys, conf), nil
}
