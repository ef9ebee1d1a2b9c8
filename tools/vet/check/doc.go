// Package check has the analyzers of Thimble's vet.
//
//   - vaultdoor: nothing outside the kernel opens the vault; what is sealed is
//     opened with a grant.
//   - sealedcolumn: nothing but its owner's <name>db reads a sealed column in SQL,
//     and sealed bytes go nowhere but into a grant.
//   - purposeless: what a <name>db returns about a person, opened, it returns to a
//     grant or to a request of the gate.
//   - revealed: a personal value is revealed where a comment says why.
//   - personallog: no person's id, identifier or value is logged, printed or put
//     into an error.
//
// Tests, and packages whose name ends in "test", are not looked at. What is right
// although a rule speaks against it stands in exceptions.go with its reason; an
// exception that nothing needs any more is reported too.
package check

import "golang.org/x/tools/go/analysis"

// Analyzers are all checks.
var Analyzers = []*analysis.Analyzer{VaultDoor, SealedColumn, Purposeless, Revealed, PersonalLog}
