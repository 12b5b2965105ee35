package main

import "github.com/spf13/cobra"

// commands lists every command; what is not here does not exist yet.
func commands(a *app) []*cobra.Command {
	return []*cobra.Command{
		newInitCommand(a),
		newCheckCommand(a),
		newPeekCommand(a),
		newColumnsCommand(a),
		newAggregateCommand(a),
		newGenerateCommand(a),
		newRunCommand(a),
		newRunsCommand(a),
		newShowCommand(a),
		newPublishCommand(a),
		newApproveCommand(a),
		newRejectCommand(a),
		newGCCommand(a),
		newExplainCommand(a),
		newPreviewCommand(a),
		newExportCommand(a),
		newServeCommand(a),
		newInspectCommand(a),
		newSynthCommand(a),
	}
}
