package gate

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/policy"
)

// A table is one law, compiled: what it says about each pair of purpose and
// category that was asked about, with the sentences a verdict can carry. It learns
// a pair by asking the law once.
type table struct {
	law Law
	mu  sync.Mutex // who learns
	row atomic.Pointer[map[use]*cell]
}

// A use is a purpose and one category, or none.
type use struct {
	purpose  thimble.Purpose
	category thimble.Category
}

// A cell is what the law says about one use.
type cell struct {
	policy.Finding
	policy                      [8]byte
	prohibited, needed, permits string
	answers                     [answers]string
	ask                         atomic.Int32 // the number of the ask without a scope, plus one; 0: not asked yet
}

// learned bounds a table: purposes and categories are the program's words, and a
// stranger's must not fill the memory.
const learned = 1 << 12

func newTable(l Law) *table {
	t := &table{law: l}
	t.row.Store(&map[use]*cell{})
	return t
}

// find returns what the law says about a purpose and categories: of several
// categories the first of the strictest.
func (t *table) find(p thimble.Purpose, categories []thimble.Category) *cell {
	row := *t.row.Load()
	if len(categories) == 0 {
		return t.at(row, use{purpose: p})
	}
	c := t.at(row, use{p, categories[0]})
	for _, category := range categories[1:] {
		if other := t.at(row, use{p, category}); other.Mode > c.Mode {
			c = other
		}
	}
	return c
}

func (t *table) at(row map[use]*cell, u use) *cell {
	if c, ok := row[u]; ok {
		return c
	}
	return t.learn(u)
}

func (t *table) learn(u use) *cell {
	var categories []thimble.Category
	if u.category != "" {
		categories = append(categories, u.category)
	}
	c := newCell(u.purpose, t.law.Find(u.purpose, categories...))
	c.policy = t.law.Digest()
	t.mu.Lock()
	defer t.mu.Unlock()
	old := *t.row.Load()
	if len(old) >= learned {
		return c
	}
	row := maps.Clone(old)
	row[u] = c
	t.row.Store(&row)
	return c
}

func newCell(p thimble.Purpose, f policy.Finding) *cell {
	c := &cell{Finding: f, prohibited: whyProhibited(p, f.Basis), needed: whyNeeded(p, f.Basis), permits: whyPermits(p)}
	for i := range c.answers {
		c.answers[i] = whyAnswer(p, answerOf(i))
	}
	return c
}

// The answers a person can have given to a purpose, as a compiled state keeps
// them: in four bits. The last is whatever this version does not know.
const answers = 16

var codes = [answers]consent.State{"", consent.Given, consent.Refused, consent.Withdrawn, consent.Expired, consent.Renewed, consent.Deferred, consent.Invalidated, answers - 1: "unknown"}

func answerOf(code int) consent.State { return codes[code] }

func codeOf(s consent.State) int {
	if i := slices.Index(codes[:], s); i >= 0 {
		return i
	}
	return answers - 1
}

// An ask is what a person can have said something about.
type ask struct {
	purpose thimble.Purpose
	scope   Scope
}

// asks numbers the asks that requests were made for. A compiled state has one
// answer for each. There are at most as many as a word has bits; a request beyond
// that is judged without compiled states.
type asks struct {
	mu   sync.Mutex
	list atomic.Pointer[askList]
}

type askList struct {
	number map[ask]uint8
	all    []ask
}

const maxAsks = 64

func newAsks() *asks {
	a := &asks{}
	a.list.Store(&askList{number: map[ask]uint8{}})
	return a
}

// number returns the number of an ask, giving it one if it has none yet and there
// is room.
func (a *asks) number(k ask) (uint8, bool) {
	if n, ok := a.list.Load().number[k]; ok {
		return n, true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	old := a.list.Load()
	if n, ok := old.number[k]; ok || len(old.all) == maxAsks {
		return n, ok
	}
	now := &askList{number: maps.Clone(old.number), all: append(append([]ask{}, old.all...), k)}
	n := uint8(len(old.all))
	now.number[k] = n
	a.list.Store(now)
	return n, true
}
