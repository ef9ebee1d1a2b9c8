package powercuttest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// traced are the calls that change a folder or print. A question mark allows for
// machines that lack the call. The calls of the last line are not modelled, and
// seen so that they can be refused.
const traced = "?open,openat,?creat,write,pwrite64,writev,ftruncate,truncate,lseek," +
	"?rename,renameat,renameat2,?link,linkat,?unlink,unlinkat,?rmdir,?mkdir,mkdirat,fsync,fdatasync," +
	"?openat2,pwritev,pwritev2,fallocate,copy_file_range,sendfile,splice,symlinkat"

// Run runs a program to its end and returns what it did to the folder, which must
// be empty or missing, and what it printed on its standard output. Without strace
// the test is skipped; with THIMBLE_REQUIRE_STRACE=1 it fails.
func Run(tb testing.TB, folder, program string, args ...string) []Op {
	tb.Helper()
	probe(tb)
	parent, err := filepath.EvalSymlinks(filepath.Dir(folder)) // as the kernel will call it
	if err != nil {
		tb.Fatal(err)
	}
	trace := filepath.Join(tb.TempDir(), "trace")
	options := []string{"-f", "--seccomp-bpf", "-y", "-xx", "-s", "4194304", "--signal=none", "-e", "trace=" + traced, "-o", trace, program}
	cmd := exec.CommandContext(tb.Context(), "strace", append(options, args...)...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	cmd.Stdout = &bytes.Buffer{} // a pipe: the trace has what is printed
	if err := cmd.Run(); err != nil {
		tb.Fatalf("the program under strace: %v\n%s", err, complaints.String())
	}
	f, err := os.Open(trace)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	ops, err := Parse(f, filepath.Join(parent, filepath.Base(folder)))
	if err == nil {
		err = compare(ops, folder)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return ops
}

// probe ends the test when strace is missing, or may not trace here.
func probe(tb testing.TB) {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), "strace", "-f", "--seccomp-bpf", "-o", os.DevNull, "true").CombinedOutput()
	if err == nil {
		return
	}
	end := tb.Skipf
	if os.Getenv("THIMBLE_REQUIRE_STRACE") != "" {
		end = tb.Fatalf
	}
	end("strace (Debian's package strace) cannot be used: %v %s", err, strings.TrimSpace(string(out)))
}
