package powercuttest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parsed(t *testing.T, trace string) []Op {
	t.Helper()
	ops, err := Parse(strings.NewReader(trace), "/d")
	if err != nil {
		t.Fatal(err)
	}
	return ops
}

func TestATraceBecomesOperations(t *testing.T) {
	for _, c := range []struct {
		name, trace string
		want        []Op
	}{
		{"a file is made, written and synced", `
7 openat(AT_FDCWD</x>, "\x2f\x64\x2f\x61", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 3<\x2f\x64\x2f\x61>
7 write(3<\x2f\x64\x2f\x61>, "\x68\x69", 2) = 2
7 write(3<\x2f\x64\x2f\x61>, "\x21", 1) = 1
7 pwrite64(3</d/a>, "AB", 2, 100) = 1
7 fsync(3</d/a>) = 0
7 fdatasync(3</d/a>) = 0
`, []Op{
			{Kind: Name, Began: 1, Ended: 1, Node: 2, Dir: root, Entries: []Entry{{"a", 2}}, Made: true},
			{Kind: Write, Began: 2, Ended: 2, Node: 2, Data: []byte("hi")},
			{Kind: Write, Began: 3, Ended: 3, Node: 2, At: 2, Data: []byte("!")},
			{Kind: Write, Began: 4, Ended: 4, Node: 2, At: 100, Data: []byte("A")},
			{Kind: Sync, Began: 5, Ended: 5, Node: 2},
			{Kind: Sync, Began: 6, Ended: 6, Node: 2, DataOnly: true},
		}},
		{"names change", `
7 mkdirat(AT_FDCWD</x>, "/d", 0700) = 0
7 mkdir("/d/e", 0700) = 0
7 open("/d/e/a", O_WRONLY|O_CREAT, 0600) = 3</d/e/a>
7 linkat(AT_FDCWD</x>, "/d/e/a", AT_FDCWD</x>, "/d/e/b", 0) = 0
7 renameat(AT_FDCWD</d/e>, "b", AT_FDCWD</d/e>, "c") = 0
7 unlinkat(4</d/e>, "a", 0) = 0
7 write(3</d/e/a>(deleted), "x", 1) = 1
7 openat(AT_FDCWD</x>, "/d/e", O_RDONLY) = 5</d/e>
7 fsync(5</d/e>) = 0
`, []Op{
			{Kind: Name, Began: 2, Ended: 2, Node: 2, Dir: root, Entries: []Entry{{"e", 2}}, Made: true, Folder: true},
			{Kind: Name, Began: 3, Ended: 3, Node: 3, Dir: 2, Entries: []Entry{{"a", 3}}, Made: true},
			{Kind: Name, Began: 4, Ended: 4, Node: 3, Dir: 2, Entries: []Entry{{"b", 3}}},
			{Kind: Name, Began: 5, Ended: 5, Node: 3, Dir: 2, Entries: []Entry{{"b", 0}, {"c", 3}}},
			{Kind: Name, Began: 6, Ended: 6, Node: 3, Dir: 2, Entries: []Entry{{"a", 0}}},
			{Kind: Write, Began: 7, Ended: 7, Node: 3, Data: []byte("x")},
			{Kind: Sync, Began: 9, Ended: 9, Node: 2},
		}},
		{"lengths change, and where a descriptor stands", `
7 creat("/d/a", 0600) = 3</d/a>
7 writev(3</d/a>, [{iov_base="ab", iov_len=2}, {iov_base="cd", iov_len=2}], 2) = 3
7 ftruncate(3</d/a>, 1) = 0
7 open("/d/a", O_WRONLY|O_APPEND) = 4</d/a>
7 write(4</d/a>, "z", 1) = 1
7 lseek(3</d/a>, 9, SEEK_SET) = 9
7 write(3</d/a>, "q", 1) = 1
7 openat(AT_FDCWD</d>, "a", O_WRONLY|O_TRUNC) = 5</d/a>
7 truncate("/d/a", 7) = 0
`, []Op{
			{Kind: Name, Began: 1, Ended: 1, Node: 2, Dir: root, Entries: []Entry{{"a", 2}}, Made: true},
			{Kind: Write, Began: 2, Ended: 2, Node: 2, Data: []byte("abc")},
			{Kind: Truncate, Began: 3, Ended: 3, Node: 2, Size: 1},
			{Kind: Write, Began: 5, Ended: 5, Node: 2, At: 1, Data: []byte("z")},
			{Kind: Write, Began: 7, Ended: 7, Node: 2, At: 9, Data: []byte("q")},
			{Kind: Truncate, Began: 8, Ended: 8, Node: 2},
			{Kind: Truncate, Began: 9, Ended: 9, Node: 2, Size: 7},
		}},
		{"calls of two threads overlap, and a line counts from its beginning", `
7 creat("/d/a", 0600) = 3</d/a>
7 pwrite64(3</d/a>, "x", 1, 0 <unfinished ...>
8 fsync(3</d/a> <unfinished ...>
9 write(1<pipe:[4]>, "ack\x0a", 4 <unfinished ...>
7 <... pwrite64 resumed>) = 1
8 <... fsync resumed>) = 0
9 <... write resumed>) = 4
`, []Op{
			{Kind: Name, Began: 1, Ended: 1, Node: 2, Dir: root, Entries: []Entry{{"a", 2}}, Made: true},
			{Kind: Said, Began: 4, Ended: 7, Text: "ack\n"},
			{Kind: Write, Began: 2, Ended: 5, Node: 2, Data: []byte("x")},
			{Kind: Sync, Began: 3, Ended: 6, Node: 2},
		}},
		{"what is outside or failed changes nothing", `
7 openat(AT_FDCWD</x>, "/dx/a", O_RDWR|O_CREAT, 0600) = 3</dx/a>
7 write(3</dx/a>, "x", 1) = 1
7 write(2</dev/null>, "x", 1) = 1
7 fallocate(3</dx/a>, 0, 0, 9) = 0
7 openat(AT_FDCWD</x>, "/d/a", O_RDONLY) = -1 ENOENT (No such file or directory)
7 unlink("/d/a") = -1 ENOENT (No such file or directory)
7 --- SIGURG {si_signo=SIGURG} ---
8 openat(AT_FDCWD</x>, "/d/a", O_RDWR|O_CREAT, 0600 <unfinished ...>
8 <... openat resumed>) = ?
7 +++ exited with 0 +++
`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(parsed(t, strings.TrimPrefix(c.trace, "\n")), c.want); d != "" {
				t.Error("got, want:\n", d)
			}
		})
	}
}

func TestWhatIsNotModelledIsRefused(t *testing.T) {
	const made = "7 creat(\"/d/a\", 0600) = 3</d/a>\n7 mkdir(\"/d/e\", 0700) = 0\n"
	for _, line := range []string{
		`creat("/d/b") = 3`,
		`7 write(3</d/a>, "x"..., 9) = 9`,
		`7 write(3</d/a>, "\q", 1) = 1`,
		`7 write(3</d/a>, "x", 2) = 2`,
		`7 write(9</d/a>, "x", 1) = 1`,
		`7 pwrite64(3</d/a>, "x", 1, -5) = 1`,
		`7 pwrite64(3</d/a>, "x", 1, 99999999999) = 1`,
		`7 fallocate(3</d/a>, 0, 0, 9) = 0`,
		`7 symlinkat("x", AT_FDCWD</x>, "/d/s") = 0`,
		`7 rename("/d/a", "/d/e/a") = 0`,
		`7 rename("/d/a", "/x/a") = 0`,
		`7 renameat2(AT_FDCWD</x>, "/d/a", AT_FDCWD</x>, "/d/e", RENAME_EXCHANGE) = 0`,
		`7 link("/d/e", "/d/f") = 0`,
		`7 open("/d/before", O_RDWR) = 4</d/before>`,
		`7 open("/d", O_RDWR|O_TMPFILE, 0600) = 4</d/x>`,
		`7 unlink("/d/before") = 0`,
		`7 truncate("/d/before", 1) = 0`,
		`7 unlink("/d") = 0`,
		`7 <... write resumed>) = 1`,
		`7 fsync(3</d/a>`,
		`7 fsync(3</d/a>) = x`,
		`7 fsync() = 0`,
		`7 fsync(x</d/a>) = 0`,
	} {
		if ops, err := Parse(strings.NewReader(made+line+"\n"), "/d"); err == nil {
			t.Errorf("%s: got %v, want an error", line, ops[len(ops)-1])
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("7 creat(\"/d/a\", 0600) = 3</d/a>\n7 pwrite64(3</d/a>, \"\\x00y\", 2, 511) = 2\n8 fsync(3</d/a> <unfinished ...>\n7 unlink(\"/d/a\") = 0\n8 <... fsync resumed>) = 0\n")
	f.Add("7 mkdir(\"/d/e\", 0) = 0\n7 open(\"/d/e/a\", O_CREAT) = 3</d/e/a>\n7 writev(3</d/e/a>, [{iov_base=\"ab\", iov_len=2}], 1) = 2\n7 ftruncate(3</d/e/a>, 1) = 0\n7 rename(\"/d/e\", \"/d/f\") = 0\n7 write(1<p>, \"ack\\x0a\", 4) = 4\n")
	f.Fuzz(func(t *testing.T, trace string) {
		ops, err := Parse(strings.NewReader(trace), "/d")
		if err != nil {
			return
		}
		for _, o := range ops {
			if o.Size > 1<<20 || o.At > 1<<20 {
				return // an image would only be large
			}
		}
		for _, m := range []Model{Journal, Folders} {
			for image := range Images(ops, m, 1, 8) {
				if image.Cut > len(ops) {
					t.Errorf("cut at %d of %d", image.Cut, len(ops))
				}
			}
		}
	})
}
