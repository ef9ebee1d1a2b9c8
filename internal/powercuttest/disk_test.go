package powercuttest

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// after returns every state in which the disk may be after a trace, each as the
// names of its files with their content.
func after(t *testing.T, m Model, trace string) []string {
	t.Helper()
	d := newDisk(m)
	for _, o := range parsed(t, strings.TrimPrefix(trace, "\n")) {
		d.apply(o)
	}
	states, chance := map[string]bool{}, rand.New(rand.NewPCG(1, 2))
	for range 600 {
		image := d.image(chance)
		var state []string
		for _, name := range slices.Sorted(maps.Keys(image.Files)) {
			state = append(state, name+"="+strings.ReplaceAll(string(image.Files[name]), "\x00", "0"))
		}
		states[strings.Join(state, " ")] = true
	}
	return slices.Sorted(maps.Keys(states))
}

func TestADiskKeepsWhatWasSynced(t *testing.T) {
	const synced = `
7 open("/d", O_RDONLY) = 4</d>
7 creat("/d/a", 0600) = 3</d/a>
7 pwrite64(3</d/a>, "old", 3, 0) = 3
7 fsync(3</d/a>) = 0
7 fsync(4</d>) = 0
`
	for _, c := range []struct {
		name, trace      string
		journal, folders []string
	}{
		{"nothing is later than the sync", synced, []string{"a=old"}, []string{"a=old"}},
		{"a later write is there or not", synced + `
7 pwrite64(3</d/a>, "new", 3, 0) = 3
`, []string{"a=new", "a=old"}, []string{"a=new", "a=old"}},
		{"of writes to other sectors any are there", synced + `
7 pwrite64(3</d/a>, "N", 1, 0) = 1
7 ftruncate(3</d/a>, 513) = 0
7 fsync(3</d/a>) = 0
7 ftruncate(3</d/a>, 3) = 0
7 fsync(3</d/a>) = 0
`, []string{"a=Nld"}, []string{"a=Nld"}},
		{"a sync covers what had returned when it began", synced + `
7 pwrite64(3</d/a>, "A", 1, 0) = 1
8 fsync(3</d/a> <unfinished ...>
7 pwrite64(3</d/a>, "B", 1, 1) = 1
8 <... fsync resumed>) = 0
`, []string{"a=ABd", "a=Ald"}, []string{"a=ABd", "a=Ald"}},
		{"a truncation that is not there takes later writes with it", synced + `
7 ftruncate(3</d/a>, 0) = 0
7 pwrite64(3</d/a>, "new", 3, 0) = 3
`, []string{"a=", "a=new", "a=old"}, []string{"a=", "a=new", "a=old"}},
		{"a name is either the old or the new one", synced + `
7 creat("/d/b", 0600) = 5</d/b>
7 pwrite64(5</d/b>, "new", 3, 0) = 3
7 fsync(5</d/b>) = 0
7 rename("/d/b", "/d/a") = 0
`, []string{"a=new", "a=old b=new"}, []string{"a=new", "a=old", "a=old b=new"}},
		{"a synced file without a synced name", `
7 creat("/d/a", 0600) = 3</d/a>
7 pwrite64(3</d/a>, "old", 3, 0) = 3
7 fsync(3</d/a>) = 0
`, []string{"a=old"}, []string{"", "a=old"}},
		{"names come in order within the journal, or the folder", `
7 creat("/d/a", 0600) = 3</d/a>
7 creat("/d/b", 0600) = 4</d/b>
7 unlink("/d/a") = 0
`, []string{"", "a=", "a= b=", "b="}, []string{"", "a=", "a= b=", "b="}},
		{"fsync of one file commits the names before it, of the journal", `
7 creat("/d/a", 0600) = 3</d/a>
7 mkdir("/d/e", 0700) = 0
7 creat("/d/e/b", 0600) = 4</d/e/b>
7 fsync(4</d/e/b>) = 0
7 creat("/d/c", 0600) = 5</d/c>
`, []string{"a= c= e/b=", "a= e/b="}, []string{"", "a=", "a= c=", "a= c= e/b=", "a= e/b="}},
		{"fdatasync commits nothing when the length stays", synced + `
7 creat("/d/b", 0600) = 5</d/b>
7 pwrite64(3</d/a>, "new", 3, 0) = 3
7 fdatasync(3</d/a>) = 0
`, []string{"a=new", "a=new b="}, []string{"a=new", "a=new b="}},
		{"fsync commits the truncation of another file, of the journal", synced + `
7 creat("/d/b", 0600) = 5</d/b>
7 fsync(4</d>) = 0
7 ftruncate(3</d/a>, 0) = 0
7 pwrite64(5</d/b>, "x", 1, 0) = 1
7 fsync(5</d/b>) = 0
`, []string{"a= b=x"}, []string{"a= b=x", "a=old b=x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(after(t, Journal, strings.ReplaceAll(c.trace, "\n\n", "\n")), c.journal); d != "" {
				t.Error("journal: got, want:\n", d)
			}
			if d := cmp.Diff(after(t, Folders, strings.ReplaceAll(c.trace, "\n\n", "\n")), c.folders); d != "" {
				t.Error("folders: got, want:\n", d)
			}
		})
	}
}

func TestAWriteTearsAtSectors(t *testing.T) {
	d := newDisk(Journal)
	page := bytes.Repeat([]byte("N"), 4*sector)
	ops := []Op{
		{Kind: Name, Began: 1, Ended: 1, Node: 2, Dir: root, Entries: []Entry{{"a", 2}}, Made: true},
		{Kind: Write, Began: 2, Ended: 2, Node: 2, Data: bytes.Repeat([]byte("o"), 4*sector)},
		{Kind: Sync, Began: 3, Ended: 3, Node: 2},
		{Kind: Write, Began: 4, Ended: 4, Node: 2, Data: page},
	}
	for _, o := range ops {
		d.apply(o)
	}
	seen, chance := map[string]bool{}, rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		content := d.image(chance).Files["a"]
		var state []byte
		for s := range slices.Chunk(content, sector) {
			if !bytes.Equal(s, bytes.Repeat(s[:1], sector)) {
				t.Fatal("a sector is torn")
			}
			state = append(state, s[0])
		}
		seen[string(state)] = true
	}
	if len(seen) != 16 {
		t.Errorf("%d of 16 states were seen: %v", len(seen), slices.Sorted(maps.Keys(seen)))
	}
}

// Whatever was synced is in every image, whatever else was going on.
func TestSyncedBytesAreInEveryImage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := []Op{{Kind: Name, Began: 1, Ended: 1, Node: 2, Dir: root, Entries: []Entry{{"a", 2}}, Made: true}, {Kind: Sync, Began: 2, Ended: 2, Node: root}}
		var certain []byte // what the file held at the last sync
		var content []byte
		for line := range rapid.IntRange(1, 12).Draw(t, "writes") {
			data := rapid.SliceOfN(rapid.Byte(), 1, 2000).Draw(t, "data")
			o := Op{Kind: Write, Began: 3 + line, Ended: 3 + line, Node: 2, At: int64(len(content)), Data: data}
			content = append(content, data...)
			if rapid.Bool().Draw(t, "sync") {
				o = Op{Kind: Sync, Began: 3 + line, Ended: 3 + line, Node: 2}
				content = content[:len(content)-len(data)]
				certain = bytes.Clone(content)
			}
			ops = append(ops, o)
		}
		m := Model(rapid.IntRange(0, 1).Draw(t, "model"))
		d := newDisk(m)
		for _, o := range ops {
			d.apply(o)
		}
		got := d.image(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))).Files["a"]
		if !bytes.HasPrefix(got, certain) || len(got) > len(content) {
			t.Fatalf("model %s: %d bytes were synced, the image has %d others", m, len(certain), len(got))
		}
	})
}

func TestTheSameSeedGivesTheSameImages(t *testing.T) {
	ops := parsed(t, "7 creat(\"/d/a\", 0600) = 3</d/a>\n7 write(3</d/a>, \"x\", 1) = 1\n7 write(1<p>, \"ack\\x0ahal\", 7) = 7\n7 write(3</d/a>, \"y\", 1) = 1\n")
	for _, m := range []Model{Journal, Folders} {
		one, two := slices.Collect(Images(ops, m, 5, 40)), slices.Collect(Images(ops, m, 5, 40))
		if d := cmp.Diff(one, two); d != "" || len(one) != 40 {
			t.Error(len(one), d)
		}
		last := one[len(one)-1]
		if want := []string{"ack"}; last.Cut < 3 || !slices.Equal(last.Said, want) {
			t.Errorf("cut %d, said %q, want only the whole line of %q", last.Cut, last.Said, want)
		}
	}
}
