package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/feedmill/feedmill/internal/diag"
)

// A failure is the JSON answer of a command that has no report to show.
type failure struct {
	Status   string    `json:"status"`
	Error    string    `json:"error"`
	Hint     string    `json:"hint,omitempty"`
	Mistakes []mistake `json:"mistakes,omitempty"`
}

// A mistake is one diagnostic of the user's files.
type mistake struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func newFailure(err error) failure {
	f := failure{Status: "failed", Error: err.Error()}
	var usage *usageError
	if errors.As(err, &usage) {
		f.Hint = usage.hint
	}
	var mistakes diag.List
	if errors.As(err, &mistakes) {
		f.Error = fmt.Sprintf("mistakes in the workspace: %d", len(mistakes))
		f.Mistakes = newMistakes(mistakes)
	}
	return f
}

func newMistakes(list diag.List) []mistake {
	out := make([]mistake, len(list))
	for i, d := range list {
		out[i] = mistake{File: d.File, Line: d.Line, Column: d.Col, Message: d.Message, Hint: d.Hint}
	}
	return out
}

// show is how a command gives its result: text for people now, or the value as
// the one JSON object that finish prints.
func (a *app) show(answer any, text func(io.Writer) error) error {
	if a.json {
		a.answer = answer
		return nil
	}
	a.meter.Close()
	return text(a.stdout)
}

// finish prints the JSON answer, exactly one whatever happened, and returns the
// command's error.
func (a *app) finish(err error) error {
	if !a.json {
		return err
	}
	if a.answer == nil && err != nil {
		a.answer = newFailure(err)
	}
	if a.answer == nil {
		return err // help and version texts
	}
	encoder := json.NewEncoder(a.stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return errors.Join(err, encoder.Encode(a.answer))
}
