package manifest

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// DefaultOwner names this process: host:pid.
func DefaultOwner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s:%d", host, os.Getpid())
}

// A process identifies one for good, not only while it lives and within its
// container. It is zero where the system does not tell.
type process struct {
	Boot      string `json:"boot"`      // the kernel's random id since it started
	Namespace string `json:"namespace"` // of process ids
	PID       int    `json:"pid"`
	Start     string `json:"start"` // in ticks since the boot
}

func thisProcess() process {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return process{}
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return process{}
	}
	_, start, err := processStat(os.Getpid())
	if err != nil {
		return process{}
	}
	return process{strings.TrimSpace(string(boot)), namespace, os.Getpid(), start}
}

// processStat reads a process's state and start, as in proc_pid_stat(5).
func processStat(pid int) (state, start string, err error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", "", err
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	if len(fields) < 20 {
		return "", "", fmt.Errorf("/proc/%d/stat: %d fields", pid, len(fields))
	}
	return fields[0], fields[19], nil
}

// gone reports whether the process is known to have ended. Of processes of other
// hosts and containers nothing is known.
func (p process) gone() bool {
	me := thisProcess()
	if p.Boot == "" || p.Boot != me.Boot || p.Namespace != me.Namespace {
		return false
	}
	found, err := os.FindProcess(p.PID)
	if err != nil {
		return false
	}
	if errors.Is(found.Signal(syscall.Signal(0)), os.ErrProcessDone) {
		return true
	}
	state, start, err := processStat(p.PID)
	if err != nil {
		return false // not ours to see
	}
	return start != p.Start || state == "Z" || state == "X"
}
