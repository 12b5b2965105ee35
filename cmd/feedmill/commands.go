package main

import "github.com/spf13/cobra"

// commands lists every command; what is not here does not exist yet.
func commands(a *app) []*cobra.Command {
	return []*cobra.Command{
		newInitCommand(a),
		newPeekCommand(a),
		newColumnsCommand(a),
		newAggregateCommand(a),
		newRunsCommand(a),
		newShowCommand(a),
		newExportCommand(a),
		newInspectCommand(a),
		newSynthCommand(a),
	}
}
