package intake

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/collect/segment"
	"thimble/internal/consent"
	"thimble/internal/consent/signal"
	"thimble/internal/subject"
)

// Preference is the reserved event by which Segment's consent tools say that somebody
// has just chosen (Segment, "Consent in Segment Connections").
const Preference = "Segment Consent Preference Updated"

// Consents takes down what people said; package intakedb does it.
type Consents interface {
	// Hear records what is not recorded yet. What it cannot record it leaves out.
	Hear(ctx context.Context, all []Said) error
}

// A Said is what somebody said to a source that asks for consent.
type Said struct {
	Who     thimble.SubjectID
	Yes, No []thimble.Purpose
	Chosen  bool      // they have just chosen; else it is what the source remembers
	At      time.Time // by the client's clock, corrected; never after the arrival
	Source  Source
	// Wire is the hash of the form in which it came, Notice the version of the text that
	// was shown, as the source names it; "" if it does not.
	Wire   [sha256.Size]byte
	Notice string
}

// A choice is what a consent object says that somebody chose.
type choice struct {
	yes, no []thimble.Purpose
	notice  string
}

// wordOfNotice is how a source names a text: nothing about a person fits into it.
var wordOfNotice = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)

// chosen reads the choices of a consent object: of the shop's own categories alone, and
// of those that are named. A category that is missing denies the event and is no
// choice. A purpose of several categories is chosen when all of them are, and refused
// when one is. An object that cannot be read says nothing.
func chosen(raw []byte, c signal.Categories) (out choice) {
	if len(bytes.TrimSpace(raw)) == 0 || signal.Segment(raw, c).Refused != nil {
		return out
	}
	var object struct {
		CategoryPreferences map[string]bool `json:"categoryPreferences"`
		Notice              any             `json:"notice"`
	}
	if json.Unmarshal(raw, &object) != nil {
		return out
	}
	if name, ok := object.Notice.(string); ok && wordOfNotice.MatchString(name) {
		out.notice = name
	}
	said := map[string]bool{}
	for name, yes := range object.CategoryPreferences {
		id := strings.ToLower(name)
		if before, twice := said[id]; twice {
			yes = yes && before
		}
		said[id] = yes
	}
	yes, no := map[thimble.Purpose]bool{}, map[thimble.Purpose]bool{}
	for id, purposes := range c {
		answer, named := said[id]
		for _, p := range purposes {
			no[p] = no[p] || named && !answer
			if before, there := yes[p]; !there || before {
				yes[p] = named && answer
			}
		}
	}
	for p, given := range yes {
		if _, asked := consent.AskOf(p); given && asked && !no[p] {
			out.yes = append(out.yes, p)
		}
	}
	for p, refused := range no {
		if refused {
			out.no = append(out.no, p)
		}
	}
	slices.Sort(out.yes)
	slices.Sort(out.no)
	return out
}

// consentOf returns the consent object that counts for an event: its own, else that of
// the batch.
func (w *work) consentOf(it *item) []byte {
	if raw := w.b.Bytes(it.ev.Signals.Consent); len(raw) > 0 {
		return raw
	}
	return w.b.Bytes(w.b.Shared.Consent)
}

// brings reports whether an event brings a yes of its person, by which they may be made
// a person here: somebody who says yes is to have the receipt of it.
func (w *work) brings(it *item) bool {
	return w.src.Consents && len(chosen(w.consentOf(it), w.in.deps.Categories).yes) > 0
}

// hear takes down what people said to a source that asks for consent.
func (w *work) hear() error {
	if !w.src.Consents || w.in.deps.Consents == nil {
		return nil
	}
	var all []Said
	var names []name
	var just []*item
	born := w.run.door.Moment()
	for i := range w.items {
		it := &w.items[i]
		raw := w.consentOf(it)
		if it.who.IsZero() || len(raw) == 0 || it.drop != "" && it.drop != heard {
			continue
		}
		chose := it.drop == heard && it.ev.Call == segment.Track // what comes with an alias is remembered
		n := w.hash.pair(it.who, consentKind, raw)
		if _, known := w.in.who.get(w.run.door, n); known && !chose {
			continue
		}
		c := chosen(raw, w.in.deps.Categories)
		all = append(all, Said{Who: it.who, Yes: c.yes, No: c.no, Chosen: chose, At: time.UnixMicro(it.ev.Time).UTC(), Source: w.src, Wire: sha256.Sum256(raw), Notice: c.notice})
		names = append(names, n)
		if chose {
			just = append(just, it)
		}
	}
	if len(all) == 0 {
		return nil
	}
	whose := make([]thimble.SubjectID, len(all))
	for i := range all {
		whose[i] = all[i].Who
	}
	if all = latest(all); len(all) > 0 {
		if err := w.in.deps.Consents.Hear(w.ctx, all); err != nil {
			return unavailable(err)
		}
	}
	for i, n := range names {
		w.in.who.put(n, whose[i], born)
	}
	for _, it := range just {
		it.said = true // and is not heard again
	}
	return nil
}

// consentKind sets what is remembered of consent apart from identifiers.
const consentKind = subject.Kind("consent")

// latest keeps, of what each person said, what they said last: what was chosen before
// what is remembered, and of two of the same time, every no of both and no yes that one
// of them lacks. What says nothing is left out.
func latest(all []Said) []Said {
	slices.SortStableFunc(all, func(a, b Said) int {
		return cmp.Or(bytes.Compare(a.Who[:], b.Who[:]), rank(a)-rank(b), a.At.Compare(b.At))
	})
	kept := all[:0]
	for _, s := range all {
		if n := len(kept); n > 0 && kept[n-1].Who == s.Who {
			last := kept[n-1]
			if last.At.Equal(s.At) && last.Chosen == s.Chosen {
				s.No = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(s.No), last.No...))))
				s.Yes = slices.DeleteFunc(slices.Clone(s.Yes), func(p thimble.Purpose) bool { return !slices.Contains(last.Yes, p) })
			}
			kept = kept[:n-1]
		}
		kept = append(kept, s)
	}
	return slices.DeleteFunc(kept, func(s Said) bool { return len(s.Yes)+len(s.No) == 0 })
}

func rank(s Said) int {
	if s.Chosen {
		return 1
	}
	return 0
}
