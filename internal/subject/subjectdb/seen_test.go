package subjectdb_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject/subjectdb"
)

func (h shop) seenOn(who thimble.SubjectID) time.Time {
	h.t.Helper()
	at, err := h.s.SeenOn(ctx, who)
	if err != nil {
		h.t.Fatal(err)
	}
	return at
}

func (h shop) saw(who thimble.SubjectID, at time.Time) {
	h.t.Helper()
	if err := h.s.Saw(ctx, map[thimble.SubjectID]time.Time{who: at}); err != nil {
		h.t.Fatal(err)
	}
}

func dayOf(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

// In whatever order it is said that people were there, and whoever is joined with whom, the
// day of a person is the latest of all of theirs, and never before they came to be known.
func TestTheDayOnWhichSomebodyWasThereMovesForwardOnly(t *testing.T) {
	each(t, func(h shop) {
		chance := rand.New(rand.NewPCG(20261130, 7))
		today := dayOf(time.Now())
		ada, bob, eve := h.person("ada@example.org"), h.person("bob@example.org"), h.person("eve@example.org")
		if at := h.seenOn(ada); !at.Equal(today) {
			t := h.t
			t.Errorf("who has just come to be known was there on %s", at)
		}
		latest := map[thimble.SubjectID]time.Time{ada: today, bob: today, eve: today}
		for range 60 {
			who := []thimble.SubjectID{ada, bob, eve}[chance.IntN(3)]
			at := today.AddDate(0, 0, chance.IntN(400)-200).Add(time.Duration(chance.IntN(24*60)) * time.Minute)
			h.saw(who, at)
			if dayOf(at).After(latest[who]) {
				latest[who] = dayOf(at)
			}
			if got := h.seenOn(who); !got.Equal(latest[who]) {
				h.t.Fatalf("after %s it is %s, want %s", at, got, latest[who])
			}
		}
		m, err := h.s.Join(ctx, ada, bob, byStaff)
		if err != nil {
			h.t.Fatal(err)
		}
		both := latest[ada]
		if latest[bob].After(both) {
			both = latest[bob]
		}
		if a, b := h.seenOn(ada), h.seenOn(bob); !a.Equal(both) || !b.Equal(both) {
			h.t.Errorf("of two who are one person it is %s and %s, want the later, %s", a, b, both)
		}
		if _, err := h.s.Part(ctx, m.ID, "mia"); err != nil {
			h.t.Fatal(err)
		}
		if a, b := h.seenOn(ada), h.seenOn(bob); !a.Equal(latest[ada]) || !b.Equal(latest[bob]) {
			h.t.Errorf("parted, it is %s and %s, want %s and %s", a, b, latest[ada], latest[bob])
		}
		// A clock that ran ahead wrote days that have not come.
		if err := h.s.SeenByNow(ctx, today.Add(time.Hour)); err != nil {
			h.t.Fatal(err)
		}
		for _, who := range []thimble.SubjectID{ada, bob, eve} {
			if got := h.seenOn(who); got.After(today) || latest[who].Before(today) && !got.Equal(latest[who]) {
				h.t.Errorf("taken back, it is %s", got)
			}
		}
		found := false
		for _, d := range h.export(ada) {
			found = found || d.Name == "here last" && d.Value == h.seenOn(ada).Format(time.DateOnly)
		}
		if !found {
			h.t.Error("the person does not read it")
		}
		if _, err := h.s.Erase(ctx, ada); err != nil {
			h.t.Fatal(err)
		}
		h.saw(ada, today.AddDate(0, 0, 1))
		if at := h.seenOn(ada); !at.IsZero() {
			h.t.Errorf("of who was erased it is %s", at)
		}
	})
}

// Who was refused for not having been there is so no more once they are there, by whichever
// subject; a restriction of their own stays, and nothing is written down of them.
func TestWhoComesBackIsRefusedNoLonger(t *testing.T) {
	each(t, func(h shop) {
		ada, bob, eve := h.person("ada@example.org"), h.person("bob@example.org"), h.person("eve@example.org")
		if _, err := h.s.Join(ctx, ada, bob, byStaff); err != nil {
			h.t.Fatal(err)
		}
		first, err := h.s.Canonical(ctx, ada)
		if err != nil {
			h.t.Fatal(err)
		}
		other := bob
		if first == bob {
			other = ada
		}
		err = h.core.Write(ctx, func(tx *sqldb.Tx) error {
			return errors.Join(h.s.SetLapsed(ctx, tx, first, true), h.s.SetRestricted(ctx, tx, eve, true))
		})
		if err != nil {
			h.t.Fatal(err)
		}
		before := h.seenOn(eve)
		h.saw(other, time.Now().AddDate(0, 0, 2))
		h.saw(eve, time.Now().AddDate(0, 0, 2))
		if p, err := h.s.Person(ctx, first); err != nil || p.Restricted {
			h.t.Errorf("who came back is refused still, %v", err)
		}
		if p, err := h.s.Person(ctx, eve); err != nil || !p.Restricted || !h.seenOn(eve).Equal(before) {
			h.t.Errorf("a restriction that the person asked for did not stay, or more was written of them: %v", err)
		}
	})
}

// However often it is said that people are there, each is written once a day; what cannot be
// written is not lost; and a clock that was set back dates nobody back.
func TestThatSomebodyIsThereIsWrittenOnceADay(t *testing.T) {
	each(t, func(h shop) {
		ada, bob := h.person("ada@example.org"), h.person("bob@example.org")
		now := time.Now().AddDate(0, 0, 10)
		least, fails := time.Time{}, false
		p := subjectdb.NewPresence(h.s, func() time.Time { return now }, func(context.Context) (time.Time, error) {
			if fails {
				return least, thimble.ErrUnavailable
			}
			return least, nil
		}, slog.New(slog.DiscardHandler))
		flush := func() int {
			h.t.Helper()
			counted, n := sqldb.Counted(ctx)
			if err := p.Flush(counted); err != nil && !fails {
				h.t.Fatal(err)
			}
			return int(n.Load())
		}
		p.Here(ada, bob, ada)
		fails = true
		flush()
		fails = false
		if n := flush(); n == 0 || !h.seenOn(ada).Equal(dayOf(now)) || !h.seenOn(bob).Equal(dayOf(now)) {
			h.t.Errorf("after a flush that failed, %d statements wrote %s and %s", n, h.seenOn(ada), h.seenOn(bob))
		}
		for range 1000 {
			p.Here(ada, bob)
		}
		if n := flush(); n != 0 {
			h.t.Errorf("the same day again took %d statements", n)
		}
		now = now.AddDate(0, 0, 1)
		flush()
		p.Here(ada)
		flush()
		if !h.seenOn(ada).Equal(dayOf(now)) || h.seenOn(bob).Equal(dayOf(now)) {
			h.t.Error("the next day is not written, or of somebody who was not there")
		}
		least, now = now.AddDate(0, 0, 3), now.AddDate(-1, 0, 0)
		flush()
		p.Here(bob)
		flush()
		if !h.seenOn(bob).Equal(dayOf(least)) {
			h.t.Errorf("with a clock that was set back it is %s, want %s", h.seenOn(bob), dayOf(least))
		}
	})
}
