package policydb

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/policy"
	"thimble/internal/policy/calendar"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// An installation is a database that is opened with packs again and again.
type installation struct {
	t   *testing.T
	db  *sqldb.DB
	log *ledgerdb.Log
	now time.Time
}

func each(t *testing.T, f func(i *installation)) {
	t.Helper()
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		signer, err := ledger.NewSigner("shop.example/log", make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		i := &installation{t: t, db: db, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
		i.log = ledgerdb.New(db, signer, ledgerdb.Config{Now: i.clock})
		f(i)
	})
}

func (i *installation) clock() time.Time { return i.now }

// start opens the installation with Ruritania's pack, edited; a nil pack leaves it out.
func (i *installation) start(edit ...string) *Store {
	i.t.Helper()
	text, err := os.ReadFile("../testdata/zz.ruritania.yaml")
	if err != nil {
		i.t.Fatal(err)
	}
	body, _, _ := strings.Cut(string(text), "examples:")
	body = strings.NewReplacer(edit...).Replace(body)
	var files []policy.File
	trust := policy.Trust{}
	if !slices.Contains(edit, "left out") {
		p, err := policy.Parse([]byte(body))
		if err != nil {
			i.t.Fatal(err)
		}
		trust.Hashes = append(trust.Hashes, hash(p))
		files = append(files, policy.File{Name: "zz.yaml", Text: []byte(body)})
	}
	key := strings.Join(trust.Hashes, " ")
	l, known := libraries.Load(key)
	if !known { // a library does not change
		if l, err = policy.Load(trust, files...); err != nil {
			i.t.Fatal(err)
		}
		libraries.Store(key, l)
	}
	s, err := Open(i.t.Context(), i.db, i.log, l.(*policy.Library), policy.Shop{}, i.clock)
	if err != nil {
		i.t.Fatal(err)
	}
	return s
}

var libraries sync.Map // by the hash of Ruritania's pack

func hash(p *policy.Pack) string {
	h := p.Hash()
	return hex.EncodeToString(h[:])
}

func (i *installation) advance(s *Store) bool {
	i.t.Helper()
	changed, err := s.Advance(i.t.Context())
	if err != nil {
		i.t.Fatal(err)
	}
	return changed
}

func (i *installation) lists(s *Store) policy.Mode {
	i.t.Helper()
	law, err := s.Regime().Law(policy.Question{On: s.Today(), Residences: []policy.Residence{{Place: "ZZ", Evidence: policy.Declared}}})
	if err != nil {
		i.t.Fatal(err)
	}
	return law.Find("personalize").Mode
}

func (i *installation) pending(s *Store) []policy.Waiting {
	i.t.Helper()
	all, err := s.Regime().Pending(s.Today())
	if err != nil {
		i.t.Fatal(err)
	}
	return all
}

var looser = []string{`version: "1"`, `version: "2"`, "personalize, mode: opt_in_explicit", "personalize, mode: opt_in"}

const reason = "counsel agreed on 20 November"

func TestALooserPackWaitsAcrossRestartsUntilItIsAccepted(t *testing.T) {
	each(t, func(i *installation) {
		s := i.start()
		if !i.advance(s) || i.advance(s) {
			t.Fatal("the first start records the law once")
		}
		s = i.start(looser...)
		if got := i.lists(s); got != policy.OptInExplicit {
			t.Errorf("before anything is recorded: %s", got)
		}
		i.advance(s)
		for range 2 { // restarts change nothing
			s = i.start(looser...)
			if i.advance(s) {
				t.Error("a restart with the same packs is recorded as a change")
			}
			if got := i.lists(s); got != policy.OptInExplicit {
				t.Errorf("personal lists: %s; nobody has accepted", got)
			}
		}
		pending := i.pending(s)
		if len(pending) != 1 || pending[0].Key != "personalize" {
			t.Fatalf("waiting %+v", pending)
		}
		told := 0
		s.OnChange(func(*sqldb.Tx) { told++ })
		if err := s.Accept(t.Context(), "owner", reason, pending[0].ID()); err != nil {
			t.Fatal(err)
		}
		if got := i.lists(s); got != policy.OptIn || told != 1 {
			t.Errorf("after the acceptance: %s, told %d times", got, told)
		}
		s = i.start(looser...)
		if got := i.lists(s); got != policy.OptIn || i.advance(s) || len(i.pending(s)) != 0 {
			t.Errorf("after a restart: %s, %d wait", got, len(i.pending(s)))
		}
		all, err := s.Acceptances(t.Context(), 9)
		if err != nil || len(all) != 1 || all[0].Reason != reason || all[0].Staff != "owner" || all[0].Places != "ZZ" || all[0].Change.To != "opt_in" {
			t.Errorf("acceptances %+v, %v", all, err)
		}
	})
}

// An acceptance is of the change that was seen: when the value is tightened and
// loosened again, it waits again.
func TestAnAcceptanceCountsOnce(t *testing.T) {
	each(t, func(i *installation) {
		i.advance(i.start())
		s := i.start(looser...)
		i.advance(s)
		if err := s.Accept(t.Context(), "owner", reason, i.pending(s)[0].ID()); err != nil {
			t.Fatal(err)
		}
		strict := []string{`version: "1"`, `version: "2"`}
		s = i.start(strict...)
		i.advance(s)
		if got := i.lists(s); got != policy.OptInExplicit {
			t.Fatalf("tightened: %s", got)
		}
		s = i.start(looser...)
		i.advance(s)
		if got := i.lists(s); got != policy.OptInExplicit || len(i.pending(s)) != 1 {
			t.Errorf("loosened again: %s, %d wait", got, len(i.pending(s)))
		}
	})
}

func TestAcceptingNamesWhatIsWrong(t *testing.T) {
	each(t, func(i *installation) {
		i.advance(i.start())
		s := i.start(looser...)
		i.advance(s)
		id := i.pending(s)[0].ID()
		for name, c := range map[string]struct {
			staff, reason, id string
			want              error
		}{
			"no reason":       {"owner", " too short ", id, thimble.ErrInvalid},
			"a long reason":   {"owner", strings.Repeat("a", 501), id, thimble.ErrInvalid},
			"nobody":          {"", reason, id, thimble.ErrDenied},
			"nothing waiting": {"owner", reason, "0123", thimble.ErrNotFound},
		} {
			if err := s.Accept(t.Context(), c.staff, c.reason, c.id); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		// One of two that does not wait: none is accepted.
		if err := s.Accept(t.Context(), "owner", reason, id, "0123"); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("got %v", err)
		}
		if got := i.lists(s); got != policy.OptInExplicit {
			t.Errorf("a refused acceptance loosened the law: %s", got)
		}
	})
}

func TestTheCalendarChangesTheLawWithALeaf(t *testing.T) {
	each(t, func(i *installation) {
		i.now = time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)
		s := i.start()
		i.advance(s)
		i.now = i.now.AddDate(0, 0, 1)
		if !i.advance(s) {
			t.Fatal("marketing may begin in Ruritania on 1 July, and nothing is recorded")
		}
		if !slices.ContainsFunc(i.pending(s), func(w policy.Waiting) bool { return w.Name() == "purpose/marketing" }) {
			t.Error("it does not wait")
		}
		history, err := s.History(t.Context(), 9)
		if err != nil || len(history) != 2 || history[0].Waiting == 0 || history[0].Day != "2026-07-01" {
			t.Errorf("history %+v, %v", history, err)
		}
	})
}

func TestAPackThatWasHereIsNotReplacedByAnOlderOne(t *testing.T) {
	each(t, func(i *installation) {
		i.advance(i.start(`version: "1"`, `version: "10"`))
		i.advance(i.start("left out", ""))
		seen, err := Seen(t.Context(), i.db)
		if err != nil || seen["zz.ruritania"] != "10" {
			t.Errorf("seen %v, %v", seen["zz.ruritania"], err)
		}
		if _, err := policy.Load(policy.Trust{Seen: seen}); err != nil {
			t.Errorf("a pack that is gone: %v", err)
		}
	})
}

func TestEachRowSaysWhatItsLeafSays(t *testing.T) {
	each(t, func(i *installation) {
		i.advance(i.start())
		s := i.start(looser...)
		i.advance(s)
		if err := s.Accept(t.Context(), "owner", reason, i.pending(s)[0].ID()); err != nil {
			t.Fatal(err)
		}
		review := Review{Reviewer: "Reviewer A", On: s.Today(), Note: "ages only", Staff: "owner"}
		if err := s.Review(t.Context(), "zz.ruritania", review); err != nil {
			t.Fatal(err)
		}
		reviews, err := s.Reviews(t.Context())
		if err != nil || len(reviews) != 1 || reviews[0].Pack != "zz.ruritania" || reviews[0].Version != "2" || len(reviews[0].Hash) != 64 {
			t.Fatalf("reviews %+v, %v", reviews, err)
		}
		if broken, n := i.broken(s); n != 5 || len(broken) > 0 {
			t.Errorf("%d claims, broken %v", n, broken)
		}
		for table, set := range map[string]string{"policy_layers": "waiting = 7", "policy_acceptances": "reason = 'because I said so'", "policy_reviews": "reviewer = 'Reviewer B'"} {
			err := i.db.Write(t.Context(), func(tx *sqldb.Tx) error {
				_, err := tx.Exec(t.Context(), `update `+table+` set `+set)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if broken, _ := i.broken(s); !slices.Contains(broken, table) {
				t.Errorf("%s was altered, and nothing is broken but %v", table, broken)
			}
		}
	})
}

func (i *installation) broken(s *Store) (tables []string, n int) {
	i.t.Helper()
	for c, err := range s.Claims(i.t.Context()) {
		if err != nil {
			i.t.Fatal(err)
		}
		n++
		if c.Rule != "" || c.Err != nil {
			tables = append(tables, c.Table)
		}
	}
	return tables, n
}

func TestAnAlteredPackOfBeforeIsNoticed(t *testing.T) {
	each(t, func(i *installation) {
		i.advance(i.start())
		i.advance(i.start(looser...))
		err := i.db.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), `update policy_packs set body = (select body from policy_packs where pack_id = 'zz.ruritania' and version = '2') where pack_id = 'zz.ruritania'`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		l, err := policy.Shipped()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), i.db, i.log, l, policy.Shop{}, i.clock); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("got %v: a changed pack of before is taken", err)
		}
	})
}

func TestAReviewNamesItsReviewerAndDay(t *testing.T) {
	each(t, func(i *installation) {
		s := i.start()
		good := Review{Reviewer: "Reviewer A", On: s.Today(), Staff: "owner"}
		for name, c := range map[string]struct {
			pack string
			edit func(*Review)
			want error
		}{
			"no such pack":   {"zz.nowhere", func(*Review) {}, thimble.ErrNotFound},
			"no name":        {"eu.gdpr", func(r *Review) { r.Reviewer = " " }, thimble.ErrInvalid},
			"no day":         {"eu.gdpr", func(r *Review) { r.On = calendar.Date{} }, thimble.ErrInvalid},
			"tomorrow":       {"eu.gdpr", func(r *Review) { r.On = r.On.Add(1) }, thimble.ErrInvalid},
			"a long note":    {"eu.gdpr", func(r *Review) { r.Note = strings.Repeat("a", 501) }, thimble.ErrInvalid},
			"nobody told it": {"eu.gdpr", func(r *Review) { r.Staff = "" }, thimble.ErrDenied},
		} {
			r := good
			c.edit(&r)
			if err := s.Review(t.Context(), c.pack, r); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
	})
}

func TestCountsAreReplacedAsAWhole(t *testing.T) {
	each(t, func(i *installation) {
		s := i.start()
		if _, err := s.People(t.Context()); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("nobody was counted: %v", err)
		}
		many := []policy.Group{{Places: []string{"DE", "US-CA"}, Age: -1, People: 3, Permits: []thimble.Purpose{"personalize", "train_ai_system"}}, {Age: 18, People: 2}}
		for n := range 30 { // more than one statement
			many = append(many, policy.Group{Places: []string{"FR"}, Age: n, People: 1})
		}
		for _, groups := range [][]policy.Group{many, many[:2]} {
			if err := s.KeepPeople(t.Context(), groups); err != nil {
				t.Fatal(err)
			}
			c, err := s.People(t.Context())
			if err != nil || len(c.All) != len(groups) || !c.At.Equal(i.now) {
				t.Fatalf("%d groups of %s, %v", len(c.All), c.At, err)
			}
		}
		c, err := s.People(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if g := c.All[1]; !slices.Equal(g.Places, []string{"DE", "US-CA"}) || g.Age != -1 || len(g.Permits) != 2 || c.Count() != 5 {
			t.Errorf("%+v", c.All)
		}
	})
}

func TestAFailedWriteLeavesTheLawAsItWas(t *testing.T) {
	each(t, func(i *installation) {
		i.advance(i.start())
		s := i.start(looser...)
		i.advance(s)
		id := i.pending(s)[0].ID()
		ctx, cancel := context.WithCancel(t.Context())
		s.OnChange(func(*sqldb.Tx) { cancel() }) // the transaction cannot commit
		if err := s.Accept(ctx, "owner", reason, id); err == nil {
			t.Fatal("accepted, although nothing was written")
		}
		if got := i.lists(s); got != policy.OptInExplicit {
			t.Errorf("personal lists: %s after a failed acceptance", got)
		}
	})
}
