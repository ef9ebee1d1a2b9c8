package canary

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"math/big"
	"strings"
	"sync"
)

// A Text is one planted string. It exists nowhere else.
type Text struct {
	Value string
	Door  string // by which it came in
}

// texts draws strings, and remembers by which door each came in.
type texts struct {
	mu  sync.Mutex
	all []Text
}

var letters = base32.NewEncoding("abcdefghijkmnopqrstuvwxyz2345678").WithPadding(base32.NoPadding)

// word is a fresh string of small letters and digits, of 80 random bits.
func (t *texts) word(door string) string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // it never fails
	return t.add(door, "zq"+letters.EncodeToString(b[:]))
}

func (t *texts) add(door, value string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, Text{value, door})
	return value
}

// email is an address of which both parts are fresh.
func (t *texts) email(door string) string {
	name, host := t.word(door), t.word(door)
	return t.add(door, name+"@"+host+".example")
}

// phone is a number of Berlin that nobody has been given, as far as chance goes.
func (t *texts) phone(door string) string {
	n, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return t.add(door, fmt.Sprintf("+4930%08d", n))
}

// values are the strings as they are.
func (t *texts) values() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]string, len(t.all))
	for i, one := range t.all {
		all[i] = one.Value
	}
	return all
}

// by counts the strings that came in by each door.
func (t *texts) by() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := map[string]int{}
	for _, one := range t.all {
		n[one.Door]++
	}
	return n
}

// within counts the strings that a text holds.
func (t *texts) within(text string) (n int) {
	for _, one := range t.all {
		if strings.Contains(text, one.Value) {
			n++
		}
	}
	return n
}
