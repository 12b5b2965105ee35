package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progressEvery is how often a meter that is not on a terminal writes a line.
const progressEvery = 10 * time.Second

// A meter shows on stderr how far a phase is: a bar on a terminal, a line every
// ten seconds elsewhere, nothing when quiet. Log lines written to it stand
// above the bar. It is safe for concurrent use.
type meter struct {
	mu    sync.Mutex
	out   io.Writer
	quiet bool
	now   func() time.Time
	bars  *mpb.Progress // nil when not on a terminal
	bar   *mpb.Bar
	label string
	last  time.Time
}

func newMeter(out io.Writer, terminal, quiet bool, now func() time.Time) *meter {
	m := &meter{out: out, quiet: quiet, now: now, last: now()}
	if terminal && !quiet {
		m.bars = mpb.New(mpb.WithOutput(out), mpb.WithWidth(48))
	}
	return m
}

// A unit is what a meter counts.
type unit struct {
	line    func(label string, done, total int64) string
	counter func() decor.Decorator
}

var tasks = unit{
	line: func(label string, done, total int64) string {
		return fmt.Sprintf("%s: %d of %d tasks", label, done, total)
	},
	counter: func() decor.Decorator { return decor.CountersNoUnit("%d/%d") },
}

var bytesOf = unit{
	line: func(label string, done, total int64) string {
		return fmt.Sprintf("%s: %s of %s", label, size(done), size(total))
	},
	counter: func() decor.Decorator { return decor.CountersKiloByte("% .1f/% .1f") },
}

// Observe notes that done of total tasks of a phase are finished.
func (m *meter) Observe(label string, done, total int) {
	m.observe(tasks, label, int64(done), int64(total))
}

// ObserveBytes notes that done of total bytes are written.
func (m *meter) ObserveBytes(label string, done, total int64) {
	m.observe(bytesOf, label, done, total)
}

func (m *meter) observe(u unit, label string, done, total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.quiet:
	case m.bars != nil:
		m.draw(u, label, done, total)
	case m.now().Sub(m.last) >= progressEvery:
		m.last = m.now()
		fmt.Fprintln(m.out, u.line(label, done, total))
	}
}

func (m *meter) draw(u unit, label string, done, total int64) {
	if m.bar == nil || m.label != label {
		m.dropBar()
		m.label = label
		m.bar = m.bars.AddBar(total, mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Name(label+" ")), mpb.AppendDecorators(u.counter()))
	}
	m.bar.SetTotal(total, false)
	m.bar.SetCurrent(done)
	if done >= total {
		m.bar.SetTotal(total, true)
	}
}

// A metered writer notes on a meter how many bytes it handed on.
type metered struct {
	io.Writer
	meter       *meter
	label       string
	done, total int64
}

func (w *metered) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.done += int64(n)
	w.meter.ObserveBytes(w.label, w.done, w.total)
	return n, err
}

func (m *meter) dropBar() {
	if m.bar != nil {
		m.bar.Abort(true)
	}
	m.bar = nil
}

// Write writes a log line without breaking the bar.
func (m *meter) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bars != nil {
		return m.bars.Write(p)
	}
	return m.out.Write(p)
}

// Close removes the bar; afterwards the meter writes plainly. It may be called
// again.
func (m *meter) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bars == nil {
		return
	}
	m.dropBar()
	m.bars.Wait()
	m.bars, m.quiet = nil, true
}
