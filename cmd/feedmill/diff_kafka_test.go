package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/feedmill/feedmill/internal/diff"
	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/services"
)

const (
	kafkaTopic      = "offers"
	kafkaPartitions = 4
	kafkaOffers     = 200_000
)

// A sender is a workspace whose events go to a real broker.
type sender struct {
	t      *testing.T
	binary string
	dir    string
	broker *services.Kafka
	prices map[string]int // of the offers there are now
	day    int
}

func newSender(t *testing.T) *sender {
	t.Helper()
	binary, err := exec.LookPath("feedmill") // this test program, see TestMain
	if err != nil {
		t.Fatal(err)
	}
	s := &sender{t: t, binary: binary, dir: t.TempDir(), broker: services.Run(t, services.StartKafka), prices: map[string]int{}}
	if err := s.broker.MakeTopic(t.Context(), kafkaTopic, kafkaPartitions); err != nil {
		t.Fatal(err)
	}
	s.write("feedmill.yaml", fmt.Sprintf(`warehouse: ./warehouse
partitions: 8
guard: {floor: 0}
sources:
  offers: {path: "data/offers_{version}.jsonl", format: jsonl, key: row.id, columns: {price: int}}
offer: {from: offers}
kafka: {brokers: [%q], topic: %s}
`, s.broker.Address, kafkaTopic))
	s.write("feeds/events.yaml", "events: partner\ndestinations: [p]\ncatalog: c\nwhere: \"true\"\nfields: {price: offer.price}\nguard: {first_run: pass, updated: 100%}\n")
	return s
}

func (s *sender) write(name, text string) {
	s.t.Helper()
	file := filepath.Join(s.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		s.t.Fatal(err)
	}
}

// deliver delivers the offers and aggregates them.
func (s *sender) deliver() {
	s.t.Helper()
	var b strings.Builder
	for id, price := range s.prices {
		fmt.Fprintf(&b, "{\"id\": %q, \"price\": %d}\n", id, price)
	}
	s.day++
	s.write(fmt.Sprintf("data/offers_%d.jsonl", s.day), b.String())
	if said, err := s.command("aggregate", "--quiet").CombinedOutput(); err != nil {
		s.t.Fatalf("aggregate: %v\n%s", err, said)
	}
}

func (s *sender) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.binary, args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// diff runs the stage to its end.
func (s *sender) diff() *diff.Report {
	s.t.Helper()
	cmd := s.command("diff", "--json", "--quiet")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("diff: %v\n%s%s", err, out, said.String())
	}
	report := &diff.Report{}
	if err := json.Unmarshal(out, report); err != nil {
		s.t.Fatal(err)
	}
	return report
}

// whileSending starts diff, and calls do once it sends, some moments later.
func (s *sender) whileSending(moments time.Duration, do func(cmd *exec.Cmd)) error {
	s.t.Helper()
	cmd := s.command("diff")
	said, err := cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	done := false
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if !done && strings.Contains(lines.Text(), "phase send") {
			time.Sleep(moments) // into the sending
			do(cmd)
			done = true
		}
	}
	return cmd.Wait()
}

// stored returns how many records the topic has.
func (s *sender) stored() (n int64) {
	s.t.Helper()
	for partition := range kafkaPartitions {
		n += s.end(partition)
	}
	return n
}

// end returns how many records a partition of the topic has.
func (s *sender) end(partition int) int64 {
	s.t.Helper()
	leader, err := kafka.DialLeader(s.t.Context(), "tcp", s.broker.Address, kafkaTopic, partition)
	if err != nil {
		s.t.Fatal(err)
	}
	_, end, err := leader.ReadOffsets()
	if err := errors.Join(err, leader.Close()); err != nil {
		s.t.Fatal(err)
	}
	return end
}

// records reads the whole topic with a client that is not ours.
func (s *sender) records() []kafka.Message {
	s.t.Helper()
	var out []kafka.Message
	for partition := range kafkaPartitions {
		end := s.end(partition)
		reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{s.broker.Address}, Topic: kafkaTopic, Partition: partition, MaxWait: 100 * time.Millisecond})
		ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
		for n := int64(0); n < end; n++ {
			m, err := reader.ReadMessage(ctx)
			if err != nil {
				s.t.Fatal(err)
			}
			out = append(out, m)
		}
		cancel()
		if err := reader.Close(); err != nil {
			s.t.Fatal(err)
		}
	}
	return out
}

// checkConsole requires that Kafka's own console consumer reads the same.
func (s *sender) checkConsole(records []kafka.Message) {
	s.t.Helper()
	read, err := s.broker.Console(s.t.Context(), kafkaTopic, len(records))
	if err != nil {
		s.t.Fatal(err)
	}
	if len(read) != len(records) {
		s.t.Fatalf("the console consumer reads %d of %d records", len(read), len(records))
	}
	slices.SortStableFunc(read, func(a, b kafka.Message) int { return cmp.Compare(a.Partition, b.Partition) })
	for i, r := range records {
		want := kafka.Message{Partition: r.Partition, Offset: r.Offset, Headers: r.Headers, Key: r.Key, Value: r.Value}
		if !reflect.DeepEqual(want, read[i]) {
			s.t.Fatalf("record %d of partition %d (-kafka-go +console):\n%s", r.Offset, r.Partition, gocmp.Diff(want, read[i]))
		}
	}
}

// check requires that the topic tells of the offers that there are: of each its
// greatest version is its price; versions grow, and repeats are repeats to the byte.
func (s *sender) check(records []kafka.Message) {
	s.t.Helper()
	known, versions, seen := map[string]int{}, map[string]int64{}, map[string]string{}
	for _, r := range records {
		headers := map[string]string{}
		for _, h := range r.Headers {
			headers[h.Key] = string(h.Value)
		}
		var data event.Data
		var fields struct{ Price int }
		if err := errors.Join(json.Unmarshal(r.Value, &data), json.Unmarshal(data.Fields, &fields)); err != nil {
			s.t.Fatal(err)
		}
		id, key := headers["ce_id"], string(r.Key)
		if before, repeated := seen[id]; repeated && before != string(r.Value) {
			s.t.Fatalf("event %s is %s and %s", id, before, r.Value)
		} else if !repeated && data.Version <= versions[key] {
			s.t.Fatalf("offer %s: version %d comes after %d", key, data.Version, versions[key])
		}
		seen[id] = string(r.Value)
		if data.Version < versions[key] {
			continue // a repeat of what is known to have changed since
		}
		versions[key], known[key] = data.Version, fields.Price
		if headers["ce_type"] == "offer.removed" {
			delete(known, key)
		}
	}
	if !maps.Equal(known, s.prices) {
		s.t.Fatalf("the topic knows %d offers, there are %d: %s", len(known), len(s.prices), firstDifference(s.prices, known))
	}
}

func firstDifference(want, got map[string]int) string {
	for id, price := range want {
		if got[id] != price {
			return fmt.Sprintf("%s is %d, want %d", id, got[id], price)
		}
	}
	return "there are offers that should be gone"
}

// Runs that are killed while they send, and a broker that is, lose nothing: the
// next run sends what is left, and the day after only the difference.
func TestDiffSendsToKafka(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a broker and runs that send to it: not with -short")
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s := newSender(t)
	for i := range kafkaOffers {
		s.prices[fmt.Sprintf("offer-%d", i)] = i
	}
	s.deliver()
	t.Log("delivered")
	partial := 0
	for kill := 0; kill < 12 && partial < 2; kill++ {
		before := s.stored()
		err := s.whileSending(0, func(cmd *exec.Cmd) {
			for end := time.Now().Add(time.Minute); s.stored() == before && time.Now().Before(end); {
				time.Sleep(time.Millisecond) // until the first records are there
			}
			time.Sleep(time.Duration(random.IntN(40)) * time.Millisecond)
			_ = cmd.Process.Kill()
		})
		n := len(s.records())
		t.Logf("killed with %d records in the topic: %v", n, err)
		if 0 < n && n < kafkaOffers {
			partial++
		}
		if err == nil {
			break // it was done before
		}
	}
	if partial == 0 {
		t.Error("no kill left a part of the events sent")
	}
	if err := s.whileSending(50*time.Millisecond, func(*exec.Cmd) {
		if err := errors.Join(s.broker.Kill(), s.broker.Restart(t.Context())); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Logf("with the broker killed: %v", err)
	}
	t.Log("the broker is back")
	s.diff()
	t.Log("all is sent")
	records := s.records()
	t.Logf("%d records of %d events", len(records), kafkaOffers)
	s.check(records)

	for i := range kafkaOffers / 10 {
		s.prices[fmt.Sprintf("offer-%d", i)]++
		delete(s.prices, fmt.Sprintf("offer-%d", kafkaOffers-1-i/100))
		s.prices[fmt.Sprintf("new-%d", i/50)] = i / 50
	}
	s.deliver()
	second := s.diff()
	t.Log("the next day is sent")
	f := second.Events["partner"]
	want := [3]int64{kafkaOffers / 500, kafkaOffers / 10, kafkaOffers / 1000}
	if got := [3]int64{f.Added, f.Updated, f.Removed}; got != want || second.Sent != want[0]+want[1]+want[2] {
		t.Errorf("the next day: %v, %d sent, want %v", got, second.Sent, want)
	}
	after := s.records()
	if diff := gocmp.Diff(int(second.Sent), len(after)-len(records)); diff != "" {
		t.Errorf("records of the next day: %s", diff)
	}
	s.check(after)
	s.checkConsole(after)
	if third := s.diff(); third.Sent != 0 || third.Status != "unchanged" {
		t.Errorf("and then: %+v", third)
	}
}
