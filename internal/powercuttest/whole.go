package powercuttest

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// whole is the folder as it is when the power stays on.
func whole(ops []Op) Image {
	d := newDisk(Journal)
	for _, o := range ops {
		d.apply(o)
	}
	d.commit(d.seq)
	for _, n := range d.nodes {
		for i := range n.later {
			n.later[i].kept = true
		}
		n.fold()
	}
	return d.image(rand.New(rand.NewPCG(1, 1))) // nothing is left to chance
}

// compare holds what a trace says against the folder itself: a write that strace
// did not show, such as to mapped memory, would be missing in every image.
func compare(ops []Op, folder string) error {
	want := whole(ops).Files
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "-shm") { // which SQLite maps, and does not need
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if told, ok := want[name]; err == nil && (!ok || !bytes.Equal(content, told)) {
			err = fmt.Errorf("powercuttest: %s has %d bytes and other content than the trace says, which are %d", name, len(content), len(told))
		}
		delete(want, name)
		return err
	})
	for name := range want {
		if err == nil && !strings.HasSuffix(name, "-shm") {
			err = fmt.Errorf("powercuttest: the trace says that there is %s", name)
		}
	}
	return err
}
