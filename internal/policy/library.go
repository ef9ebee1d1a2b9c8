package policy

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"

	"thimble"
	"thimble/internal/policy/calendar"
)

// A File is a pack from outside this version: its text, and the signed note that
// lies beside it.
type File struct {
	Name      string
	Text      []byte
	Signature []byte // nil for none
}

// A Trust says which packs from outside are taken.
type Trust struct {
	Keys   []string // note verifier keys
	Hashes []string // hex SHA-256 of unsigned packs that were accepted one by one
	// Floors are the versions that were in force before, by pack: an older one
	// is refused.
	Floors map[string]string
	// Seen are the newest versions that were here before, by pack. A pack that is
	// here is not older; one that is gone is a change of the law like any other.
	Seen map[string]string
	// Adopted are the proposed amendments to apply. The simulator tries one.
	Adopted []string
}

// A Library holds all packs, checked and whole, and remembers the laws it made of
// them. It is safe for concurrent use.
type Library struct {
	entries []*entry // of packs that may be chosen, in order of their ids
	packs   map[string]*Pack
	written map[string]*Pack  // before they were made whole
	texts   map[string][]byte // as they were read, by pack
	signers map[string]string
	adopted []string

	mu    sync.RWMutex
	asked map[string]*Law // by question
	made  map[string]*Law // by what is in them, so that equal laws are one
}

// An entry is a pack with what it says between its changes.
type entry struct {
	pack   *Pack
	days   []calendar.Date
	stages []*portion
}

// Shipped returns the library of the packs that ship with this version.
func Shipped() (*Library, error) { return Load(Trust{}) }

// Load returns a library of the packs that ship with this version and of files
// from outside. A file takes the place of a shipped pack of the same id, unless
// it is older.
func Load(trust Trust, files ...File) (*Library, error) {
	if len(files) == 0 && len(trust.Adopted) == 0 {
		l, err := wholeShipped()
		if err == nil {
			err = trust.past(l)
		}
		return l, err
	}
	all, err := readShipped()
	if err != nil {
		return nil, err
	}
	return load(all, trust, files)
}

// wholeShipped is the library of nothing but the packs of this version, made once: a
// library does not change.
var wholeShipped = sync.OnceValues(func() (*Library, error) {
	all, err := readShipped()
	if err != nil {
		return nil, err
	}
	return load(all, Trust{}, nil)
})

// readShipped reads the packs of this version once: a pack does not change after it
// was read, so libraries share them.
var readShipped = sync.OnceValues(parseShipped)

// A source is a pack with the text it was read from.
type source struct {
	pack *Pack
	text []byte
}

func parseShipped() (all []source, err error) {
	names, err := fs.Glob(packs, "packs/*.yaml")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := packs.ReadFile(name)
		if err != nil {
			return nil, err
		}
		p, err := Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, source{p, text})
	}
	return all, nil
}

// put adds packs that nobody has to vouch for.
func (l *Library) put(all []source, signer string) error {
	for _, s := range all {
		if l.written[s.pack.ID] != nil {
			return fmt.Errorf("policy: pack %s is there twice: %w", s.pack.ID, thimble.ErrInvalid)
		}
		l.written[s.pack.ID], l.texts[s.pack.ID], l.signers[s.pack.ID] = s.pack, s.text, signer
	}
	return nil
}

func newLibrary() *Library {
	return &Library{written: map[string]*Pack{}, texts: map[string][]byte{}, signers: map[string]string{}, asked: map[string]*Law{}, made: map[string]*Law{}}
}

func load(shipped []source, trust Trust, files []File) (*Library, error) {
	l := newLibrary()
	if err := l.put(shipped, "shipped"); err != nil {
		return nil, err
	}
	taken := map[string]string{}
	for _, f := range files {
		p, signer, err := trust.take(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if other, twice := taken[p.ID]; twice {
			return nil, fmt.Errorf("policy: %s: pack %s is in %s too: %w", f.Name, p.ID, other, thimble.ErrConflict)
		}
		if old := l.written[p.ID]; old != nil && Newer(old.Version, p.Version) {
			return nil, fmt.Errorf("policy: %s: pack %s is older than %s, which is here already: %w", f.Name, p.Ref(), old.Ref(), thimble.ErrDenied)
		}
		taken[p.ID] = f.Name
		l.written[p.ID], l.texts[p.ID], l.signers[p.ID] = p, f.Text, signer
	}
	if err := trust.past(l); err != nil {
		return nil, err
	}
	return l, l.build(trust.Adopted)
}

// past holds the packs of a library against those that were here before.
func (t Trust) past(l *Library) error {
	for _, id := range sorted(t.Seen) {
		if p := l.written[id]; p != nil && Newer(t.Seen[id], p.Version) {
			return fmt.Errorf("policy: pack %s is older than version %s, which this installation has had; put that version or a later one back: %w", p.Ref(), t.Seen[id], thimble.ErrDenied)
		}
	}
	for _, id := range sorted(t.Floors) {
		if p := l.written[id]; p == nil || Newer(t.Floors[id], p.Version) {
			return fmt.Errorf("policy: pack %s was in force in version %s; an older one, or none, is not taken: %w", id, t.Floors[id], thimble.ErrDenied)
		}
	}
	return nil
}

// take reads a pack from outside and holds it against what is trusted.
func (t Trust) take(f File) (*Pack, string, error) {
	p, err := Parse(f.Text)
	if err != nil {
		return nil, "", err
	}
	if floor := t.Floors[p.ID]; floor != "" && Newer(floor, p.Version) {
		return nil, "", fmt.Errorf("policy: pack %s is older than version %s, which was in force: %w", p.Ref(), floor, thimble.ErrDenied)
	}
	hash := p.Hash()
	if text := hex.EncodeToString(hash[:]); slices.Contains(t.Hashes, text) {
		return p, "accepted by hash", nil
	} else if f.Signature == nil {
		return nil, "", fmt.Errorf("policy: pack %s is not signed; sign it, or accept its hash %s: %w", p.Ref(), text, thimble.ErrDenied)
	}
	signer, err := Verify(p, f.Signature, t.Keys)
	return p, signer, err
}

// build makes the packs whole and computes what they say between changes.
func (l *Library) build(adopted []string) (err error) {
	l.adopted = adopted
	for _, id := range adopted {
		if l.written[id] == nil {
			return fmt.Errorf("policy: there is no pack %s to adopt: %w", id, thimble.ErrNotFound)
		}
	}
	adopts := func(id string) bool { return slices.Contains(adopted, id) }
	if l.packs, err = resolve(l.written, adopts); err != nil {
		return err
	}
	for _, id := range sorted(l.packs) {
		p := l.packs[id]
		if p.Amends != "" || p.Status == Proposed && !adopts(id) {
			continue
		}
		e := &entry{pack: p, days: p.changes()}
		for _, day := range e.days {
			e.stages = append(e.stages, portionOf(p, day))
		}
		l.entries = append(l.entries, e)
	}
	return nil
}

// at returns what the pack says on the day.
func (e *entry) at(on calendar.Date) *portion {
	return e.stages[max(stageOf(e.days, on)-1, 0)]
}

// applies reports whether the pack is in force when the question is asked.
func (e *entry) applies(q Question) bool { return e.pack.Effective.Covers(q.day(e.pack.compute.Zone)) }

// builds reports whether p extends the pack, directly or not.
func (l *Library) builds(p *Pack, id string) bool {
	for p != nil && p.Extends != "" {
		if p.Extends == id {
			return true
		}
		p = l.packs[p.Extends]
	}
	return false
}

// Pack returns the whole pack of an id.
func (l *Library) Pack(id string) (*Pack, error) {
	if p := l.packs[id]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("policy: there is no pack %s: %w", id, thimble.ErrNotFound)
}

// A Listed is one line of the list of packs.
type Listed struct {
	Ref        string        `json:"ref"`
	Title      string        `json:"title"`
	Kind       Kind          `json:"kind"`
	Status     Status        `json:"status"`
	From       calendar.Date `json:"from"`
	To         calendar.Date `json:"to,omitzero"`
	Values     int           `json:"values"`
	Unverified int           `json:"verify"` // values that await their primary source
	Reviewer   string        `json:"reviewer,omitempty"`
	Trust      string        `json:"trust"` // shipped, a signer's name, or accepted by hash
	Hash       string        `json:"hash"`  // hex SHA-256 of the whole pack
}

// List returns all packs in order of their ids.
func (l *Library) List() []Listed {
	var all []Listed
	for _, id := range sorted(l.packs) {
		p := l.packs[id]
		open, values := p.Unverified()
		hash := p.Hash()
		all = append(all, Listed{
			Ref: p.Ref(), Title: p.Title, Kind: p.Kind, Status: p.Status, From: p.Effective.From, To: p.Effective.To,
			Values: values, Unverified: open, Reviewer: p.Reviewer.Name, Trust: l.signers[id], Hash: hex.EncodeToString(hash[:]),
		})
	}
	return all
}

// remembered is how many answers a library remembers before it starts over.
const remembered = 1 << 14

// Law answers a question from memory. Equal laws are one and the same.
func (l *Library) Law(q Question) (*Law, error) {
	key := q.memo()
	l.mu.RLock()
	law := l.asked[key]
	l.mu.RUnlock()
	if law != nil {
		return law, nil
	}
	law, _, err := l.Choose(q)
	if err != nil {
		return nil, err
	}
	content := law.ref + string(law.digest[:])
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.asked) >= remembered {
		clear(l.asked)
		clear(l.made)
	}
	if same := l.made[content]; same != nil {
		law = same
	}
	l.made[content], l.asked[key] = law, law
	return law, nil
}

// memo names what the answer depends on. Midnight falls on a quarter of an hour
// in every zone, so within one the answer stays, but for a move.
func (q Question) memo() string {
	var b strings.Builder
	if lives, hints := q.places(); q.check() == nil {
		b.WriteString(strings.Join(lives, ","))
		b.WriteByte('~')
		b.WriteString(strings.Join(hints, ","))
	} else {
		b.WriteByte('!') // such a question is answered with its error, and never remembered
	}
	b.WriteByte('|')
	b.WriteString(strings.Join(q.Establishment, ","))
	b.WriteByte('|')
	for _, fact := range sorted(q.Facts) {
		b.WriteString(fact)
		b.WriteByte('=')
		b.WriteString(strconv.FormatInt(q.Facts[fact], 10))
		b.WriteByte(',')
	}
	b.WriteByte('|')
	b.WriteString(cmp.Or(q.On.String(), strconv.FormatInt(q.At.Unix()/900, 10)))
	return b.String()
}
