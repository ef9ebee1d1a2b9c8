package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"thimble": main, "thimble-workload": workload, "thimble-till": tillBatch, "thimble-cramped": cramped})
}

// TestCommands runs the scripts: each is a session at a shell.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TILL_KEY", tillPublic())
			sample, err := os.ReadFile("../../internal/collect/testdata/online_retail_sample.csv.gz")
			if err != nil {
				return err
			}
			return os.WriteFile(e.WorkDir+"/sample.csv.gz", sample, 0o600)
		},
	})
}
