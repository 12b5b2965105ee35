package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/feedmill/feedmill/internal/diag"
)

// The exit codes.
const (
	exitDone        = 0
	exitError       = 1
	exitUsage       = 2
	exitHeld        = 3
	exitInvalid     = 4
	exitInterrupted = 130
)

// exitWords says what each exit code means, in the order of help texts.
var exitWords = []struct {
	code int
	word string
}{
	{exitDone, "done"}, {exitError, "error"}, {exitUsage, "usage"}, {exitHeld, "held"},
	{exitInvalid, "invalid workspace"}, {exitInterrupted, "interrupted"},
}

// A usageError is a command line that says something feedmill does not
// understand.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(hint, format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...), hint: hint}
}

// asUsage makes err a usage error, unless it is one or nil.
func asUsage(err error) error {
	var usage *usageError
	if err == nil || errors.As(err, &usage) {
		return err
	}
	return &usageError{err: err, hint: "feedmill help lists the commands"}
}

// A heldError is the verdict "kept, not published".
type heldError struct{ reason string }

func (e *heldError) Error() string { return e.reason }

// exitCode maps what a command returned to the process's exit code.
func exitCode(ctx context.Context, err error) int {
	var usage *usageError
	var held *heldError
	var mistakes diag.List
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &held):
		return exitHeld
	case errors.As(err, &mistakes):
		return exitInvalid
	case errors.Is(context.Cause(ctx), errInterrupted):
		return exitInterrupted
	default:
		return exitError
	}
}

// exits ends a command's long help with its exit codes.
func exits(text string, codes ...int) string {
	var words []string
	for _, e := range exitWords {
		if slices.Contains(codes, e.code) {
			words = append(words, fmt.Sprintf("%d %s", e.code, e.word))
		}
	}
	return strings.TrimSpace(text) + "\n\nExit codes: " + strings.Join(words, ", ")
}
