package manifest

import (
	"os"
	"os/exec"
	"testing"
)

// ended returns the id of a process that ended and was waited for.
func ended(t *testing.T) int {
	t.Helper()
	command := exec.Command("true")
	if err := command.Run(); err != nil {
		t.Fatal(err)
	}
	return command.Process.Pid
}

func TestGone(t *testing.T) {
	me := thisProcess()
	if me.Boot == "" || me.Namespace == "" || me.PID != os.Getpid() || me.Start == "" {
		t.Fatalf("this process is %+v", me)
	}
	pid := ended(t)
	for name, c := range map[string]struct {
		change func(p *process)
		want   bool
	}{
		"itself":            {func(*process) {}, false},
		"ended":             {func(p *process) { p.PID = pid }, true},
		"its id used again": {func(p *process) { p.Start += "0" }, true},
		"before a boot":     {func(p *process) { p.PID, p.Boot = pid, "x" }, false},
		"another container": {func(p *process) { p.PID, p.Namespace = pid, "pid:[1]" }, false},
		"unknown":           {func(p *process) { *p = process{PID: pid} }, false},
	} {
		p := me
		c.change(&p)
		if got := p.gone(); got != c.want {
			t.Errorf("%s: gone is %v, want %v", name, got, c.want)
		}
	}
}

// A process that ended, but whose parent has not asked yet, is gone.
func TestZombieIsGone(t *testing.T) {
	command := exec.Command("cat")
	in, err := command.StdinPipe()
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
	p := thisProcess()
	p.PID = command.Process.Pid
	_, p.Start, err = processStat(p.PID)
	if err != nil {
		t.Fatal(err)
	}
	if p.gone() {
		t.Error("gone while it runs")
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	_, _ = out.Read(make([]byte, 1)) // its end closes the pipe, just before
	for state := ""; state != "Z"; {
		if state, _, err = processStat(p.PID); err != nil {
			t.Fatal(err)
		}
	}
	if !p.gone() {
		t.Error("not gone though it ended")
	}
	_ = command.Wait()
}
