package powercuttest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Parse reads a trace of strace -f -y -xx and returns what was done to the folder,
// which was empty or missing when the trace began, and what was printed.
func Parse(r io.Reader, folder string) ([]Op, error) {
	lines := lineReader{open: map[string]unfinished{}}
	t := tracker{folder: filepath.Clean(folder), next: root + 1, sizes: map[int]int64{},
		names: map[int]map[string]int{root: {}}, handles: map[int]*handle{}}
	in := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := in.ReadString('\n')
		if line != "" {
			c, ok, err := lines.read(line)
			if err != nil {
				return nil, err
			}
			if ok {
				if err := t.call(c); err != nil {
					return nil, lines.errorf("%s: %v", c.name, err)
				}
			}
		}
		if err == io.EOF {
			// A printed line counts from its beginning, all else from its end.
			slices.SortStableFunc(t.ops, func(a, b Op) int { return a.position() - b.position() })
			return t.ops, nil
		}
		if err != nil {
			return nil, fmt.Errorf("powercuttest: reading the trace: %w", err)
		}
	}
}

func (o Op) position() int {
	if o.Kind == Said {
		return o.Began
	}
	return o.Ended
}

// A tracker knows the folder as the program sees it.
type tracker struct {
	folder  string
	ops     []Op
	next    int
	names   map[int]map[string]int // of each folder
	sizes   map[int]int64          // of each file
	handles map[int]*handle        // of open descriptors
}

type handle struct {
	node     int
	at       int64
	appendTo bool
}

var (
	errArgs    = errors.New("other arguments were expected")
	errUnknown = errors.New("the file was there before the trace")
)

// shapes says how many arguments a call has at least.
var shapes = map[string]int{
	"open": 2, "openat": 3, "creat": 2, "write": 2, "pwrite64": 4, "writev": 2, "ftruncate": 2, "truncate": 2,
	"rename": 2, "renameat": 4, "renameat2": 5, "link": 2, "linkat": 4, "unlink": 1, "unlinkat": 3, "rmdir": 1,
	"mkdir": 1, "mkdirat": 2, "fsync": 1, "fdatasync": 1, "lseek": 2,
}

// call takes up one call; one that failed changed nothing.
func (t *tracker) call(c call) error {
	n, known := shapes[c.name]
	if !known {
		return t.refuse(c)
	}
	if len(c.args) < n {
		return errArgs
	}
	if c.ret < 0 {
		return nil
	}
	a := c.args
	switch c.name {
	case "open", "creat":
		return t.open(c, "", a[0], a[1])
	case "openat":
		return t.open(c, a[0], a[1], a[2])
	case "rename":
		return t.rename(c, "", a[0], "", a[1])
	case "renameat", "renameat2":
		return t.rename(c, a[0], a[1], a[2], a[3])
	case "link":
		return t.link(c, "", a[0], "", a[1])
	case "linkat":
		return t.link(c, a[0], a[1], a[2], a[3])
	case "unlink", "rmdir":
		return t.unlink(c, "", a[0])
	case "unlinkat":
		return t.unlink(c, a[0], a[1])
	case "mkdir":
		return t.mkdir(c, "", a[0])
	case "mkdirat":
		return t.mkdir(c, a[0], a[1])
	case "truncate":
		return t.truncatePath(c)
	}
	return t.onHandle(c)
}

// refuse fails on a call that changes the folder in a way nobody has modelled.
func (t *tracker) refuse(c call) error {
	for _, arg := range c.args {
		_, path, err := descriptor(arg)
		if quoted, err2 := unquote(arg); err2 == nil {
			path, err = string(quoted), nil
		}
		if err == nil && t.holds(path) {
			return errors.New("this call on a file of the folder is not modelled")
		}
	}
	return nil
}

func (t *tracker) holds(path string) bool {
	return path == t.folder || strings.HasPrefix(path, t.folder+"/")
}

// A spot is where a path leads.
type spot struct {
	inside bool // of the folder
	dir    int
	name   string
	node   int // 0 when there is nothing
}

func (t *tracker) find(at, quoted string) (spot, error) {
	b, err := unquote(quoted)
	if err != nil {
		return spot{}, err
	}
	path := string(b)
	if !filepath.IsAbs(path) && at != "" {
		_, base, err := descriptor(at)
		if err != nil {
			return spot{}, err
		}
		path = filepath.Join(base, path)
	}
	if path = filepath.Clean(path); !t.holds(path) {
		return spot{}, nil
	}
	if path == t.folder {
		return spot{inside: true, node: root}, nil
	}
	s := spot{inside: true, node: root}
	for part := range strings.SplitSeq(strings.TrimPrefix(path, t.folder+"/"), "/") {
		names, ok := t.names[s.node]
		if !ok {
			return spot{}, errors.New("a folder on the path is unknown")
		}
		s = spot{inside: true, dir: s.node, name: part, node: names[part]}
	}
	return s, nil
}

// name records that names of a folder changed.
func (t *tracker) name(c call, o Op) {
	for _, e := range o.Entries {
		if e.Node == 0 {
			delete(t.names[o.Dir], e.Name)
		} else {
			t.names[o.Dir][e.Name] = e.Node
		}
	}
	o.Kind = Name
	t.add(c, o)
}

func (t *tracker) add(c call, o Op) {
	o.Began, o.Ended = c.began, c.ended
	t.ops = append(t.ops, o)
}

func (t *tracker) make(c call, s spot, folder bool) int {
	node := t.next
	t.next++
	if folder {
		t.names[node] = map[string]int{}
	}
	t.name(c, Op{Dir: s.dir, Node: node, Entries: []Entry{{s.name, node}}, Made: true, Folder: folder})
	return node
}

func (t *tracker) open(c call, at, quoted, flags string) error {
	s, err := t.find(at, quoted)
	if err != nil {
		return err
	}
	delete(t.handles, int(c.ret))
	if !s.inside {
		return nil
	}
	has := func(flag string) bool { return slices.Contains(strings.Split(flags, "|"), flag) }
	if has("O_TMPFILE") {
		return errors.New("files without a name are not modelled")
	}
	creates := c.name == "creat" || has("O_CREAT")
	switch {
	case s.node == 0 && !creates:
		return errUnknown
	case s.node == 0:
		s.node = t.make(c, s, false)
	case c.name == "creat" || has("O_TRUNC"):
		t.truncate(c, s.node, 0)
	}
	t.handles[int(c.ret)] = &handle{node: s.node, appendTo: has("O_APPEND")}
	return nil
}

func (t *tracker) truncate(c call, node int, size int64) {
	t.sizes[node] = size
	t.add(c, Op{Kind: Truncate, Node: node, Size: size})
}

func (t *tracker) truncatePath(c call) error {
	s, err := t.find("", c.args[0])
	if err != nil || !s.inside {
		return err
	}
	if s.node == 0 {
		return errUnknown
	}
	return t.sized(c, s.node)
}

// maxFile bounds what a trace may make us allocate.
const maxFile = 1 << 30

func (t *tracker) sized(c call, node int) error {
	size, err := strconv.ParseInt(c.args[1], 10, 64)
	if err != nil || size < 0 || size > maxFile {
		return errArgs
	}
	t.truncate(c, node, size)
	return nil
}

func (t *tracker) unlink(c call, at, quoted string) error {
	s, err := t.find(at, quoted)
	if err != nil || !s.inside {
		return err
	}
	if s.dir == 0 || s.node == 0 {
		return errUnknown
	}
	t.name(c, Op{Dir: s.dir, Node: s.node, Entries: []Entry{{s.name, 0}}})
	return nil
}

func (t *tracker) mkdir(c call, at, quoted string) error {
	s, err := t.find(at, quoted)
	if err != nil || !s.inside || s.node == root {
		return err // the folder itself is there before and after
	}
	t.make(c, s, true)
	return nil
}

// pair finds the two paths of a call that gives a name.
func (t *tracker) pair(at, quoted, toAt, toQuoted string) (from, to spot, err error) {
	if from, err = t.find(at, quoted); err != nil {
		return from, to, err
	}
	if to, err = t.find(toAt, toQuoted); err != nil {
		return from, to, err
	}
	if from.inside != to.inside || from.inside && (from.node == 0 || from.dir == 0 || to.dir == 0) {
		err = errors.New("what leaves or enters the folder is not modelled")
	}
	return from, to, err
}

func (t *tracker) rename(c call, at, quoted, toAt, toQuoted string) error {
	from, to, err := t.pair(at, quoted, toAt, toQuoted)
	if err != nil || !from.inside {
		return err
	}
	if from.dir != to.dir || c.name == "renameat2" && strings.Contains(c.args[4], "EXCHANGE") {
		return errors.New("exchanges and renames between folders are not modelled")
	}
	if from.node != to.node { // rename(2): two names of one file stay
		t.name(c, Op{Dir: from.dir, Node: from.node, Entries: []Entry{{from.name, 0}, {to.name, from.node}}})
	}
	return nil
}

func (t *tracker) link(c call, at, quoted, toAt, toQuoted string) error {
	from, to, err := t.pair(at, quoted, toAt, toQuoted)
	if err != nil || !from.inside {
		return err
	}
	if t.names[from.node] != nil {
		return errors.New("a folder has one name")
	}
	t.name(c, Op{Dir: to.dir, Node: from.node, Entries: []Entry{{to.name, from.node}}})
	return nil
}

// onHandle takes up a call on a descriptor.
func (t *tracker) onHandle(c call) error {
	number, path, err := descriptor(c.args[0])
	if err != nil {
		return err
	}
	if !t.holds(path) {
		if number == 1 && (c.name == "write" || c.name == "writev") {
			data, err := written(c)
			t.add(c, Op{Kind: Said, Text: string(data)})
			return err
		}
		return nil
	}
	h := t.handles[number]
	if h == nil {
		return errors.New("the descriptor was never opened")
	}
	switch c.name {
	case "fsync", "fdatasync":
		t.add(c, Op{Kind: Sync, Node: h.node, DataOnly: c.name == "fdatasync"})
	case "ftruncate":
		return t.sized(c, h.node)
	case "lseek":
		h.at = c.ret
	default:
		return t.write(c, h)
	}
	return nil
}

func (t *tracker) write(c call, h *handle) error {
	data, err := written(c)
	if err != nil || len(data) == 0 {
		return err
	}
	o := Op{Kind: Write, Node: h.node, At: h.at, Data: data}
	if h.appendTo {
		o.At = t.sizes[h.node]
	}
	if c.name == "pwrite64" {
		if o.At, err = strconv.ParseInt(c.args[3], 10, 64); err != nil {
			return errArgs
		}
	} else {
		h.at = o.At + int64(len(data))
	}
	if o.At < 0 || o.At > maxFile {
		return errArgs
	}
	t.sizes[h.node] = max(t.sizes[h.node], o.At+int64(len(data)))
	t.add(c, o)
	return nil
}

// written returns the bytes that a call has written.
func written(c call) (data []byte, err error) {
	if c.name == "writev" {
		data, err = vector(c.args[1])
	} else {
		data, err = unquote(c.args[1])
	}
	if err != nil {
		return nil, err
	}
	if c.ret > int64(len(data)) {
		return nil, errors.New("more was written than there was")
	}
	return data[:c.ret], nil
}
