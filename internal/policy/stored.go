package policy

import (
	"crypto/sha256"
	"fmt"

	"thimble"
)

// A Kept is a pack as an installation keeps it, so that the law from before an
// upgrade can be computed after it.
type Kept struct {
	ID      string
	Version string
	Hash    [32]byte // of the pack as it was written
	Text    []byte
}

// Kept returns all packs as they were written, in order of their ids.
func (l *Library) Kept() []Kept {
	all := make([]Kept, 0, len(l.written))
	for _, id := range sorted(l.written) {
		p := l.written[id]
		all = append(all, Kept{ID: id, Version: p.Version, Hash: p.Hash(), Text: l.texts[id]})
	}
	return all
}

// Restore returns the library of packs that an installation kept, by their hashes.
// Packs that are in l too are shared with it; text returns any other as it was
// written. Who vouched for them was asked when they were taken.
func (l *Library) Restore(adopted []string, hashes [][32]byte, text func([32]byte) ([]byte, error)) (*Library, error) {
	here := map[[32]byte]source{}
	for id, p := range l.written {
		here[p.Hash()] = source{p, l.texts[id]}
	}
	var all []source
	for _, h := range hashes {
		s, known := here[h]
		if !known {
			var err error
			if s.text, err = text(h); err != nil {
				return nil, err
			}
			if s.pack, err = Parse(s.text); err != nil {
				return nil, fmt.Errorf("policy: a pack that was kept: %w", err)
			}
		}
		all = append(all, s)
	}
	n := newLibrary()
	if err := n.put(all, "kept"); err != nil {
		return nil, err
	}
	return n, n.build(adopted)
}

// Adopted returns the proposed amendments that apply here.
func (l *Library) Adopted() []string { return l.adopted }

// Hash stands for all packs of the library: their names, what they say, and which
// proposals are adopted.
func (l *Library) Hash() [32]byte {
	h := sha256.New()
	for _, k := range l.Kept() {
		fmt.Fprintf(h, "%s@%s %x\n", k.ID, k.Version, k.Hash)
	}
	for _, id := range l.adopted {
		fmt.Fprintf(h, "adopted %s\n", id)
	}
	return [32]byte(h.Sum(nil))
}

// Places returns where packs apply by residence, in order.
func (l *Library) Places() []string {
	seen := map[string]bool{}
	for _, p := range l.packs {
		for _, place := range p.Applies.Residence {
			seen[place] = true
		}
	}
	return sorted(seen)
}

// A Fact is one that a pack's threshold asks about the shop.
type Fact struct {
	Name string
	Pack string // the ids of the packs that ask, with blanks between
}

// Facts returns what thresholds ask, in order.
func (l *Library) Facts() []Fact {
	asks := map[string]string{}
	for _, id := range sorted(l.packs) {
		for _, t := range l.packs[id].Applies.Thresholds {
			if asks[t.Fact] != "" {
				asks[t.Fact] += " "
			}
			asks[t.Fact] += id
		}
	}
	var all []Fact
	for _, name := range sorted(asks) {
		all = append(all, Fact{Name: name, Pack: asks[name]})
	}
	return all
}

// Text returns a pack as it was written.
func (l *Library) Text(id string) ([]byte, error) {
	if text := l.texts[id]; text != nil {
		return text, nil
	}
	return nil, fmt.Errorf("policy: there is no pack %s: %w", id, thimble.ErrNotFound)
}
