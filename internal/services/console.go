package services

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go"
)

// The console consumer writes a record on a line, in fields that no JSON has
// between them.
const (
	consoleField  = "\x1f"
	consoleHeader = "\x1e"
)

// Console reads the first n records of a topic with Kafka's own console consumer.
// Their keys, values and headers must not have line feeds or other control
// characters, and no header's name a colon.
func (k *Kafka) Console(ctx context.Context, topic string, n int) ([]kafka.Message, error) {
	// Without what it needs: the broker has that of it that is needed to read.
	tools, err := Classpath(ctx, "org.apache.kafka:kafka-tools:4.4.0@jar")
	if err != nil {
		return nil, fmt.Errorf("read topic %s: %w", topic, err)
	}
	args := JVM(k.classpath+":"+tools, "256m", "org.apache.kafka.tools.consumer.ConsoleConsumer",
		"--bootstrap-server", k.Address, "--topic", topic, "--from-beginning", "--max-messages", strconv.Itoa(n), "--timeout-ms", "30000")
	for _, property := range []string{
		"print.partition=true", "print.offset=true", "print.headers=true", "print.key=true",
		"key.separator=" + consoleField, "headers.separator=" + consoleHeader,
	} {
		args = append(args, "--formatter-property", property)
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("read topic %s: %w\n%s", topic, err, said.Bytes())
	}
	var records []kafka.Message
	for line := range strings.Lines(string(out)) {
		m, err := consoleRecord(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, fmt.Errorf("read topic %s: %w", topic, err)
		}
		records = append(records, m)
	}
	return records, nil
}

// consoleRecord reads Partition:P, Offset:O, headers, key and value.
func consoleRecord(line string) (m kafka.Message, err error) {
	fields := strings.Split(line, consoleField)
	if len(fields) != 5 {
		return m, fmt.Errorf("the console consumer says %q", line)
	}
	if _, err := fmt.Sscanf(fields[0]+" "+fields[1], "Partition:%d Offset:%d", &m.Partition, &m.Offset); err != nil {
		return m, fmt.Errorf("the console consumer says %q: %w", line, err)
	}
	for header := range strings.SplitSeq(fields[2], consoleHeader) {
		name, value, found := strings.Cut(header, ":")
		if !found {
			continue // NO_HEADERS
		}
		m.Headers = append(m.Headers, kafka.Header{Key: name, Value: []byte(value)})
	}
	m.Key, m.Value = []byte(fields[3]), []byte(fields[4])
	return m, nil
}
