package app_test

import (
	"fmt"
	"io"
	"mime/quotedprintable"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/wiretest"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/lettersdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/staff"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
)

// mailed gives somebody an e-mail address.
func mailed(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID, address string) {
	t.Helper()
	id, err := subject.NewIdentifier(subject.Email, address)
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Subjects.DraftFor(t.Context(), who, id)
	if err == nil {
		err = s.Core.Write(t.Context(), func(tx *sqldb.Tx) error { return s.Subjects.Add(t.Context(), tx, d) })
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A writer is an installation that writes letters, and the mail server that takes them.
type writer struct {
	*thimbletest.Shop
	t    *testing.T
	box  *wiretest.Mailbox
	read int
	now  time.Time
}

// onBoth runs a test on both engines.
func onBoth(t *testing.T, f func(t *testing.T, on ...string)) {
	t.Run("sqlite", func(t *testing.T) { f(t) })
	t.Run("postgres", func(t *testing.T) { f(t, "database-url", sqldbtest.Database(t)) })
}

func writes(t *testing.T, more ...string) *writer {
	w := &writer{t: t, box: &wiretest.Mailbox{}, now: time.Now()}
	settings := map[string]string{"data": filepath.Join(t.TempDir(), "data"), "smtp-url": "smtp://" + w.box.Start(t), "mail-from": "Shop <shop@shop.example>", "controller-name": "Linen Shop"}
	for i := 0; i+1 < len(more); i += 2 {
		settings[more[i]] = more[i+1]
	}
	w.Shop = thimbletest.OpenAt(t, settings, func() time.Time { return w.now })
	return w
}

// post writes and sends what is owed, and returns the new letters, each as its address and
// its text.
func (w *writer) post() (all [][2]string) {
	w.t.Helper()
	w.later(15 * time.Second)
	w.turn()
	sendAll(w.t, w.Shop)
	w.later(15 * time.Second)
	w.turn()
	got := w.box.Received()
	for _, r := range got[w.read:] {
		_, body, _ := strings.Cut(r.Data, "\r\n\r\n")
		text, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(body)))
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, [2]string{strings.Trim(r.To, "<>"), strings.ReplaceAll(string(text), "\r\n", "\n")})
	}
	w.read = len(got)
	return all
}

func (w *writer) turn() {
	w.t.Helper()
	if err := w.WriteLetters(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// of says what became of each letter of a case.
func (w *writer) of(c cases.Case) (all []string) {
	w.t.Helper()
	got, err := w.Letters.Of(w.t.Context(), c.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range got {
		all = append(all, strings.TrimSuffix(fmt.Sprintf("%s %s %s", l.Kind, l.State, l.Why), " "))
	}
	return all
}

func (w *writer) asks(a casesdb.Asked) cases.Case {
	w.t.Helper()
	c, err := w.Cases.Open(w.t.Context(), a)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func caseToken(c cases.Case) string { return c.ID.Token(cases.TokenPrefix) }

func TestAPersonIsWrittenToAtEachTurnOfTheirRequest(t *testing.T) {
	onBoth(t, func(t *testing.T, on ...string) {
		s := writes(t, on...)
		ada := s.Subject("ada")
		mailed(t, s.Shop, ada, "ada@example.org")
		mailed(t, s.Shop, ada, "ada@work.example")
		err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
			return s.Subjects.SetResidence(t.Context(), tx, ada, subject.Residence{Country: "DE", Evidence: "order", At: s.now})
		})
		if err != nil {
			t.Fatal(err)
		}
		person, zoe, max := browse(t, s.Shop, ada), answers(t, s.Shop, "zoe", staff.Privacy), answers(t, s.Shop, "max", staff.Privacy)
		if page := zoe.page("/console/requests"); strings.Contains(page, "Nobody is written to") {
			t.Error("the desk says that nobody is written to")
		}
		c := s.asks(casesdb.Asked{Subject: ada, Kind: cases.Rectify, Via: cases.Mail, By: cases.TheStaff, Staff: "zoe", Words: thimble.Hide("my size is wrong")})
		path := "/privacy/requests/" + caseToken(c)
		for i, step := range []struct {
			do    func() int
			wants []string
		}{
			{func() int { return http.StatusSeeOther }, []string{"Was it you?", "sign in", "Linen Shop", "http://localhost:8080" + path}},
			{func() int { return zoe.does(c, cases.Proved) }, []string{"we got a request", "by this way: mail", "We will answer by"}},
			{func() int { return zoe.does(c, cases.Questioned, "text", "which size?") }, []string{"need to know what you mean"}},
			{func() int { n, _ := person.sends(path+"/reply", url.Values{"text": {"of shirts"}}); return n }, nil},
			{func() int { return zoe.does(c, cases.Prolonged, "text", "We ask the maker first.") }, []string{"The new date is", "We ask the maker first."}},
			{func() int { return zoe.does(c, cases.Declined, "ground", "not_held", "text", "We keep no sizes.") }, []string{"Nothing of the kind is held", "GDPR Art. 12(3)", "We keep no sizes.", "complain", "court"}},
			{func() int { n, _ := person.sends(path+"/appeal", url.Values{"text": {"you do"}}); return n }, nil},
			{func() int { return max.does(c, cases.Overturned, "text", "we do") }, []string{"you were right"}},
			{func() int { return max.does(c, cases.Accepted) }, nil},
			{func() int { return max.does(c, cases.Completed, "text", "it is M now") }, []string{"is done"}},
		} {
			s.later(time.Minute)
			if code := step.do(); code != http.StatusSeeOther {
				t.Fatalf("step %d = %d", i, code)
			}
			got := s.post()
			if want := 2; len(step.wants) == 0 && len(got) != 0 || len(step.wants) > 0 && len(got) != want {
				t.Fatalf("step %d: %d letters: %v", i, len(got), got)
			}
			for _, l := range got {
				for _, want := range step.wants {
					if !strings.Contains(l[1], want) {
						t.Errorf("step %d: the letter does not say %q:\n%s", i, want, l[1])
					}
				}
				for _, no := range []string{"which size?", "of shirts", "it is M now", "my size is wrong", "zoe", "ada", ada.String()} {
					if strings.Contains(l[1], no) {
						t.Errorf("step %d: the letter says %q:\n%s", i, no, l[1])
					}
				}
			}
			if len(got) == 2 && (got[0][0] == got[1][0] || !slices.Contains([]string{"ada@example.org", "ada@work.example"}, got[0][0])) {
				t.Errorf("step %d: the letters went to %s and %s", i, got[0][0], got[1][0])
			}
		}
		for _, page := range []string{zoe.page("/console/cases/" + caseToken(c)), person.page(path)} {
			for _, want := range []string{"Was it you who asked?", "The date moves", "It was refused", "It is done"} {
				if !strings.Contains(page, want) || !strings.Contains(page, ">Sent<") {
					t.Errorf("a page does not list the letter %q as sent", want)
				}
			}
		}
		if c, err = s.Cases.Get(t.Context(), c.ID); err != nil || c.Receipt.At.IsZero() || c.Receipt.At.After(c.At.Add(5*time.Minute)) {
			t.Errorf("the first letter did not confirm that it came: %+v, %v", c.Receipt, err)
		}
		s.Works()
		if audit, err := s.Audit(t.Context()); err != nil || len(audit.Findings) != 0 {
			t.Errorf("the audit found %v, %v", audit.Findings, err)
		}
	})
}

func TestTheLastLetterGoesOutWithTheErasureAndItsAddressIsGoneOnceItWasSent(t *testing.T) {
	onBoth(t, func(t *testing.T, on ...string) {
		s := writes(t, on...)
		ada := s.Subject("ada")
		mailed(t, s.Shop, ada, "ada@example.org")
		w := browse(t, s.Shop, ada)
		res := w.do(http.MethodPost, "/privacy/forget", url.Values{"word": {"FORGET"}})
		if res.StatusCode != http.StatusSeeOther {
			t.Fatalf("being forgotten = %d", res.StatusCode)
		}
		sealed := func() (n int) {
			t.Helper()
			err := s.Core.Read(t.Context(), func(tx *sqldb.Tx) error {
				return tx.QueryRow(t.Context(), `select count(*) from disclose_messages where kind = 'last-letter' and body is not null`).Scan(&n)
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := sealed(); n != 1 {
			t.Fatalf("%d last letters wait, want 1", n)
		}
		got := s.post()
		if len(got) != 1 || got[0][0] != "ada@example.org" {
			t.Fatalf("letters: %v", got)
		}
		_, page, _ := strings.Cut(got[0][1], "http://localhost:8080")
		page, _, _ = strings.Cut(page, "\n")
		if res := browse(t, s.Shop, thimble.SubjectID{}).do(http.MethodGet, page, nil); res.StatusCode != http.StatusOK {
			t.Errorf("the page that the letter names (%s) = %d", page, res.StatusCode)
		}
		if n := sealed(); n != 0 {
			t.Errorf("%d last letters are kept after they were sent", n)
		}
		if got := s.post(); len(got) != 0 {
			t.Errorf("and then: %v", got)
		}
		s.Works()
		if audit, err := s.Audit(t.Context()); err != nil || len(audit.Findings) != 0 {
			t.Errorf("the audit found %v, %v", audit.Findings, err)
		}
	})
}

// A mail server that is gone stops nothing, and keeps nothing of who was erased for longer
// than letters are tried.
func TestALetterThatCannotBeSentStopsNoRequest(t *testing.T) {
	s := writes(t, "smtp-url", "smtp://127.0.0.1:9")
	ada, eve := s.Subject("ada"), s.Subject("eve")
	mailed(t, s.Shop, ada, "ada@example.org")
	zoe := answers(t, s.Shop, "zoe", staff.Privacy)
	c := s.asks(casesdb.Asked{Subject: ada, Kind: cases.Sale, Via: cases.Phone, By: cases.TheStaff, Staff: "zoe"})
	none := s.asks(casesdb.Asked{Subject: eve, Kind: cases.Sale, Via: cases.Phone, By: cases.TheStaff, Staff: "zoe"})
	s.post()
	if got := s.of(c); len(got) != 1 || got[0] != "received queued unreachable" {
		t.Errorf("while the server is away: %v", got)
	}
	if got := s.of(none); len(got) != 1 || got[0] != "received unsent no-address" {
		t.Errorf("without an address: %v", got)
	}
	if !strings.Contains(zoe.page("/console/cases/"+caseToken(c)), "it is tried again") {
		t.Error("the desk does not say that it is tried again")
	}
	s.later(4 * 24 * time.Hour)
	s.post()
	if got := s.of(c); got[0] != "received unsent unreachable" {
		t.Errorf("after three days: %v", got)
	}
	zoe = answers(t, s.Shop, "zoe", staff.Privacy) // her session has ended
	if code := zoe.does(c, "letter", "step", "1"); code != http.StatusSeeOther {
		t.Errorf("writing it again = %d", code)
	}
	if code := zoe.does(c, "letter", "step", "1"); code != http.StatusConflict {
		t.Errorf("writing it again while it is on its way = %d", code)
	}
	s.post()
	if got := s.of(c); got[0] != "received queued unreachable" {
		t.Errorf("again: %v", got)
	}
	if code := zoe.does(c, cases.Accepted); code != http.StatusSeeOther || caseOf(t, s.Shop, ada).State != cases.Fulfilled {
		t.Errorf("doing it = %d, and it is %s", code, caseOf(t, s.Shop, ada).State)
	}
	// Who is erased meanwhile: nothing of them is left once the tries end.
	w := browse(t, s.Shop, ada)
	if res := w.do(http.MethodPost, "/privacy/forget", url.Values{"word": {"FORGET"}}); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("being forgotten = %d", res.StatusCode)
	}
	lasts := func() (all []disclose.State) {
		t.Helper()
		outbox, err := s.Disclose.Outbox(t.Context(), "", 20)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range outbox {
			if m.Kind == disclose.LastLetter {
				all = append(all, m.State)
			}
		}
		return all
	}
	if got := lasts(); len(got) != 1 || got[0] == disclose.Dead {
		t.Fatalf("the last letters are %v, want one that is to be sent", got)
	}
	s.post()
	s.later(8 * 24 * time.Hour)
	s.post()
	if got := lasts(); len(got) != 1 || got[0] != disclose.Dead {
		t.Errorf("the last letters are %v, want one that is given up", got)
	}
	var left int
	err := s.Core.Read(t.Context(), func(tx *sqldb.Tx) error {
		return tx.QueryRow(t.Context(), `select count(*) from disclose_messages where kind = 'last-letter' and body is not null`).Scan(&left)
	})
	if err != nil || left != 0 {
		t.Errorf("%d last letters are kept, %v", left, err)
	}
}

// later lets time pass.
func (w *writer) later(d time.Duration) {
	w.t.Helper()
	w.now = w.now.Add(d)
	if _, err := w.Ledger.Integrate(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if err := w.Node.Renew(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// What a system asks for, of somebody and of nobody, costs the same statements and says the
// same, and somebody is asked whether it was them, once a day.
func TestALetterTellsNobodyButThePersonThatTheyAreKnown(t *testing.T) {
	onBoth(t, func(t *testing.T, on ...string) {
		s := writes(t, on...)
		ada := s.Subject("ada")
		mailed(t, s.Shop, ada, "ada@example.org")
		count := func(who thimble.SubjectID) (c cases.Case, n int64) {
			t.Helper()
			ctx, counted := sqldb.Counted(t.Context())
			c, err := s.Cases.Open(ctx, casesdb.Asked{Subject: who, Kind: cases.Access, Via: cases.System, By: cases.TheShop})
			if err != nil {
				t.Fatal(err)
			}
			return c, counted.Load()
		}
		count(ada) // the first fills caches
		s.later(time.Second)
		theirs, with := count(ada)
		nobodys, without := count(thimble.SubjectID{})
		if with != without || with == 0 {
			t.Errorf("%d statements for somebody, %d for nobody", with, without)
		}
		if got := s.post(); len(got) != 1 || !strings.Contains(got[0][1], "Was it you?") || !strings.Contains(got[0][1], "a system of the shop") {
			t.Fatalf("letters: %v", got)
		}
		if a, b := s.of(theirs), s.of(nobodys); a[0] != "identity owed just-sent" || b[0] != "identity spared nobody" {
			t.Errorf("the second of a day is %v, nobody's is %v", a, b)
		}
		// What staff enter is another matter, and asked at once.
		entered := s.asks(casesdb.Asked{Subject: ada, Kind: cases.Rectify, Via: cases.Mail, By: cases.TheStaff, Staff: "zoe", Words: thimble.Hide("my size is wrong")})
		if got := s.post(); len(got) != 1 || !strings.Contains(got[0][1], "by this way: mail") || s.of(entered)[0] != "identity sent" {
			t.Errorf("entered by staff: %v, %v", got, s.of(entered))
		}
		// The next day the one that waits goes, and a new one waits for the day after.
		s.later(25 * time.Hour)
		next, _ := count(ada)
		if got := s.post(); len(got) != 1 || s.of(theirs)[0] != "identity sent" || s.of(next)[0] != "identity owed just-sent" {
			t.Errorf("the next day: %v, %v, %v", got, s.of(theirs), s.of(next))
		}
		s.later(25 * time.Hour)
		if got := s.post(); len(got) != 1 || s.of(next)[0] != "identity sent" {
			t.Errorf("the day after: %v, %v", got, s.of(next))
		}
	})
}

// A mailless outbox has no mail server.
type mailless struct{ lettersdb.Outbox }

func (mailless) Mails() bool { return false }

func TestWithoutAMailServerNobodyIsWrittenToAndEverythingElseWorks(t *testing.T) {
	s := writes(t, "smtp-url", "", "mail-from", "")
	ada := s.Subject("ada")
	mailed(t, s.Shop, ada, "ada@example.org")
	c := s.asks(casesdb.Asked{Subject: ada, Kind: cases.Sale, Via: cases.Phone, By: cases.TheStaff, Staff: "zoe"})
	named := s.asks(casesdb.Asked{Subject: s.Subject("eve"), Kind: cases.Access, Via: cases.System, By: cases.TheShop})
	r := lettersdb.Runner{Store: s.Letters, Cases: s.Cases, Outbox: mailless{s.Disclose}}
	for _, want := range []string{"received owed no-mail-server", "received unsent no-mail-server"} {
		if err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.of(c); len(got) != 1 || got[0] != want {
			t.Errorf("%v, want %s", got, want)
		}
		s.later(3 * 24 * time.Hour)
	}
	zoe := answers(t, s.Shop, "zoe", staff.Privacy)
	if code := zoe.does(c, cases.Accepted); code != http.StatusSeeOther || caseOf(t, s.Shop, ada).State != cases.Fulfilled {
		t.Errorf("doing it = %d", code)
	}
	// Who was never asked whether it was them is not told that it was closed either.
	s.later(cases.Patience)
	if _, err := s.Cases.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.of(named); len(got) != 2 || got[0] != "identity unsent no-mail-server" || got[1] != "lapsed spared not-asked" {
		t.Errorf("what nobody was asked about: %v", got)
	}
	if res := browse(t, s.Shop, ada).do(http.MethodPost, "/privacy/forget", url.Values{"word": {"FORGET"}}); res.StatusCode != http.StatusSeeOther {
		t.Errorf("being forgotten = %d", res.StatusCode)
	}
}
