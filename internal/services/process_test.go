package services

import (
	"bufio"
	"context"
	"encoding/xml"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shell is a process that runs until it is ended, ready when it has made the file.
func shell(dir, script string) Command {
	file := filepath.Join(dir, "ready")
	return Command{
		Name: "shell", Args: []string{"sh", "-c", script}, Env: []string{"READY=" + file}, Dir: dir,
		Ready: func(context.Context) error { _, err := os.Stat(file); return err },
	}
}

const sleeper = `echo "begun in $PWD"; : >"$READY"; exec sleep 1000`

func start(t *testing.T, command Command) *Process {
	p, err := Start(t.Context(), command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill() })
	return p
}

func TestProcess(t *testing.T) {
	dir := t.TempDir()
	p := start(t, shell(dir, sleeper))
	first := p.cmd.Process.Pid
	if err := errors.Join(p.Kill(), p.Kill(), os.Remove(filepath.Join(dir, "ready")), p.Restart(t.Context())); err != nil {
		t.Fatal(err)
	}
	if second := p.cmd.Process.Pid; second == first || alive(first) || !alive(second) {
		t.Errorf("killed %d: alive %v; restarted %d: alive %v", first, alive(first), second, alive(second))
	}
	if err := errors.Join(p.Stop(), p.Stop()); err != nil {
		t.Error(err)
	}
	if alive(p.cmd.Process.Pid) {
		t.Error("it runs on after Stop")
	}
	if diff := cmp.Diff(strings.Repeat("begun in "+dir+"\n", 2), p.Log()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestLimitFiles(t *testing.T) {
	dir := t.TempDir()
	p := start(t, shell(dir, `trap '' XFSZ; : >"$READY"; while sleep 0.01; do head -c 5000 /dev/zero >x && mv x written; done`))
	written := filepath.Join(dir, "written")
	wait := func(what string, reached func() bool) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); !reached(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: %s", what, p.Log())
			}
		}
	}
	exists := func() bool { _, err := os.Stat(written); return err == nil }
	wait("it writes nothing", exists)
	if err := p.LimitFiles(4096); err != nil {
		t.Fatal(err)
	}
	wait("nothing fails", func() bool { return strings.Contains(p.Log(), "too large") })
	if err := errors.Join(p.LimitFiles(0), os.Remove(written)); err != nil {
		t.Fatal(err)
	}
	wait("it writes nothing again", exists)
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestProcessThatNeverAnswers(t *testing.T) {
	_, err := Start(t.Context(), shell(t.TempDir(), "echo no luck; exit 3"))
	if err == nil || !strings.Contains(err.Error(), "no luck") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("a process that ends: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = Start(ctx, shell(t.TempDir(), "exec sleep 1000"))
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a process that is never ready: %v", err)
	}
	if _, err := Start(t.Context(), Command{Name: "x", Args: []string{"/no/such/program"}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing program: %v", err)
	}
}

// TestProcessDiesWithUs kills a test process that has started another.
func TestProcessDiesWithUs(t *testing.T) {
	if dir := os.Getenv("FEEDMILL_PARENT"); dir != "" {
		p := start(t, shell(dir, sleeper))
		os.Stdout.WriteString("pid " + strconv.Itoa(p.cmd.Process.Pid) + "\n")
		select {}
	}
	parent := exec.Command(os.Args[0], "-test.run=^TestProcessDiesWithUs$")
	parent.Env = append(os.Environ(), "FEEDMILL_PARENT="+t.TempDir())
	stdout, err := parent.StdoutPipe()
	if err := errors.Join(err, parent.Start()); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	pid, _ := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "pid ")))
	if pid == 0 || !alive(pid) {
		t.Errorf("the parent said %q (%v)", line, err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	for deadline := time.Now().Add(10 * time.Second); alive(pid) && !zombie(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d runs on", pid)
		}
	}
}

// zombie reports a process that is dead but not yet waited for by its new parent.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// TestPortIsKept takes a port as this process's other calls and other processes would.
func TestPortIsKept(t *testing.T) {
	port, err := Port()
	if err != nil || port < firstPort || port >= lastPort {
		t.Fatalf("Port() = %d, %v", port, err)
	}
	dir, err := cacheFolder("ports")
	if err != nil {
		t.Fatal(err)
	}
	if err := take(dir, port); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("a port that was given is given again: %v", err)
	}
	listener, err := net.Listen("tcp", Loopback(port))
	if err != nil {
		t.Fatalf("nobody can listen on the port: %v", err)
	}
	defer listener.Close()
	if err := take(t.TempDir(), port); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a port on which somebody listens is given: %v", err)
	}
}

// TestDataNodeThatEnds starts a cluster whose NameNode would wait for ever.
func TestDataNodeThatEnds(t *testing.T) {
	node := start(t, shell(t.TempDir(), sleeper))
	ending := start(t, shell(t.TempDir(), `: >"$READY"; sleep 0.2; echo the port is taken; exit 3`))
	port, err := Port()
	if err != nil {
		t.Fatal(err)
	}
	h := &HDFS{NameNode: node, DataNodes: []*Process{node, ending}, web: Loopback(port)}
	err = h.waitStarted(t.Context())
	if err == nil || !strings.Contains(err.Error(), "shell ended: exit status 3") || !strings.Contains(err.Error(), "the port is taken") {
		t.Errorf("a DataNode that ends: %v", err)
	}
}

func TestPom(t *testing.T) {
	data, err := newPom([]string{"org.slf4j:slf4j-api:1.7.36"})
	if err != nil {
		t.Fatal(err)
	}
	var got pom
	if err := xml.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]artifact{{GroupID: "org.slf4j", ArtifactID: "slf4j-api", Version: "1.7.36"}}, got.Dependencies); diff != "" {
		t.Errorf("dependencies (-want +got):\n%s", diff)
	}
	if _, err := newPom([]string{"org.slf4j"}); err == nil {
		t.Error("half an artifact was taken")
	}
}

func TestClasspathRuns(t *testing.T) {
	classpath, err := Classpath(t.Context(), "org.slf4j:slf4j-simple:1.7.36")
	if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if jars := filepath.SplitList(classpath); len(jars) != 2 || !present(classpath) {
		t.Errorf("classpath %q", classpath)
	}
	args := JVM(classpath, "64m", "-version")
	if said, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
}
