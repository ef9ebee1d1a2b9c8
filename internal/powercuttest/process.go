package powercuttest

import (
	"fmt"
	"os"
	"testing"
)

// A Process stands in for a test where there is none: in the process of a program
// under test. A failure is printed and ends it with status 1.
type Process struct {
	testing.TB // only so that it is one
	ends       []func()
}

// Helper implements testing.TB.
func (*Process) Helper() {}

// Cleanup has f run by End.
func (p *Process) Cleanup(f func()) { p.ends = append(p.ends, f) }

// Fatal prints and ends the process.
func (*Process) Fatal(a ...any) {
	fmt.Fprintln(os.Stderr, a...)
	os.Exit(1)
}

// Errorf prints and ends the process.
func (p *Process) Errorf(format string, a ...any) { p.Fatal(fmt.Sprintf(format, a...)) }

// Must ends the process on an error.
func (p *Process) Must(err error) {
	if err != nil {
		p.Fatal(err)
	}
}

// End runs what Cleanup was given, the last first.
func (p *Process) End() {
	for len(p.ends) > 0 {
		f := p.ends[len(p.ends)-1]
		p.ends = p.ends[:len(p.ends)-1]
		f()
	}
}
