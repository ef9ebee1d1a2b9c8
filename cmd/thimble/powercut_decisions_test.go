package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/decision/decisiontest"
	"thimble/internal/gate"
	"thimble/internal/ledger"
	"thimble/internal/thimbletest"
)

// kept is a decision that was acknowledged.
type kept struct {
	id  thimble.ID
	who thimble.SubjectID
}

func keptOf(word []string) kept {
	who, _ := thimble.ParseSubjectID(word[2])
	id, _ := thimble.ParseID(decision.TokenPrefix, word[3])
	return kept{id, who}
}

// decides keeps decisions about several people at once, so that they share a batch, and
// says of each when its call has returned.
func (w *worker) decides(s *thimbletest.Shop) {
	ctx := context.Background()
	lines := make([]string, 6)
	errs := make([]error, len(lines))
	var all sync.WaitGroup
	for i := range lines {
		who := w.people[w.chance.IntN(len(w.people))]
		epoch, err := s.Subjects.Epoch(ctx, who)
		w.Must(err)
		r := decisiontest.List(w.chance, 3, 4)
		r.Subject, r.At = who, time.Now().UTC().Truncate(time.Microsecond)
		all.Go(func() {
			id, err := s.Decisions.Keep(ctx, r, [8]byte{1}, epoch)
			lines[i], errs[i] = fmt.Sprintf("ack decision %s %s\n", who, id.Token(decision.TokenPrefix)), err
		})
	}
	all.Wait()
	for _, err := range errs {
		w.Must(err)
	}
	fmt.Print(strings.Join(lines, ""))
}

// decided proves each acknowledged decision about who is there, in its batch.
func (j *judgement) decided() {
	// An image may be looked at long after the cut. What was known of the ledger's lag
	// before it was integrated counts for a moment.
	for patience := time.Now().Add(5 * time.Second); j.a.Ledger.Silent(j.ctx) && time.Now().Before(patience); {
		time.Sleep(20 * time.Millisecond)
	}
	for _, k := range j.kept {
		if _, erased := j.erased[k.who]; erased || j.erasing[k.who] {
			continue
		}
		r := ask(k.who)
		r.Categories = []thimble.Category{thimble.AutomatedDecision}
		g, err := j.a.Gate.Open(j.ctx, r)
		if err != nil {
			j.errorf("who a decision is about: %v", err)
			continue
		}
		if err := j.proves(g, k.id); err != nil {
			j.errorf("decision %s: %v", k.id.Token(decision.TokenPrefix), err)
		}
	}
}

func (j *judgement) proves(g *gate.Grant, id thimble.ID) error {
	d, err := j.a.Decisions.Get(j.ctx, id)
	if err != nil {
		return err
	}
	_, opening, err := decisiondb.Open(j.ctx, g, d)
	if err != nil {
		return err
	}
	receipt, err := j.a.Ledger.Receipt(j.ctx, opening)
	if err != nil {
		return err
	}
	text, err := receipt.MarshalText()
	if err == nil {
		_, err = ledger.Verify(text, j.a.Ledger.VerifierKey())
	}
	return err
}
