package services

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	hadoopVersion = "3.4.3"
	dataNodes     = 3
)

// An HDFS is a running NameNode with its DataNodes.
type HDFS struct {
	Address   string // host:port of the NameNode
	NameNode  *Process
	DataNodes []*Process
	KDC       *KDC   // nil: anybody is who they say
	web       string // host:port of what the NameNode says of itself
	tool      []string
}

// StartHDFS starts a cluster that keeps its blocks below dir.
func StartHDFS(ctx context.Context, dir string) (*HDFS, error) { return startHDFS(ctx, dir, nil) }

// StartSecureHDFS starts a cluster whose NameNode is nn/localhost and wants
// Kerberos.
func StartSecureHDFS(ctx context.Context, dir string) (*HDFS, error) {
	kdc, err := startKDC(ctx, filepath.Join(dir, "kdc"), "nn/localhost", "dn/localhost", "HTTP/localhost")
	if err != nil {
		return nil, err
	}
	h, err := startHDFS(ctx, dir, kdc)
	if err != nil {
		err = errors.Join(err, kdc.Kill())
	}
	return h, err
}

func startHDFS(ctx context.Context, dir string, kdc *KDC) (*HDFS, error) {
	classpath, err := Classpath(ctx, "org.apache.hadoop:hadoop-hdfs:"+hadoopVersion,
		"org.apache.hadoop:hadoop-common:"+hadoopVersion, "org.apache.hadoop:hadoop-hdfs-client:"+hadoopVersion)
	if err != nil {
		return nil, err
	}
	c := &hdfsCluster{dir: dir, classpath: classpath, kdc: kdc}
	h := &HDFS{KDC: kdc}
	if h.Address, err = c.address(); err != nil {
		return nil, err
	}
	if h.web, err = c.address(); err != nil {
		return nil, err
	}
	c.nameNode = h.Address
	err = c.startAll(ctx, h)
	if err != nil {
		err = errors.Join(err, h.Stop())
	}
	return h, err
}

// Stop ends all processes.
func (h *HDFS) Stop() error {
	var errs []error
	for _, p := range append(slices.Clone(h.DataNodes), h.NameNode) {
		if p != nil {
			errs = append(errs, p.Kill())
		}
	}
	if h.KDC != nil {
		errs = append(errs, h.KDC.Kill())
	}
	return errors.Join(errs...)
}

// Hadoop's own tools, for Tool.
const (
	DFSAdmin = "org.apache.hadoop.hdfs.tools.DFSAdmin" // dfsadmin
	ECAdmin  = "org.apache.hadoop.hdfs.tools.ECAdmin"  // ec
	FsShell  = "org.apache.hadoop.fs.FsShell"          // dfs
)

// Tool runs one of Hadoop's own tools, as its operators do.
func (h *HDFS) Tool(ctx context.Context, tool string, args ...string) error {
	command := append(append(slices.Clone(h.tool), tool), args...)
	if said, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", tool, strings.Join(args, " "), err, said)
	}
	return nil
}

// Log is the last of what all processes said.
func (h *HDFS) Log() string {
	var b strings.Builder
	for _, p := range append(slices.Clone(h.DataNodes), h.NameNode) {
		if p != nil {
			b.WriteString(p.Log())
		}
	}
	return b.String()
}

// WaitReady waits until the NameNode takes writes and counts so many DataNodes.
func (h *HDFS) WaitReady(ctx context.Context, nodes int) error {
	return h.NameNode.waitFor(ctx, func(ctx context.Context) error { return h.operational(ctx, nodes) })
}

// operational asks the NameNode for its own view.
func (h *HDFS) operational(ctx context.Context, nodes int) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+h.web+"/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct {
		Beans []struct {
			FSState          string
			NumLiveDataNodes int
		} `json:"beans"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if len(answer.Beans) != 1 || answer.Beans[0].FSState != "Operational" || answer.Beans[0].NumLiveDataNodes != nodes {
		return fmt.Errorf("the NameNode says %+v", answer.Beans)
	}
	return nil
}

// An hdfsCluster is a cluster that is being started.
type hdfsCluster struct {
	dir, classpath string
	nameNode       string // host:port
	kdc            *KDC   // may be nil
}

func (c *hdfsCluster) address() (string, error) {
	port, err := Port()
	return Loopback(port), err
}

func (c *hdfsCluster) startAll(ctx context.Context, h *HDFS) error {
	conf, err := c.configure("namenode", map[string]string{
		"dfs.namenode.rpc-address": h.Address, "dfs.namenode.http-address": h.web,
		"dfs.namenode.name.dir":                                "file://" + filepath.Join(c.dir, "name"),
		"dfs.namenode.datanode.registration.ip-hostname-check": "false",
		"dfs.namenode.safemode.extension":                      "0",
		"dfs.namenode.heartbeat.recheck-interval":              "1000",
		"dfs.namenode.stale.datanode.interval":                 "3000",
		"dfs.namenode.avoid.read.stale.datanode":               "true",
		"dfs.namenode.avoid.write.stale.datanode":              "true",
		"dfs.namenode.fs-limits.min-block-size":                "1048576",
	})
	if err != nil {
		return err
	}
	h.tool = c.java(conf, "64m")
	const nameNode = "org.apache.hadoop.hdfs.server.namenode.NameNode"
	format := c.java(conf, "256m", nameNode, "-format", "-force", "-nonInteractive")
	if said, err := exec.CommandContext(ctx, format[0], format[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("format the NameNode: %w\n%s", err, said)
	}
	h.NameNode, err = Start(ctx, Command{Name: "NameNode", Args: c.java(conf, "256m", nameNode), Dir: c.dir, Ready: answers("http://" + h.web + "/jmx")})
	if err != nil {
		return err
	}
	for i := range dataNodes {
		p, err := c.startDataNode(ctx, i)
		if err != nil {
			return err
		}
		h.DataNodes = append(h.DataNodes, p)
	}
	return h.waitStarted(ctx)
}

// waitStarted waits until all DataNodes are there. One that ends before is an
// error at once, where the NameNode alone would be asked until the context ends.
func (h *HDFS) waitStarted(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, p := range h.DataNodes {
		go func() {
			select {
			case <-p.ended:
				cancel(fmt.Errorf("%s ended: %s", p.command.Name, p.cmd.ProcessState))
			case <-ctx.Done():
			}
		}()
	}
	if err := h.WaitReady(ctx, len(h.DataNodes)); err != nil {
		return fmt.Errorf("start HDFS: %w\n%s", err, h.Log())
	}
	return nil
}

func (c *hdfsCluster) startDataNode(ctx context.Context, i int) (*Process, error) {
	name := "datanode" + strconv.Itoa(i)
	settings := map[string]string{
		"dfs.datanode.hostname": "127.0.0.1", "dfs.datanode.directoryscan.interval": "-1",
		"dfs.datanode.data.dir": "file://" + filepath.Join(c.dir, name+"-data"),
	}
	for _, key := range []string{"dfs.datanode.address", "dfs.datanode.http.address", "dfs.datanode.ipc.address"} {
		address, err := c.address()
		if err != nil {
			return nil, err
		}
		settings[key] = address
	}
	conf, err := c.configure(name, settings)
	if err != nil {
		return nil, err
	}
	return Start(ctx, Command{
		Name: name, Args: c.java(conf, "192m", "org.apache.hadoop.hdfs.server.datanode.DataNode"), Dir: c.dir,
		Ready: func(context.Context) error { return nil }, // the NameNode says when it is there
	})
}

// java is a Hadoop process with its configuration folder first on the classpath.
func (c *hdfsCluster) java(conf, heap string, args ...string) []string {
	options := []string{"-Djdk.net.hosts.file=" + filepath.Join(conf, "hosts")}
	if c.kdc != nil {
		options = append(options, "-Djava.security.krb5.conf="+c.kdc.Conf)
	}
	return JVM(conf+string(filepath.ListSeparator)+c.classpath, heap, append(options, args...)...)
}

type hadoopProperty struct {
	Name  string `xml:"name"`
	Value string `xml:"value"`
}

// configure writes the configuration folder of a process. The jars have no web
// pages, and a NameNode dies where the machine's name does not resolve.
func (c *hdfsCluster) configure(name string, settings map[string]string) (string, error) {
	conf := filepath.Join(c.dir, name+"-conf")
	for _, pages := range []string{"hdfs", "datanode"} {
		if err := os.MkdirAll(filepath.Join(conf, "webapps", pages), 0o777); err != nil {
			return "", err
		}
	}
	settings["dfs.heartbeat.interval"], settings["dfs.blocksize"], settings["ipc.client.connect.retry.interval"] = "1", "16777216", "200"
	core := map[string]string{"fs.defaultFS": "hdfs://" + c.nameNode}
	if c.kdc != nil {
		maps.Copy(settings, c.kdc.settings())
		core["hadoop.security.authentication"] = "kerberos"
	}
	host, err := os.Hostname()
	if err != nil {
		return "", err
	}
	files := map[string][]byte{
		"hosts":            []byte("127.0.0.1 localhost " + host + "\n"),
		"log4j.properties": []byte("log4j.rootLogger=ERROR,out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\nlog4j.appender.out.layout=org.apache.log4j.PatternLayout\nlog4j.appender.out.layout.ConversionPattern=%d %p %c: %m%n\n"),
		"core-site.xml":    hadoopXML(core),
		"hdfs-site.xml":    hadoopXML(settings),
	}
	for file, data := range files {
		if err := os.WriteFile(filepath.Join(conf, file), data, 0o666); err != nil {
			return "", err
		}
	}
	return conf, nil
}

func hadoopXML(settings map[string]string) []byte {
	doc := struct {
		XMLName    xml.Name         `xml:"configuration"`
		Properties []hadoopProperty `xml:"property"`
	}{}
	for name, value := range settings {
		doc.Properties = append(doc.Properties, hadoopProperty{name, value})
	}
	out, err := xml.Marshal(doc)
	if err != nil {
		panic(err) // texts alone
	}
	return out
}
