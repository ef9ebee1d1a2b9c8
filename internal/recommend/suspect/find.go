package suspect

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"thimble"
)

// A Kind is what gave accounts away.
type Kind string

const (
	// Pull is an item that draws those who are not trusted: more of them than others, or all
	// within a few days. Both are one kind, so that an item is looked into once.
	Pull Kind = "pull"
	// Alike is accounts with the very same items.
	Alike Kind = "alike"
)

const (
	// chance is how unlikely a pull must be: natural logarithm of one in 10^9.
	chance = 20.72
	// fewest is how many accounts are worth a finding at least, and perMille how many of
	// 1000 people: fewer move no list past the caps.
	fewest, perMille = 8, 2
	// sameItems and samePeople are the least of a finding of the kind Alike.
	sameItems, samePeople = 4, 5
	// most bounds the findings of one search.
	most = 1000
)

// A Finding is accounts that are suspected together, and the counts that say why.
type Finding struct {
	Kind Kind
	// Item is what is pushed; of accounts that are alike the first of their items.
	Item thimble.ItemID
	// People are the suspects, ascending.
	People []thimble.SubjectID
	// Trusted is how many trusted people had the item.
	Trusted int
	// Expected is how many suspects an item with as many people has by chance.
	Expected int
	// Items is how many items accounts that are alike have.
	Items int
	// Days is how many days a burst lasted, 0 of what is none, and Of how many accounts that are
	// not trusted had its item.
	Days, Of int
}

// Reason says in one sentence why it is a finding. It names nobody.
func (f Finding) Reason() string {
	if f.Kind == Alike {
		return fmt.Sprintf("%d accounts that are not trusted have the very same %d items.", len(f.People), f.Items)
	}
	if f.Days > 0 {
		return fmt.Sprintf("%d of %d accounts that are not trusted and had %s came, or were last here, within %s of each other, where one expects %d.",
			len(f.People), f.Of, f.Item, days(f.Days), f.Expected)
	}
	return fmt.Sprintf("%d of %d people who had %s are not trusted, where one expects %d.",
		len(f.People), len(f.People)+f.Trusted, f.Item, f.Expected)
}

func days(n int) string {
	if n == 1 {
		return "a day"
	}
	return fmt.Sprintf("%d days", n)
}

// A Search is who had what. It serves one goroutine.
type Search struct {
	numbers  map[thimble.ItemID]int32
	names    []thimble.ItemID
	trusted  []int // item → trusted people
	accounts []account
	people   int
	pairs    int // (person, item), of trusted people
}

// An account is somebody who is not trusted.
type account struct {
	person thimble.SubjectID
	items  []int32 // ascending, distinct
	// first and last are the days of the first and the last thing that they did, counted from
	// any; 0 when they are not known.
	first, last int32
	out         bool // in a finding already
}

// NewSearch returns a search of nobody.
func NewSearch() *Search { return &Search{numbers: map[thimble.ItemID]int32{}} }

// Add puts a person into the search, once, of whom it is not known when they were here.
func (s *Search) Add(person thimble.SubjectID, items []thimble.ItemID, trusted bool) {
	s.AddFrom(person, items, trusted, time.Time{}, time.Time{})
}

// AddFrom is Add with the times of the first and the last thing that the person did; the zero
// time is not known.
func (s *Search) AddFrom(person thimble.SubjectID, items []thimble.ItemID, trusted bool, first, last time.Time) {
	numbers := make([]int32, 0, len(items))
	for _, id := range items {
		n, ok := s.numbers[id]
		if !ok {
			n = int32(len(s.names))
			s.numbers[id] = n
			s.names, s.trusted = append(s.names, id), append(s.trusted, 0)
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	s.people++
	if !trusted {
		s.accounts = append(s.accounts, account{person: person, items: numbers, first: dayOf(first), last: dayOf(last)})
		return
	}
	s.pairs += len(numbers)
	for _, i := range numbers {
		s.trusted[i]++
	}
}

// dayOf counts days from 1970, UTC; 0 for the zero time and for days of before.
func dayOf(t time.Time) int32 {
	return int32(min(max(t.Unix()/(24*60*60), 0), math.MaxInt32/2))
}

// Find returns the findings: of each kind the clearest first.
func (s *Search) Find() []Finding {
	slices.SortFunc(s.accounts, func(a, b account) int { return bytes.Compare(a.person[:], b.person[:]) })
	had := make([][]int32, len(s.names)) // item → accounts
	for k := range s.accounts {
		s.accounts[k].out = false
		for _, i := range s.accounts[k].items {
			had[i] = append(had[i], int32(k))
		}
	}
	out := append(s.pulls(had), s.bursts(had)...)
	return append(out, s.alike()...)
}

// pulls takes out the accounts of one item after the other.
func (s *Search) pulls(had [][]int32) []Finding {
	untrusted, total := make([]int, len(had)), 0
	for i, accounts := range had {
		untrusted[i] = len(accounts)
		total += len(accounts)
	}
	least := max(fewest, s.people*perMille/1000)
	var out []Finding
	for len(out) < most {
		item, best := int32(-1), chance
		for i, k := range untrusted {
			if k < least {
				continue
			}
			v := surprise(k, k+s.trusted[i], total, total+s.pairs)
			if v > best || v == best && item >= 0 && s.names[i] < s.names[item] {
				item, best = int32(i), v
			}
		}
		if item < 0 {
			break
		}
		n := untrusted[item] + s.trusted[item]
		f := Finding{Kind: Pull, Item: s.names[item], Trusted: s.trusted[item], Expected: n * total / (total + s.pairs)}
		for _, k := range had[item] {
			a := &s.accounts[k]
			if a.out {
				continue
			}
			a.out = true
			f.People = append(f.People, a.person)
			total -= len(a.items)
			for _, i := range a.items {
				untrusted[i]--
			}
		}
		out = append(out, f)
	}
	return out
}

// surprise bounds, as a natural logarithm, how unlikely it is that of an item's n people
// k or more are not trusted, when of all pairs so many are: n times the Kullback-Leibler
// distance of the shares (Chernoff 1952). The item's own pairs do not count among all.
func surprise(k, n, untrusted, all int) float64 {
	untrusted, all = untrusted-k, all-n
	if all <= 0 {
		return 0 // there is nothing to compare with
	}
	// Half a pair more: a share of nothing would make anything impossible.
	p := (float64(untrusted) + 0.5) / (float64(all) + 1)
	q := float64(k) / float64(n)
	if q <= p {
		return 0
	}
	return float64(n) * divergence(q, p)
}

// alike groups the accounts that are left by what they have.
func (s *Search) alike() []Finding {
	groups := map[[sha256.Size]byte][]int{}
	for k, a := range s.accounts {
		if a.out || len(a.items) < sameItems {
			continue
		}
		sum := sha256.Sum256(s.profile(a))
		groups[sum] = append(groups[sum], k)
	}
	var out []Finding
	for _, group := range groups {
		if len(group) < samePeople {
			continue
		}
		of := s.accounts[group[0]]
		f := Finding{Kind: Alike, Items: len(of.items), Item: s.names[of.items[0]]}
		for _, i := range of.items {
			f.Item = min(f.Item, s.names[i])
		}
		f.Trusted = s.trusted[s.numbers[f.Item]]
		for _, k := range group {
			f.People = append(f.People, s.accounts[k].person)
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(len(b.People), len(a.People)), bytes.Compare(a.People[0][:], b.People[0][:]))
	})
	return out[:min(len(out), most)]
}

func (s *Search) profile(a account) []byte {
	var b []byte
	for _, i := range a.items {
		b = binary.BigEndian.AppendUint32(b, uint32(i))
	}
	return b
}
