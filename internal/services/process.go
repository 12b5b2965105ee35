package services

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// A Command says how a process is started and how it is known to answer.
type Command struct {
	Name  string   // for messages
	Args  []string // the program first
	Env   []string // NAME=VALUE beside our own environment
	Dir   string   // where it runs
	Ready func(context.Context) error
}

// A Process is a running Command. Its methods are for one goroutine at a time,
// Log for any.
type Process struct {
	command Command
	log     tail
	cmd     *exec.Cmd
	ended   chan struct{} // closed when the process is gone
}

// Start starts a process and waits until it is ready, at most until the context
// ends. A process that ends before is an error with its log.
func Start(ctx context.Context, command Command) (*Process, error) {
	p := &Process{command: command}
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Process) start(ctx context.Context) error {
	p.cmd = exec.Command(p.command.Args[0], p.command.Args[1:]...)
	p.cmd.Env = append(os.Environ(), p.command.Env...)
	p.cmd.Dir = p.command.Dir
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.ended = make(chan struct{})
	if err := spawn(p.cmd, p.ended); err != nil {
		return fmt.Errorf("start %s: %w", p.command.Name, err)
	}
	if err := p.wait(ctx); err != nil {
		return errors.Join(fmt.Errorf("start %s: %w\n%s", p.command.Name, err, p.Log()), p.Kill())
	}
	return nil
}

// spawn starts a process and waits for it on one thread that nothing else uses:
// the kernel kills the process when the thread that started it ends, not when
// our process does.
func spawn(cmd *exec.Cmd, ended chan struct{}) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is of no interest: it was told to
			close(ended)
		}
	}()
	return <-started
}

func (p *Process) wait(ctx context.Context) error { return p.waitFor(ctx, p.command.Ready) }

// waitFor waits until ready returns nil, unless the process ends before.
func (p *Process) waitFor(ctx context.Context, ready func(context.Context) error) error {
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("it ended: %s", p.cmd.ProcessState)
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Kill ends the process as a power cut would (SIGKILL) and waits until it is
// gone. It may be gone already.
func (p *Process) Kill() error { return p.end(syscall.SIGKILL) }

// Restart starts the same command again, on the same ports, after a Kill or
// Stop.
func (p *Process) Restart(ctx context.Context) error {
	if err := p.Kill(); err != nil {
		return err
	}
	return p.start(ctx)
}

// Stop asks the process to end and kills it if it has not after some seconds.
func (p *Process) Stop() error {
	if err := p.end(syscall.SIGTERM); err == nil {
		return nil
	}
	return p.Kill()
}

// Freeze stops the process where it is: it holds its connections and answers
// nothing, until Thaw.
func (p *Process) Freeze() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw lets a frozen process go on.
func (p *Process) Thaw() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// LimitFiles makes every write fail that would make a file longer than so many
// bytes, as a full disk does; 0 ends it.
func (p *Process) LimitFiles(bytes int64) error {
	limit := "unlimited"
	if bytes > 0 {
		limit = strconv.FormatInt(bytes, 10)
	}
	said, err := exec.Command("prlimit", "--pid", strconv.Itoa(p.cmd.Process.Pid), "--fsize="+limit+":").CombinedOutput()
	if err != nil {
		return fmt.Errorf("limit the files of %s: %w: %s", p.command.Name, err, said)
	}
	return nil
}

// Log returns the last of what the process wrote, over all its starts.
func (p *Process) Log() string { return p.log.String() }

func (p *Process) end(signal syscall.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end %s: %w", p.command.Name, err)
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(5 * time.Second):
		return fmt.Errorf("end %s: it runs on after %s", p.command.Name, signal)
	}
}

// tailSize bounds what is kept of a log.
const tailSize = 64 << 10

// A tail keeps the last of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - tailSize; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
