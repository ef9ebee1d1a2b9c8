// Command vet holds the tree against the promises that the compiler cannot see: who
// may open the vault, who may read a sealed column, what an accessor asks for, where a
// personal value is revealed, and what is logged. It is run by `go vet -vettool`.
package main

import (
	"golang.org/x/tools/go/analysis/unitchecker"

	"thimble/tools/vet/check"
)

func main() { unitchecker.Main(check.Analyzers...) }
