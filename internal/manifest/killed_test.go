package manifest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage/local"
)

const heldDirectory = "FEEDMILL_TEST_HELD_DIRECTORY"

// TestMain lets the test program be a process that holds a lease until it is
// killed or its input ends.
func TestMain(m *testing.M) {
	if dir := os.Getenv(heldDirectory); dir != "" {
		hold(dir)
		return
	}
	os.Exit(m.Run())
}

func hold(dir string) {
	if _, err := manifest.Acquire(context.Background(), local.New(dir), "aggregate", manifest.LeaseOptions{}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func TestTheLeaseOfAKilledProcessIsFreeAtOnce(t *testing.T) {
	dir := t.TempDir()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), heldDirectory+"="+dir)
	_, err := command.StdinPipe() // ends with this process
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer command.Process.Kill()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	store := local.New(dir)
	wantBusy(t, store, manifest.LeaseOptions{})
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	_ = command.Wait()
	lease := acquire(t, store, manifest.LeaseOptions{})
	if err := lease.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
