package zz

import (
	"fmt"
	"os"
	"testing"

	"github.com/feedmill/feedmill/internal/workspace"
)

func TestLoad(t *testing.T) {
	ws, err := workspace.Load("../../../deploy/local/feedmill.yaml", os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(len(ws.Feeds), len(ws.Events), len(ws.Templates), len(ws.Tests))
	for _, f := range ws.Schema {
		fmt.Println(f.Name, f.Type)
	}
}
