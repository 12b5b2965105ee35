package services

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/segmentio/kafka-go"
)

// A Kafka is one broker that is its own controller, with a listener for each way
// in. All of them lead to the same topics.
type Kafka struct {
	*Process
	Address  string // plain
	Fault    string // plain; clients of it are sent to Proxy for everything but the first question
	Proxy    string // where a fault proxy before Fault has to listen: nothing does yet
	SASL     string // wants User and Password, by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	TLS      string // wants TLS, then the same; its certificate is by CA
	CA       string // file
	User     string
	Password string

	classpath string
}

// StartKafka starts a broker that keeps its log below dir. Topics are made by
// MakeTopic alone.
func StartKafka(ctx context.Context, dir string) (*Kafka, error) {
	k := &Kafka{User: "feedmill", Password: rand.Text()}
	var controller string
	for _, address := range []*string{&k.Address, &k.Fault, &k.Proxy, &k.SASL, &k.TLS, &controller} {
		port, err := Port()
		if err != nil {
			return nil, err
		}
		*address = Loopback(port)
	}
	var err error
	if k.classpath, err = Classpath(ctx, "org.apache.kafka:kafka_2.13:4.4.0", "org.slf4j:slf4j-simple:1.7.36"); err != nil {
		return nil, fmt.Errorf("start Kafka: %w", err)
	}
	properties := filepath.Join(dir, "server.properties")
	if err := errors.Join(k.certify(dir), os.WriteFile(properties, k.properties(dir, controller), 0o600)); err != nil {
		return nil, fmt.Errorf("configure Kafka: %w", err)
	}
	if err := k.format(ctx, properties); err != nil {
		return nil, err
	}
	k.Process, err = Start(ctx, Command{
		Name: "Kafka", Args: JVM(k.classpath, "256m", "kafka.Kafka", properties), Dir: dir, Ready: k.ready,
	})
	return k, err
}

// properties is the broker's configuration. The short times let it come back
// three seconds after a kill rather than thirteen.
func (k *Kafka) properties(dir, controller string) []byte {
	lines := []string{
		"process.roles=broker,controller", "node.id=1", "controller.quorum.voters=1@" + controller,
		fmt.Sprintf("listeners=PLAINTEXT://%s,FAULT://%s,SASL://%s,TLS://%s,CONTROLLER://%s", k.Address, k.Fault, k.SASL, k.TLS, controller),
		fmt.Sprintf("advertised.listeners=PLAINTEXT://%s,FAULT://%s,SASL://%s,TLS://%s", k.Address, k.Proxy, k.SASL, k.TLS),
		"controller.listener.names=CONTROLLER", "inter.broker.listener.name=PLAINTEXT",
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,FAULT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SASL_SSL",
		"sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
		"ssl.keystore.type=PEM", "ssl.keystore.location=" + filepath.Join(dir, "broker.pem"),
		"log.dirs=" + filepath.Join(dir, "log"), "log.segment.bytes=16777216",
		"log.cleaner.dedupe.buffer.size=2097152", "log.cleaner.threads=1", "log.cleaner.backoff.ms=500",
		"auto.create.topics.enable=false", "group.initial.rebalance.delay.ms=0",
		"broker.heartbeat.interval.ms=300", "broker.session.timeout.ms=1500", "controller.quorum.fetch.timeout.ms=2000",
	}
	for _, topic := range []string{"offsets.topic", "transaction.state.log", "share.coordinator.state.topic"} {
		lines = append(lines, topic+".num.partitions=1", topic+".replication.factor=1", topic+".min.isr=1")
	}
	for _, listener := range []string{"sasl", "tls"} {
		prefix, security := "listener.name."+listener+".", "=org.apache.kafka.common.security."
		lines = append(lines,
			fmt.Sprintf(`%splain.sasl.jaas.config%splain.PlainLoginModule required user_%s="%s";`, prefix, security, k.User, k.Password),
			prefix+"scram-sha-256.sasl.jaas.config"+security+"scram.ScramLoginModule required;",
			prefix+"scram-sha-512.sasl.jaas.config"+security+"scram.ScramLoginModule required;")
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}

// format prepares the folder of the log, with the user.
func (k *Kafka) format(ctx context.Context, properties string) error {
	args := JVM(k.classpath, "128m", "kafka.tools.StorageTool", "format", "-t", "ZmVlZG1pbGxmZWVkbWlsbA",
		"-c", properties, "--ignore-formatted")
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, k.User, k.Password))
	}
	if said, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("format the log of Kafka: %w\n%s", err, said)
	}
	return nil
}

// ready is satisfied when the broker says that it is in the cluster: an open port
// comes earlier.
func (k *Kafka) ready(ctx context.Context) error {
	client, done := k.client()
	defer done()
	answer, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err == nil && len(answer.Brokers) == 0 {
		err = errors.New("the broker is not in its cluster yet")
	}
	return err
}

func (k *Kafka) client() (client *kafka.Client, done func()) {
	transport := &kafka.Transport{}
	return &kafka.Client{Addr: kafka.TCP(k.Address), Transport: transport}, transport.CloseIdleConnections
}

// MakeTopic makes a topic and waits until its partitions have a leader. Settings
// are those of Kafka, as NAME=VALUE.
func (k *Kafka) MakeTopic(ctx context.Context, name string, partitions int, settings ...string) error {
	client, done := k.client()
	defer done()
	topic := kafka.TopicConfig{Topic: name, NumPartitions: partitions, ReplicationFactor: 1}
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		topic.ConfigEntries = append(topic.ConfigEntries, kafka.ConfigEntry{ConfigName: key, ConfigValue: value})
	}
	answer, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{topic}})
	if err == nil {
		err = answer.Errors[name]
	}
	for err == nil && ctx.Err() == nil && !k.led(ctx, name, partitions) {
	}
	if err := errors.Join(err, ctx.Err()); err != nil {
		return fmt.Errorf("make topic %s: %w", name, err)
	}
	return nil
}

func (k *Kafka) led(ctx context.Context, name string, partitions int) bool {
	client, done := k.client() // a new one, since an old one answers from what it knew
	defer done()
	answer, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{name}})
	if err != nil || len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != partitions {
		return false
	}
	for _, p := range answer.Topics[0].Partitions {
		if p.Error != nil || p.Leader.Port == 0 {
			return false
		}
	}
	return true
}
