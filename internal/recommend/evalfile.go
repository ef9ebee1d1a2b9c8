package recommend

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"thimble"
)

// maxLine bounds one person's line in an evaluation file.
const maxLine = 64 << 20

// An evalSet is a train and a test file with users and items as numbers.
type evalSet struct {
	users map[string]int32
	items map[string]int32
	names []thimble.ItemID
	train [][]int32 // user → items, in the file's order
	test  [][]int32
}

// readEvalSet reads both files: a line is a user then their items, separated by
// blanks. A user may have several lines; an empty line says nothing.
func readEvalSet(train, test io.Reader) (*evalSet, error) {
	s := &evalSet{users: map[string]int32{}, items: map[string]int32{}}
	if err := s.read("train", train, &s.train); err != nil {
		return nil, err
	}
	if err := s.read("test", test, &s.test); err != nil {
		return nil, err
	}
	if len(s.items) == 0 {
		return nil, fmt.Errorf("recommend: evaluating: the train file has no items: %w", thimble.ErrInvalid)
	}
	s.sortItems()
	return s, nil
}

func (s *evalSet) read(name string, from io.Reader, into *[][]int32) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 0, 1<<16), maxLine)
	n := 0
	for lines.Scan() {
		n++
		s.line(lines.Bytes(), into)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("recommend: evaluating: %s file, line %d: %w", name, n+1, err)
	}
	return nil
}

func (s *evalSet) line(line []byte, into *[][]int32) {
	user := int32(-1)
	for field := range bytes.FieldsSeq(line) {
		if user < 0 {
			user = number(s.users, field)
			for int(user) >= len(*into) {
				*into = append(*into, nil)
			}
			continue
		}
		item := number(s.items, field)
		if int(item) == len(s.names) {
			s.names = append(s.names, thimble.ItemID(field))
		}
		(*into)[user] = append((*into)[user], item)
	}
}

func number(of map[string]int32, field []byte) int32 {
	if n, ok := of[string(field)]; ok {
		return n
	}
	n := int32(len(of))
	of[string(field)] = n
	return n
}

// sortItems renumbers the items in the order of their ids, as a data set does.
func (s *evalSet) sortItems() {
	order := make([]int32, len(s.names))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(s.names[a], s.names[b]) })
	rank := make([]int32, len(order))
	names := make([]thimble.ItemID, len(order))
	for to, from := range order {
		rank[from], names[to] = int32(to), s.names[from]
	}
	for _, part := range [][][]int32{s.train, s.test} {
		for _, items := range part {
			for k, i := range items {
				items[k] = rank[i]
			}
		}
	}
	s.names, s.items = names, nil
}

// dataset returns histories as a data set over all items of the files.
func (s *evalSet) dataset(histories [][]int32) *Dataset {
	d := NewDataset(s.names)
	for user, items := range histories {
		ids := make([]thimble.ItemID, len(items))
		for k, i := range items {
			ids[k] = s.names[i]
		}
		// The person is not the zero subject, so Put has nothing to refuse.
		_ = d.Put(evalPerson(user), History{Items: ids, Trusted: true})
	}
	return d
}

// evalPerson names the user of a file's line. These people exist in an
// evaluation only.
func evalPerson(user int) (p thimble.SubjectID) {
	binary.BigEndian.PutUint64(p[8:], uint64(user)+1)
	return p
}
